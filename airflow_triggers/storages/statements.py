"""The statements of a fire, each built once: building one takes longer than the database takes to run it.

The statements sent by every fire also have a text made once (see ``prepared.py``). Neighbours: ``sql.py`` sends them.
The values that differ from fire to fire are parameters. No parameter has a column's name: in an UPDATE, such parameters
are the values to set.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    Text,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
    union_all,
    update,
)

from airflow_triggers.domain.states import RIPE
from airflow_triggers.storages import tables
from airflow_triggers.storages.lock_waits import patience
from airflow_triggers.storages.prepared import PreparedStatement

_session, _instance, _wait, _fire = tables.session.c, tables.instance.c, tables.wait.c, tables.fire.c

OF_SESSION: ColumnElement[int] = bindparam("of_session", type_=tables.Id)
_TASK: ColumnElement[str] = bindparam("of_task")
_NUMBER: ColumnElement[int] = bindparam("of_number")
_TRIGGER: ColumnElement[str] = bindparam("of_trigger")


COUNTS_TEXT: ColumnElement[str] = cast(_session.counts, Text).label("counts_text")
"""A session's counts as JSON text. Few holders of the lock change them, and only these parse it."""

KEPT_SESSIONS = select(_session.uid, _session.storage, _session.manager, _session.configuration_hash).where(
    _session.uid.in_(bindparam("uids", expanding=True))
)
"""The storage, manager and configuration hash of each existing session among ``uids``."""

KEPT_SESSION = PreparedStatement(
    select(_session.uid, _session.storage, _session.manager, _session.configuration_hash).where(
        _session.uid == bindparam("of_uid")
    )
)
"""The same of the session ``of_uid``."""


@cache
def lock_session(dialect: str) -> PreparedStatement:
    """Lock the session ``of_uid``, add one to its version and set its ``last_modified`` to ``moment``."""
    moment = bindparam("moment", type_=_session.last_modified.type)
    return PreparedStatement(
        update(tables.session)
        .where(_session.uid == bindparam("of_uid"), *patience(dialect))
        .values(version=_session.version + literal_column("1"), last_modified=moment)
        .returning(_session.id, _session.manager, _session.configuration_hash, _session.storage, COUNTS_TEXT)
    )


@cache
def lock_sessions(dialect: str, *, wait: bool) -> Any:
    """Lock the sessions ``uids`` as :func:`lock_session` does one.

    :param wait: False: leave out the sessions that another process is writing. SQLite cannot tell, and waits.
    """
    moment = bindparam("moment", type_=_session.last_modified.type)
    of_uids = _session.uid.in_(bindparam("uids", expanding=True))
    if wait or dialect == "sqlite":
        condition: ColumnElement[bool] = of_uids
    else:
        # FOR NO KEY UPDATE (key_share): an insert of a row with a foreign key to the session must not count as a lock.
        free = select(_session.id).where(of_uids).with_for_update(skip_locked=True, key_share=True)
        condition = _session.id == free.cte("free").c.id
    return (
        update(tables.session)
        .where(condition, *patience(dialect))
        .values(version=_session.version + literal_column("1"), last_modified=moment)
        .returning(
            _session.id,
            _session.uid,
            _session.manager,
            _session.configuration_hash,
            _session.storage,
            COUNTS_TEXT,
        )
    )


@lru_cache(maxsize=64)
def tasks_and_waiting(count: int) -> PreparedStatement:
    """For the tasks ``task_0``, …: the largest number, and the numbers of the instances concerned by ``of_trigger``.

    The largest number (``waits`` is 0) is at the end of the task's part of the key's index; a task without instances
    has none. The others (``waits`` is 1) are found by the key of ``triggers_wait``. :data:`INSTANCES` reads the
    instances themselves. They are not joined here: a planner that expects many would read the whole session for one.
    There are no joins and no aggregates either: PostgreSQL would plan them longer than it reads.
    """
    selects = []
    for place in range(count):
        name = bindparam(f"task_{place}", type_=_instance.task_name.type)
        highest = (
            select(name.label("task_name"), _instance.number, literal_column("0").label("waits"))
            .where(_instance.session_id == OF_SESSION, _instance.task_name == name)
            .order_by(_instance.number.desc())
            .limit(literal_column("1"))
        )
        waiting = select(name, _wait.number, literal_column("1")).where(
            _wait.session_id == OF_SESSION,
            _wait.task_name == name,
            _wait.trigger_name.in_((_TRIGGER, literal_column(f"'{RIPE}'"))),
        )
        # SQLite takes no ORDER BY in a part of a union.
        selects += [select(highest.subquery()), waiting]
    return PreparedStatement(union_all(*selects))


