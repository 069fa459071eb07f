"""Instances and sessions say in their rows what lists over all sessions show.

An instance's row repeats a part of its metadata, and the name of its session's configuration. A session's row counts
its instances. New indexes serve the pages of one session. Existing rows are filled in small batches: one row's metadata
may have 1 MiB. What cannot be read there keeps the columns' defaults, and stops nothing. The indexes come last: each is
built once, over filled rows.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from airflow.utils.sqlalchemy import UtcDateTime
from alembic import context, op

from airflow_triggers.domain.metadata import (
    CREATED,
    DEPTH,
    EXCEPTION_MESSAGE,
    EXCEPTION_TYPE,
    LAST_MODIFIED,
    PARENT,
    TIMESTAMPS,
)

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BATCH = 200
"""Rows read at once."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DEFAULT = sa.text("'1970-01-01 00:00:00.000000'")
RESOLVED = ("finished", "skipped", "replayed", "abandoned")
STATUSES = (*RESOLVED, "unstarted", "scheduled", "running", "failed")
ERROR_TYPE_LENGTH, ERROR_MESSAGE_LENGTH, ID_LENGTH = 200, 250, 250

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

SESSION_COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("counts", sa.JSON(), nullable=False, server_default=sa.text("'{}'")),
    sa.Column("instance_count", sa.Integer(), nullable=False, server_default=sa.text("0")),
    sa.Column("open_count", sa.Integer(), nullable=False, server_default=sa.text("0")),
    sa.Column("failed_count", sa.Integer(), nullable=False, server_default=sa.text("0")),
)
INSTANCE_COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("configuration", sa.String(length=ID_LENGTH), nullable=True),
    sa.Column("created_at", UtcDateTime(), nullable=False, server_default=EPOCH_DEFAULT),
    sa.Column("changed_at", UtcDateTime(), nullable=False, server_default=EPOCH_DEFAULT),
    sa.Column("error_type", sa.String(length=ERROR_TYPE_LENGTH), nullable=True),
    sa.Column("error_message", sa.String(length=ERROR_MESSAGE_LENGTH), nullable=True),
    sa.Column("depth", sa.Integer(), nullable=False, server_default=sa.text("0")),
    sa.Column("parent", sa.String(length=ID_LENGTH), nullable=True),
    sa.Column("fire_ids", sa.Text(), nullable=True),
)
INDEXES = (
    (
        "ix_triggers_instance_changed",
        "triggers_instance",
        ["status", "changed_at", "session_id", "task_name", "number", "configuration", "error_type", "depth"],
        None,
    ),
    (
        "ix_triggers_session_configuration_hash_uid",
        "triggers_session",
        ["configuration_hash", "uid"],
        None,
    ),
    (
        "ix_triggers_session_configuration_hash_last_modified_id",
        "triggers_session",
        ["configuration_hash", "last_modified", "id"],
        None,
    ),
    ("ix_triggers_session_last_modified_id", "triggers_session", ["last_modified", "id"], None),
    ("ix_triggers_session_open", "triggers_session", ["last_modified", "id"], "open_count > 0"),
    ("ix_triggers_session_failed", "triggers_session", ["last_modified", "id"], "failed_count > 0"),
    ("ix_triggers_session_failed_uid", "triggers_session", ["uid"], "failed_count > 0"),
    (
        "ix_triggers_instance_of_session",
        "triggers_instance",
        ["session_id", "status", "created_at", "task_name", "number"],
        None,
    ),
    ("ix_triggers_instance_clones", "triggers_instance", ["session_id", "parent"], "parent IS NOT NULL"),
    ("ix_triggers_fire_session_id_id", "triggers_fire", ["session_id", "id"], None),
    (
        "ix_triggers_fire_fired_by",
        "triggers_fire",
        ["session_id", "fired_by", "id"],
        "fired_by IS NOT NULL",
    ),
    ("ix_triggers_fire_in_vain_of_session", "triggers_fire", ["session_id", "id"], "in_vain"),
    (
        "ix_triggers_delayed_fire_of_trigger",
        "triggers_delayed_fire",
        ["session_id", "trigger_name", "fire_at", "id"],
        "cancelled_at IS NULL",
    ),
    (
        "ix_triggers_event_of_instance",
        "triggers_event",
        ["session_id", "instance", "id"],
        "instance IS NOT NULL",
    ),
    ("ix_triggers_hook_session_id_id", "triggers_hook", ["session_id", "id"], None),
)
REPLACED_INDEX = ("ix_triggers_session_configuration_hash", "triggers_session", ["configuration_hash"])

