"""The notes of DAG runs, in Markdown: whose run it is, and what people did to its instance.

Airflow's pages render them. Applications choose the names: in backticks, none of their characters is Markdown.
Neighbours: ``airflow.py`` gives the notes to the runs; ``gateway/runs.py`` puts the news first.
"""

from __future__ import annotations

import re

from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.metadata import PARENT
from airflow_triggers.domain.names import instance_page, session_page

MAX_LENGTH = 700
"""Of a note with links. Airflow keeps 1,000 characters, and news is to come. Beyond this the names stand alone."""


def start_note(instance: TaskInstance, *, session_uid: str, configuration: str | None) -> str:
    """Whose run it is, with links to the instance and the session."""
    parent = instance.metadata.get(PARENT)
    replay = f" It replays {code(parent)}." if parent else ""
    of_configuration = f" ({code(configuration)})" if configuration else ""
    names = code(instance.name), code(session_uid)
    pages = instance_page(session_uid, instance.name), session_page(session_uid)
    links = [f"[{name}]({page})" for name, page in zip(names, pages, strict=True)]
    with_links, plain = (
        f"{name} of session {session}{of_configuration}.{replay}" for name, session in (links, names)
    )
    return with_links if len(with_links) <= MAX_LENGTH else plain


def replay_note(
    failed: TaskInstance, clone: TaskInstance, *, session_uid: str, run_id: str, by: str | None
) -> str:
    """Who replayed the instance, and as which one, with a link to it."""
    link = f"[{code(clone.name)}]({instance_page(session_uid, clone.name)})"
    with_link, plain = (
        f"{code(failed.name)} was replayed by {caller(by)} as {successor}, run {code(run_id)}."
        for successor in (link, code(clone.name))
    )
    return with_link if len(with_link) <= MAX_LENGTH else plain


def caller(by: str | None) -> str:
    """Who did it, for a sentence."""
    return code(by) if by else "an unnamed caller"


def code(text: str) -> str:
    """The text as Markdown shows it unchanged: in more backticks than it has in a row.

    >>> code("t_x#0"), code("a`b")
    ('`t_x#0`', '``a`b``')
    """
    longest = max(map(len, re.findall("`+", text)), default=0)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    fence = "`" * (longest + 1)
    return f"{fence}{pad}{text}{pad}{fence}"
