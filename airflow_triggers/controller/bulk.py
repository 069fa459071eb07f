"""Works off bulk acts: a portion of each in a pass, at its rate, a session a transaction.

A controller takes items for a while (a lease), so several controllers share a bulk act. What a dead controller has
taken is taken again when its lease ends; what it did has its outcome. Neighbours: ``storages/bulk_queue.py`` keeps the
items, ``sessions/bulk_work.py`` does those of a session; ``loop.py`` calls this in every pass.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from time import monotonic
from typing import Any

from airflow_triggers.errors import LockTimeout, TriggersError, UnreadableRow
from airflow_triggers.runners.progress import FAULTS, is_system_fault
from airflow_triggers.sessions.bulk_acts import bulk_act_of
from airflow_triggers.sessions.bulk_work import Work, do_items, reason_of
from airflow_triggers.storages import bulk_queue
from airflow_triggers.storages.bulk_queue import ClaimedItem, OwnerKey
from airflow_triggers.storages.transaction import glance, transaction

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
"""How long a controller has for the items that it took. Then any controller takes those without an outcome."""

BUDGET = 1.0
"""After so many seconds a pass begins no further session: other work waits."""

LOCK_HELD = "Other processes held the session's lock each time."


def work_off(now: datetime, *, is_stopped: Callable[[], bool], beat: Callable[[], None]) -> int:
    """Do a portion of each due bulk act. Returns how many items were taken.

    :param is_stopped: once it is true, no further session is begun.
    :param beat: the sign of life; called after each session.
    """
    deadline = monotonic() + BUDGET
    with glance() as connection:
        due_acts = bulk_queue.due_acts(connection, now=now)
    item_count = 0
    for due_act in due_acts:
        if is_stopped() or monotonic() > deadline:
            break
        item_count += _work_off(
            due_act, now, is_over=lambda: is_stopped() or monotonic() > deadline, beat=beat
        )
    return item_count


def _work_off(due_act: Any, now: datetime, *, is_over: Callable[[], bool], beat: Callable[[], None]) -> int:
    with transaction() as session:
        items = bulk_queue.claim(session, due_act, now=now, until=now + LEASE)
    if not items:
        return 0
    try:
        work = Work.of(bulk_act_of(due_act.id))
    except UnreadableRow as error:
        log.error("Triggers controller: %s", error)
        with transaction() as session:
            bulk_queue.refuse(session, due_act.id, None, reason=str(error), now=now)
        return 0
    rest = list(items)
    for owner, group in groupby(items, lambda item: item.owner):
        of_session = list(group)
        if len(rest) < len(items) and is_over():
            break
        del rest[: len(of_session)]
        _do_session(work, owner, of_session)
        beat()
    with transaction() as session:
        bulk_queue.give_back(session, due_act.id, [item.position for item in rest], now=now)
        bulk_queue.end_if_done(session, due_act.id, now=datetime.now(UTC))
    return len(items) - len(rest)


def _do_session(work: Work, owner: OwnerKey, items: Sequence[ClaimedItem]) -> None:
    """Do the items of one session. A failure is logged and backed off, and stops no other session."""
    positions = [item.position for item in items]
    try:
        failures = do_items(work, owner, positions)
    except LockTimeout:
        log.debug("Session %s is being written by another process; a later pass tries again", owner.uid)
        _postpone(work, positions, LOCK_HELD)
    except FAULTS as error:
        if is_system_fault(error):
            # The items are taken again when their lease ends, as often as need be.
            log.error("Triggers controller: bulk act %d: %s", work.bulk_act_id, error)
            return
        log.log(
            logging.ERROR,
            "Triggers controller: bulk act %d: session %s failed: %s",
            work.bulk_act_id,
            owner.uid,
            error,
            exc_info=not isinstance(error, TriggersError),
        )
        _postpone(work, positions, reason_of(error))
    else:
        for position, failure in failures.items():
            _postpone(work, [position], reason_of(failure))


def _postpone(work: Work, positions: Sequence[int], reason: str) -> None:
    try:
        with transaction() as session:
            bulk_queue.postpone(session, work.bulk_act_id, positions, reason=reason, now=datetime.now(UTC))
    except Exception:
        log.exception("Triggers controller: items of bulk act %d cannot be backed off", work.bulk_act_id)
