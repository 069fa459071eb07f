"""The fires for later of a tested session, in the form of JSON, and the passing of time that makes them come.

Neighbours: ``storage.py`` keeps them in the session's content, so that what is undone takes them along; ``acts.py``
moves the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from airflow_triggers.domain.fires import DelayedFire
from airflow_triggers.testing.bench import Bench, BenchSession

MOMENTS = ("fire_at", "cancelled_at")


class DelayedFireList:
    """The fires for later in a session's content, cancelled ones too.

    :param entries: the content's list of JSON objects; changes are made in it.
    """

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self._entries = entries

    def __iter__(self) -> Iterator[DelayedFire]:
        return map(_from_json, self._entries)

    @property
    def pending(self) -> list[DelayedFire]:
        """Those still to come, by their moments."""
        return sorted((fire for fire in self if fire.cancelled_at is None), key=lambda fire: fire.fire_at)

    def get(self, delayed_id: int) -> DelayedFire | None:
        """The fire with this id."""
        return next((fire for fire in self if fire.delayed_id == delayed_id), None)

    def add(self, fire: DelayedFire, *, delayed_id: int) -> DelayedFire:
        """Add the fire and return it with its id."""
        identified_fire = replace(fire, delayed_id=delayed_id)
        self._entries.append(_to_json(identified_fire))
        return identified_fire

    def change(self, delayed_id: int, **values: Any) -> None:
        """Change fields of the fire."""
        for index, fire in enumerate(self):
            if fire.delayed_id == delayed_id:
                self._entries[index] = _to_json(replace(fire, **values))

    def take(self, delayed_id: int) -> DelayedFire | None:
        """Remove the fire and return it; None when it does not exist, or was cancelled."""
        fire = self.get(delayed_id)
        if fire is None or fire.cancelled_at is not None:
            return None
        self._entries[:] = [entry for entry in self._entries if entry["delayed_id"] != delayed_id]
        return fire


def next_due_fire(bench: Bench, until: datetime) -> tuple[BenchSession, DelayedFire] | None:
    """The next fire to come in the sessions of a test, with its session; None when none comes so early."""
    due_fires = [
        (session, fire)
        for session in bench.sessions
        for fire in session.manager.storage.delayed_fires(limit=1)
        if fire.fire_at <= until
    ]
    return min(due_fires, key=lambda due: due[1].fire_at, default=None)


def _to_json(fire: DelayedFire) -> dict[str, Any]:
    moments = {name: getattr(fire, name) for name in MOMENTS}
    return {
        **asdict(fire),
        **{name: moment.isoformat() if moment else None for name, moment in moments.items()},
    }


def _from_json(entry: Mapping[str, Any]) -> DelayedFire:
    moments = {name: datetime.fromisoformat(entry[name]) if entry[name] else None for name in MOMENTS}
    return DelayedFire(**{**entry, **moments})
