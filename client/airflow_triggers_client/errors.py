"""The errors of the client, a tree. Every error that a method raises is a :class:`TriggersClientError`.

    TriggersClientError
    ├── InvalidArgument                an argument cannot be sent; nothing was
    ├── ConnectionFailed
    │   ├── ServerUnreachable          the server did not get the request
    │   └── AnswerLost                 the server may have got it; no answer came
    ├── UnexpectedAnswer               the answer is not one of the triggers API
    ├── WaitTimeout                    what was waited for did not come in time
    ├── FiringInterrupted              fire_many ended early; it has what is not settled
    └── ApiError                       the API refused, or failed
        ├── NotAuthenticated           401
        ├── Forbidden                  403
        ├── NotFound                   404
        │   ├── SessionNotFound, InstanceNotFound, TaskNotFound, UnknownConfiguration
        │   └── DelayedFireNotFound, NothingParked
        ├── Conflict                   409
        │   ├── SessionExists, SessionUnresolved, IdempotencyConflict, InvalidTransition
        │   └── DelayedFireCancelled, DagUnavailable, UnreadableRow, StaleWrite
        ├── TooLarge                   413
        ├── InvalidRequest             400, 422
        ├── TooManyRequests            429
        └── ServerError                500 and above
            └── ServiceUnavailable     502, 503, 504
                ├── LockTimeout, DatabaseFailed
                └── SchemaOutdated, UnsupportedDatabase, NotInstalled

Neighbours: ``answers.py`` makes an :class:`ApiError` of an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


class TriggersClientError(Exception):
    """The root: anything that this client raises."""


class InvalidArgument(TriggersClientError, ValueError):
    """An argument has a value that cannot be sent. Nothing was sent."""


class ConnectionFailed(TriggersClientError):
    """No answer of the server came."""


class ServerUnreachable(ConnectionFailed):
    """The server did not get the request: nothing was done."""


class AnswerLost(ConnectionFailed):
    """The request was sent and no answer came: nobody knows whether it was carried out."""


class UnexpectedAnswer(TriggersClientError):
    """An answer that the triggers API does not give: the URL is of something else, or of a newer version."""


class WaitTimeout(TriggersClientError, TimeoutError):
    """What was waited for did not come in time."""


class FiringInterrupted(TriggersClientError):
    """``fire_many`` ended before its fires did. It ended at a boundary of batches.

    :param report: a ``FireReport`` of the batches that were answered.
    :param unsettled: the fires of the last batch that have no final answer, with their idempotency keys. Send them
        again, before those that follow them: each counts once.
    """

    def __init__(self, message: str, report: Any, unsettled: Sequence[Any]) -> None:
        super().__init__(message, report, unsettled)
        self.report, self.unsettled = report, unsettled

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Problem:
    """What an answer says of an error.

    :param status: the HTTP status.
    :param reason: a word for programs, such as ``SessionNotFound``.
    :param detail: a sentence for people.
    :param errors: of a body or query that is not valid: each problem.
    :param retry_after: seconds after which to try again, if the server named them.
    :param body: the whole body, with members that this version does not know.
    """

    status: int
    reason: str
    detail: str
    errors: Sequence[Mapping[str, Any]] = ()
    retry_after: float | None = None
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


class ApiError(TriggersClientError):
    """The API refused a request, or failed."""

    statuses: ClassVar[frozenset[int]] = frozenset()
    """The HTTP statuses that this class is for."""

    reasons: ClassVar[frozenset[str]] = frozenset()
    """The reasons that this class is for; empty: those without a class of their own."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status

    @property
    def reason(self) -> str:
        """A word for programs."""
        return self.problem.reason

    @property
    def detail(self) -> str:
        """A sentence for people."""
        return self.problem.detail

    def __str__(self) -> str:
        return self.problem.detail


class NotAuthenticated(ApiError):
    """The token, or the user's name and password, are missing or not valid."""

    statuses = frozenset({401})