INSTANCES = select(tables.instance).where(
    _instance.session_id == OF_SESSION,
    _instance.task_name == _TASK,
    _instance.number.in_(bindparam("numbers", expanding=True)),
)
"""The task's instances with these ``numbers``."""


@lru_cache(maxsize=64)
def latest_of(count: int) -> Any:
    """The latest kwargs of the triggers ``trigger_0``, …: each the last entry of its part of the history's index."""
    return union_all(
        *(
            select(
                select(_fire.trigger_name, _fire.kwargs)
                .where(
                    _fire.session_id == OF_SESSION,
                    _fire.trigger_name == bindparam(f"trigger_{place}"),
                )
                .order_by(_fire.id.desc())
                .limit(1)
                .subquery()
            )
            for place in range(count)
        )
    )


FIND_FIRE = select(tables.fire).where(
    _fire.session_id == OF_SESSION, _fire.idempotency_key == bindparam("of_key")
)
"""The fire with the idempotency key ``of_key``."""

_delayed = tables.delayed_fire.c


def _keys_used(by_fires: ColumnElement[bool], by_delayed_fires: ColumnElement[bool]) -> Any:
    """The keys of the session, of fires and of fires for later, with these conditions."""
    return union_all(
        select(_fire.idempotency_key).where(_fire.session_id == OF_SESSION, by_fires),
        select(_delayed.idempotency_key).where(_delayed.session_id == OF_SESSION, by_delayed_fires),
    )


USED_KEY = PreparedStatement(
    _keys_used(_fire.idempotency_key == bindparam("of_key"), _delayed.idempotency_key == bindparam("of_key"))
)
"""The idempotency key ``of_key``, if a fire has it, also one for later."""

_KEYS: Any = bindparam("keys", expanding=True)

USED_KEYS = _keys_used(_fire.idempotency_key.in_(_KEYS), _delayed.idempotency_key.in_(_KEYS))
"""Those of the idempotency ``keys`` that fires have."""

ADD_FIRE = PreparedStatement(
    insert(tables.fire).returning(_fire.id),
    sets=[column.name for column in tables.fire.columns if column is not _fire.id],
)

HIGHEST_NUMBER = PreparedStatement(
    select(func.max(_instance.number)).where(_instance.session_id == OF_SESSION, _instance.task_name == _TASK)
)
"""The largest number of the task's instances."""

ADD_INSTANCE = PreparedStatement(insert(tables.instance), sets=tables.instance.columns.keys())

CHANGED = ("status", "kwargs", "unless_seen", "metadata", "changed_at", "error_type", "error_message")
"""The columns of an instance that may change."""

CHANGE_INSTANCE = PreparedStatement(
    update(tables.instance)
    .where(
        _instance.session_id == OF_SESSION,
        _instance.task_name == _TASK,
        _instance.number == _NUMBER,
        _instance.status == bindparam("expected_status"),
    )
    .values(fire_ids=_instance.fire_ids + bindparam("more_fire_ids", type_=_instance.fire_ids.type)),
    sets=CHANGED,
)
"""Change an instance if its status is the expected one (compare and set). Append to the ids of its fires."""

SAVE_COUNTS = PreparedStatement(
    update(tables.session).where(_session.id == OF_SESSION),
    sets=["counts", "instance_count", "open_count", "failed_count"],
)
"""Set the session's counts and their sums."""

COUNT_INSTANCES = (
    select(_instance.task_name, _instance.status, func.count().label("number_of"))
    .where(_instance.session_id == OF_SESSION)
    .group_by(_instance.task_name, _instance.status)
)
"""How many instances the session has, by task and status. It reads them all."""

ADD_WAITS = insert(tables.wait)

REMOVE_WAITS: Delete = delete(tables.wait).where(
    _wait.session_id == OF_SESSION,
    _wait.trigger_name.in_(bindparam("gone", expanding=True)),
    _wait.task_name == _TASK,
    _wait.number == _NUMBER,
)
"""The instance no longer waits for the triggers ``gone``."""
