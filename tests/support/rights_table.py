"""The tables of ``docs/rights.md``, written from Airflow's answers to users of every role.

Neighbours: ``tests/integration/test_rights.py`` asks, and compares the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

BEGIN = "<!-- rights matrix: begin (a test writes what stands between these lines) -->"
END = "<!-- rights matrix: end -->"

WHERE = {
    frozenset(): "no",
    frozenset({"on-a"}): "on A",
    frozenset({"on-b"}): "on B",
    frozenset({"on-a", "on-a-then-b"}): "on A, on A and B",
    frozenset({"on-a", "on-b"}): "on A, on B",
    frozenset({"on-a", "on-b", "on-a-then-b"}): "yes",
}
"""In which of the sessions ``questions.SHOWN`` an act is allowed → the cell."""


@dataclass(frozen=True)
class Column:
    """A role of an auth manager.

    :param allowed: act → the sessions in which it was allowed.
    """

    manager: str
    role: str
    allowed: Mapping[str, frozenset[str]]

    def cell(self, act: str) -> str:
        """The sessions in which the role may do the act."""
        return WHERE[self.allowed[act]]


def table(columns: Sequence[Column], acts: Iterable[str]) -> list[str]:
    """Lines of Markdown: a row per act, a column per role."""
    heads = [f"{column.manager}: {column.role}" for column in columns]
    return [
        f"| to | {' | '.join(heads)} |",
        f"|---|{'---|' * len(columns)}",
        *(f"| {act} | {' | '.join(column.cell(act) for column in columns)} |" for act in acts),
    ]


def turned_table(columns: Sequence[Column], acts: Sequence[str]) -> list[str]:
    """Lines of Markdown: a row per role, a column per act."""
    return [
        f"| role | {' | '.join(acts)} |",
        f"|---|{'---|' * len(acts)}",
        *(f"| {column.role} | {' | '.join(column.cell(act) for act in acts)} |" for column in columns),
    ]


def replaced(page: str, lines: Iterable[str]) -> str:
    """The page with these lines between the marks. :raises ValueError: when it has no marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"The page has no lines {BEGIN!r} and {END!r}.")
    return "\n".join([f"{before}{BEGIN}", *lines, "", f"{END}{after}"])
