"""Finds the name meant by a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known_names: Iterable[str]) -> str:
    """A question for the end of a message; empty when no known name is similar.

    >>> did_you_mean("t_imprt", ["t_import", "t_notify"])
    " Did you mean 't_import'?"
    """
    near = nearest(name, known_names)
    return f" Did you mean {near!r}?" if near else ""


def nearest(name: str, known_names: Iterable[str]) -> str | None:
    """The most similar known name; None when no name is similar."""
    return next(iter(get_close_matches(name, list(known_names), n=1)), None)


def listing(names: Iterable[str]) -> str:
    """The names for a sentence: "a, b and c", sorted; "none" when there are none."""
    *first_names, last_name = sorted(names) or ["none"]
    return f"{', '.join(first_names)} and {last_name}" if first_names else last_name
