"""An index for lists of the instances with one error.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WITH_ERROR = sa.text("error_type IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_triggers_instance_error",
        "triggers_instance",
        [
            "status",
            "error_type",
            "changed_at",
            "session_id",
            "task_name",
            "number",
            "configuration",
            "depth",
        ],
        postgresql_where=WITH_ERROR,
        sqlite_where=WITH_ERROR,
    )


def downgrade() -> None:
    op.drop_index("ix_triggers_instance_error", "triggers_instance")
