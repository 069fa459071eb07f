"""Sessions of a configuration ``delivery``, with repairs, delayed fires, and what nobody heard or could not be done.

Neighbours: ``orders.py`` has the sessions of lists; ``tests/e2e/ui`` looks at both.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.utils.session import create_session
from sqlalchemy import insert, select

from airflow_triggers.domain.hooks import MAX_HOOK_ATTEMPTS
from airflow_triggers.domain.states import Event
from airflow_triggers.sessions.opening import fire_into, open_session
from airflow_triggers.storages import tables
from tests.support.dags import dag, deploy, deploy_configuration

CONFIGURATION = "delivery"
OPEN, FAILED, STATUS, LOGS, LATER, HOOK, LARGE = (
    "delivery-open",
    "delivery-failed",
    "delivery-status",
    "delivery-logs",
    "delivery-later",
    "delivery-hook",
    "network-large",
)
FOREIGN_DAG = "etl"
PARKED_EVENT = 4711
LARGE_TASKS = 55

TRACEBACK = (
    'Traceback (most recent call last):\n  File "shop.py", line 7, in t_ship\nValueError: no such address'
)
FAILURE = {
    "exceptionType": "ValueError",
    "exceptionMessage": "no such address\nsecond line",
    "exceptionInfo": TRACEBACK,
    "logLevel": 40,
}


def make_deliveries() -> None:
    """Deploy the configurations and a foreign DAG, and make the sessions."""
    deploy(dag(FOREIGN_DAG))
    deploy_configuration(
        CONFIGURATION,
        t_pack={"after": ["ordered"]},
        t_label={"after": ["t_pack"], "andEvery": "parcel"},
        t_ship={"after": ["t_pack", "paid"], "unless": ["cancelled"]},
    )
    _fire(OPEN, "ordered", {"items": 3})
    _ship_in_vain(FAILED)
    open_session(FAILED).replay_failed_instance("t_ship#0", by="ann")
    _fail(FAILED, "t_ship#1")
    _ship_in_vain(STATUS)
    _ship_in_vain(LOGS)
    _fire(LATER, "ordered")
    for trigger in ("paid", "cancelled"):
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        fire_into(LATER, trigger, {"amount": 5}, configuration=CONFIGURATION, fire_at=tomorrow)
    _fire(OPEN, "orderd", {"amount": 5})
    _fire(HOOK, "ordered")
    _fire(HOOK, "ordered")
    _park()


def make_large() -> None:
    """A session of 55 tasks in layers of five, with five triggers."""
    tasks = {
        f"t_step{number:02}": {
            "after": [f"t_step{number - 5:02}", f"t_step{number - 5 - number % 2:02}"]
            if number >= 6
            else [f"start{number % 5}"]
        }
        for number in range(LARGE_TASKS)
    }
    deploy_configuration("network", **tasks)
    fire_into(LARGE, "start0", {}, configuration="network")


def _fire(uid: str, trigger: str, kwargs: dict[str, object] | None = None) -> None:
    fire_into(uid, trigger, kwargs or {}, configuration=CONFIGURATION, fired_by="ann")


def _ship_in_vain(uid: str) -> None:
    _fire(uid, "ordered", {"items": 1})
    _fire(uid, "paid", {"amount": 5})
    manager = open_session(uid)
    manager.record_progress("t_pack#0", Event.START)
    manager.record_progress("t_pack#0", Event.FINISH, cascade=True, metadata={"result": {"weight": 7}})
    _fail(uid, "t_ship#0")


def _fail(uid: str, instance_name: str) -> None:
    manager = open_session(uid)
    manager.record_progress(instance_name, Event.START)
    manager.record_progress(instance_name, Event.FAIL, metadata=FAILURE)


def _park() -> None:
    """A hook and an asset event that failed too often."""
    error = "Traceback (most recent call last):\nRuntimeError: not today"
    with create_session() as session:
        session_id = session.scalar(select(tables.session.c.id).where(tables.session.c.uid == HOOK))
        hook = {"hook": "_post_fire", "arguments": {"trigger_name": "ordered", "tasks_scheduled": []}}
        session.execute(
            insert(tables.hook).values(
                session_id=session_id,
                attempts=MAX_HOOK_ATTEMPTS,
                due=datetime.now(UTC),
                error=error,
                **hook,
            )
        )
        session.execute(
            insert(tables.asset_event).values(
                event_id=PARKED_EVENT, seen=datetime.now(UTC), attempts=20, error="It names no session."
            )
        )
