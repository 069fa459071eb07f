"""The tables of the SQL storage, all in Airflow's metadata database and prefixed ``triggers_``.

Neighbours: ``sql.py`` reads and writes them, ``migrations/`` makes them, ``dbmanager.py`` registers both with
``airflow db migrate``. No foreign key leads to Airflow's tables. Uniqueness is a constraint here, and not a check in
code.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from airflow_triggers.domain.configuration import MAX_NAME_LENGTH
from airflow_triggers.storages.stored import StoredJson, StoredMetadata, StoredMoment, StoredObject

AIRFLOW_ID_LENGTH = 250

MAX_ERROR_TYPE_LENGTH = 200
"""PostgreSQL's indexes take entries of 2,704 bytes. The longest entry with an error type has less."""

MAX_ERROR_MESSAGE_LENGTH = 250

CodePointText = String(MAX_NAME_LENGTH).with_variant(String(MAX_NAME_LENGTH, collation="C"), "postgresql")
"""Text in the order of its code points, whatever the database's collation.

On SQLite and on PostgreSQL, its index finds prefixes, and ``>`` continues after the last UID of a page.
"""

Id = BigInteger().with_variant(Integer, "sqlite")

EPOCH = text("'1970-01-01 00:00:00.000000'")
"""The default of moments that stand for unreadable ones: ``stored.UNREADABLE_MOMENT`` as both databases write it."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _session_id(*, primary_key: bool = False) -> Column[int]:
    owner = ForeignKey("triggers_session.id", ondelete="CASCADE")
    return Column("session_id", Id, owner, nullable=False, primary_key=primary_key)


configuration = Table(
    "triggers_configuration",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("name", String(AIRFLOW_ID_LENGTH), nullable=True),
    Column("body", StoredObject, nullable=False),
    Column("version", String(64), nullable=True),
    Column("deployed_at", StoredMoment, nullable=True),
)
"""Configurations by content hash. They never change; all sessions with the same configuration share a row.

``version`` is the hash of the rules alone (:attr:`Configuration.version`). Rows of releases without this column have
NULL; there the content hash stands for it. ``deployed_at`` is NULL in such rows, and for rules made at run time.
"""

session = Table(
    "triggers_session",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("uid", CodePointText, nullable=False, unique=True),
    Column("storage", String(MAX_NAME_LENGTH), nullable=False, server_default=text("'sql'")),
    Column("manager", String(MAX_NAME_LENGTH), nullable=False),
    Column("configuration_hash", String(64), ForeignKey("triggers_configuration.hash"), nullable=True),
    Column("metadata", StoredObject, nullable=False),
    Column("created", StoredMoment, nullable=False),
    Column("last_modified", StoredMoment, nullable=False),
    Column("version", Id, nullable=False),
    Column("counts", StoredObject, nullable=False, server_default=text("'{}'")),
    Column("instance_count", Integer, nullable=False, server_default=text("0")),
    Column("open_count", Integer, nullable=False, server_default=text("0")),
    Column("failed_count", Integer, nullable=False, server_default=text("0")),
    Index(None, "configuration_hash", "uid"),
    Index(None, "configuration_hash", "last_modified", "id"),
    Index(None, "last_modified", "id"),
    Index(
        "ix_triggers_session_open",
        "last_modified",
        "id",
        postgresql_where=text("open_count > 0"),
        sqlite_where=text("open_count > 0"),
    ),
    Index(
        "ix_triggers_session_failed",
        "last_modified",
        "id",
        postgresql_where=text("failed_count > 0"),
        sqlite_where=text("failed_count > 0"),
    ),
    Index(
        "ix_triggers_session_failed_uid",
        "uid",
        postgresql_where=text("failed_count > 0"),
        sqlite_where=text("failed_count > 0"),
    ),
)
"""One row per session. An UPDATE of the row takes the session's lock.

``counts`` says how many instances the session has, by task and status; the numbers beside it are sums of it
(``counts.py``). They change in the transaction that changes the instances.

