"""Finds misspelt directives and triggers: each resembles another name too much to be a choice.

Both are free text: custom managers have directives of their own, applications choose triggers. So only near misses are
found. Neighbours: ``parse.py`` reports them as problems.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from airflow_triggers.configuration.model import DIRECTIVES
from airflow_triggers.domain.configuration import TaskConfig
from airflow_triggers.errors import Problem

SHORTEST = 6
"""Shorter triggers (``a`` and ``A``, ``ab`` and ``ba``) are too similar: it may be a slip or a choice."""


def near_directive(directive: Any) -> str | None:
    """The directive meant by an unknown name; None: the name resembles no directive, or is one."""
    if not isinstance(directive, str) or directive in DIRECTIVES:
        return None
    plain = {candidate.lower(): candidate for candidate in DIRECTIVES}
    folded_name = directive.replace("_", "").replace("-", "").replace(" ", "").lower()
    near = get_close_matches(folded_name, plain, n=1, cutoff=0.8)
    return plain[near[0]] if near else None


def misspelt_triggers(tasks: Mapping[str, TaskConfig], *, known_tasks: Collection[str]) -> Iterator[str]:
    """A sentence for each trigger that is surely a slip for another one."""
    uses = Counter(trigger for task in tasks.values() for trigger in task.triggers)
    triggers_by_letters: dict[str, list[str]] = {}
    for trigger in uses:
        triggers_by_letters.setdefault(_sorted_letters(trigger), []).append(trigger)
    task_names = [name for name in known_tasks if name.startswith("t_")]
    for task in tasks.values():
        for trigger in sorted(task.triggers - set(known_tasks)):
            where = f"task {task.name!r}: {_directive_of(task, trigger)!r} names {trigger!r},"
            if suggestion := _meant_task(trigger, task_names):
                yield Problem(
                    f"{where} but there is no such task. Did you mean {suggestion!r}?", task=task.name
                )
            elif uses[trigger] == 1 and (
                suggestion := _meant_trigger(trigger, triggers_by_letters[_sorted_letters(trigger)])
            ):
                yield Problem(f"{where} as nothing else does. Did you mean {suggestion!r}?", task=task.name)


def _directive_of(task: TaskConfig, trigger: str) -> str:
    if trigger in task.after:
        return "after"
    return "andEvery" if trigger == task.and_every else "unless"


def _meant_task(trigger: str, task_names: Iterable[str]) -> str | None:
    """The similar name of a task, unless the two differ in digits only (``t_page1``, ``t_page2``)."""
    if not trigger.startswith("t_"):
        return None
    near = get_close_matches(trigger, task_names, n=3, cutoff=0.8)
    return next((name for name in near if without_digits(name) != without_digits(trigger)), None)


def _meant_trigger(trigger: str, candidates: Iterable[str]) -> str | None:
    """Another trigger with the same letters: in another case, or with two adjacent letters exchanged."""
    if len(trigger) < SHORTEST:
        return None
    return next(
        (candidate for candidate in candidates if candidate != trigger and _is_slip(trigger, candidate)), None
    )


def _is_slip(trigger: str, candidate: str) -> bool:
    if trigger.lower() == candidate.lower():
        return True
    differing_places = [place for place, (a, b) in enumerate(zip(trigger, candidate, strict=False)) if a != b]
    if len(differing_places) != 2 or differing_places[1] != differing_places[0] + 1:
        return False
    pair = slice(differing_places[0], differing_places[1] + 1)
    return trigger[pair].isalpha() and trigger[pair].islower() and trigger[pair] == candidate[pair][::-1]


def _sorted_letters(trigger: str) -> str:
    """The letters in order: only triggers with equal letters are compared."""
    return "".join(sorted(trigger.lower()))


def without_digits(name: str) -> str:
    """The name without digits: equal for names with other digits only."""
    return "".join(character for character in name if not character.isdigit())
