"""Sessions of a configuration ``order`` for the tests of the pages: some wait, some run, some have failed.

Neighbours: ``dags.py`` deploys the configuration and plays the runs; ``tests/e2e/ui`` looks at the sessions.
"""

from __future__ import annotations

from airflow_triggers.domain.states import Event
from airflow_triggers.sessions.opening import fire_into, open_session
from tests.support.dags import deploy_configuration

WAITING, RUNNING, FINISHED, FAILED, BROKEN = (
    "order-waiting",
    "order-running",
    "order-finished",
    "order-failed",
    "order-broken",
)

VALUE_ERROR = {"exceptionType": "ValueError", "exceptionMessage": "the amount 'x' is no number\nsecond line"}
KEY_ERROR = {"exceptionType": "KeyError", "exceptionMessage": "'address'"}


def make_orders() -> None:
    """Deploy the configuration and make its sessions."""
    deploy_orders()
    fire(WAITING, "packed")
    fire(RUNNING, "ordered", {"amount": 17})
    open_session(RUNNING).record_progress("t_pay#0", Event.START)
    fire(FINISHED, "ordered", {"amount": 5})
    manager = open_session(FINISHED)
    manager.record_progress("t_pay#0", Event.START)
    manager.record_progress("t_pay#0", Event.FINISH, cascade=True)
    fail(FAILED, VALUE_ERROR)
    fail(BROKEN, KEY_ERROR)


def deploy_orders() -> None:
    """Deploy the configuration."""
    deploy_configuration(
        "order",
        t_pay={"after": ["ordered"]},
        t_ship={"after": ["t_pay", "packed"]},
        t_remind={"after": ["reminded"]},
    )


def fire(uid: str, trigger: str, kwargs: dict[str, object] | None = None) -> None:
    """Fire a trigger into an order."""
    fire_into(uid, trigger, kwargs or {}, configuration="order")


def fail(uid: str, metadata: dict[str, str]) -> None:
    """Make an order whose payment has failed."""
    fire(uid, "ordered", {"amount": "x"})
    manager = open_session(uid)
    manager.record_progress("t_pay#0", Event.START)
    manager.record_progress("t_pay#0", Event.FAIL, metadata=metadata)
