"""The exceptions of ``context.skip`` and ``context.retry``, and the rule for which exceptions are errors.

The two exceptions are subclasses of Airflow's own: the task ends correctly in Airflow, whatever operator calls it.
Neighbours: ``context.py`` makes them, and logs errors; ``operator.py`` reports them.
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
"""A task's signals to Airflow: it has not ended, or what must happen next. There is nothing to report."""

FAILING = (Exception, AirflowTaskTimeout, SystemExit)
"""The exceptions that fail a task. The others (Ctrl-C, a deferral) are not about its work."""


class SkipInstance(CopiedWhole, AirflowSkipException):
    """``raise context.skip(…)``: the instance is skipped, and nothing follows.

    :param metadata: attached to the instance.
    """

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        super().__init__("The trigger task skipped itself.")
        self.metadata = metadata


class RetryInstance(CopiedWhole, AirflowFailException):
    """``raise context.retry(…)``: the instance fails and is replayed, without Airflow's own retries.

    :param retry: the replay to make.
    :param metadata: attached to the failed instance.
    :param reason: the exception that went before; None when there was none.
    """

    def __init__(
        self, retry: RequestedReplay, metadata: Mapping[str, Any], reason: BaseException | None
    ) -> None:
        pause = f" in {retry.cooldown:g} seconds" if retry.cooldown else ""
        super().__init__(f"The trigger task asks to be run again{pause} (retry {retry.retries}).")
        self.retry, self.metadata, self.reason = retry, metadata, reason


def is_error(error: BaseException) -> bool:
    """Whether the task went wrong. It did not, if it skips itself, asks for another run, or directs Airflow.

    >>> is_error(ValueError()), is_error(AirflowSkipException())
    (True, False)
    """
    return isinstance(error, FAILING) and not isinstance(
        error, (*PASSING, AirflowSkipException, RetryInstance)
    )
