"""Runners for tests that need no Airflow: one that only remembers, one that refuses."""

from __future__ import annotations

from airflow_triggers.errors import RunnerError
from airflow_triggers.runners import BaseTaskRunner, task_runners


class RecordingRunner(BaseTaskRunner):
    """Remembers what it was told."""

    name = "recording"

    def __init__(self):
        self.started, self.skipped, self.replays = [], [], []

    def run(self, start):
        self.started.append(start)

    def skip(self, storage, instance, *, by, result):
        self.skipped.append((instance.name, by, result))

    def replayed(self, storage, failed, clone, *, by):
        self.replays.append((failed.name, clone.name, by))

    @property
    def names(self):
        return [start.instance.name for start in self.started]


class RefusingRunner(RecordingRunner):
    """Can start nothing."""

    name = "refusing"

    def run(self, start):
        raise RunnerError(f"{start.instance.name} cannot be started here.")


def registered(runner):
    """Make the runner available under its name, and return it."""
    task_runners.register(runner.name, lambda: runner)
    return runner
