"""Looks at the session ``order-1`` of the integration tests' survey, and has its import fail."""

from __future__ import annotations

from airflow_triggers.sessions import describe_session, fire_into, open_session
from tests.support.dags import play


def view(name, uid="order-1"):
    return next(one for one in describe_session(uid).instances if one.instance.name == name)


def statuses(uid="order-1"):
    return {one.instance.name: one.instance.status.value for one in describe_session(uid).instances}


def failed_import(controller):
    fire_into("order-1", "firstPage", {"n": 1}, configuration="survey")
    play(view("t_import#0"), "failed")
    controller.run_once()
    return open_session("order-1")
