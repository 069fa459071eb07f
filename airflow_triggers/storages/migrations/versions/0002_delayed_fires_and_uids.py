"""Delayed fires can be cancelled and parked; UIDs have one order on every database.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from airflow.utils.sqlalchemy import UtcDateTime
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Uid = sa.String(length=200)
CodePointUid = sa.String(length=200, collation="C")
NOT_CANCELLED = sa.text("cancelled_at IS NULL")


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.alter_column(
            "triggers_session", "uid", type_=CodePointUid, existing_type=Uid, existing_nullable=False
        )
    with op.batch_alter_table("triggers_delayed_fire", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.alter_column("due", existing_type=UtcDateTime(), nullable=True)
        table.add_column(sa.Column("cancelled_at", UtcDateTime(), nullable=True))
        table.add_column(sa.Column("cancelled_by", sa.String(length=250), nullable=True))
    op.create_index(
        "ix_triggers_delayed_fire_to_come",
        "triggers_delayed_fire",
        ["session_id", "fire_at", "id"],
        unique=False,
        postgresql_where=NOT_CANCELLED,
        sqlite_where=NOT_CANCELLED,
    )


def downgrade() -> None:
    op.drop_index("ix_triggers_delayed_fire_to_come", table_name="triggers_delayed_fire")
    op.execute("DELETE FROM triggers_delayed_fire WHERE cancelled_at IS NOT NULL")
    op.execute("UPDATE triggers_delayed_fire SET due = fire_at WHERE due IS NULL")
    with op.batch_alter_table("triggers_delayed_fire", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.drop_column("cancelled_by")
        table.drop_column("cancelled_at")
        table.alter_column("due", existing_type=UtcDateTime(), nullable=False)
    if op.get_context().dialect.name == "postgresql":
        default_order = sa.String(length=200, collation="default")
        op.alter_column(
            "triggers_session",
            "uid",
            type_=default_order,
            existing_type=CodePointUid,
            existing_nullable=False,
        )
