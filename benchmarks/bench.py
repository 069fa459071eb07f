"""Bench: what every group of rows gets: databases, a scratch folder, and a place for its curves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.curves import Curve
from benchmarks.database import Databases
from benchmarks.row import Row


@dataclass
class Bench:
    """One run of the benchmarks.

    :param folder: scratch, which the caller removes.
    :param say: shows one line of progress.
    """

    folder: Path
    say: Callable[[str], None]
    stack: ExitStack
    databases: Databases = field(init=False)
    curves: list[Curve] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.databases = Databases(self.stack)

    def scratch(self, name: str) -> Path:
        """An empty folder."""
        made = self.folder / name
        made.mkdir(parents=True)
        return made


Group = Callable[[Bench], Iterable[Row] | Iterator[Row]]
"""Measures one numbered group of rows."""
