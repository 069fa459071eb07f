"""Configurations say of which version their rules are, and when these were deployed.

Both columns are new, nullable and without a default: no row is rewritten, however many there are.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from airflow.utils.sqlalchemy import UtcDateTime
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("triggers_configuration", sa.Column("version", sa.String(length=64), nullable=True))
    op.add_column("triggers_configuration", sa.Column("deployed_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    # Not in batch mode, which copies the table on SQLite and drops it: sessions refer to it.
    op.drop_column("triggers_configuration", "deployed_at")
    op.drop_column("triggers_configuration", "version")
