"""Bulk acts and their items.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from airflow.utils.sqlalchemy import UtcDateTime
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CodePointUid = sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql")
OPEN = sa.text("ended IS NULL")
WITHOUT_OUTCOME = sa.text("outcome IS NULL")


def upgrade() -> None:
    op.create_table(
        "triggers_bulk_act",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("selection", sa.JSON(), nullable=True),
        sa.Column("scope", sa.JSON(), nullable=True),
        sa.Column("configurations", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("rate", sa.Float(), nullable=False),
        sa.Column("by", sa.String(length=250), nullable=True),
        sa.Column("created", UtcDateTime(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("ended", UtcDateTime(), nullable=True),
        sa.Column("cancelled_by", sa.String(length=250), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_triggers_bulk_act")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_triggers_bulk_act_ended"), "triggers_bulk_act", ["ended"])
    op.create_index(
        "ix_triggers_bulk_act_open",
        "triggers_bulk_act",
        ["next_at"],
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )
    op.create_table(
        "triggers_bulk_item",
        sa.Column("bulk_act_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owner_id", Id, nullable=True),
        sa.Column("owner_created", UtcDateTime(), nullable=True),
        sa.Column("session_uid", CodePointUid, nullable=False),
        sa.Column("configuration_hash", sa.String(length=64), nullable=True),
        sa.Column("task_name", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("replay", sa.String(length=250), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due", UtcDateTime(), nullable=False),
        sa.Column("ended", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["bulk_act_id"],
            ["triggers_bulk_act.id"],
            name=op.f("fk_triggers_bulk_item_bulk_act_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("bulk_act_id", "position", name=op.f("pk_triggers_bulk_item")),
    )
    op.create_index(
        op.f("ix_triggers_bulk_item_bulk_act_id_outcome_position"),
        "triggers_bulk_item",
        ["bulk_act_id", "outcome", "position"],
    )
    op.create_index(
        "ix_triggers_bulk_item_open",
        "triggers_bulk_item",
        ["bulk_act_id", "due", "position"],
        postgresql_where=WITHOUT_OUTCOME,
        sqlite_where=WITHOUT_OUTCOME,
    )


def downgrade() -> None:
    op.drop_table("triggers_bulk_item")
    op.drop_table("triggers_bulk_act")
