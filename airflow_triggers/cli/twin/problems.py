"""The text of a configuration file, and lines about the problems in it.

Neighbours: ``cli/configurations.py`` of each distribution prints them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_triggers.cli.twin.values import CommandFailed

STDIN = "-"


def read_file(name: str) -> str:
    """The text of the file, or of stdin.

    :raises CommandFailed: when it cannot be read, or is not UTF-8.
    """
    try:
        return sys.stdin.read() if name == STDIN else Path(name).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise CommandFailed(f"The file {name!r} cannot be read: {error}") from error


def stem_of(name: str) -> str | None:
    """The name of a file's configuration; None for stdin."""
    return None if name == STDIN else Path(name).stem


def problem_line(problem: Mapping[str, Any], place: str) -> str:
    """A problem as a line: ``orders.yaml:7: error: task 't_pay': …``.

    :param problem: ``severity`` and ``message``; maybe ``line`` and ``task``.
    :param place: the file's name, or the configuration's.
    """
    line = f":{problem['line']}" if problem.get("line") else ""
    task = f"task {problem['task']!r}: " if problem.get("task") else ""
    return f"{place}{line}: {problem['severity']}: {task}{problem['message']}"


def verdict_of(validation: Mapping[str, Any]) -> str:
    """The counts of problems, as a line."""
    severities = [problem["severity"] for problem in validation["problems"]]
    counts = ((severities.count(severity), severity) for severity in ("error", "warning"))
    return ", ".join(f"{count} {severity}{'' if count == 1 else 's'}" for count, severity in counts)
