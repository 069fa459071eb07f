"""Reads a rule as an English sentence, for people: on the DAG's page, in the API, in messages.

Neighbours: ``compile.py`` puts the sentences on the pages of the DAGs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import yaml

from airflow_triggers.domain.configuration import Configuration, TaskConfig

Mark = Callable[[str], str]


def explain_task(task: TaskConfig, *, markdown: bool = False) -> str:
    """The task's rule as one sentence.

    >>> explain_task(TaskConfig(name="t_x", after=("a", "b"), run="etl", unless=("u",)))
    'After a and b have fired, run the DAG etl once, unless u has fired before that.'
    """
    bold: Mark = _bold if markdown else str
    code: Mark = (lambda text: f"`{text}`") if markdown else str
    after = [trigger for trigger in task.after if trigger != task.and_every]
    sentence = f"{_when(after, task.and_every, bold)}, run {_run_phrase(task, code)}"
    if task.and_every is None:
        sentence += " once"
    if task.unless:
        verb = "has" if len(task.unless) == 1 else "have all"
        sentence += f", unless {_enumeration(task.unless, bold)} {verb} fired before that"
    return f"{sentence}."


def explain_configuration(
    configuration: Configuration,
    doubts: Mapping[str, str] | None = None,
    flaws: Sequence[tuple[str, str]] = (),
) -> str:
    """Every rule of the configuration as a sentence, in Markdown.

    :param doubts: by task, why the id of its DAG may be a slip, as a sentence.
    :param flaws: a task's name, and what is wrong with its rule, as a sentence.
    """
    title = f"# {configuration.name}\n\n" if configuration.name else ""
    rules = "\n".join(f"- {_bold(task.name)}: {explain_task(task, markdown=True)}" for task in configuration)
    if not doubts and not flaws:
        return title + rules
    warnings = "\n".join(
        [
            *(
                f"- {_bold(name)} runs the DAG `{configuration[name].run}`. {doubt} Is a function meant?"
                for name, doubt in (doubts or {}).items()
            ),
            *(f"- {_bold(name)}: {flaw}" for name, flaw in flaws),
        ]
    )
    return f"{title}{rules}\n\n## Possible slips\n\n{warnings}"


def explain_in_full(configuration: Configuration, task: TaskConfig) -> str:
    """The page of a task's DAG, in Markdown: the sentence, its consequences, the directives."""
    followers = [follower.name for follower in configuration.concerned_by(task.name)]
    follows = (
        f"When it finishes, {_bold(task.name)} fires, with its result as kwargs, which concerns "
        f"{_enumeration(followers, _bold)}."
        if followers
        else f"When it finishes, {_bold(task.name)} fires, with its result as kwargs; no task of this configuration "
        "waits for that."
    )
    directives_yaml = yaml.safe_dump({task.name: task.to_directives()}, sort_keys=False, allow_unicode=True)
    return (
        f"{explain_task(task, markdown=True)}\n\n{follows}\n\n"
        f"A trigger task of the configuration {_bold(str(configuration.name))}. Each run is one instance in one "
        "session: the session is the run's partition key, the instance stands in its note.\n\n"
        f"```yaml\n{directives_yaml}```\n"
    )


def _when(after: Sequence[str], and_every: str | None, bold: Mark) -> str:
    after_clause = (
        f"After {_enumeration(after, bold)} {'has' if len(after) == 1 else 'have'} fired" if after else ""
    )
    if and_every is None:
        return after_clause
    every = f"time {bold(and_every)} fires"
    return f"{after_clause}, and every {every}" if after_clause else f"Every {every}"


def _run_phrase(task: TaskConfig, code: Mark) -> str:
    if isinstance(task.run, str):
        return code(task.run) if ":" in task.run else f"the DAG {code(task.run)}"
    operator = str(task.run["operator"]).rpartition(".")[2]
    article = "an" if operator[:1] in "AEIOU" else "a"
    return f"{article} {code(operator)}"


def _enumeration(names: Sequence[str], mark: Mark) -> str:
    marked_names = [mark(name) for name in names]
    return (
        marked_names[0]
        if len(marked_names) == 1
        else f"{', '.join(marked_names[:-1])} and {marked_names[-1]}"
    )


def _bold(name: str) -> str:
    """The text in bold, with Markdown's special characters escaped: applications choose the names."""
    plain = re.sub(r"([\\`*\[\]<>|~]|(?<!\w)_|_(?!\w))", r"\\\1", name)
    return f"**{plain}**"
