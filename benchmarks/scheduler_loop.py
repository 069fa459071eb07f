"""Runs ``airflow scheduler`` and writes down how long each of its loops took: ``python scheduler_loop.py LOOPS FILE``.

Neighbours: ``schedulers.py`` runs it in an environment with the plugin and in one without; so nothing of this project
is imported here.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from airflow.__main__ import main
from airflow.jobs import scheduler_job_runner

LOOP = "scheduler.scheduler_loop_duration"
SETTLING = 8.0
"""Seconds in which what a scheduler starts beside itself comes up; these loops are not counted."""


class Loop:
    """Airflow's own timer of the loop, whose measurement is kept."""

    def __init__(self, timer: Any) -> None:
        self._timer = timer

    def __enter__(self) -> Any:
        self._begun = time.perf_counter()
        return self._timer.__enter__()

    def __exit__(self, *raised: Any) -> Any:
        began_at.append(self._begun)
        durations.append(time.perf_counter() - self._begun)
        return self._timer.__exit__(*raised)


began_at: list[float] = []
durations: list[float] = []
original = scheduler_job_runner.stats.timer


def timer(name: str | None = None, *arguments: Any, **options: Any) -> Any:
    made = original(name, *arguments, **options)
    return Loop(made) if name == LOOP else made


if __name__ == "__main__":
    loops, file = sys.argv[1], Path(sys.argv[2])
    scheduler_job_runner.stats.timer = timer
    sys.argv = ["airflow", "scheduler", "--skip-serve-logs", "--num-runs", loops]
    try:
        main()
    finally:
        counted = [
            duration
            for begun, duration in zip(began_at, durations, strict=True)
            if begun - began_at[0] > SETTLING
        ]
        file.write_text("\n".join(map(repr, counted)), encoding="utf-8")
