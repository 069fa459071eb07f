"""Validates the content of a configuration and makes a Configuration of it; every problem is a sentence.

Neighbours: ``model.py`` is the form, ``misspelt.py`` finds misspelt names; ``load.py`` reads content from YAML files,
``manager/manager.py`` takes it from applications.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from typing import Any

from pydantic import ValidationError

from airflow_triggers.configuration.misspelt import misspelt_triggers, near_directive
from airflow_triggers.configuration.model import DIRECTIVES, Directives
from airflow_triggers.configuration.options import RESULT_TASK_ID, wrong_options
from airflow_triggers.domain.configuration import MAX_NAME_LENGTH, Configuration, TaskConfig
from airflow_triggers.domain.names import (
    MAX_COMPILED_DAG_ID_BYTES,
    MAX_CONFIGURATION_NAME_LENGTH,
    RunKind,
    compiled_dag_id,
    is_callable_path,
    is_compiled_dag_id,
    is_dag_id,
    run_kind,
)
from airflow_triggers.domain.validation import JsonFlaw, excerpt, json_object, validate_trigger_name
from airflow_triggers.errors import ConfigurationError, InvalidTrigger, Problem

EXPECTED = {
    "after": "a list of trigger names (it may be left out when 'andEvery' is given)",
    "run": "a DAG id, a callable ('package.module.function' or 'module:function') or a mapping with 'operator'",
    "andEvery": "one trigger name",
    "unless": "a list of trigger names",
    "withParams": "a mapping of mappings, keyed like trigger kwargs",
    "using": "the name of a runner",
    "airflow": "a mapping of Airflow's options",
}

TRIGGER_LISTS = ("after", "unless")
"""The directives with a list of triggers."""

TRIGGERING = ("after", "andEvery")
"""A task has at least one of these directives: without a trigger it could never start."""

FOUND_LENGTH = 80

_DAG_ID_FORM = f"letters, digits, '_', '-' and '.', at most {MAX_COMPILED_DAG_ID_BYTES} bytes in all"
_NAME_FORM = f"letters, digits, '_', '-' and '.', at most {MAX_CONFIGURATION_NAME_LENGTH} characters"


def parse_configuration(
    content: Mapping[str, Any] | Configuration | Any,
    *,
    name: str | None = None,
    source: str | None = None,
    existing_tasks: Collection[str] | None = None,
) -> Configuration:
    """Validate task name → directives.

    :param content: what a user wrote; a parsed configuration is returned as it is.
    :param name: the configuration's name, for a deployed one.
    :param source: where it was read, for messages.
    :param existing_tasks: for an update of a session: its other tasks. Without them and without a name, the
        configuration may be a part of an unknown whole. Then similar triggers are no problem.
    :raises ConfigurationError: listing every problem: task, directive, what was found, what was expected.

    >>> parse_configuration({"t_hello": {"after": ["greeted"], "run": "answer"}}).tasks["t_hello"].after
    ('greeted',)
    """
    if isinstance(content, Configuration):
        return content
    if not isinstance(content, Mapping):
        raise ConfigurationError(
            f"found {_excerpt(content)}, expected a mapping of task name to directives.", source=source
        )
    problems = [*_names(content, name)]
    tasks: dict[str, TaskConfig] = {}
    for task_name, directives in content.items():
        where = f"task {task_name!r}:" if isinstance(task_name, str) else f"task {_excerpt(task_name)}:"
        task, wrong = _task(task_name, directives)
        if task is not None:
            tasks[task.name] = task
            wrong += [*_content(task), *_compiled_name(task, name)]
        problems += [Problem(f"{where} {problem}", task=_known_name(task_name)) for problem in wrong]
    if name is not None or existing_tasks is not None:
        problems += misspelt_triggers(tasks, known_tasks={*map(str, content), *(existing_tasks or ())})
    if problems:
        raise ConfigurationError(problems, source=source)
    return Configuration(tasks, name)


def _names(content: Mapping[Any, Any], name: str | None) -> Iterator[str]:
    if name is not None and not _is_configuration_name(name):
        yield f"the configuration's name {_excerpt(name)} becomes part of DAG ids and a tag, expected {_NAME_FORM}."
    for task_name in content:
        fits = (
            isinstance(task_name, str) and 0 < len(task_name) <= MAX_NAME_LENGTH and task_name.isprintable()
        )
        if not fits or "#" in task_name or task_name != task_name.strip():
            yield Problem(
                f"task {_excerpt(task_name)}: expected a name of 1-{MAX_NAME_LENGTH} printable characters "
                "without '#' and surrounding blanks, such as 't_import'.",
                task=_known_name(task_name),
            )


def _known_name(task_name: Any) -> str | None:
    return task_name if isinstance(task_name, str) else None


def _is_configuration_name(name: Any) -> bool:
    return isinstance(name, str) and len(name) <= MAX_CONFIGURATION_NAME_LENGTH and is_dag_id(name)


def _compiled_name(task: TaskConfig, name: str | None) -> Iterator[str]:
    """Whether Airflow would refuse the id of the task's compiled DAG."""
    if name is None or run_kind(task.run) is RunKind.DAG or not _is_configuration_name(name):
        return
    dag_id = compiled_dag_id(name, task.name)
    if not is_compiled_dag_id(dag_id):
        yield f"Airflow refuses the DAG {_excerpt(dag_id)} that it becomes, expected {_DAG_ID_FORM}."


