"""In a batch, a fire does not overtake one into the same session that failed for a passing reason: that is sent again.

Neighbours: ``test_api_batches.py`` has what else a batch does.
"""

from __future__ import annotations

import pytest

from airflow_triggers.domain.fires import FireResult, SessionFireRequest
from airflow_triggers.errors import CacheFailed, DatabaseFailed, LockTimeout
from airflow_triggers.sessions import batches
from airflow_triggers.sessions.describing import fires_of
from airflow_triggers.sessions.opening import create_session
from tests.support.dags import deploy_configuration

PASSING = [
    LockTimeout("Others fire."),
    DatabaseFailed("The connection was lost."),
    CacheFailed("It is away."),
]


@pytest.fixture
def orders(airflow_db):
    deploy_configuration("orders", t_pay={"after": ["paid"], "andEvery": "item"})


def items(uid, numbers):
    return [
        SessionFireRequest(
            session_uid=uid, trigger_name="item", trigger_kwargs={"n": number}, configuration="orders"
        )
        for number in numbers
    ]


def numbers_of(uid):
    return [fire.kwargs["n"] for fire in fires_of(uid, limit=500)][::-1]


def fails_once(function, error):
    """The function, which raises the error the first time."""
    errors = [error]

    def failing(*args, **kwargs):
        if errors:
            raise errors.pop()
        return function(*args, **kwargs)

    return failing


def assert_order_after_a_second_batch(requests, error):
    """Only other sessions got their fires; sent again, those that failed come in order."""
    outcomes = batches.fire_all(requests)
    failed = [
        request
        for request, outcome in zip(requests, outcomes, strict=True)
        if not isinstance(outcome, FireResult)
    ]

    assert [outcome for outcome in outcomes if not isinstance(outcome, FireResult)] == [error] * len(failed)
    assert {str(request.session_uid) for request in failed} == {"a"}
    assert numbers_of("b") == [0]
    batches.fire_all(failed)
    assert numbers_of("a") == [
        request.trigger_kwargs["n"] for request in requests if request.session_uid == "a"
    ]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_into_a_session_that_the_batch_makes(orders, monkeypatch, error):
    monkeypatch.setattr(batches, "fire_request", fails_once(batches.fire_request, error))

    assert_order_after_a_second_batch([*items("a", range(3)), *items("b", [0])], error)


def test_into_a_session_with_more_fires_than_share_a_transaction(orders, monkeypatch):
    error = PASSING[0]
    for uid in ("a", "b"):
        create_session(uid, configuration="orders")
    monkeypatch.setattr(batches, "hold_together", fails_once(batches.hold_together, error))

    assert_order_after_a_second_batch(
        [*items("a", range(batches.MOST_TOGETHER + 50)), *items("b", [0])], error
    )
