"""The exceptions by which a trigger task says that it is to be skipped or retried.

They are Airflow's own, so that a task ends in Airflow as it should, whatever operator calls it. Neighbours:
``context.py`` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_triggers.report import RequestedReplay


class SkipInstance(AirflowSkipException):
    """``raise context.skip(…)``: the instance is skipped, and nothing follows.

    :param metadata: to be attached to the instance.
    """

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        super().__init__("The trigger task skipped itself.")
        self.metadata = metadata


class RetryInstance(AirflowFailException):
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
