"""Decides when a request is sent again: only if this is safe, after growing pauses. Pure: no clock, no randomness.

Neighbours: ``service.py`` asks; ``operations/batches.py`` asks for single fires of a batch. Others check seconds here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_triggers_client.errors import (
    AnswerLost,
    ApiError,
    InvalidArgument,
    LockTimeout,
    NotInstalled,
    SchemaOutdated,
    ServerError,
    ServerUnreachable,
    ServiceUnavailable,
    TooManyRequests,
    TriggersClientError,
    UnsupportedDatabase,
)

LASTING = (NotInstalled, SchemaOutdated, UnsupportedDatabase)
"""What a server says that somebody has to mend first."""

UNEXPLAINED = frozenset({"InternalError", "InternalServerError"})
"""Reasons of a status 500 that may pass: Airflow's login, or a proxy, failed."""


def check_seconds(name: str, seconds: Any, *, above_zero: bool = False) -> None:
    """Check that an argument is a number of seconds, and not infinite.

    :param name: of the argument.
    :param above_zero: whether 0 is refused.
    :raises InvalidArgument: when it is another value.
    """
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not is_number or not 0 <= seconds < float("inf") or (above_zero and seconds == 0):
        limit = "above 0" if above_zero else "from 0"
        raise InvalidArgument(f"{name!r} is a number of seconds {limit}; found {seconds!r}.")


@dataclass(frozen=True)
class Retries:
    """How long a request is tried, and the pauses between the tries.

    :param patience: seconds from the first try to the last one; 0: a request is tried once.
    :param first_pause: maximal seconds before the second try; each further pause is twice as long.
    :param longest_pause: the maximal pause in seconds; a ``Retry-After`` of the server is added to it.
    :raises InvalidArgument: when one is no number of seconds from 0.
    """

    patience: float = 60.0
    first_pause: float = 0.2
    longest_pause: float = 10.0

    def __post_init__(self) -> None:
        for name in ("patience", "first_pause", "longest_pause"):
            check_seconds(name, getattr(self, name))

    def pause(
        self, attempt: int, *, elapsed: float, chance: float, retry_after: float | None
    ) -> float | None:
        """Seconds to wait before the next try; None: there is none.

        :param attempt: the number of failed tries before this one, from 0.
        :param elapsed: seconds since the first try.
        :param chance: a random number from 0 to 1: clients that failed together come back at different times.
        :param retry_after: the seconds of the server's ``Retry-After``.
        """
        longest = min(self.longest_pause, self.first_pause * 2.0 ** min(attempt, 30))
        pause = (retry_after or 0.0) + longest * (0.5 + chance / 2)
        return pause if elapsed + pause <= self.patience else None


def may_repeat(error: TriggersClientError, *, repeatable: bool) -> bool:
    """Whether the failed request may be sent again, and might succeed.

    :param repeatable: whether the request is idempotent.
    """
    if isinstance(error, (ServerUnreachable, TooManyRequests, LockTimeout)):
        # The server has done nothing.
        return True
    return repeatable and (isinstance(error, AnswerLost) or is_passing(error))


def is_passing(error: TriggersClientError | None) -> bool:
    """Whether the API's error may pass by itself."""
    if isinstance(error, ServiceUnavailable):
        return not isinstance(error, LASTING)
    if isinstance(error, ServerError):
        return error.reason in UNEXPLAINED
    return isinstance(error, TooManyRequests)


def retry_after_of(error: TriggersClientError) -> float | None:
    """The seconds of the server's ``Retry-After``; None: it named none."""
    return error.problem.retry_after if isinstance(error, ApiError) else None
