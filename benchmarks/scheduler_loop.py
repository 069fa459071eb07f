"""Runs ``airflow scheduler`` and writes down when each of its loops began and ended: ``python scheduler_loop.py FILE``.

Told so by SIGHUP, it stops itself (SIGSTOP) between two loops, when it holds nothing in the database.

Neighbours: ``schedulers.py`` runs it in an environment with the plugin and in one without; so nothing of this project
is imported here.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

from airflow.__main__ import main
from airflow.jobs import scheduler_job_runner

LOOP = "scheduler.scheduler_loop_duration"


class Loop:
    """Airflow's own timer of the loop, whose measurement is kept: a line for each, the machine's monotonic seconds."""

    def __init__(self, timer: Any, kept: Any) -> None:
        self._timer = timer
        self._kept = kept

    def __enter__(self) -> Any:
        self._begun = time.monotonic()
        return self._timer.__enter__()

    def __exit__(self, *raised: Any) -> Any:
        self._kept.write(f"{self._begun!r} {time.monotonic()!r}\n")
        done = self._timer.__exit__(*raised)
        if told:
            told.clear()
            os.kill(os.getpid(), signal.SIGSTOP)
        return done


told: list[int] = []


if __name__ == "__main__":
    signal.signal(signal.SIGHUP, lambda number, frame: told.append(number))
    stats: Any = scheduler_job_runner.stats  # type: ignore[attr-defined]  # Airflow does not export it
    original = stats.timer
    with open(sys.argv[1], "w", encoding="utf-8", buffering=1) as kept:

        def timer(name: str | None = None, *arguments: Any, **options: Any) -> Any:
            made = original(name, *arguments, **options)
            return Loop(made, kept) if name == LOOP else made

        stats.timer = timer
        sys.argv = ["airflow", "scheduler", "--skip-serve-logs"]
        main()