class Forbidden(ApiError):
    """Airflow would not let the user do that."""

    statuses = frozenset({403})


class NotFound(ApiError):
    """It does not exist, or the user may do nothing with it."""

    statuses = frozenset({404})


class SessionNotFound(NotFound):
    """There is no such session. Create it, or name a configuration when firing into it."""

    reasons = frozenset({"SessionNotFound"})


class InstanceNotFound(NotFound):
    """The session has no such task instance."""

    reasons = frozenset({"InstanceNotFound"})


class TaskNotFound(NotFound):
    """The session's configuration has no such task."""

    reasons = frozenset({"TaskNotFound"})


class UnknownConfiguration(NotFound):
    """No deployed configuration has that name."""

    reasons = frozenset({"UnknownConfiguration"})


class DelayedFireNotFound(NotFound):
    """The session has no such fire to come: it has been fired, or there never was one."""

    reasons = frozenset({"DelayedFireNotFound"})


class NothingParked(NotFound):
    """There is no such hook to be called again; or the fire to come has not failed."""

    reasons = frozenset({"NothingParked"})


class Conflict(ApiError):
    """The status does not allow it, or it differs from what the session has."""

    statuses = frozenset({409})


class SessionExists(Conflict):
    """The session exists with another configuration, manager or storage."""

    reasons = frozenset({"SessionExists"})


class SessionUnresolved(Conflict):
    """The session is not resolved, so it is deleted only by force; nothing was deleted."""

    reasons = frozenset({"SessionUnresolved"})


class IdempotencyConflict(Conflict):
    """The idempotency key was used for another trigger or other kwargs."""

    reasons = frozenset({"IdempotencyConflict"})


class InvalidTransition(Conflict):
    """The instance's status does not allow it: only failed instances can be replayed or skipped."""

    reasons = frozenset({"InvalidTransition"})


class DelayedFireCancelled(Conflict):
    """The fire to come was cancelled before."""

    reasons = frozenset({"DelayedFireCancelled"})


class DagUnavailable(Conflict):
    """The DAG that an instance runs is missing, stale or broken."""

    reasons = frozenset({"DagUnavailable", "RunIdTaken"})


class UnreadableRow(Conflict):
    """A row of the server's database cannot be read; nothing was changed."""

    reasons = frozenset({"UnreadableRow"})


class StaleWrite(Conflict):
    """Something else changed the session at the same time; nothing was changed."""

    reasons = frozenset({"StaleWrite"})


class TooLarge(ApiError):
    """The body is larger than the server takes."""

    statuses = frozenset({413})


class InvalidRequest(ApiError):
    """The server cannot read the request, or a value in it is not valid; ``problem.errors`` has each problem."""

    statuses = frozenset({400, 422})


class TooManyRequests(ApiError):
    """Something on the way limits the rate; nothing was done."""

    statuses = frozenset({429})


class ServerError(ApiError):
    """The server failed."""

    statuses = frozenset({500})


class ServiceUnavailable(ServerError):
    """The server, or what it needs, is not there at the moment."""

    statuses = frozenset({502, 503, 504})


class LockTimeout(ServiceUnavailable):
    """Others fire into the session for too long; nothing was changed."""

    reasons = frozenset({"LockTimeout"})


class DatabaseFailed(ServiceUnavailable):
    """The server's database failed; the detail says whether anything was kept."""

    reasons = frozenset({"DatabaseFailed"})


class SchemaOutdated(ServiceUnavailable):
    """The server's database is not migrated; ``airflow db migrate`` does that."""

    reasons = frozenset({"SchemaOutdated"})


class UnsupportedDatabase(ServiceUnavailable):
    """The server's metadata database is neither SQLite nor PostgreSQL."""

    reasons = frozenset({"UnsupportedDatabase"})


class NotInstalled(ServiceUnavailable):
    """The server lacks the session's manager or storage, or a broken package provides it."""

    reasons = frozenset({"RegistryError", "NotRegistered"})
