"""Runs ``airflow scheduler`` and writes down the start and end of each loop: ``python scheduler_loop.py FILE``.

After a SIGHUP it stops itself (SIGSTOP) between two loops: at this point it holds no locks in the database.

Neighbours: ``schedulers.py`` runs it in an environment with the plugin and in one without. So this file imports nothing
of this project.
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
    """Airflow's own timer of the loop; it also writes a line for each loop: start and end in monotonic seconds."""

    def __init__(self, timer: Any, file: Any) -> None:
        self._timer = timer
        self._file = file

    def __enter__(self) -> Any:
        self._started_at = time.monotonic()
        return self._timer.__enter__()

    def __exit__(self, *exception: Any) -> Any:
        self._file.write(f"{self._started_at!r} {time.monotonic()!r}\n")
        is_handled = self._timer.__exit__(*exception)
        if stop_requests:
            stop_requests.clear()
            os.kill(os.getpid(), signal.SIGSTOP)
        return is_handled


stop_requests: list[int] = []


if __name__ == "__main__":
    signal.signal(signal.SIGHUP, lambda number, frame: stop_requests.append(number))
    # Airflow does not export it.
    stats: Any = scheduler_job_runner.stats  # type: ignore[attr-defined]
    original = stats.timer
    with open(sys.argv[1], "w", encoding="utf-8", buffering=1) as loops_file:

        def timer(name: str | None = None, *arguments: Any, **options: Any) -> Any:
            original_timer = original(name, *arguments, **options)
            return Loop(original_timer, loops_file) if name == LOOP else original_timer

        stats.timer = timer
        sys.argv = ["airflow", "scheduler", "--skip-serve-logs"]
        main()
