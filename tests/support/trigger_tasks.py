"""Trigger tasks for tests: those of the contract suite, and one whose result no storage can hold."""

from __future__ import annotations

from airflow_triggers.testing.contract.trigger_tasks import (
    WORD,
    a_list,
    again,
    echo,
    fail,
    fires,
    fires_and_fails,
    greet,
    leave,
    looks,
    nothing,
    skip,
    skip_with_reason,
)

__all__ = [
    "WORD",
    "a_list",
    "again",
    "echo",
    "fail",
    "fires",
    "fires_and_fails",
    "greet",
    "leave",
    "looks",
    "not_json",
    "nothing",
    "skip",
    "skip_with_reason",
]


def not_json(context):
    return {"what": object()}
