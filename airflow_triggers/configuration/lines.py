"""Finds the line of a configuration's problem in its file.

Neighbours: ``compile.py`` and ``check.py`` show problems; ``yaml_document.py`` knows the lines. The file is read again
only when there is a problem: a correct configuration costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import yaml

from airflow_triggers.configuration.load import read_text
from airflow_triggers.configuration.yaml_document import KeyLines, read_lines
from airflow_triggers.errors import ConfigurationError, Problem

_TASKS_AND_DIRECTIVES = 2


class TextLines:
    """Where the tasks and directives of a configuration's text stand. Text that is not YAML has no lines."""

    def __init__(self, text: str | None) -> None:
        self._tasks: dict[str, KeyLines] = {}
        if text is not None:
            with suppress(yaml.YAMLError):
                self._tasks = read_lines(text, levels=_TASKS_AND_DIRECTIVES).keys

    def of(self, problem: Problem) -> int | None:
        """The line (from 1) of the first directive named in the problem, or else of its task; None: not known."""
        task = self._tasks.get(problem.task or "")
        if task is None:
            return None
        directives = (task.keys[name] for name in re.findall(r"'([^']+)'", problem) if name in task.keys)
        return next((directive.line for directive in directives), task.line)


class FileLines(TextLines):
    """The same for a configuration's file. An unreadable file, and None, have no lines."""

    def __init__(self, path: Path | None) -> None:
        text = None
        if path is not None:
            with suppress(UnicodeDecodeError, OSError, ConfigurationError):
                text = read_text(path)
        super().__init__(text)


def problems_with_lines(problems: Iterable[str], path: Path) -> Iterator[str]:
    """The problems of a configuration's file; each problem of a known task begins with its line (``line 7: …``)."""
    lines = FileLines(path)
    for problem in problems:
        line = lines.of(problem) if isinstance(problem, Problem) else None
        yield problem if line is None else f"line {line}: {problem}"
