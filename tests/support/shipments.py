"""Sessions of a configuration ``shipment`` for the tests of a session's page, and one with sixty nodes.

Neighbours: ``dags.py`` deploys the configurations and plays the runs; ``courier.py`` has the manager whose hook raises;
``tests/e2e/ui`` looks at the sessions.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow_triggers import TriggerManager
from airflow_triggers.domain.states import Event
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from tests.support.courier import CourierManager
from tests.support.dags import dag, deploy, deploy_configuration, play
from tests.support.surveys import view

CONFIGURATION = "shipment"

STORY = "shipment-story"
"""A session with instances in nearly every status. Its history has failures and fires without effect."""

ASSEMBLY = "assembly"
"""A session whose rules have sixty triggers and tasks."""

ERROR = {
    "exceptionType": "ValueError",
    "exceptionMessage": "parcel 2 has no address\nsecond line",
    "exceptionInfo": "Traceback (most recent call last):\n"
    '  File "/dags/shipment_tasks.py", line 17, in label\n'
    '    raise ValueError(f"parcel {number} has no address")\n'
    "ValueError: parcel 2 has no address\n",
}


def make_shipments() -> None:
    """Deploy the configurations and make the sessions that tests only look at."""
    deploy_configuration(
        CONFIGURATION,
        t_pack={"after": ["ordered"]},
        t_label={"after": ["t_pack"], "andEvery": "parcelReady"},
        t_handOver={"after": ["t_label", "carrierArrived"]},
        t_remind={"after": ["t_pack"], "unless": ["carrierArrived"]},
        t_refund={"after": ["t_pack", "cancelled"], "unless": ["carrierArrived"]},
    )
    make_story(STORY)
    make_assembly(ASSEMBLY)


def make_story(uid: str) -> None:
    """Make a session with a long story."""
    manager = packed(uid)
    for number in (1, 2, 3, 4):
        fire(uid, "parcelReady", {"number": number})
    finish(manager, "t_label#0")
    manager.update_instance_metadata("t_label#0", {"logLevel": 40})
    fail(manager, "t_label#1")
    manager.replay_failed_instance("t_label#1", by="admin")
    fail(manager, "t_label#2")
    manager.record_progress("t_label#3", Event.START)
    finish(manager, "t_remind#0")
    fire(uid, "parcelRedy", {"number": 5})
    fire(uid, "carrierArrived", {"name": "Post"}, later=timedelta(days=1800))


def packed(uid: str) -> TriggerManager:
    """Make a shipment that is packed: parcels make instances of ``t_label``."""
    fire(uid, "ordered", {"number": 17, "address": "Baker Street 221b"})
    manager = open_session(uid)
    finish(manager, "t_pack#0")
    return manager


def failed_label(uid: str) -> TriggerManager:
    """Make a shipment whose label ``t_label#0`` has failed, and its run in Airflow."""
    manager = packed(uid)
    fire(uid, "parcelReady", {"number": 2})
    fail(manager, "t_label#0")
    return manager


def with_hook(uid: str) -> None:
    """Make a shipment with a hook that has raised once."""
    create_session(uid, configuration=CONFIGURATION, manager=CourierManager.name)
    fire(uid, "ordered")


def fire(
    uid: str, trigger: str, kwargs: dict[str, object] | None = None, *, later: timedelta | None = None
) -> None:
    """Fire a trigger into a shipment."""
    fire_at = datetime.now(UTC) + later if later else None
    fire_into(uid, trigger, kwargs or {}, configuration=CONFIGURATION, fired_by="shop", fire_at=fire_at)


def finish(manager: TriggerManager, name: str) -> None:
    """Let an instance end, and its run."""
    play(view(name, manager.storage.uid), "success")
    manager.record_progress(name, Event.START)
    manager.record_progress(name, Event.FINISH, cascade=True)


def fail(manager: TriggerManager, name: str) -> None:
    """Let an instance fail, and its run."""
    play(view(name, manager.storage.uid), "failed")
    manager.record_progress(name, Event.START)
    manager.record_progress(name, Event.FAIL, metadata=ERROR)


def make_assembly(uid: str) -> None:
    """Make a session of twenty triggers and forty tasks. Ten of the triggers were fired."""
    deploy(dag("assembly"))
    mounts = {f"t_mount{number}": {"after": [f"part{number}"]} for number in range(20)}
    tests = {f"t_test{n}": {"after": [f"t_mount{2 * n}", f"t_mount{2 * n + 1}"]} for n in range(10)}
    packs = {f"t_pack{n}": {"after": [f"t_test{2 * n}", f"t_test{2 * n + 1}"]} for n in range(5)}
    reports = {f"t_report{n}": {"after": ["t_ship"], "andEvery": f"t_pack{n}"} for n in range(4)}
    tasks = {**mounts, **tests, **packs, "t_ship": {"after": list(packs)}, **reports}
    create_session(uid, configuration={name: {**task, "run": "assembly"} for name, task in tasks.items()})
    manager = open_session(uid)
    for number in range(10):
        manager.fire(f"part{number}")
