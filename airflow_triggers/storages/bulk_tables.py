"""The tables of bulk acts: see ``domain/bulk.py``.

Neighbours: ``tables.py`` has the tables of sessions, and the metadata of all of them; ``bulk.py`` and ``bulk_queue.py``
read and write these.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, String, Table, Text, text

from airflow_triggers.domain.configuration import MAX_NAME_LENGTH
from airflow_triggers.storages.stored import StoredJson, StoredMoment, StoredObject
from airflow_triggers.storages.tables import AIRFLOW_ID_LENGTH, CodePointText, Id, metadata

bulk_act = Table(
    "triggers_bulk_act",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("act", String(40), nullable=False),
    Column("arguments", StoredObject, nullable=False),
    Column("selection", StoredJson(none_as_null=True), nullable=True),
    Column("scope", StoredJson(none_as_null=True), nullable=True),
    Column("configurations", StoredJson, nullable=False),
    Column("state", String(20), nullable=False),
    Column("total", Integer, nullable=False),
    Column("rate", Float, nullable=False),
    Column("by", String(AIRFLOW_ID_LENGTH), nullable=True),
    Column("created", StoredMoment, nullable=False),
    Column("next_at", StoredMoment, nullable=False),
    Column("ended", StoredMoment, nullable=True, index=True),
    Column("cancelled_by", String(AIRFLOW_ID_LENGTH), nullable=True),
    Column("counts", StoredJson(none_as_null=True), nullable=True),
    Index(
        "ix_triggers_bulk_act_open",
        "next_at",
        postgresql_where=text("ended IS NULL"),
        sqlite_where=text("ended IS NULL"),
    ),
    sqlite_autoincrement=True,
)
"""Bulk acts: one act on many instances. The controllers take the items of an open one from ``next_at`` on.

``scope`` has the DAGs for which its maker's rights were checked; NULL: all DAGs. ``configurations`` has the hashes of
the configurations that it covers. ``counts`` has the items by outcome once it is over.
"""

bulk_item = Table(
    "triggers_bulk_item",
    metadata,
    Column(
        "bulk_act_id",
        Id,
        ForeignKey("triggers_bulk_act.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("owner_id", Id, nullable=True),
    Column("owner_created", StoredMoment, nullable=True),
    Column("session_uid", CodePointText, nullable=False),
    Column("configuration_hash", String(64), nullable=True),
    Column("task_name", String(MAX_NAME_LENGTH), nullable=False),
    Column("number", Integer, nullable=False),
    Column("dag_id", String(AIRFLOW_ID_LENGTH), nullable=True),
    Column("outcome", String(20), nullable=True),
    Column("reason", Text, nullable=True),
    Column("replay", String(AIRFLOW_ID_LENGTH), nullable=True),
    Column("attempts", Integer, nullable=False),
    Column("due", StoredMoment, nullable=False),
    Column("ended", StoredMoment, nullable=True),
    Index(None, "bulk_act_id", "outcome", "position"),
    Index(
        "ix_triggers_bulk_item_open",
        "bulk_act_id",
        "due",
        "position",
        postgresql_where=text("outcome IS NULL"),
        sqlite_where=text("outcome IS NULL"),
    ),
)
"""The instances of a bulk act, each with its outcome. An item without one is done from ``due`` on.

``owner_id`` and ``owner_created`` tell the session from one of the same UID made later (SQLite uses a key again). They
are no foreign key: the outcome outlives the session. ``dag_id`` is the DAG of the instance's run at that time.
"""
