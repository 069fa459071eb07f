"""A session's history, page by page: fires and events, newest first.

Neighbours: ``sentences.py`` words the entries, ``storages/`` keep them.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from airflow_triggers.domain.disclosure import EVERYTHING, Disclosure, shown_event, shown_fire
from airflow_triggers.domain.events import SessionEvent
from airflow_triggers.domain.fires import Fire, FireFilter, validate_names
from airflow_triggers.errors import InvalidCursor
from airflow_triggers.sessions.describing import reading
from airflow_triggers.storages.events import read_events

Entry = Fire | SessionEvent

BEYOND = 2**63 - 1
"""At least as large as every id."""


# -- the history ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class HistoryPage:
    """Entries of a session's history, newest first. ``next`` is the cursor of the next page; None on the last one."""

    entries: tuple[Entry, ...]
    next: str | None


def history_of(
    uid: str,
    *,
    limit: int = 50,
    before: str | None = None,
    instance: str | None = None,
    trigger: str | None = None,
    touched_nothing: bool = False,
    disclosure: Disclosure = EVERYTHING,
) -> HistoryPage:
    """The session's fires and everything else that happened, newest first.

    Fires are in the order in which they took effect; so are the other entries. The two are merged by their moments,
    which may come from the clocks of several machines.

    :param before: the cursor, ``next`` of the page before.
    :param instance: only entries about the instance with this name.
    :param trigger: only fires of this trigger.
    :param touched_nothing: only fires without effect.
    :param disclosure: which facts of Airflow may be shown.
    :raises SessionNotFound: when there is no session.
    :raises InvalidCursor: when ``before`` is no cursor.
    :raises InvalidFilter: when no instance, or no trigger, can have such a name.
    """
    validate_names(trigger=trigger, instance=instance)
    marks = _read_cursor(before)
    only = FireFilter(trigger_name=trigger, instance=instance, in_vain=True if touched_nothing else None)
    with reading(uid) as (storage, session, row):
        streams: list[list[Entry]] = [list(storage.fires(limit=limit + 1, before=marks[0], only=only))]
        if trigger is None and not touched_nothing:
            streams.append(list(storage.events(limit=limit + 1, before=marks[1], instance=instance)))
            if not storage.in_airflow_database:
                # Wherever the session is kept, the controller records its own failures in Airflow's database.
                beside = read_events(session, row.id, limit=limit + 1, before=marks[2], instance=instance)
                streams.append(list(beside))
    entries = heapq.merge(
        *(_with_number(number, stream) for number, stream in enumerate(streams)), key=_newest_first
    )
    page = list(islice(entries, limit + 1))
    page_entries = page[:limit]
    for number, entry in page_entries:
        marks[number] = id_of(entry)
    cursor = ".".join(map(str, marks)) if len(page) > limit else None
    return HistoryPage(
        entries=tuple(_for_reader(entry, disclosure) for _, entry in page_entries), next=cursor
    )


def _for_reader(entry: Entry, disclosure: Disclosure) -> Entry:
    return shown_fire(entry, disclosure) if isinstance(entry, Fire) else shown_event(entry, disclosure)


def _with_number(number: int, stream: list[Entry]) -> Iterator[tuple[int, Entry]]:
    """Each entry with its stream's number. Merging keeps a stream's own order, whatever its clocks say."""
    return ((number, entry) for entry in stream)


def _newest_first(numbered_entry: tuple[int, Entry]) -> float:
    return -moment_of(numbered_entry[1]).timestamp()


def moment_of(entry: Entry) -> datetime:
    """When it happened."""
    return entry.fired_at if isinstance(entry, Fire) else entry.at


def id_of(entry: Entry) -> int:
    """Its id among its kind."""
    return entry.fire_id if isinstance(entry, Fire) else entry.event_id


def _read_cursor(before: str | None) -> list[int]:
    if before is None:
        return [BEYOND] * 3
    parts = before.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdecimal() and len(part) < 20 for part in parts):
        raise InvalidCursor(f"'before' is {before!r}, expected the 'next' of another page.")
    return [min(int(part), BEYOND) for part in parts]
