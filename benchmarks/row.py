"""Row: one ratio with its goal. Neighbours: ``rounds.py`` measures it, ``table.py`` shows it."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Any

from benchmarks.rounds import Rounds


@dataclass(frozen=True, kw_only=True)
class Goal:
    """The limit of a value, compared with the other side.

    :param unit: ``×`` for a ratio, else the unit of a difference or of a share.
    :param at_least: the limit is a minimum; otherwise it is a maximum.
    """

    limit: float
    unit: str = "×"
    at_least: bool = False

    def __str__(self) -> str:
        plus = "+" if self.unit in ("MB", "ms") else ""
        return f"{'≥' if self.at_least else '≤'} {plus}{self.limit:g} {self.unit}"

    def met_by(self, value: float) -> bool:
        """Whether the value is good enough."""
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    :param number: the group's number, with a letter if the group has several rows.
    :param value: the median over the rounds, in the goal's unit; None when it could not be measured.
    :param low: the lower quartile over the rounds.
    :param high: the upper quartile.
    :param sides: the medians of both sides, for orientation only: they depend on the machine.
    :param note: why there is no value, or how to read it.
    """

    number: str
    measured: str
    against: str
    goal: Goal
    value: float | None = None
    low: float | None = None
    high: float | None = None
    rounds: int = 0
    sides: tuple[str, str] = ("", "")
    note: str = ""

    @property
    def group(self) -> int:
        """The number without its letter."""
        return int(self.number.rstrip(string.ascii_lowercase))

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None when nothing was measured."""
        return None if self.value is None else self.goal.met_by(self.value)

    @classmethod
    def of(cls, rounds: Rounds, *, unit: str = "ms", **fields: Any) -> Row:
        """The row of a ratio. :param unit: the unit of the sides, see :func:`in_unit`."""
        low, high = rounds.quartiles
        return cls(
            value=rounds.ratio,
            low=low,
            high=high,
            rounds=len(rounds.costs),
            sides=sides_in_unit(rounds, unit),
            **fields,
        )


def sides_in_unit(rounds: Rounds, unit: str) -> tuple[str, str]:
    """The medians of both sides, see :func:`in_unit`."""
    side, other_side = rounds.medians
    return in_unit(side, unit), in_unit(other_side, unit)


def in_unit(amount: float, unit: str) -> str:
    """Seconds as ``ms`` or ``s``, bytes as ``MB``, any other amount unchanged with its unit."""
    amount_in_unit = {"ms": amount * 1e3, "MB": amount / 1e6}.get(unit, amount)
    return f"{amount_in_unit:.3g} {unit}" if amount_in_unit < 100 else f"{amount_in_unit:.0f} {unit}"