def _task(task_name: Any, directives: Any) -> tuple[TaskConfig | None, list[str]]:
    """The task and the problems with the names and types of its directives; the task is None if it cannot be read."""
    if not isinstance(directives, Mapping):
        expected_form = f"a mapping of directives ({', '.join(DIRECTIVES)})"
        return None, [f"found {_excerpt(directives)}, expected {expected_form}."]
    misspelt = {directive: near for directive in directives if (near := near_directive(directive))}
    problems = [
        f"there is no directive {directive!r}. Did you mean {near!r}?" for directive, near in misspelt.items()
    ]
    problems += [
        f"found the directive {_excerpt(directive)}, expected a name."
        for directive in directives
        if not isinstance(directive, str)
    ]
    usable_directives = {
        key: _triggers(value) if key in TRIGGER_LISTS else value
        for key, value in directives.items()
        if isinstance(key, str) and key not in misspelt
    }
    intended_directives = set(misspelt.values())
    form_problems = [*_form(usable_directives, intended_directives), *_beyond_json(usable_directives)]
    if form_problems or intended_directives & {*TRIGGERING, "run"} or "run" not in usable_directives:
        return None, problems + form_problems
    # The servers read the configuration from JSON: here it gets the same types (lists, plain strings).
    json_copy = json.loads(json.dumps(usable_directives))
    name = str.__str__(task_name) if isinstance(task_name, str) else str(task_name)
    return TaskConfig.from_directives(name, json_copy), problems


def _triggers(value: Any) -> Any:
    """The trigger names as a list, each once; any other value is returned as it is, and the form refuses it.

    A set (Python, or YAML's ``!!set``) has no order. Its names are sorted: equal content has the same hash in every
    process.
    """
    if not isinstance(value, list | tuple | Set) or not all(isinstance(name, str) for name in value):
        return value
    return sorted(value) if isinstance(value, Set) else list(dict.fromkeys(value))


def _form(directives: Mapping[str, Any], misspelt: set[str]) -> Iterator[str]:
    try:
        Directives.model_validate(directives)
    except ValidationError as error:
        for directive in dict.fromkeys(str(problem["loc"][0]) for problem in error.errors()):
            if directive in directives:
                value = directives[directive]
                yield from list(_wrong_names(_names_in(directive, value))) or [
                    f"{directive!r} is {_excerpt(value)}, expected {EXPECTED[directive]}.{_hint(directive, value)}"
                ]
            elif directive not in misspelt:
                yield f"{directive!r} is missing, expected {EXPECTED[directive]}."
    if all(directives.get(directive) is None and directive not in misspelt for directive in TRIGGERING):
        yield f"'after' is missing, expected {EXPECTED['after']}."


def _names_in(directive: str, value: Any) -> list[str]:
    """The trigger names of a directive with nothing but names; empty for any other value."""
    names = [value] if directive == "andEvery" else value if directive in TRIGGER_LISTS else None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else []


def _wrong_names(trigger_names: Iterable[str]) -> Iterator[str]:
    """What is wrong with the names of triggers."""
    for trigger_name in trigger_names:
        try:
            validate_trigger_name(trigger_name)
        except InvalidTrigger as error:
            yield str(error)


def _hint(directive: str, value: Any) -> str:
    if directive in TRIGGER_LISTS and isinstance(value, str):
        return f" Write [{value}]."
    return ""


def _beyond_json(directives: Mapping[str, Any]) -> Iterator[str]:
    """Values without a form in JSON, such as a date: YAML reads 2026-01-31 without quotes as a date."""
    for directive, value in directives.items():
        try:
            json_object({directive: value})
        except JsonFlaw as flaw:
            yield f"{directive!r} {flaw}."


def _content(task: TaskConfig) -> Iterator[str]:
    """What is wrong with well-formed directives."""
    if not task.required:
        yield "'after' is empty and there is no 'andEvery', expected at least one trigger in either."
    yield from _wrong_names(sorted(task.triggers))
    yield from _run(task.run)
    yield from wrong_options(task.airflow)
    if isinstance(task.run, str) and not {":", "."} & set(task.run):
        yield from misplaced_options(task)


def _run(run: str | Mapping[str, Any]) -> Iterator[str]:
    fits = not isinstance(run, str) or is_callable_path(run) or is_dag_id(run)
    if not fits:
        yield f"'run' is {_excerpt(run)}, expected {EXPECTED['run']}."


def misplaced_options(task: TaskConfig) -> Iterator[str]:
    """Options of a task whose ``run`` is a DAG: the DAG has its own options."""
    misplaced_names = sorted(task.airflow.keys() - {RESULT_TASK_ID})
    if misplaced_names:
        yield (
            f"'airflow' has {', '.join(map(repr, misplaced_names))}, but 'run' is the DAG {task.run!r}, which has its "
            f"own options; expected only {RESULT_TASK_ID!r}."
        )


def _excerpt(value: Any) -> str:
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        # Nested too deep; or an integer of thousands of digits.
        text = excerpt(value)
    return text if len(text) <= FOUND_LENGTH else f"{text[: FOUND_LENGTH - 1]}…"
