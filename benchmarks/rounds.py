"""Interleaved rounds, A B A B …: other load on the machine affects both sides alike.

Neighbours: the groups measure by it, ``row.py`` holds the result.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Side = Callable[[], float]
"""Does its work once, and says what it cost (seconds each, bytes, …)."""


@dataclass(frozen=True)
class Rounds:
    """The costs of two sides, round by round."""

    costs: tuple[float, ...]
    against: tuple[float, ...]

    @property
    def ratios(self) -> list[float]:
        """The measured side divided by the other, in each round."""
        return [side / reference for side, reference in zip(self.costs, self.against, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios."""
        return statistics.median(self.ratios)

    @property
    def differences(self) -> list[float]:
        """The measured side minus the other, in each round."""
        return [side - reference for side, reference in zip(self.costs, self.against, strict=True)]

    @property
    def quartiles(self) -> tuple[float, float]:
        """The lower and the upper quartile of the ratios."""
        return quartiles(self.ratios)

    @property
    def medians(self) -> tuple[float, float]:
        """Each side's own median."""
        return statistics.median(self.costs), statistics.median(self.against)


@dataclass(frozen=True)
class Series:
    """The costs of several sides, by name, round by round."""

    costs: Mapping[str, tuple[float, ...]]

    def compare(self, subject: str, against: str) -> Rounds:
        """The rounds of two sides."""
        return Rounds(self.costs[subject], self.costs[against])

    def median(self, name: str) -> float:
        """One side's median."""
        return statistics.median(self.costs[name])


@dataclass(frozen=True)
class Sides:
    """The sides to measure in turn, by name."""

    sides: Mapping[str, Side]

    def interleave(self, *, rounds: int) -> Series:
        """See :func:`interleave`."""
        return interleave(self.sides, rounds=rounds)


def interleave(sides: Mapping[str, Side], *, rounds: int, warm_up: int = 1) -> Series:
    """Let each side work once per round, in turn. The first ``warm_up`` rounds are not counted."""
    costs: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(warm_up + rounds):
        for name, side in sides.items():
            cost = side()
            if number >= warm_up:
                costs[name].append(cost)
    return Series({name: tuple(costs_of_side) for name, costs_of_side in costs.items()})


def seconds_each(act: Callable[[], object], times: int) -> float:
    """The average seconds of the act, done ``times`` times in a row."""
    start = time.perf_counter()
    for _ in range(times):
        act()
    return (time.perf_counter() - start) / times


def quartiles(values: list[float]) -> tuple[float, float]:
    """The lower and the upper quartile."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high
