"""Compares answers of REST and of the command lines, key by key."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

from airflow_triggers.answers import fires

OLDER_NAMES = {"instance", "uid", "repeated"}
"""Keys that only commands have, where scripts read them: ``instance`` for ``name``, ``uid`` for ``session_uid``."""

WHOLE_FIRE = {
    field.name for answer in (fires.FireAnswer, fires.DelayedFireAnswer) for field in fields(answer)
}
"""Keys that only ``airflow triggers why`` has, of a fire that REST's answer has in short."""


def without_acts(answer):
    """REST's answer without ``acts``, at each depth: in a shell everything is allowed."""
    if isinstance(answer, dict):
        return {key: without_acts(value) for key, value in answer.items() if key != "acts"}
    return [without_acts(item) for item in answer] if isinstance(answer, list) else answer


def assert_alike(rest_answer, command_answer, *, values=True, extra=frozenset(OLDER_NAMES)):
    """Compares keys at each depth, and what is below them."""
    if isinstance(rest_answer, dict):
        assert rest_answer.keys() <= command_answer.keys()
        assert command_answer.keys() - rest_answer.keys() <= extra
        for key, value in rest_answer.items():
            assert_alike(value, command_answer[key], values=values, extra=extra)
    elif isinstance(rest_answer, list):
        assert len(rest_answer) == len(command_answer)
        for one_of_rest, one_of_command in zip(rest_answer, command_answer, strict=True):
            assert_alike(one_of_rest, one_of_command, values=values, extra=extra)
    elif values:
        assert _value(rest_answer) == _value(command_answer)


def _value(value):
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
