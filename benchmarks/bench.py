"""Bench: the tools of every group of rows: databases, a scratch folder, and a list for its curves."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.costs import Cost
from benchmarks.curves import Curve
from benchmarks.database import Databases
from benchmarks.live import Live, living
from benchmarks.row import Row

SHRINKING = 100


@dataclass
class Bench:
    """One run of the benchmarks.

    :param folder: scratch; the caller removes it.
    :param say: shows one line of progress.
    :param is_small: whether rows with large sessions, many sessions or many rounds only show that they work.
    """

    folder: Path
    say: Callable[[str], None]
    stack: ExitStack
    is_small: bool = False
    databases: Databases = field(init=False)
    curves: list[Curve] = field(default_factory=list)
    costs: dict[str, Cost | float] = field(default_factory=dict)
    _live: Live | None = None
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.databases = Databases(self.stack)

    def size(self, count: int) -> int:
        """The number of sessions or instances to build, of :data:`SHRINKING` times fewer in a small run."""
        return count // SHRINKING if self.is_small else count

    def rounds(self, count: int) -> int:
        """The number of rounds; few in a small run."""
        return min(count, 2) if self.is_small else count

    def live(self) -> Live:
        """A real Airflow; the first call starts it, and it ends with the benchmarks."""
        if self._live is None:
            self.say("starting Airflow")
            database = self.databases.new().enter()
            self._live = self.stack.enter_context(living(self.scratch("live"), database))
        self._live.database.enter()
        return self._live

    def scratch(self, name: str) -> Path:
        """An empty folder."""
        folder = self.folder / f"{next(self._numbers)}-{name}"
        folder.mkdir(parents=True)
        return folder

    def scratch_file(self, name: str, *, exists: bool = True) -> Path:
        """A new file; with ``exists=False`` only its name."""
        path = self.folder / f"{next(self._numbers)}-{name}"
        if exists:
            path.touch()
        return path


Group = Callable[[Bench], Iterable[Row] | Iterator[Row]]
"""Measures one numbered group of rows."""
