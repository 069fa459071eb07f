"""A progress bar on stderr, if stderr is a terminal. The client has no library for one.

Neighbours: ``firing.py`` and ``bulk_acts.py`` show it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

WIDTH = 30


@dataclass(frozen=True)
class Bar:
    """A progress bar.

    :param total: how many steps there are; None: not known.
    """

    total: int | None

    def show(self, count: int, counts: str) -> None:
        """Draw the bar over the previous one.

        :param count: how many steps are done.
        :param counts: what to show behind the bar.
        """
        if not sys.stderr.isatty():
            return
        if self.total is None:
            text = f"{count}  {counts}"
        else:
            share = count / self.total if self.total else 1.0
            full = int(share * WIDTH)
            text = f"[{'#' * full}{'-' * (WIDTH - full)}] {share:4.0%}  {counts}"
        print(f"\r{text}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """End the bar's line."""
        if sys.stderr.isatty():
            print(file=sys.stderr)
