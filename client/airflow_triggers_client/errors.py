"""The errors of the client, a tree. Every error of a method is a :class:`TriggersClientError`.

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
        ├── PreconditionFailed         412
        ├── TooLarge                   413
        ├── InvalidRequest             400, 422
        ├── TooManyRequests            429
        └── ServerError                500 and above
            └── ServiceUnavailable     502, 503, 504
                ├── LockTimeout, DatabaseFailed, CacheFailed
                └── SchemaOutdated, UnsupportedDatabase, NotInstalled

Neighbours: ``answers.py`` makes an :class:`ApiError` of an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


class TriggersClientError(Exception):
    """The root of all errors of this client."""


class InvalidArgument(TriggersClientError, ValueError):
    """An argument has a value that cannot be sent. Nothing was sent."""


class ConnectionFailed(TriggersClientError):
    """The server sent no answer."""


class ServerUnreachable(ConnectionFailed):
    """The server did not get the request: nothing was done."""


class AnswerLost(ConnectionFailed):
    """The request was sent and no answer came: it is unknown whether the server carried it out."""


class UnexpectedAnswer(TriggersClientError):
    """The answer is not one of the triggers API: the URL is of another service, or the server is newer."""


class WaitTimeout(TriggersClientError, TimeoutError):
    """The condition did not hold in time."""


class FiringInterrupted(TriggersClientError):
    """``fire_many`` ended before its fires did, because the server stayed away, or the iterable raised an error.

    ``__cause__`` is the error of the server, or that of the iterable.

    :param report: a ``FireReport`` of the fires with a final answer.
    :param unsettled: the fires of the last batch without a final answer, with their idempotency keys. Send them again,
        before the fires after them: each counts once. None, if the iterable failed: what it gave before was sent.
    :param outcomes: the final answers within the last batch; ``progress`` was not called with them.
    """

    def __init__(
        self, message: str, report: Any, unsettled: Sequence[Any], outcomes: Sequence[Any] = ()
    ) -> None:
        super().__init__(message, report, unsettled, outcomes)
        self.report, self.unsettled, self.outcomes = report, unsettled, outcomes

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Problem:
    """The content of an error's answer.

    :param status: the HTTP status.
    :param reason: a word for programs, such as ``SessionNotFound``.
    :param detail: a sentence for people.
    :param errors: each problem of an invalid body or query.
    :param retry_after: seconds to wait before the next try, if the server named them.
    :param body: the whole body, including members unknown to this version.
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
    """The user lacks the right in Airflow."""

    statuses = frozenset({403})


class NotFound(ApiError):
    """The object does not exist, or the user has no right on it."""

    statuses = frozenset({404})


class SessionNotFound(NotFound):
    """There is no such session. Create it, or name a configuration when you fire into it."""

    reasons = frozenset({"SessionNotFound"})


class InstanceNotFound(NotFound):
    """The session has no such task instance."""

    reasons = frozenset({"InstanceNotFound"})


class TaskNotFound(NotFound):
    """The session's configuration has no such task."""

    reasons = frozenset({"TaskNotFound"})


class UnknownConfiguration(NotFound):
    """No deployed configuration has this name."""

    reasons = frozenset({"UnknownConfiguration"})


class DelayedFireNotFound(NotFound):
    """The session has no such delayed fire: it has fired, or it never existed."""

    reasons = frozenset({"DelayedFireNotFound"})


class NothingParked(NotFound):
    """The session has no such hook to call again; or the delayed fire has not failed."""

    reasons = frozenset({"NothingParked"})


class Conflict(ApiError):
    """The status does not allow the act, or the request contradicts the session."""

    statuses = frozenset({409})


class SessionExists(Conflict):
    """The session exists with another configuration, manager or storage."""

    reasons = frozenset({"SessionExists"})


class SessionUnresolved(Conflict):
    """The session is not resolved: only ``force`` deletes it. Nothing was deleted."""

    reasons = frozenset({"SessionUnresolved"})


class IdempotencyConflict(Conflict):
    """The idempotency key was used for another trigger or other kwargs."""

    reasons = frozenset({"IdempotencyConflict"})


class InvalidTransition(Conflict):
    """The instance's status does not allow the act: only failed instances can be replayed or skipped."""

    reasons = frozenset({"InvalidTransition"})


class DelayedFireCancelled(Conflict):
    """The delayed fire was cancelled before."""

    reasons = frozenset({"DelayedFireCancelled"})


class DagUnavailable(Conflict):
    """The DAG of an instance is missing, stale or broken."""

    reasons = frozenset({"DagUnavailable", "RunIdTaken"})


class UnreadableRow(Conflict):
    """A row of the server's database cannot be read; nothing was changed."""

    reasons = frozenset({"UnreadableRow"})


class StaleWrite(Conflict):
    """Something else changed the session at the same time; nothing was changed."""

    reasons = frozenset({"StaleWrite"})


class PreconditionFailed(ApiError):
    """The session, or the instance, has changed since the caller read it; nothing was changed."""

    statuses = frozenset({412})


class TooLarge(ApiError):
    """The body is larger than the server accepts."""

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
    """The server, or something that it needs, is not available at the moment."""

    statuses = frozenset({502, 503, 504})


class LockTimeout(ServiceUnavailable):
    """Others held the session's lock for too long; nothing was changed."""

    reasons = frozenset({"LockTimeout"})


class DatabaseFailed(ServiceUnavailable):
    """The server's database failed; the detail says whether anything was stored."""

    reasons = frozenset({"DatabaseFailed"})


class CacheFailed(ServiceUnavailable):
    """The cache that keeps the session failed; nobody can say what it stored."""

    reasons = frozenset({"CacheFailed"})


class SchemaOutdated(ServiceUnavailable):
    """The server's database is not migrated; ``airflow db migrate`` does that."""

    reasons = frozenset({"SchemaOutdated"})


class UnsupportedDatabase(ServiceUnavailable):
    """The server's metadata database is neither SQLite nor PostgreSQL."""

    reasons = frozenset({"UnsupportedDatabase"})


class NotInstalled(ServiceUnavailable):
    """The server lacks the session's manager or storage, or a broken package provides it."""

    reasons = frozenset({"RegistryError", "NotRegistered"})