_session = sa.table(
    "triggers_session",
    sa.column("id", Id),
    sa.column("configuration_hash", sa.String),
    sa.column("counts", sa.JSON),
    sa.column("instance_count", sa.Integer),
    sa.column("open_count", sa.Integer),
    sa.column("failed_count", sa.Integer),
)
_configuration = sa.table(
    "triggers_configuration", sa.column("hash", sa.String), sa.column("name", sa.String)
)
_instance = sa.table(
    "triggers_instance",
    sa.column("session_id", Id),
    sa.column("task_name", sa.String),
    sa.column("number", sa.Integer),
    sa.column("status", sa.String),
    sa.column("metadata", sa.JSON),
    sa.column("configuration", sa.String),
    sa.column("created_at", UtcDateTime),
    sa.column("changed_at", UtcDateTime),
    sa.column("error_type", sa.String),
    sa.column("error_message", sa.String),
    sa.column("depth", sa.Integer),
    sa.column("parent", sa.String),
)


def upgrade() -> None:
    _add_columns("triggers_session", SESSION_COLUMNS)
    _add_columns("triggers_instance", INSTANCE_COLUMNS)
    # A script in SQL cannot read the rows: there, the columns keep their defaults.
    if not context.is_offline_mode():
        connection = op.get_bind()
        _fill_instances(connection)
        _fill_sessions(connection)
    op.drop_index(REPLACED_INDEX[0], table_name=REPLACED_INDEX[1], if_exists=True)
    for name, table, columns, condition in INDEXES:
        where = None if condition is None else sa.text(condition)
        op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where, if_not_exists=True)


def _add_columns(table: str, columns: tuple[sa.Column[Any], ...]) -> None:
    # SQLite keeps each change of a table at once: a migration that was interrupted has added some already.
    names = (
        set()
        if context.is_offline_mode()
        else {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
    )
    for column in columns:
        if column.name not in names:
            op.add_column(table, column._copy())


def downgrade() -> None:
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table_name=table)
    op.create_index(*REPLACED_INDEX)
    # Not in batch mode, which copies a table on SQLite and drops it: other tables refer to sessions.
    for column in INSTANCE_COLUMNS:
        op.drop_column("triggers_instance", column.name)
    for column in SESSION_COLUMNS:
        op.drop_column("triggers_session", column.name)


def _fill_instances(connection: sa.Connection) -> None:
    columns = _instance.c
    change = (
        sa.update(_instance)
        .where(
            columns.session_id == sa.bindparam("of_session", type_=Id),
            columns.task_name == sa.bindparam("of_task", type_=sa.String),
            columns.number == sa.bindparam("of_number"),
        )
        # Nobody knows any more which fires an instance of before took.
        .values({column.name: sa.bindparam(column.name) for column in INSTANCE_COLUMNS[:-1]})
    )
    for rows in _instance_batches(connection):
        connection.execute(change, [_summary(row) for row in rows])


