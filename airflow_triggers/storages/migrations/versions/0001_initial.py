"""The tables of version 0.1.0.

Revision ID: 0001
Revises: nothing
"""

from __future__ import annotations

import sqlalchemy as sa
from airflow.utils.sqlalchemy import UtcDateTime
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = UtcDateTime


def upgrade() -> None:
    op.create_table(
        "triggers_asset_event",
        sa.Column("event_id", Id, autoincrement=False, nullable=False),
        sa.Column("seen", Moment, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due", Moment, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_triggers_asset_event")),
    )
    op.create_index(op.f("ix_triggers_asset_event_due"), "triggers_asset_event", ["due"], unique=False)
    op.create_index(op.f("ix_triggers_asset_event_seen"), "triggers_asset_event", ["seen"], unique=False)
    op.create_table(
        "triggers_configuration",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_triggers_configuration")),
    )
    op.create_table(
        "triggers_session",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("uid", sa.String(length=200), nullable=False),
        sa.Column("storage", sa.String(length=200), server_default=sa.text("'sql'"), nullable=False),
        sa.Column("manager", sa.String(length=200), nullable=False),
        sa.Column("configuration_hash", sa.String(length=64), nullable=True),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("created", Moment, nullable=False),
        sa.Column("last_modified", Moment, nullable=False),
        sa.Column("version", Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["configuration_hash"],
            ["triggers_configuration.hash"],
            name=op.f("fk_triggers_session_configuration_hash"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_triggers_session")),
        sa.UniqueConstraint("uid", name=op.f("uq_triggers_session_uid")),
    )
    op.create_index(
        op.f("ix_triggers_session_configuration_hash"),
        "triggers_session",
        ["configuration_hash"],
        unique=False,
    )
    op.create_table(
        "triggers_delayed_fire",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("session_id", Id, nullable=False),
        sa.Column("trigger_name", sa.String(length=200), nullable=False),
        sa.Column("kwargs", sa.JSON(), nullable=False),
        sa.Column("fire_at", Moment, nullable=False),
        sa.Column("due", Moment, nullable=False),
        sa.Column("fired_by", sa.String(length=250), nullable=True),
        sa.Column("idempotency_key", sa.String(length=250), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["triggers_session.id"],
            name=op.f("fk_triggers_delayed_fire_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_triggers_delayed_fire")),
        sa.UniqueConstraint(
            "session_id", "idempotency_key", name=op.f("uq_triggers_delayed_fire_session_id_idempotency_key")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_triggers_delayed_fire_due"), "triggers_delayed_fire", ["due"], unique=False)
    op.create_table(
        "triggers_event",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("session_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("instance", sa.String(length=250), nullable=True),
        sa.Column("at", Moment, nullable=False),
        sa.Column("by", sa.String(length=250), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["triggers_session.id"],
            name=op.f("fk_triggers_event_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_triggers_event")),
    )
    op.create_index(
        op.f("ix_triggers_event_session_id_id"), "triggers_event", ["session_id", "id"], unique=False
    )
    op.create_table(
        "triggers_fire",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("session_id", Id, nullable=False),
        sa.Column("trigger_name", sa.String(length=200), nullable=False),
        sa.Column("kwargs", sa.JSON(), nullable=False),
        sa.Column("fired_at", Moment, nullable=False),
        sa.Column("fired_by", sa.String(length=250), nullable=True),
        sa.Column("idempotency_key", sa.String(length=250), nullable=True),
        sa.Column("effect", sa.JSON(), nullable=False),
        sa.Column("in_vain", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["triggers_session.id"],
            name=op.f("fk_triggers_fire_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_triggers_fire")),
        sa.UniqueConstraint(
            "session_id", "idempotency_key", name=op.f("uq_triggers_fire_session_id_idempotency_key")
        ),
    )
    op.create_index(
        "ix_triggers_fire_in_vain",
        "triggers_fire",
        ["trigger_name", "id"],
        unique=False,
        postgresql_where=sa.text("in_vain"),
        sqlite_where=sa.text("in_vain"),
    )
    op.create_index(
        op.f("ix_triggers_fire_session_id_trigger_name_id"),
        "triggers_fire",
        ["session_id", "trigger_name", "id"],
        unique=False,
    )
    op.create_table(
        "triggers_hook",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("session_id", Id, nullable=False),
        sa.Column("hook", sa.String(length=40), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due", Moment, nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["triggers_session.id"],
            name=op.f("fk_triggers_hook_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_triggers_hook")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_triggers_hook_due"), "triggers_hook", ["due"], unique=False)
    op.create_table(
        "triggers_instance",
        sa.Column("session_id", Id, nullable=False),
        sa.Column("task_name", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("kwargs", sa.JSON(), nullable=False),
        sa.Column("unless_seen", sa.JSON(), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["triggers_session.id"],
            name=op.f("fk_triggers_instance_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_id", "task_name", "number", name=op.f("pk_triggers_instance")),
    )
    op.create_table(
        "triggers_run",
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("session_id", Id, nullable=False),
        sa.Column("task_name", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("compiled", sa.Boolean(), nullable=False),
        sa.Column("promised", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("seen_state", sa.String(length=50), nullable=False),
        sa.Column("seen_clear_number", sa.Integer(), nullable=False),
        sa.Column("watched", sa.Boolean(), nullable=False),
        sa.Column("retry_at", Moment, nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["triggers_session.id"],
            name=op.f("fk_triggers_run_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dag_id", "run_id", name=op.f("pk_triggers_run")),
        sa.UniqueConstraint(
            "session_id", "task_name", "number", name=op.f("uq_triggers_run_session_id_task_name_number")
        ),
    )
    op.create_index(
        "ix_triggers_run_watched",
        "triggers_run",
        ["dag_id", "run_id"],
        unique=False,
        postgresql_where=sa.text("watched"),
        sqlite_where=sa.text("watched"),
    )
    op.create_index(
        "ix_triggers_run_promised",
        "triggers_run",
        ["retry_at"],
        unique=False,
        postgresql_where=sa.text("seen_state = 'promised'"),
        sqlite_where=sa.text("seen_state = 'promised'"),
    )
    op.create_table(
        "triggers_wait",
        sa.Column("session_id", Id, nullable=False),
        sa.Column("trigger_name", sa.String(length=200), nullable=False),
        sa.Column("task_name", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["triggers_session.id"],
            name=op.f("fk_triggers_wait_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "session_id", "trigger_name", "task_name", "number", name=op.f("pk_triggers_wait")
        ),
    )


def downgrade() -> None:
    op.drop_table("triggers_wait")
    op.drop_index(
        "ix_triggers_run_promised",
        table_name="triggers_run",
        postgresql_where=sa.text("seen_state = 'promised'"),
        sqlite_where=sa.text("seen_state = 'promised'"),
    )
    op.drop_index(
        "ix_triggers_run_watched",
        table_name="triggers_run",
        postgresql_where=sa.text("watched"),
        sqlite_where=sa.text("watched"),
    )
    op.drop_table("triggers_run")
    op.drop_table("triggers_instance")
    op.drop_index(op.f("ix_triggers_hook_due"), table_name="triggers_hook")
    op.drop_table("triggers_hook")
    op.drop_index(op.f("ix_triggers_fire_session_id_trigger_name_id"), table_name="triggers_fire")
    op.drop_index(
        "ix_triggers_fire_in_vain",
        table_name="triggers_fire",
        postgresql_where=sa.text("in_vain"),
        sqlite_where=sa.text("in_vain"),
    )
    op.drop_table("triggers_fire")
    op.drop_index(op.f("ix_triggers_event_session_id_id"), table_name="triggers_event")
    op.drop_table("triggers_event")
    op.drop_index(op.f("ix_triggers_delayed_fire_due"), table_name="triggers_delayed_fire")
    op.drop_table("triggers_delayed_fire")
    op.drop_index(op.f("ix_triggers_session_configuration_hash"), table_name="triggers_session")
    op.drop_table("triggers_session")
    op.drop_table("triggers_configuration")
    op.drop_index(op.f("ix_triggers_asset_event_seen"), table_name="triggers_asset_event")
    op.drop_index(op.f("ix_triggers_asset_event_due"), table_name="triggers_asset_event")
    op.drop_table("triggers_asset_event")
