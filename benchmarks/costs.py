"""What an act costs in CPU time, of the processes that serve it and of PostgreSQL, whatever else the machine does.

Neighbours: the groups note costs where they have the processes at hand; ``estimate.py`` reckons with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil

from benchmarks.database import MetadataDatabase


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of one act, in seconds of CPU time.

    :param database: of the PostgreSQL processes that serve this database; None when they are on another machine.
    :param wal: bytes written to the log that PostgreSQL recovers and replicates from.
    """

    process: float
    database: float | None
    wal: float

    def divided(self, by: int) -> Cost:
        """The cost of one, where so many were done at once."""
        database = None if self.database is None else self.database / by
        return Cost(process=self.process / by, database=database, wal=self.wal / by)


def cost_of(
    act: Callable[[], object], times: int, *, processes: Iterable[psutil.Process], database: MetadataDatabase
) -> Cost:
    """Do it so often, and see what that cost."""
    process_list = list(processes)
    before = _cpu_seconds(process_list), _cpu_seconds(_backends(database)), _bytes_written(database)
    for _ in range(times):
        act()
    after = _cpu_seconds(process_list), _cpu_seconds(_backends(database)), _bytes_written(database)
    process, backends, wal = (late - early for late, early in zip(after, before, strict=True))
    return Cost(
        process=process / times, database=backends / times if _backends(database) else None, wal=wal / times
    )


def _cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """CPU seconds until now, of those that still are."""
    seconds = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        seconds += times.user + times.system
    return seconds


def _backends(database: MetadataDatabase) -> list[psutil.Process]:
    query = "SELECT array_agg(pid) FROM pg_stat_activity WHERE datname = current_database()"
    backends = []
    for pid in database.execute(query)[0]:
        try:
            process = psutil.Process(pid)
            if process.name().startswith("postgres"):
                backends.append(process)
        except psutil.Error:
            continue
    return backends


def _bytes_written(database: MetadataDatabase) -> float:
    return float(database.execute("SELECT pg_current_wal_lsn() - '0/0'")[0])
