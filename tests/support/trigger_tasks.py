"""Trigger tasks for tests."""

from __future__ import annotations

WORD = "hello"


def greet(context):
    return {"greeting": f"{WORD} {context.session_uid}"}


def nothing(context):
    return None


def a_list(context):
    return [1, 2]


def not_json(context):
    return {"what": object()}


def fail(context):
    raise ValueError("no\0such thing")
