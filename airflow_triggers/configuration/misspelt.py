"""Knows what was meant: directives, and triggers, that resemble others too much to be of their own.

Both may be chosen freely (directives for custom managers, triggers by applications), so only near misses are found.
Neighbours: ``parse.py`` makes problems of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from airflow_triggers.configuration.model import DIRECTIVES
from airflow_triggers.domain.configuration import TaskConfig

SHORTEST = 6
"""Shorter triggers (``a`` and ``A``, ``ab`` and ``ba``) are too like each other to tell a slip from a choice."""


def near_directive(directive: Any) -> str | None:
    """The directive that a name not among them was meant to be; None for one that resembles none."""
    if not isinstance(directive, str) or directive in DIRECTIVES:
        return None
    plain = {known.lower(): known for known in DIRECTIVES}
    folded = directive.replace("_", "").replace("-", "").replace(" ", "").lower()
    near = get_close_matches(folded, plain, n=1, cutoff=0.8)
    return plain[near[0]] if near else None


def misspelt_triggers(tasks: Mapping[str, TaskConfig], *, known_tasks: Collection[str]) -> Iterator[str]:
    """A sentence for each trigger that was surely meant to be another one."""
    known = Counter(trigger for task in tasks.values() for trigger in task.triggers)
    folded: dict[str, list[str]] = {}
    for trigger in known:
        folded.setdefault(_folded(trigger), []).append(trigger)
    named = [name for name in known_tasks if name.startswith("t_")]
    for task in tasks.values():
        for trigger in sorted(task.triggers - set(known_tasks)):
            where = f"task {task.name!r}: {_directive_of(task, trigger)!r} names {trigger!r},"
            if meant := _meant_task(trigger, named):
                yield f"{where} but there is no such task. Did you mean {meant!r}?"
            elif known[trigger] == 1 and (meant := _meant_trigger(trigger, folded[_folded(trigger)])):
                yield f"{where} as nothing else does. Did you mean {meant!r}?"


def _directive_of(task: TaskConfig, trigger: str) -> str:
    if trigger in task.after:
        return "after"
    return "andEvery" if trigger == task.and_every else "unless"


def _meant_task(trigger: str, named: Iterable[str]) -> str | None:
    """A task's name that the trigger resembles, unless they only count differently (``t_page1``, ``t_page2``)."""
    if not trigger.startswith("t_"):
        return None
    near = get_close_matches(trigger, named, n=3, cutoff=0.8)
    return next((name for name in near if without_digits(name) != without_digits(trigger)), None)


def _meant_trigger(trigger: str, alike: Iterable[str]) -> str | None:
    """Another trigger with the same letters: in another case, or with two neighbours exchanged."""
    if len(trigger) < SHORTEST:
        return None
    return next((other for other in alike if other != trigger and _is_slip(trigger, other)), None)


def _is_slip(one: str, other: str) -> bool:
    if one.lower() == other.lower():
        return True
    differing = [place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b]
    if len(differing) != 2 or differing[1] != differing[0] + 1:
        return False
    pair = slice(differing[0], differing[1] + 1)
    return one[pair].isalpha() and one[pair].islower() and one[pair] == other[pair][::-1]


def _folded(trigger: str) -> str:
    """Equal for triggers with the same letters, so that only those are compared."""
    return "".join(sorted(trigger.lower()))


def without_digits(name: str) -> str:
    """Equal for names that only count differently."""
    return "".join(character for character in name if not character.isdigit())
