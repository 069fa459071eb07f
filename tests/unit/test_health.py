"""What is healthy, and what people are told to do where something is not: a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from airflow_triggers.domain.health import MAX_COUNT, Backlog, Controllers, Health, HealthLimits

NOW = datetime(2031, 5, 17, 8, 0, tzinfo=UTC)
LIMITS = HealthLimits(silence=timedelta(seconds=30), lag=timedelta(seconds=300))
ALIVE = Controllers(alive_count=2, last_pass=NOW - timedelta(seconds=4))
HEALTHY = Health(at=NOW, controllers=ALIVE, limits=LIMITS, backlog=Backlog())


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


def with_controllers(**values):
    return replace(HEALTHY, controllers=Controllers(**{"alive_count": 0, "last_pass": None, **values}))


def waiting_since(moment):
    return replace(HEALTHY, backlog=Backlog(oldest_change=moment))


@pytest.mark.parametrize(
    ("health", "sentence"),
    [
        (
            HEALTHY,
            "2 triggers controllers are alive; the last sign of life is 4.0 s old, every change is applied.",
        ),
        (
            replace(HEALTHY, controllers=replace(ALIVE, alive_count=1, host="web-1"), backlog=None),
            "1 triggers controller is alive on host 'web-1'; the last sign of life is 4.0 s old.",
        ),
        (
            replace(HEALTHY, controllers=replace(ALIVE, alive_count=MAX_COUNT)),
            "1000 or more triggers controllers are alive; the last sign of life is 4.0 s old, every change is applied.",
        ),
        (
            replace(HEALTHY, backlog=Backlog(oldest_change=ago(12), parked_hooks=2, parked_delayed_fires=1)),
            "2 triggers controllers are alive; the last sign of life is 4.0 s old, the oldest change that is not "
            "applied yet has waited 12 s; parked: 2 hooks, 1 delayed fire.",
        ),
    ],
)
def test_a_healthy_state_is_one_sentence(health, sentence):
    assert health.is_healthy
    assert health.reason is None
    assert health.sentence == sentence


@pytest.mark.parametrize(
    ("health", "words"),
    [
        (with_controllers(), ("has run on this metadata database", "airflow triggers controller")),
        (with_controllers(host="web-1"), ("has run on host 'web-1'", "controller_autostart")),
        (
            with_controllers(last_pass=ago(90), ended_at=ago(80)),
            ("the last one ended at 2031-05-17T07:58:40+00:00", "airflow triggers controller"),
        ),
        (
            with_controllers(last_pass=ago(90)),
            ("07:58:30+00:00, 90 s ago", "expected at most 30 s", "start it again"),
        ),
        (
            waiting_since(ago(301)),
            ("has waited 301 s, expected at most 300 s", "controller_lag_threshold", "run more controllers"),
        ),
    ],
)
def test_an_unhealthy_state_says_what_was_expected_and_what_to_do(health, words):
    assert not health.is_healthy
    for text in words:
        assert text in health.reason
    assert health.sentence == health.reason


def test_a_change_from_a_clock_that_is_ahead_has_waited_no_time():
    assert waiting_since(NOW + timedelta(seconds=5)).lag == timedelta(0)


def test_a_lag_up_to_the_limit_is_healthy():
    assert waiting_since(ago(300)).is_healthy
