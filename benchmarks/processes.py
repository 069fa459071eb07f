"""Waits for measured processes, reads their memory, and ends them.

Neighbours: ``footprints.py`` and ``controllers.py`` measure; ``environments.py`` makes the environments.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

STOP_DEADLINE = 20
START_DEADLINE = 120


@contextmanager
def ended_afterwards(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """End the process and its process group afterwards; the process must lead the group."""
    try:
        yield process
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if process.poll() is None:
                os.killpg(process.pid, number)
                try:
                    process.wait(STOP_DEADLINE)
                except subprocess.TimeoutExpired:
                    continue


def await_that(description: str, holds: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    """Wait until ``holds`` is true, while the process lives."""
    deadline = time.monotonic() + START_DEADLINE
    while not holds():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{description}: not within {START_DEADLINE} s, or the process ended before.")
        time.sleep(0.02)


def memory(pid: int) -> float:
    """The unique memory of the process and its children, in bytes: shared memory is not counted."""
    process = psutil.Process(pid)
    return float(
        sum(member.memory_full_info().uss for member in [process, *process.children(recursive=True)])
    )
