"""Sessions with something of everything that a request may name: instances of each status, fires to come, hooks, …

Neighbours: ``tests/e2e/test_openapi.py`` serves them, ``tests/integration/test_api_links.py`` asks in this process.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.models.asset import AssetEvent, AssetModel
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import insert, select, update

from airflow_triggers.domain.acts import Skip
from airflow_triggers.domain.bulk import BulkRequest
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.selection import InstanceFilter
from airflow_triggers.domain.states import Event
from airflow_triggers.sessions import bulk_acts
from airflow_triggers.sessions.bulk_making import Maker
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import tables
from tests.support.dags import deploy_configuration

INSTANCES = 12
HOOKS = range(1, 9)
"""The ids of the hooks."""

LATER = datetime(2931, 1, 1, tzinfo=UTC)


def make_everything() -> None:
    """Deploy ``survey`` and ``orders``, and make the sessions ``survey-1``, ``survey-2`` and ``order-1``."""
    deploy_configuration(
        "survey",
        t_import={"after": ["firstPage"], "andEvery": "page"},
        t_score={"after": ["t_import"], "unless": ["embedded"]},
        t_notify={"after": ["never"]},
    )
    deploy_configuration("orders", t_pay={"after": ["paid"]})
    create_session("order-1", configuration="orders", metadata={"country": "NL"})
    for uid in ("survey-1", "survey-2"):
        _play_survey(uid)
    _fail_fires_to_come()
    _promise_hooks("survey-1")
    _try_asset_events("survey-1", "survey-2")
    selection = InstanceFilter(statuses=frozenset({InstanceStatus.FAILED}), session="survey-2")
    for _ in range(2):
        bulk_acts.make(BulkRequest(act=Skip(), selection=selection), Maker(by="admin"))


def _play_survey(uid: str) -> None:
    """Instances of every status that a person can bring about without Airflow's scheduler."""
    fire_into(uid, "firstPage", {"n": 1}, configuration="survey", fired_by="admin", idempotency_key="first")
    manager = open_session(uid)
    for page in range(INSTANCES):
        manager.fire("page", {"page": page})
    for _ in range(2):
        manager.fire("pgae")
        manager.fire("reminder", fire_at=LATER)
    for number in range(INSTANCES - 2):
        manager.record_progress(f"t_import#{number}", Event.START)
        manager.record_progress(f"t_import#{number}", Event.FINISH if number == 0 else Event.FAIL)
    manager.skip_failed_instance("t_import#1", True, {"rows": 7}, by="admin")
    manager.replay_failed_instance("t_import#2", by="admin")


def _fail_fires_to_come() -> None:
    """Each fire to come was tried in vain: it can be tried again."""
    with airflow_session() as session:
        session.execute(update(tables.delayed_fire).values(attempts=1, error="no"))


def _promise_hooks(uid: str) -> None:
    """Hooks that raised too often."""
    promise = {"hook": "_post_fire", "arguments": {"trigger_name": "page", "scheduled": []}, "attempts": 20}
    with airflow_session() as session:
        session_id = session.scalar(select(tables.session.c.id).where(tables.session.c.uid == uid))
        rows = [
            {"id": number, **promise, "error": "no", "session_id": session_id, "due": LATER}
            for number in HOOKS
        ]
        session.execute(insert(tables.hook), rows)


def _try_asset_events(*uids: str) -> None:
    """Asset events that could not be fired, one for each of these sessions."""
    tried = {"seen": LATER, "attempts": 3, "due": None, "error": "no"}
    with airflow_session() as session:
        asset = AssetModel(name="pages", uri="x-triggers://survey/page", group="asset")
        session.add(asset)
        session.flush()
        events = [AssetEvent(asset_id=asset.id, extra={}, partition_key=uid) for uid in uids]
        session.add_all(events)
        session.flush()
        rows = [{"event_id": event.id, **tried} for event in events]
        session.execute(insert(tables.asset_event), rows)
