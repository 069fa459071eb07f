"""Makes the contract suite's runner available for the life of the test process."""

from __future__ import annotations

from airflow_triggers.runners import task_runners
from airflow_triggers.testing.contract.actors import RecordingRunner

__all__ = ["RecordingRunner", "registered"]


def registered(runner):
    """Make the runner available under its name, and return it."""
    task_runners.register(runner.name, lambda: runner)
    return runner
