"""The CPU time of an act: in the processes that serve it, and in PostgreSQL. Other load on the machine does not count.

Neighbours: the groups with access to the processes store costs; ``estimate.py`` calculates with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil

from benchmarks.database import MetadataDatabase


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The cost of one act, in seconds of CPU time.

    :param process: in the serving processes.
    :param database: in the PostgreSQL processes of this database; None when they are on another machine.
    :param wal: bytes written to PostgreSQL's write-ahead log.
    """

    process: float
    database: float | None
    wal: float

    def share(self, by: int) -> Cost:
        """The cost of one act, if this is the cost of ``by`` acts together."""
        database = None if self.database is None else self.database / by
        return Cost(process=self.process / by, database=database, wal=self.wal / by)


def cost_of(
    act: Callable[[], object], times: int, *, processes: Iterable[psutil.Process], database: MetadataDatabase
) -> Cost:
    """Do the act ``times`` times and return the average cost."""
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
    """CPU seconds until now of the living processes."""
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