def _instance_batches(connection: sa.Connection) -> Iterator[list[Any]]:
    """The instances in the order of their key. Metadata is read as text: a driver would fail for unreadable JSON."""
    columns = _instance.c
    key = sa.tuple_(columns.session_id, columns.task_name, columns.number)
    query = (
        sa.select(
            columns.session_id,
            columns.task_name,
            columns.number,
            columns.status,
            sa.cast(columns.metadata, sa.Text).label("metadata_text"),
            _configuration.c.name.label("configuration"),
        )
        .select_from(
            sa.join(_instance, _session, _session.c.id == columns.session_id).outerjoin(
                _configuration, _configuration.c.hash == _session.c.configuration_hash
            )
        )
        .order_by(columns.session_id, columns.task_name, columns.number)
        .limit(BATCH)
    )
    last: tuple[Any, ...] | None = None
    while rows := list(connection.execute(query if last is None else query.where(key > last))):
        yield rows
        last = (rows[-1].session_id, rows[-1].task_name, rows[-1].number)


def _fill_sessions(connection: sa.Connection) -> None:
    columns = _instance.c
    change = (
        sa.update(_session)
        .where(_session.c.id == sa.bindparam("of_session", type_=Id))
        .values({name: sa.bindparam(name) for name in (column.name for column in SESSION_COLUMNS)})
    )
    ids = sa.select(_session.c.id).order_by(_session.c.id).limit(BATCH)
    last = None
    while batch := list(connection.scalars(ids if last is None else ids.where(_session.c.id > last))):
        last = batch[-1]
        counted = (
            sa.select(columns.session_id, columns.task_name, columns.status, sa.func.count().label("number"))
            .where(columns.session_id >= batch[0], columns.session_id <= last)
            .group_by(columns.session_id, columns.task_name, columns.status)
        )
        counts: dict[int, dict[str, dict[str, int]]] = {}
        for row in connection.execute(counted):
            counts.setdefault(row.session_id, {}).setdefault(row.task_name, {})[str(row.status)] = row.number
        if counts:
            connection.execute(change, [_sums(key, by_task) for key, by_task in counts.items()])


def _sums(session_id: int, counts: dict[str, dict[str, int]]) -> dict[str, Any]:
    numbers = [item for by_status in counts.values() for item in by_status.items()]
    return {
        "of_session": session_id,
        "counts": counts,
        "instance_count": sum(number for _, number in numbers),
        "open_count": sum(number for status, number in numbers if status not in RESOLVED),
        "failed_count": sum(
            number for status, number in numbers if status == "failed" or status not in STATUSES
        ),
    }


def _summary(row: Any) -> dict[str, Any]:
    metadata = _object(row.metadata_text)
    moments = metadata.get(TIMESTAMPS)
    moments = moments if isinstance(moments, dict) else {}
    changed_at = moments.get(str(row.status)) or moments.get(LAST_MODIFIED)
    error_type, depth, parent = metadata.get(EXCEPTION_TYPE), metadata.get(DEPTH), metadata.get(PARENT)
    message = metadata.get(EXCEPTION_MESSAGE) or ""
    return {
        "of_session": row.session_id,
        "of_task": row.task_name,
        "of_number": row.number,
        "configuration": row.configuration,
        "created_at": _moment(moments.get(CREATED) or changed_at),
        "changed_at": _moment(changed_at),
        "error_type": None if error_type is None else _text(error_type, ERROR_TYPE_LENGTH),
        "error_message": None if error_type is None else _text(message, ERROR_MESSAGE_LENGTH),
        "depth": depth if type(depth) is int and 0 <= depth < 2**31 else 0,
        "parent": _text(parent, ID_LENGTH) if isinstance(parent, str) else None,
    }


def _object(text: Any) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (RecursionError, TypeError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _moment(text: Any) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (OverflowError, TypeError, ValueError):
        return EPOCH


def _text(value: Any, length: int) -> str:
    """The first line, as every database can keep it."""
    lines = str(value).replace("\0", "\N{REPLACEMENT CHARACTER}").splitlines() or [""]
    return lines[0].encode(errors="replace").decode()[:length]
