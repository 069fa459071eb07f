"""Trigger tasks for tests."""

from __future__ import annotations

from airflow.sdk.exceptions import AirflowSkipException

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


def echo(context):
    return dict(context.trigger_kwargs)


def skip(context):
    raise AirflowSkipException("nothing to do")
