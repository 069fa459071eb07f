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

CodePointText = String(MAX_NAME_LENGTH).with_variant(String(MAX_NAME_LENGTH, collation="C"), "postgresql")
"""Text in the order of its code points, whatever the database's own collation: its index finds prefixes, and a page
that ends with a UID is continued by ``>``, on SQLite and PostgreSQL alike."""

Id = BigInteger().with_variant(Integer, "sqlite")

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
"""Configurations by content hash; never changed, shared by all sessions that were made with them.

``version`` is the hash of the rules alone (:attr:`Configuration.version`). It is NULL in rows of releases that had no
such column; there the hash stands for it. ``deployed_at`` is NULL where the rules were made at run time, and in such
rows."""

session = Table(
    "triggers_session",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("uid", CodePointText, nullable=False, unique=True),
    Column("storage", String(MAX_NAME_LENGTH), nullable=False, server_default=text("'sql'")),
    Column("manager", String(MAX_NAME_LENGTH), nullable=False),
    Column(
        "configuration_hash", String(64), ForeignKey("triggers_configuration.hash"), nullable=True, index=True
    ),
    Column("metadata", StoredObject, nullable=False),
    Column("created", StoredMoment, nullable=False),
    Column("last_modified", StoredMoment, nullable=False),
    Column("version", Id, nullable=False),
)
"""One row a session; updating it is the session's lock. Where another storage keeps a session, the row only says so."""

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
)
"""One row a task instance; its key is its name."""

wait = Table(
    "triggers_wait",
    metadata,
    _session_id(primary_key=True),
    Column("trigger_name", String(MAX_NAME_LENGTH), primary_key=True),
    Column("task_name", String(MAX_NAME_LENGTH), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
)
"""What unstarted instances wait for, in the order that a fire looks them up; see ``states.waits_of``."""

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
    Index(
        "ix_triggers_fire_in_vain",
        "trigger_name",
        "id",
        postgresql_where=text("in_vain"),
        sqlite_where=text("in_vain"),
    ),
)
"""Every fire, for the life of the session: who, when, kwargs and what it touched.

Those that are ``in_vain`` touched nothing (see :attr:`Fire.in_vain`); only they are indexed across sessions."""

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
"""Fires that take effect later, until the controller fires them. ``due`` is later than ``fire_at`` after a failure, and
NULL where nobody fires it by itself: it is parked, or cancelled. A cancelled one is kept for its idempotency key."""

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
"""Which of Airflow's asset events were fired for; ``due``: when to try again; ``error`` without it: given up."""

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
    Index(
        "ix_triggers_hook_parked",
        "id",
        postgresql_where=text("attempts >= 20"),
        sqlite_where=text("attempts >= 20"),
    ),
    sqlite_autoincrement=True,
)
"""Hooks that were promised by a commit and not yet seen to end; kept until then. An id is never used again: a late
word about a hook that is gone must not meet another."""

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
"""Which DAG run executes which instance, and what the controller last saw of it.

``attempt`` counts the runs that an instance had before this one: it has another when somebody set its status back to
``unstarted``. Of a ``compiled`` DAG the only task tells how the run ends. ``watched`` runs are compared with Airflow's
again and again; the others only when Airflow has them in flight again. ``promised`` is what a run is still to be made
from, for a session that is kept elsewhere.
"""