For a session in another storage, the row only says which storage, manager and configuration it has. Its counts are 0.
"""

instance = Table(
    "triggers_instance",
    metadata,
    _session_id(primary_key=True),
    Column("task_name", String(MAX_NAME_LENGTH), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("status", String(20), nullable=False),
    Column("kwargs", StoredObject, nullable=False),
    Column("unless_seen", StoredJson, nullable=False),
    Column("metadata", StoredMetadata, nullable=False),
    Column("configuration", String(AIRFLOW_ID_LENGTH), nullable=True),
    Column("created_at", StoredMoment, nullable=False, server_default=EPOCH),
    Column("changed_at", StoredMoment, nullable=False, server_default=EPOCH),
    Column("error_type", String(MAX_ERROR_TYPE_LENGTH), nullable=True),
    Column("error_message", String(MAX_ERROR_MESSAGE_LENGTH), nullable=True),
    Column("depth", Integer, nullable=False, server_default=text("0")),
    Column("parent", String(AIRFLOW_ID_LENGTH), nullable=True),
    Column("fire_ids", Text, nullable=True),
    # In the order of lists. Their filters by configuration, task and error are answered from the index, too.
    Index(
        "ix_triggers_instance_changed",
        "status",
        "changed_at",
        "session_id",
        "task_name",
        "number",
        "configuration",
        "error_type",
        "depth",
    ),
    # The same for one error, which few of many failed instances may have.
    Index(
        "ix_triggers_instance_error",
        "status",
        "error_type",
        "changed_at",
        "session_id",
        "task_name",
        "number",
        "configuration",
        "depth",
        postgresql_where=text("error_type IS NOT NULL"),
        sqlite_where=text("error_type IS NOT NULL"),
    ),
    # The pages of one session: each status newest first, and the clones of an instance.
    Index("ix_triggers_instance_of_session", "session_id", "status", "created_at", "task_name", "number"),
    Index(
        "ix_triggers_instance_clones",
        "session_id",
        "parent",
        postgresql_where=text("parent IS NOT NULL"),
        sqlite_where=text("parent IS NOT NULL"),
    ),
)
"""One row per task instance. The key is the instance's name.

The columns after ``metadata`` repeat a part of it, for lists over all sessions (``summaries.py``): the metadata may
have 1 MiB. ``configuration`` is the name of the session's configuration. ``fire_ids`` has the ids of the fires that
concern the instance, each followed by a blank; NULL in rows of releases without this column: it is not known there.
"""

wait = Table(
    "triggers_wait",
    metadata,
    _session_id(primary_key=True),
    Column("trigger_name", String(MAX_NAME_LENGTH), primary_key=True),
    Column("task_name", String(MAX_NAME_LENGTH), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
)
"""The triggers that unstarted instances wait for (see ``states.waits_of``). A fire looks them up in the key's order."""

fire = Table(
    "triggers_fire",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    _session_id(),
    Column("trigger_name", String(MAX_NAME_LENGTH), nullable=False),
    Column("kwargs", StoredObject, nullable=False),
    Column("fired_at", StoredMoment, nullable=False),
    Column("fired_by", String(AIRFLOW_ID_LENGTH), nullable=True),
    Column("idempotency_key", String(AIRFLOW_ID_LENGTH), nullable=True),
    Column("effect", StoredObject, nullable=False),
    Column("in_vain", Boolean, nullable=False),
    UniqueConstraint("session_id", "idempotency_key"),
    Index(None, "session_id", "trigger_name", "id"),
    Index(None, "session_id", "id"),
    Index(
        "ix_triggers_fire_fired_by",
        "session_id",
        "fired_by",
        "id",
        postgresql_where=text("fired_by IS NOT NULL"),
        sqlite_where=text("fired_by IS NOT NULL"),
    ),
    Index(
        "ix_triggers_fire_in_vain_of_session",
        "session_id",
        "id",
        postgresql_where=text("in_vain"),
        sqlite_where=text("in_vain"),
    ),
    Index(
        "ix_triggers_fire_in_vain",
        "trigger_name",
        "id",
        postgresql_where=text("in_vain"),
        sqlite_where=text("in_vain"),
    ),
)
"""Every fire, for the life of the session: who fired, when, the kwargs, and the instances touched.

A fire with ``in_vain`` touched nothing (see :attr:`Fire.in_vain`). Partial indexes find these fires, in one session and
across sessions.
"""

