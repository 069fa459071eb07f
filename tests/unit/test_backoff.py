"""Pauses that grow, as tables: of each who tries again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_triggers.controller.process import Restarts
from airflow_triggers.domain.backoff import ATTEMPTS, BackOff
from airflow_triggers.storages import hooks


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (1, 1), (2, 2), (3, 4), (10, 512), (11, 600), (10_000, 600)]
)
def test_the_controller_tries_again_after_growing_pauses(failures, seconds):
    assert ATTEMPTS.pause_after(failures) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("failures", "minutes"), [(1, 0.5), (2, 1), (7, 32), (8, 60), (10_000, 60)])
def test_a_hook_that_raises_is_called_again_after_growing_pauses(failures, minutes):
    assert hooks.BACK_OFF.pause_after(failures) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("quick_ends", "seconds"), [(0, 0), (1, 0), (2, 1), (3, 2), (6, 16), (7, 30), (10_000, 30)]
)
def test_a_controller_that_ends_over_and_over_is_started_ever_more_rarely(quick_ends, seconds):
    assert Restarts(quick_ends=quick_ends).pause == seconds


def test_no_pause_is_longer_than_the_longest():
    back_off = BackOff(first=timedelta(minutes=5), longest=timedelta(seconds=30))
    assert back_off.pause_after(1) == timedelta(seconds=30)
