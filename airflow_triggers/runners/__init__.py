"""Task runners: what starts an instance that is ready. ``task_runners.get("airflow")`` makes one by name."""

from __future__ import annotations

from airflow_triggers.registry import Registry
from airflow_triggers.runners.base import BaseTaskRunner, Start

task_runners: Registry[BaseTaskRunner] = Registry("task runner", "triggers.runners")

__all__ = ["BaseTaskRunner", "Start", "task_runners"]
