"""Fire many triggers: in requests of up to 1,000, one after the other. So each session gets its fires in order.

If a fire fails for a passing reason, it is sent again before the next ones. Neighbours: ``fires.py`` has the content of
a fire; ``client.py`` and ``async_client.py`` walk through the caller's iterable.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_triggers_client.answers import api_error, parse
from airflow_triggers_client.errors import (
    ApiError,
    FiringInterrupted,
    InvalidArgument,
    ServiceUnavailable,
    TooLarge,
    TooManyRequests,
    TriggersClientError,
    UnexpectedAnswer,
)
from airflow_triggers_client.exchange import Pause, Request, Steps
from airflow_triggers_client.models import Fire, FireResult
from airflow_triggers_client.operations.fires import content_of, with_key
from airflow_triggers_client.retries import is_passing
from airflow_triggers_client.service import MAX_BODY_BYTES, Service, body, checked_text

MAX_BATCH = 1000
"""The most fires that the server takes in a request."""

ROOM = MAX_BODY_BYTES - 1024
"""Bytes for the fires of a request."""

SUCCESS = 200


@dataclass(frozen=True)
class FireOutcome:
    """The outcome of one fire of many.

    :param index: its position among all fires, from 0.
    :param fire: the fire, with its idempotency key; an element that is no ``Fire``, as it was given.
    :param result: its effects; None when it was refused.
    :param error: why it was refused; None when it was not.
    """

    index: int
    fire: Fire
    result: FireResult | None = None
    error: TriggersClientError | None = None


@dataclass(frozen=True)
class FireProgress:
    """The progress of ``fire_many``.

    :param fired: the number of counted fires so far.
    :param repeated: how many of these the server had before.
    :param refused: the number of refused fires so far.
    :param outcomes: the outcomes of the last request, in order.
    """

    fired: int
    repeated: int
    refused: int
    outcomes: Sequence[FireOutcome]


@dataclass
class FireReport:
    """The outcome of all fires.

    :param fired: the number of counted fires.
    :param repeated: how many of these the server had before: from an earlier run, or from a request with a lost answer.
    :param refused: the refused fires, each with its reason.
    """

    fired: int = 0
    repeated: int = 0
    refused: list[FireOutcome] = field(default_factory=list)

    def add(self, outcomes: Sequence[FireOutcome]) -> FireProgress:
        """Count the outcomes of a request."""
        results = [outcome.result for outcome in outcomes if outcome.result is not None]
        self.fired += len(results)
        self.repeated += sum(result.repeated for result in results)
        self.refused += [outcome for outcome in outcomes if outcome.error is not None]
        return FireProgress(self.fired, self.repeated, len(self.refused), outcomes)


@dataclass(frozen=True)
class Entry:
    """A fire with its position, its key and its JSON."""

    index: int
    fire: Fire
    content: bytes = field(repr=False)


Item = Entry | FireOutcome
"""A fire to send, or one that cannot be sent."""


class Batcher:
    """Divides fires into requests within the server's limits.

    :param size: the maximal number of fires in a request.
    :raises InvalidArgument: when the size is not from 1 to 1,000.
    """

    count: int = 0
    """How many fires were added."""

    def __init__(self, size: int = MAX_BATCH) -> None:
        if not 1 <= size <= MAX_BATCH:
            raise InvalidArgument(f"A batch has 1 to {MAX_BATCH} fires; found {size!r}.")
        self.size = size
        self._items: list[Item] = []
        self._bytes = 0

    def add(self, fire: Fire) -> Iterator[list[Item]]:
        """Add a fire; yields the items of each request that is complete now: the one before it, and its own."""
        item = _item(self.count, fire)
        self.count += 1
        length = len(item.content) + 1 if isinstance(item, Entry) else 0
        if self._items and self._bytes + length > ROOM:
            yield self.rest()
        self._items.append(item)
        self._bytes += length
        if len(self._items) >= self.size:
            yield self.rest()

    def rest(self) -> list[Item]:
        """The items of the last request."""
        items, self._items, self._bytes = self._items, [], 0
        return items


@dataclass
class Reading:
    """Reads the caller's iterable up to its end, or up to its error. What was read is still sent.

    :param error: the error of the iterable.
    """

    error: Exception | None = None

    def through(self, fires: Iterator[Fire]) -> Iterator[Fire]:
        """The fires up to the error."""
        try:
            yield from fires
        except Exception as error:  # noqa: BLE001 - of the caller; check() raises it again
            self.error = error

    async def through_asynchronous(self, fires: AsyncIterator[Fire]) -> AsyncIterator[Fire]:
        """As :meth:`through`."""
        try:
            async for fire in fires:
                yield fire
        except Exception as error:  # noqa: BLE001 - of the caller; check() raises it again
            self.error = error

    def check(self, batcher: Batcher, report: FireReport) -> None:
        """Called when everything that was read is sent.

        :raises FiringInterrupted: when the iterable failed.
        """
        if self.error is not None:
            raise FiringInterrupted(
                f"{report.fired} fires count, and {len(report.refused)} were refused. Then the iterable of fires "
                f"failed, at {batcher.count}: {type(self.error).__name__}: {self.error}",
                report,
                [],
            ) from self.error


def iterator_of(fires: Iterable[Fire]) -> Iterator[Fire]:
    """The fires. :raises InvalidArgument: when nobody can iterate over them; nothing was sent."""
    try:
        return iter(fires)
    except TypeError as error:
        raise InvalidArgument(
            f"fire_many takes an iterable of Fire objects; found {type(fires).__name__}."
        ) from error


def _item(index: int, fire: Any) -> Item:
    if not isinstance(fire, Fire):
        sentence = f"fire_many takes Fire objects; found {type(fire).__name__} at {index}."
        return FireOutcome(index, fire, error=InvalidArgument(sentence))
    keyed_fire = with_key(fire)
    try:
        session_uid = checked_text(keyed_fire.session_uid, "'session_uid'")
        content = body({"session_uid": session_uid, **content_of(keyed_fire)})
    except InvalidArgument as error:
        return FireOutcome(index, keyed_fire, error=error)
    return Entry(index, keyed_fire, content)


def fire_batch(service: Service, items: Sequence[Item], report: FireReport) -> Steps[FireProgress]:
    """Fire the items of one request and count them in the report.

    Fires that failed for a passing reason are sent again.

    :raises FiringInterrupted: when some fires have no final answer.
    """
    outcomes = {item.index: item for item in items if isinstance(item, FireOutcome)}
    entries = [item for item in items if isinstance(item, Entry)]
    attempts = service.attempts()
    while entries:
        try:
            answers = yield from _send(service, entries)
        except TriggersClientError as error:
            raise _interruption(error, entries, outcomes, report) from error
        outcomes.update({answer.index: answer for answer in answers})
        entries = [entry for entry in entries if _is_passing(outcomes[entry.index])]
        if entries:
            pause = attempts.pause()
            if pause is None:
                last = outcomes[entries[0].index].error
                raise _interruption(last, entries, outcomes, report) from last
            yield Pause(pause)
    return report.add([outcomes[item.index] for item in items])


def _send(service: Service, entries: Sequence[Entry]) -> Steps[list[FireOutcome]]:
    content = b'{"fires":[' + b",".join(entry.content for entry in entries) + b"]}"
    request = Request("POST", "fires", body=content, repeatable=True, is_long=True)
    try:
        answer = yield from service.call(request, dict[str, Any])
    except TooLarge as error:
        if len(entries) > 1:
            raise
        return [FireOutcome(entries[0].index, entries[0].fire, error=error)]
    results = parse(answer.get("results"), list[dict[str, Any]])
    if len(results) != len(entries):
        raise UnexpectedAnswer(f"Expected {len(entries)} results of a batch, found {len(results)}.")
    return [_outcome(entry, result) for entry, result in zip(entries, results, strict=True)]


def _outcome(entry: Entry, result: dict[str, Any]) -> FireOutcome:
    status = parse(result.get("status"), int)
    if status == SUCCESS:
        return FireOutcome(entry.index, entry.fire, result=parse(result, FireResult))
    return FireOutcome(entry.index, entry.fire, error=api_error(status, result))


def _is_passing(outcome: FireOutcome) -> bool:
    # If the server fails (500) at one fire only, this fire must not hold up the others.
    return is_passing(outcome.error) and isinstance(outcome.error, (ServiceUnavailable, TooManyRequests))


def _interruption(
    error: TriggersClientError | None,
    entries: Sequence[Entry],
    outcomes: dict[int, FireOutcome],
    report: FireReport,
) -> FiringInterrupted:
    open_indexes = {entry.index for entry in entries}
    settled = [outcome for index, outcome in sorted(outcomes.items()) if index not in open_indexes]
    report.add(settled)
    detail = error.detail if isinstance(error, ApiError) else str(error)
    return FiringInterrupted(
        f"{report.fired} fires count, and {len(report.refused)} were refused. Then the server did not answer for "
        f"{len(entries)}, from the one at {entries[0].index} on; later ones were not sent. {detail}",
        report,
        [entry.fire for entry in entries],
        settled,
    )


ProgressCallback = Callable[[FireProgress], object]
