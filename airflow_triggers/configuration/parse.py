"""Validates what users write and makes a Configuration of it; every problem is a sentence.

Neighbours: ``model.py`` is the form; ``load.py`` reads it from YAML files, ``manager.py`` takes it from applications.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from airflow_triggers.configuration.model import DIRECTIVES, Directives
from airflow_triggers.configuration.options import unknown_options
from airflow_triggers.errors import ConfigurationError, InvalidTrigger
from airflow_triggers.types import (
    MAX_NAME_LENGTH,
    Configuration,
    TaskConfig,
    validate_trigger_kwargs,
    validate_trigger_name,
)

EXPECTED = {
    "after": "a list of trigger names (it may be empty when 'andEvery' is given)",
    "run": "a DAG id, a callable ('package.module.function' or 'module:function') or a mapping with 'operator'",
    "andEvery": "one trigger name",
    "unless": "a list of trigger names",
    "withParams": "a mapping of mappings, keyed like trigger kwargs",
    "using": "the name of a runner",
    "airflow": "a mapping of Airflow's options",
}

FOUND_LENGTH = 80


def parse_configuration(
    content: Mapping[str, Any] | Configuration | Any, *, name: str | None = None, source: str | None = None
) -> Configuration:
    """Validate task name → directives.

    :param content: what a user wrote; a parsed configuration is returned as it is.
    :param name: the configuration's name, for a deployed one.
    :param source: where it was read, for messages.
    :raises ConfigurationError: listing every problem: task, directive, what was found, what was expected.

    >>> parse_configuration({"t_hello": {"after": ["greeted"], "run": "answer"}}).tasks["t_hello"].after
    ('greeted',)
    """
    if isinstance(content, Configuration):
        return content
    if not isinstance(content, Mapping):
        raise ConfigurationError(
            f"found {_found(content)}, expected a mapping of task name to directives.", source=source
        )
    problems = [*_names(content)]
    tasks = {}
    for task_name, directives in content.items():
        wrong = list(_form(task_name, directives))
        if wrong:
            problems += wrong
        else:
            tasks[task_name] = TaskConfig.from_directives(task_name, directives)
            problems += _content(tasks[task_name])
    if not problems:
        problems += _misspelt_triggers(tasks)
    if problems:
        raise ConfigurationError(problems, source=source)
    return Configuration(tasks, name)


def _names(content: Mapping[Any, Any]) -> Iterator[str]:
    for task_name in content:
        fits = (
            isinstance(task_name, str) and 0 < len(task_name) <= MAX_NAME_LENGTH and task_name.isprintable()
        )
        if not fits or "#" in task_name or task_name != task_name.strip():
            yield (
                f"task {_found(task_name)}: expected a name of 1-{MAX_NAME_LENGTH} printable characters "
                f"without '#' and "
                "surrounding blanks, such as 't_import'."
            )


def _form(task_name: Any, directives: Any) -> Iterator[str]:
    """What is wrong with the directives' names and types."""
    if not isinstance(directives, Mapping):
        expected = f"a mapping of directives ({', '.join(DIRECTIVES)})"
        yield f"task {task_name!r}: found {_found(directives)}, expected {expected}."
        return
    misspelt = {directive: near for directive in directives if (near := _near_directive(directive))}
    for directive, near in misspelt.items():
        yield f"task {task_name!r}: there is no directive {directive!r}. Did you mean {near!r}?"
    try:
        Directives.model_validate({key: value for key, value in directives.items() if isinstance(key, str)})
    except ValidationError as error:
        yield from _explained(task_name, directives, error, set(misspelt.values()))


def _explained(
    task_name: str, directives: Mapping[str, Any], error: ValidationError, misspelt: set[str]
) -> Iterator[str]:
    for directive in dict.fromkeys(str(one["loc"][0]) for one in error.errors()):
        if directive in directives:
            yield (
                f"task {task_name!r}: {directive!r} is {_found(directives[directive])}, expected "
                f"{EXPECTED[directive]}.{_hint(directive, directives[directive])}"
            )
        elif directive not in misspelt:
            yield f"task {task_name!r}: {directive!r} is missing, expected {EXPECTED[directive]}."


def _hint(directive: str, found: Any) -> str:
    if directive in ("after", "unless") and isinstance(found, str):
        return f" Write [{found}]."
    return ""


def _near_directive(directive: Any) -> str | None:
    """The directive that a name not among them was meant to be; None for one that resembles none."""
    if not isinstance(directive, str) or directive in DIRECTIVES:
        return None
    plain = {known.lower(): known for known in DIRECTIVES}
    folded = directive.replace("_", "").replace("-", "").lower()
    near = get_close_matches(folded, plain, n=1, cutoff=0.8)
    return plain[near[0]] if near else None


def _content(task: TaskConfig) -> Iterator[str]:
    """What is wrong with well-formed directives."""
    where = f"task {task.name!r}:"
    if not task.required:
        yield f"{where} 'after' is empty and there is no 'andEvery', expected at least one trigger in either."
    for directive, triggers in (("after", task.after), ("unless", task.unless)):
        for trigger, count in Counter(triggers).items():
            if count > 1:
                yield f"{where} {directive!r} names {trigger!r} {count} times, expected each trigger once."
    for trigger in sorted(task.triggers):
        try:
            validate_trigger_name(trigger)
        except InvalidTrigger as error:
            yield f"{where} {error}"
    try:
        validate_trigger_kwargs(
            {"run": task.run, "params": task.with_params, "extra": task.extra, "o": task.airflow}
        )
    except InvalidTrigger as error:
        yield f"{where} only what JSON can hold is expected: {error}"
    yield from (f"{where} {problem}" for problem in unknown_options(task.airflow))


def _misspelt_triggers(tasks: Mapping[str, TaskConfig]) -> Iterator[str]:
    """Triggers that were surely meant to be others: applications may choose any name, so only near misses."""
    known = Counter(trigger for task in tasks.values() for trigger in task.triggers)
    for task in tasks.values():
        for trigger in sorted(task.triggers - tasks.keys()):
            meant = _meant_task(trigger, tasks) or _meant_trigger(trigger, known)
            if meant:
                yield (
                    f"task {task.name!r}: no task and no other directive names the trigger {trigger!r}. "
                    f"Did you mean {meant!r}?"
                )


def _meant_task(trigger: str, tasks: Mapping[str, TaskConfig]) -> str | None:
    if not trigger.startswith("t_"):
        return None
    return next(iter(get_close_matches(trigger, tasks, n=1, cutoff=0.8)), None)


def _meant_trigger(trigger: str, known: Counter[str]) -> str | None:
    """Another trigger with the same letters: in another case, or with two neighbours exchanged."""
    if known[trigger] > 1:
        return None
    return next((other for other in known if other != trigger and _same_letters(trigger, other)), None)


def _same_letters(one: str, other: str) -> bool:
    one, other = one.lower(), other.lower()
    if one == other:
        return True
    differing = [position for position, (a, b) in enumerate(zip(one, other, strict=False)) if a != b]
    if len(one) != len(other) or len(differing) != 2 or differing[1] != differing[0] + 1:
        return False
    first, second = differing
    letters = one[first] + one[second]
    return letters.isalpha() and letters == other[second] + other[first]


def _found(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= FOUND_LENGTH else f"{text[: FOUND_LENGTH - 1]}…"
