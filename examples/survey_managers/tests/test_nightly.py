"""A runner made up for this test passes the suite of runners: it runs waiting instances on demand."""

from __future__ import annotations

import pytest

from airflow_triggers.runners import BaseTaskRunner, task_runners
from airflow_triggers.runners.inprocess import path_of_run, perform
from airflow_triggers.testing.contract import RunnerContract


class NightlyTaskRunner(BaseTaskRunner):
    """Runs in one go what came together during the day."""

    name = "nightly"

    def __init__(self):
        self.waiting = []

    def run(self, start):
        path_of_run(start.instance.task)
        start.storage.after_release(lambda: self.waiting.append(start))

    def skip(self, storage, instance, *, by, result):
        pass

    def replayed(self, storage, failed, clone, *, by):
        pass

    def run_all(self):
        while self.waiting:
            perform(self.waiting.pop(0))


class TestNightlyTaskRunner(RunnerContract):
    runner_name = "nightly"

    @pytest.fixture(autouse=True)
    def nightly(self):
        self.runner = NightlyTaskRunner()
        task_runners.register("nightly", lambda: self.runner)
        yield
        task_runners.unregister("nightly")

    def settle(self, manager):
        self.runner.run_all()
