"""The clocks of several machines, played in one process."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta

from airflow_triggers.controller import assets, bulk, delayed, health, loop, measures
from airflow_triggers.gateway import audit, jobs, runs
from airflow_triggers.history import evidence, parked
from airflow_triggers.runners import promises
from airflow_triggers.sessions import bulk_acts, bulk_work, candidates, listing
from airflow_triggers.storages import anchors, base, hooks, together

READERS = (
    *(anchors, base, hooks, together),
    *(promises, evidence, parked),
    *(audit, jobs, runs),
    *(assets, bulk, delayed, health, loop, measures),
    *(bulk_acts, bulk_work, candidates, listing),
)
"""Every module of the product that asks what time it is; a test sees to it that none is missing."""


class Clocks:
    """Replaces the clock of the modules in :data:`READERS`, with the error of the machine's clock.

    >>> with clocks.wrong_by(seconds=-60):
    ...     clocks.pass_by(seconds=30)
    """

    def __init__(self, monkeypatch):
        self.passed = self.skew = timedelta()

        class Shifted(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) + self.passed + self.skew

        for module in READERS:
            monkeypatch.setattr(module, "datetime", Shifted)

    def pass_by(self, *, seconds):
        """Let the time pass on all machines."""
        self.passed += timedelta(seconds=seconds)

    @contextmanager
    def wrong_by(self, *, seconds):
        """Inside, the code runs on a machine with a clock ``seconds`` ahead."""
        self.skew = timedelta(seconds=seconds)
        try:
            yield
        finally:
            self.skew = timedelta()
