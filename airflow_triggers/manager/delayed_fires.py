"""DelayedFires: a session's fires for later. They are saved, fired when they are due, cancelled and tried again.

Neighbours: ``manager.py`` offers and documents these acts; ``storages/`` keep the fires, ``controller/`` has the due
ones fired.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from airflow_triggers.domain.configuration import MAX_ID
from airflow_triggers.domain.events import EventKind, delayed_fire_details
from airflow_triggers.domain.fires import DelayedFire, FireRequest, FireResult
from airflow_triggers.domain.validation import caller_name
from airflow_triggers.errors import DelayedFireCancelled, DelayedFireNotFound, NothingParked
from airflow_triggers.sentences import moment
from airflow_triggers.storages.base import BaseStorageBackend


class Fires(Protocol):
    """Something that fires into the session: its manager."""

    storage: BaseStorageBackend

    def fire_request(self, request: FireRequest, *, by: str | None = None) -> FireResult:
        """See :meth:`TriggerManager.fire_request`."""


@dataclass(frozen=True)
class DelayedFires:
    """The fires for later of a manager's session. The manager documents each act."""

    manager: Fires

    @property
    def _storage(self) -> BaseStorageBackend:
        return self.manager.storage

    def delay(self, request: FireRequest, fire_at: datetime, *, by: str | None) -> FireResult:
        """Keep a fire for the controller. Under the session's lock."""
        delayed_fire = self._storage.delay_fire(
            DelayedFire(
                trigger_name=request.trigger_name,
                kwargs=request.trigger_kwargs,
                fire_at=fire_at,
                fired_by=caller_name(by),
                idempotency_key=request.idempotency_key,
            )
        )
        self._record(EventKind.DELAY, delayed_fire, by=by)
        return delayed_fire.to_result()

    def fire(self, delayed_id: int) -> FireResult | None:
        """See :meth:`TriggerManager.fire_delayed`."""
        with self._storage.acquire_lock():
            delayed_fire = self._storage.take_delayed_fire(delayed_id)
            if delayed_fire is None:
                return None
            result = self.manager.fire_request(delayed_fire.to_request(), by=delayed_fire.fired_by)
            self._record(EventKind.DELAYED_FIRE, delayed_fire, by="controller", fire_id=result.fire_id)
            return result

    def cancel(self, delayed_id: int, *, by: str | None) -> DelayedFire:
        """See :meth:`TriggerManager.cancel_delayed_fire`."""
        with self._storage.acquire_lock():
            fire = self._fire_to_come(delayed_id)
            self._storage.cancel_delayed_fire(delayed_id, by=caller_name(by))
            self._record(EventKind.DELAYED_FIRE_CANCELLED, fire, by=by)
            return self._storage.get_delayed_fire(delayed_id) or fire

    def retry(self, delayed_id: int, *, by: str | None) -> DelayedFire:
        """See :meth:`TriggerManager.retry_delayed_fire`."""
        with self._storage.acquire_lock():
            fire = self._fire_to_come(delayed_id)
            if not fire.attempts:
                raise NothingParked(
                    f"The delayed fire {delayed_id} of session {self._storage.uid!r} has not failed: it comes at "
                    f"{moment(fire.fire_at)}."
                )
            self._storage.retry_delayed_fire(delayed_id)
            self._record(EventKind.DELAYED_FIRE_RETRIED, fire, by=by)
            return self._storage.get_delayed_fire(delayed_id) or fire

    def _fire_to_come(self, delayed_id: int) -> DelayedFire:
        """The fire. :raises DelayedFireNotFound, DelayedFireCancelled: when it is not to come (any more)."""
        uid = self._storage.uid
        is_valid_id = 0 < delayed_id <= MAX_ID
        fire = self._storage.get_delayed_fire(delayed_id) if is_valid_id else None
        if fire is None:
            raise DelayedFireNotFound(uid, delayed_id)
        if fire.cancelled_at is not None:
            raise DelayedFireCancelled(
                f"The delayed fire {delayed_id} of session {uid!r} was cancelled at "
                f"{moment(fire.cancelled_at)} by {fire.cancelled_by or 'an unnamed caller'}."
            )
        return fire

    def _record(
        self, kind: EventKind, fire: DelayedFire, *, by: str | None, fire_id: int | None = None
    ) -> None:
        details = delayed_fire_details(
            fire.delayed_id, trigger_name=fire.trigger_name, fire_at=fire.fire_at, fire_id=fire_id
        )
        self._storage.record_event(kind, instance=None, by=by, details=details)
