"""Configurations get the version of their rules and the moment of deployment. Parked rows get partial indexes.

Both columns are new, nullable and without a default: no row is rewritten, however many there are. The partial indexes
have only rows still due or parked. These are few, and every look at the controllers' health counts them.

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

PARTIAL_INDEXES = (
    ("ix_triggers_delayed_fire_due", "triggers_delayed_fire", ["due"], "due IS NOT NULL"),
    (
        "ix_triggers_delayed_fire_parked",
        "triggers_delayed_fire",
        ["due"],
        "due IS NULL AND cancelled_at IS NULL",
    ),
    ("ix_triggers_asset_event_due", "triggers_asset_event", ["due"], "due IS NOT NULL"),
    ("ix_triggers_asset_event_failed", "triggers_asset_event", ["event_id"], "error IS NOT NULL"),
    ("ix_triggers_hook_parked", "triggers_hook", ["id"], "attempts >= 20"),
)

# Before, they had every row, even rows which are never due again.
REPLACED_INDEXES = (
    ("ix_triggers_delayed_fire_due", "triggers_delayed_fire"),
    ("ix_triggers_asset_event_due", "triggers_asset_event"),
)


def upgrade() -> None:
    op.add_column("triggers_configuration", sa.Column("version", sa.String(length=64), nullable=True))
    op.add_column("triggers_configuration", sa.Column("deployed_at", UtcDateTime(), nullable=True))
    for name, table in REPLACED_INDEXES:
        op.drop_index(name, table_name=table)
    for name, table, columns, condition in PARTIAL_INDEXES:
        where = sa.text(condition)
        op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    for name, table, _, _ in PARTIAL_INDEXES:
        op.drop_index(name, table_name=table)
    for name, table in REPLACED_INDEXES:
        op.create_index(name, table, ["due"])
    # Not in batch mode, which copies the table on SQLite and drops it: sessions refer to it.
    op.drop_column("triggers_configuration", "deployed_at")
    op.drop_column("triggers_configuration", "version")
