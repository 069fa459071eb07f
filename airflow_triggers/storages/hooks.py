"""The rows of ``triggers_hook``: hooks promised by a commit, and not seen to end.

For a session in Airflow's database, a row is the promise itself, saved with the session. A session kept elsewhere keeps
its promises itself. There a row is written before the session is saved. It only names the session to ask, and the hook
to ask for: if the saving process has died, the controller asks and calls the hook. Neighbours: ``sql.py`` and
``manager/manager.py`` write them, ``controller/`` calls due hooks.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from airflow_triggers.domain.backoff import BackOff
from airflow_triggers.domain.events import EventKind
from airflow_triggers.domain.hooks import MAX_HOOK_ATTEMPTS
from airflow_triggers.storages import tables
from airflow_triggers.storages.base import BaseStorageBackend, hook_failure
from airflow_triggers.storages.events import add_event
from airflow_triggers.storages.lock_waits import first_statement
from airflow_triggers.storages.transaction import transaction

HOOK_GRACE = timedelta(seconds=30)
"""The time in which the committing process calls its hooks. Then the controller calls them."""

BACK_OFF = BackOff(first=HOOK_GRACE, longest=timedelta(hours=1))
"""The pauses before a failed hook is called again."""

KNOWN_AS = "known_as"
"""The key for the session's token of the hook, in the arguments of a row that is not the promise itself."""

_COLUMNS = tables.hook.c


def owe(storage: BaseStorageBackend, hook: str, token: Any) -> int | None:
    """Have the controller ask the session for the hook.

    :param token: the answer of :meth:`BaseStorageBackend.add_hook`.
    :returns: the row's id, for :func:`forget` and :func:`postpone`; None where no controller knows the session, or
        need ask.
    """
    if not storage.anchored:
        return None
    session_columns = tables.session.c
    with transaction() as session:
        owner = select(session_columns.id).where(session_columns.uid == storage.uid).scalar_subquery()
        values = {
            "hook": hook,
            "arguments": {KNOWN_AS: token},
            "attempts": 0,
            "due": storage.now() + HOOK_GRACE,
        }
        insertion = insert(tables.hook).values(session_id=owner, **values).returning(_COLUMNS.id)
        return int(first_statement(session, lambda: session.execute(insertion).scalar_one()))


def forget(hook_id: int) -> None:
    """Remove the hook's row: the hook ended, or was never to be called."""
    with transaction() as session:
        deletion = delete(tables.hook).where(_COLUMNS.id == hook_id)
        first_statement(session, lambda: session.execute(deletion))


def postpone(hook_id: int, error: str) -> None:
    """Have the hook called again later: after 30 seconds, then twice as long each time, an hour at most.

    The history gets an entry when the hook first raises and when it is parked, not each time.
    """
    with transaction() as session:
        increment = (
            update(tables.hook)
            .where(_COLUMNS.id == hook_id)
            .values(attempts=_COLUMNS.attempts + 1, error=error)
            .returning(_COLUMNS.attempts, _COLUMNS.session_id, _COLUMNS.hook, _COLUMNS.arguments)
        )
        row = first_statement(session, lambda: session.execute(increment).one_or_none())
        if row is None:
            return
        now = datetime.now(UTC)
        due_at = now + BACK_OFF.pause_after(row.attempts)
        session.execute(update(tables.hook).where(_COLUMNS.id == hook_id).values(due=due_at))
        kinds = {1: EventKind.HOOK_FAILED, MAX_HOOK_ATTEMPTS: EventKind.HOOK_PARKED}
        if kind := kinds.get(row.attempts):
            entry = hook_failure(row.hook, row.arguments, error)
            add_event(session, row.session_id, kind, at=now, by=None, **entry)


def owed_for(uid: str, token: Any) -> int | None:
    """The controller's id for a hook of a session kept elsewhere; None where it need not ask."""
    query = select(_COLUMNS.id, _COLUMNS.arguments).join(tables.session).where(tables.session.c.uid == uid)
    with transaction() as session:
        hook_rows = session.execute(query).all()
    return next((row.id for row in hook_rows if row.arguments.get(KNOWN_AS) == token), None)
