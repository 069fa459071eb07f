"""Many fires at once, into many sessions: each has its own outcome, and no failure stops another fire.

Fires into existing sessions of Airflow's database share transactions (``storages/together.py``). The other fires go one
by one through ``sessions.fire_request``, which raises each one's own error. Neighbours: ``api/`` calls this;
``opening.py`` fires.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.fires import FireResult, SessionFireRequest
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.errors import (
    CacheFailed,
    CannotDelay,
    Concealed,
    DatabaseFailed,
    IdempotencyConflict,
    InvalidTrigger,
    LockTimeout,
    Refused,
    RegistryError,
    SessionExists,
    TriggersError,
    UnreadableRow,
)
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.sessions.authorization import AuthorizeFire
from airflow_triggers.sessions.opening import audited_fire, check_session, fire_request
from airflow_triggers.sessions.records import SessionRecord, record_of, records_of
from airflow_triggers.storages.lock_waits import LOCK_TIMEOUT
from airflow_triggers.storages.together import hold_together

log = logging.getLogger(__name__)

MOST_TOGETHER = 100
"""The most fires in one transaction. Their sessions stay locked until it ends."""

Outcome = FireResult | Exception
"""The outcome of a fire: its result, or the error that it would have raised alone."""

AuthorizerOf = Callable[[str], AuthorizeFire]
"""Gives the check of rights for a trigger of this name."""


def fire_all(
    requests: Iterable[SessionFireRequest],
    *,
    fired_by: str | None = None,
    authorizer_of: AuthorizerOf | None = None,
) -> list[Outcome]:
    """Fire them all. Fires into one session take effect in the given order.

    A fire with a result as its outcome is committed. A fire that fails has its error as the outcome, and the others are
    fired all the same. Fires into a session locked by another process come last, and hold up no other session; their
    outcome is :class:`LockTimeout` when the session is not free in time.

    :param authorizer_of: gives the check for a trigger, called before anything is written or locked; None for no check.
    :returns: the outcomes, in the order of the requests.

    >>> outcomes = fire_all(
    ...     [SessionFireRequest(session_uid="order-1", trigger_name="paid")]
    ... )  # doctest: +SKIP
    """
    return _Batch(list(requests), fired_by, authorizer_of).fire()


@dataclass
class _Group:
    """Fires into one session kept here, by their places in the batch."""

    record: SessionRecord
    places: list[int]


@dataclass
class _Batch:
    """The requests, and the outcomes known so far, by place."""

    requests: list[SessionFireRequest]
    fired_by: str | None
    authorizer_of: AuthorizerOf | None
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    patient_until: float = field(default_factory=lambda: time.monotonic() + LOCK_TIMEOUT)
    error_by_uid: dict[str, TriggersError] = field(default_factory=dict)
    """By UID: the passing error that stopped a fire. Later fires into the session get it too and cannot overtake."""
    _answers: dict[tuple[int, str], tuple[Configuration, Refused | None]] = field(default_factory=dict)

    def fire(self) -> list[Outcome]:
        """Fire them all."""
        busy: list[_Group] = []
        for chunk in _chunks(self._groups()):
            # A later fire must not overtake an earlier one into the same session.
            held_up = {group.record.uid for group in busy}
            busy += [group for group in chunk if group.record.uid in held_up]
            busy += self._together([group for group in chunk if group.record.uid not in held_up])
        for group in busy:
            if self._together([group], wait=time.monotonic() < self.patient_until):
                self._one_by_one([group])
        return [self.outcomes[place] for place in range(len(self.requests))]

    # -- what goes where --------------------------------------------------------------------------------------

    def _groups(self) -> list[_Group]:
        """The authorized fires into sessions kept here, by session. The other fires get their outcomes at once."""
        # A fire that gets its outcome leaves its list of places. So a list may be empty further down.
        places_by_uid = self._places()
        records = self._records(places_by_uid)
        for uid in [uid for uid in places_by_uid if uid not in records or not records[uid].is_here]:
            self._begin(places_by_uid[uid])
        places_in_new_sessions = {
            uid: places for uid, places in places_by_uid.items() if places and uid not in records
        }
        records.update(self._records(places_in_new_sessions))
        uids_to_configure = [
            uid
            for uid, places in places_by_uid.items()
            if places and self._may_configure(places, records[uid])
        ]
        for uid in uids_to_configure:
            self._all_alone(places_by_uid[uid])
        groups = [
            _Group(
                records[uid],
                [place for place in places if self._is_authorized(place, records[uid].configuration)],
            )
            for uid, places in sorted(places_by_uid.items())
            if places
        ]
        return [group for group in groups if group.places]

    def _places(self) -> dict[SessionUid, list[int]]:
        places_by_uid: dict[SessionUid, list[int]] = {}
        for place, request in enumerate(self.requests):
            places_by_uid.setdefault(request.session_uid, []).append(place)
        return places_by_uid

    def _records(self, places_by_uid: dict[SessionUid, list[int]]) -> dict[SessionUid, SessionRecord]:
        """The records of existing sessions. When a record cannot be read, its fires get this error as the outcome."""
        try:
            return records_of(places_by_uid)
        except UnreadableRow:
            records: dict[SessionUid, SessionRecord] = {}
        for uid, places in places_by_uid.items():
            try:
                records.update(records_of([uid]))
            except UnreadableRow as error:
                self.outcomes.update(dict.fromkeys(places, error))
                places.clear()
        return records

    def _begin(self, places: list[int]) -> None:
        """Fire one by one into a session that is missing or kept elsewhere, until a fire has created it here."""
        while places:
            place = places.pop(0)
            self._alone(place)
            if places and isinstance(self.outcomes[place], FireResult) and self._is_here(place):
                return

    def _may_configure(self, places: list[int], session: SessionRecord) -> bool:
        """Whether one of the fires gives the session its first configuration: later fires act under it."""
        return not session.configuration.tasks and any(self.requests[place].configuration for place in places)

    def _all_alone(self, places: list[int]) -> None:
        while places:
            self._alone(places.pop(0))

    def _is_here(self, place: int) -> bool:
        record = record_of(self.requests[place].session_uid)
        return record is not None and record.is_here

    def _is_authorized(self, place: int, configuration: Configuration) -> bool:
        refusal = self._refusal_of(self.requests[place].trigger_name, configuration)
        if isinstance(refusal, Concealed):
            # Fired alone, it gets the answer for a session that does not exist.
            self._alone(place)
        elif refusal is not None:
            self.outcomes[place] = refusal
        return refusal is None

    def _refusal_of(self, trigger_name: str, configuration: Configuration) -> Refused | None:
        """The refusal for a trigger under a configuration; cached, since most batches need few different checks."""
        if self.authorizer_of is None:
            return None
        question = (id(configuration), trigger_name)
        if question not in self._answers:
            refusal = _refusal_by(self.authorizer_of(trigger_name), configuration)
            self._answers[question] = configuration, refusal
        return self._answers[question][1]

    # -- firing -----------------------------------------------------------------------------------------------

    def _together(self, groups: list[_Group], *, wait: bool = False) -> list[_Group]:
        """Fire in one transaction; return the groups whose sessions are locked by others.

        A boundary: after any error the transaction is rolled back, and its fires are fired again one by one. But they
        are not fired again when the commit may have succeeded, or when the lock was not free in time.
        """
        for group in groups:
            if error := self.error_by_uid.get(group.record.uid):
                self._all_have([group], error)
        groups = [group for group in groups if group.record.uid not in self.error_by_uid]
        managers = dict(self._managers(groups))
        by_uid: dict[str, _Group] = {
            group.record.uid: group for group in groups if group.record.uid in managers
        }
        storages = [manager.storage for manager in managers.values() if manager.storage.in_airflow_database]
        is_complete = False
        try:
            fires = sum(len(group.places) for group in by_uid.values())
            with hold_together(storages, fires=fires, wait=wait) as locked_storages:
                held_groups = [by_uid.pop(storage.uid) for storage in locked_storages]
                self._fire_groups([(group, managers[group.record.uid]) for group in held_groups])
                is_complete = True
        except Exception as error:
            open_groups = [group for group in groups if group.record.uid in managers]
            # When the block is complete, the commit failed: it may have succeeded in the database. Never fire twice.
            if is_complete or isinstance(error, LockTimeout):
                log.warning(
                    "%d fires of a batch were not made: %s", len(open_groups), error, exc_info=is_complete
                )
                self._all_have(open_groups, error)
                if isinstance(error, PASSING):
                    self.error_by_uid.update({group.record.uid: error for group in open_groups})
            else:
                log.info("Fires of a batch cannot share a transaction; they go one by one", exc_info=error)
                self._one_by_one(open_groups)
            return []
        return list(by_uid.values())

    def _managers(self, groups: list[_Group]) -> Iterator[tuple[str, TriggerManager]]:
        for group in groups:
            try:
                yield group.record.uid, group.record.open()
            except RegistryError as error:
                self._all_have([group], error)

    def _fire_groups(self, groups: list[tuple[_Group, TriggerManager]]) -> None:
        """Fire into sessions whose locks are held, and write all of it."""
        # All keys before the first fire: a look at fires has all pending ones inserted.
        for group, manager in groups:
            keys = (self.requests[place].idempotency_key for place in group.places)
            manager.storage.look_up_keys([key for key in keys if key is not None])
        for group, manager in groups:
            self._fire_group(group, manager)
        for _, manager in groups:
            manager.storage.save()

    def _fire_group(self, group: _Group, manager: TriggerManager) -> None:
        """Fire into a session whose lock is held.

        :raises _MustGoAlone: when the configuration has changed since the check, and the caller may not fire any more.
        """
        current = manager.storage.configuration
        is_changed = current is not group.record.configuration and current != group.record.configuration
        for place in group.places:
            request = self.requests[place]
            if is_changed and self._refusal_of(request.trigger_name, current):
                raise _MustGoAlone(group.record.uid)
            self.outcomes[place] = self._outcome(request, manager)

    def _outcome(self, request: SessionFireRequest, manager: TriggerManager) -> Outcome:
        try:
            check_session(manager.storage, request)
            return audited_fire(manager, request, by=self.fired_by)
        except REFUSED_BEFORE_WRITING as error:
            return error

    def _one_by_one(self, groups: Iterable[_Group]) -> None:
        for group in groups:
            for place in group.places:
                self._alone(place)

    def _alone(self, place: int) -> None:
        """Fire in a transaction of its own. A boundary: any error is this fire's outcome."""
        request = self.requests[place]
        if error := self.error_by_uid.get(str(request.session_uid)):
            self.outcomes[place] = error
            return
        authorize = self.authorizer_of(request.trigger_name) if self.authorizer_of else None
        is_patient = time.monotonic() < self.patient_until
        try:
            self.outcomes[place] = fire_request(
                request, by=self.fired_by, authorize=authorize, wait=is_patient
            )
        except TriggersError as error:
            self.outcomes[place] = error
            if isinstance(error, PASSING):
                self.error_by_uid[str(request.session_uid)] = error
        except Exception as error:
            log.exception("%s could not be fired into session %s", request.trigger_name, request.session_uid)
            self.outcomes[place] = error

    def _all_have(self, groups: Iterable[_Group], outcome: Outcome) -> None:
        self.outcomes.update({place: outcome for group in groups for place in group.places})


PASSING = (CacheFailed, DatabaseFailed, LockTimeout)
"""Passing errors: they may be over when the caller sends the fire again."""

REFUSED_BEFORE_WRITING = (InvalidTrigger, IdempotencyConflict, CannotDelay, SessionExists)
"""A manager raises these errors before it writes anything for the fire. The transaction goes on."""


class _MustGoAlone(Exception):
    """A fire must not share the transaction: it is rolled back, and its fires go one by one."""


def _refusal_by(authorize: AuthorizeFire, configuration: Configuration) -> Refused | None:
    """The refusal, when the caller may not fire under the configuration; otherwise None."""
    try:
        authorize(configuration, False)
    except Refused as refusal:
        return refusal
    return None


def _chunks(groups: Iterable[_Group]) -> Iterator[list[_Group]]:
    """The groups in order, in chunks of at most :data:`MOST_TOGETHER` fires; large groups are split."""
    chunk: list[_Group] = []
    room = MOST_TOGETHER
    for group in groups:
        places = group.places
        while places:
            part, places = places[:room], places[room:]
            chunk.append(_Group(group.record, part))
            room -= len(part)
            if not room:
                yield chunk
                chunk, room = [], MOST_TOGETHER
    if chunk:
        yield chunk
