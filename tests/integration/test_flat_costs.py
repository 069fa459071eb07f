"""What a fire and a controller's pass cost does not grow with what they have nothing to do with.

A small size of what ``make bench`` measures (``benchmarks/``): both sides in turn, and their ratio. Other work on the
machine can spoil a measurement, never mend one, so one good measurement of a few is enough.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from airflow import settings
from sqlalchemy import make_url

from benchmarks.controllers import passes
from benchmarks.database import MetadataDatabase
from benchmarks.fires import by_session_size
from tests.support.databases import temporary_postgresql_url

ATTEMPTS = 4
WITHOUT_WAITING_FOR_THE_DISK = "-csynchronous_commit=off"


@pytest.fixture
def copies(postgresql_airflow_db):
    """Makes copies of the empty metadata database, and enters them."""
    template = make_url(postgresql_airflow_db.url).database
    settings.dispose_orm()
    with ExitStack() as stack:

        def copy(number):
            url = stack.enter_context(temporary_postgresql_url(f"_copy{number}", template=template))
            database = MetadataDatabase(f"{url}?options={WITHOUT_WAITING_FOR_THE_DISK}")
            stack.callback(database.close)
            return database

        yield copy
    postgresql_airflow_db.enter()


def grows_at_most(limit, measure):
    ratios = []
    for _ in range(ATTEMPTS):
        ratios.append(measure())
        if ratios[-1] <= limit:
            return
    raise AssertionError(f"The larger one costs {ratios} times as much, expected at most {limit} times.")


def test_a_fire_costs_about_the_same_in_a_large_session(copies):
    database = copies(0).enter()
    small, large = 10, 3_000

    def measure(series):
        return series.compare(str(large), str(small)).ratio

    resolved, waiting = by_session_size(database, sizes=(small, large), times=10)
    grows_at_most(1.4, lambda: measure(resolved.interleave(rounds=5)))
    grows_at_most(1.4, lambda: measure(waiting.interleave(rounds=5)))


def test_a_pass_in_which_nothing_happened_costs_little_more_with_many_runs_in_flight(copies):
    small, large = 10, 1_000
    measured = passes({small: copies(0), large: copies(1)}, times=2)
    grows_at_most(3, lambda: measured.interleave(rounds=5).compare(str(large), str(small)).ratio)
