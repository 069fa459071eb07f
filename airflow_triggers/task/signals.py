"""The exceptions by which a trigger task says that it is to be skipped or retried, and which exceptions are no errors.

The first are Airflow's own, so that a task ends in Airflow as it should, whatever operator calls it. Neighbours:
``context.py`` makes them, and logs what is an error; ``operator.py`` reports it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
    AirflowTaskTimeout,
    DagRunTriggerException,
    DownstreamTasksSkipped,
)

from airflow_triggers.domain.report import RequestedReplay
from airflow_triggers.errors import CopiedWhole

PASSING = (AirflowRescheduleException, DagRunTriggerException, DownstreamTasksSkipped)
"""Exceptions by which a task tells Airflow that it has not ended, or what follows it: nothing to report."""

FAILING = (Exception, AirflowTaskTimeout, SystemExit)
"""What can fail a task; the other exceptions (Ctrl-C, a deferral) are not about its work."""


class SkipInstance(CopiedWhole, AirflowSkipException):
    """``raise context.skip(…)``: the instance is skipped, and nothing follows.

    :param metadata: to be attached to the instance.
    """

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        super().__init__("The trigger task skipped itself.")
        self.metadata = metadata


class RetryInstance(CopiedWhole, AirflowFailException):
    """``raise context.retry(…)``: the instance fails and is replayed. Airflow's own retries are not made use of.

    :param metadata: to be attached to the failed instance.
    :param reason: what went wrong; None: nothing but this.
    """

    def __init__(
        self, retry: RequestedReplay, metadata: Mapping[str, Any], reason: BaseException | None
    ) -> None:
        pause = f" in {retry.cooldown:g} seconds" if retry.cooldown else ""
        super().__init__(f"The trigger task asks to be run again{pause} (retry {retry.retries}).")
        self.retry, self.metadata, self.reason = retry, metadata, reason


def is_error(error: BaseException) -> bool:
    """Whether the task went wrong: not so when it skips itself, asks to be run again, or directs Airflow.

    >>> is_error(ValueError()), is_error(AirflowSkipException())
    (True, False)
    """
    return isinstance(error, FAILING) and not isinstance(
        error, (*PASSING, AirflowSkipException, RetryInstance)
    )