delayed_fire = Table(
    "triggers_delayed_fire",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    _session_id(),
    Column("trigger_name", String(MAX_NAME_LENGTH), nullable=False),
    Column("kwargs", StoredObject, nullable=False),
    Column("fire_at", StoredMoment, nullable=False),
    Column("due", StoredMoment, nullable=True),
    Column("fired_by", String(AIRFLOW_ID_LENGTH), nullable=True),
    Column("idempotency_key", String(AIRFLOW_ID_LENGTH), nullable=True),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=True),
    Column("cancelled_at", StoredMoment, nullable=True),
    Column("cancelled_by", String(AIRFLOW_ID_LENGTH), nullable=True),
    UniqueConstraint("session_id", "idempotency_key"),
    Index(
        "ix_triggers_delayed_fire_to_come",
        "session_id",
        "fire_at",
        "id",
        postgresql_where=text("cancelled_at IS NULL"),
        sqlite_where=text("cancelled_at IS NULL"),
    ),
    Index(
        "ix_triggers_delayed_fire_of_trigger",
        "session_id",
        "trigger_name",
        "fire_at",
        "id",
        postgresql_where=text("cancelled_at IS NULL"),
        sqlite_where=text("cancelled_at IS NULL"),
    ),
    Index(
        "ix_triggers_delayed_fire_due",
        "due",
        postgresql_where=text("due IS NOT NULL"),
        sqlite_where=text("due IS NOT NULL"),
    ),
    Index(
        "ix_triggers_delayed_fire_parked",
        "due",
        postgresql_where=text("due IS NULL AND cancelled_at IS NULL"),
        sqlite_where=text("due IS NULL AND cancelled_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)
"""Fires for later, until the controller fires them.

After a failure ``due`` is later than ``fire_at``. ``due`` is NULL if the fire is parked or cancelled: the controller
does not fire it. A cancelled fire stays for its idempotency key.
"""

event = Table(
    "triggers_event",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    _session_id(),
    Column("kind", String(40), nullable=False),
    Column("instance", String(AIRFLOW_ID_LENGTH), nullable=True),
    Column("at", StoredMoment, nullable=False),
    Column("by", String(AIRFLOW_ID_LENGTH), nullable=True),
    Column("details", StoredObject, nullable=False),
    Index(None, "session_id", "id"),
    Index(
        "ix_triggers_event_of_instance",
        "session_id",
        "instance",
        "id",
        postgresql_where=text("instance IS NOT NULL"),
        sqlite_where=text("instance IS NOT NULL"),
    ),
)
"""The rest of a session's history: repairs, status changes, configuration updates."""

asset_event = Table(
    "triggers_asset_event",
    metadata,
    Column("event_id", Id, primary_key=True, autoincrement=False),
    Column("seen", StoredMoment, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("due", StoredMoment, nullable=True),
    Column("error", Text, nullable=True),
    # Without the events that were fired for, which are nearly all.
    Index(
        "ix_triggers_asset_event_due",
        "due",
        postgresql_where=text("due IS NOT NULL"),
        sqlite_where=text("due IS NOT NULL"),
    ),
    Index(
        "ix_triggers_asset_event_failed",
        "event_id",
        postgresql_where=text("error IS NOT NULL"),
        sqlite_where=text("error IS NOT NULL"),
    ),
)
"""Airflow's asset events that were handled or tried.

``due`` is the moment of the next try. With an ``error`` and no ``due``, the event is parked.
"""

hook = Table(
    "triggers_hook",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    _session_id(),
    Column("hook", String(40), nullable=False),
    Column("arguments", StoredObject, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due", StoredMoment, nullable=False, index=True),
    Column("error", Text, nullable=True),
    Index(None, "session_id", "id"),
    Index(
        "ix_triggers_hook_parked",
        "id",
        postgresql_where=text("attempts >= 20"),
        sqlite_where=text("attempts >= 20"),
    ),
    sqlite_autoincrement=True,
)
"""Hooks promised by a commit. A row stays until its hook has ended.

An id is never used again: a late message about a removed hook must not reach another hook.
"""

run = Table(
    "triggers_run",
    metadata,
    Column("dag_id", String(AIRFLOW_ID_LENGTH), primary_key=True),
    Column("run_id", String(AIRFLOW_ID_LENGTH), primary_key=True),
    _session_id(),
    Column("task_name", String(MAX_NAME_LENGTH), nullable=False),
    Column("number", Integer, nullable=False),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("compiled", Boolean, nullable=False),
    Column("promised", StoredJson(none_as_null=True), nullable=True),
    Column("seen_state", String(50), nullable=False),
    Column("seen_clear_number", Integer, nullable=False),
    Column("watched", Boolean, nullable=False),
    Column("retry_at", StoredMoment, nullable=True),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("session_id", "task_name", "number"),
    Index(
        "ix_triggers_run_watched",
        "dag_id",
        "run_id",
        postgresql_where=text("watched"),
        sqlite_where=text("watched"),
    ),
    Index(
        "ix_triggers_run_promised",
        "retry_at",
        postgresql_where=text("seen_state = 'promised'"),
        sqlite_where=text("seen_state = 'promised'"),
    ),
)
"""The DAG run of each instance, and its state when the controller last looked.

``attempt`` counts the instance's earlier runs: it gets another run when somebody sets its status back to ``unstarted``.
In a ``compiled`` DAG, the only task decides how the run ends. The controller compares ``watched`` runs with Airflow's
again and again; the others only when Airflow has them in flight again. ``promised`` holds the content of a run that is
still to be created, for a session in another storage.
"""
