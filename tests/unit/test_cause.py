"""What in Airflow made a status change, as a table."""

from __future__ import annotations

import pytest

from airflow_triggers.controller.cause import cause_of, is_by_hand
from airflow_triggers.domain.instances import InstanceStatus as S
from airflow_triggers.domain.runs import SeenRun
from airflow_triggers.domain.states import Event

QUEUED, RUNNING = SeenRun("queued", 0), SeenRun("running", 0)
DONE, FAILED = SeenRun("success", 0), SeenRun("failed", 0)


@pytest.mark.parametrize(
    ("status", "event", "seen", "now", "cause", "by_hand"),
    [
        (S.SCHEDULED, Event.START, QUEUED, RUNNING, "its DAG run started", False),
        (S.RUNNING, Event.FINISH, RUNNING, DONE, "its DAG run succeeded", False),
        (S.RUNNING, Event.FAIL, RUNNING, FAILED, "its DAG run failed", False),
        (S.RUNNING, Event.WAIVE, RUNNING, DONE, "all tasks of its DAG run were skipped", False),
        (S.RUNNING, Event.FAIL, RUNNING, None, "its DAG run was deleted in Airflow", True),
        (S.FAILED, Event.FINISH, FAILED, DONE, "its DAG run was marked success in Airflow", True),
        (S.FINISHED, Event.FAIL, DONE, FAILED, "its DAG run was marked failed in Airflow", True),
        (S.FAILED, Event.REOPEN, FAILED, SeenRun("queued", 1), "its DAG run was cleared in Airflow", True),
        (S.FAILED, Event.REOPEN, FAILED, QUEUED, "its DAG run was set back in Airflow", True),
        (S.FINISHED, Event.FINISH, DONE, SeenRun("success", 1), "its DAG run succeeded", True),
    ],
)
def test_the_cause_says_whether_somebody_acted(status, event, seen, now, cause, by_hand):
    assert cause_of(status, event, seen_run=seen, now=now) == cause
    assert is_by_hand(status, seen_run=seen, now=now) is by_hand
