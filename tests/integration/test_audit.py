"""Airflow's audit log has an entry of each act on a session, in the act's transaction, whichever way it came in."""

from __future__ import annotations

import json
import threading
from datetime import datetime

import pytest
from airflow.api_fastapi.app import get_auth_manager, purge_cached_app
from airflow.cli.cli_parser import get_parser
from airflow.models.log import Log
from airflow.utils.platform import getuser
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import delete, insert, select

from airflow_triggers.api.app import create_app
from airflow_triggers.gateway import audit as entries
from airflow_triggers.gateway import wakeup
from airflow_triggers.manager import audit as acts_audit
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.sessions import audit
from airflow_triggers.sessions.audit import NO_DAG, AuditEvent
from airflow_triggers.sessions.opening import fire_into, open_session
from airflow_triggers.storages import tables
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.storages.transaction import transaction
from tests.support.airflow_api import airflow_api, client_of
from tests.support.api import Allowed, mounted_api
from tests.support.dags import deploy_configuration
from tests.support.statements import statements_of
from tests.support.surveys import failed_import, view

LATER = "2041-05-17T08:00:00Z"
ANN = "ann"


def log_entries():
    """The entries of our acts: what happened, who did it, the DAG and what else is known."""
    with airflow_session() as session:
        query = select(Log.event, Log.owner, Log.dag_id, Log.extra)
        rows = session.execute(query.where(Log.event.startswith("triggers_")).order_by(Log.id)).all()
    return [(row.event, row.owner, row.dag_id, json.loads(row.extra)) for row in rows]


def forget():
    with airflow_session() as session:
        session.execute(delete(Log))


@pytest.fixture
def fires_audited(monkeypatch):
    monkeypatch.setenv("AIRFLOW__TRIGGERS__AUDIT_FIRES", "True")
    entries.fires_are_audited.cache_clear()
    yield
    monkeypatch.undo()
    entries.fires_are_audited.cache_clear()


# -- every way in -----------------------------------------------------------------------------------------------


def by_rest(monkeypatch, *, user=ANN):
    api = mounted_api(monkeypatch)
    api.let(user, Allowed())
    return api.client(user)


def owed_hook():
    """The id of a hook of the session ``order-1`` that raised."""
    row = {"hook": "_post_fire", "arguments": {"trigger_name": "x", "scheduled": []}, "attempts": 1}
    with transaction() as session:
        owner = select(tables.session.c.id).where(tables.session.c.uid == "order-1").scalar_subquery()
        values = {"session_id": owner, "due": open_session("order-1").storage.now(), **row}
        return session.scalar(insert(tables.hook).values(**values).returning(tables.hook.c.id))


def delayed_fire():
    """The id of a fire to come that failed once."""
    fire = fire_into("order-1", "firstPage", fire_at=datetime.fromisoformat(LATER))
    with transaction() as session:
        session.execute(tables.delayed_fire.update().values(attempts=1, error="no"))
    return fire.delayed_fire_id


def migration(client):
    """Move the session to rules that are deployed anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL", "0")
        deploy_configuration("survey", t_import={"after": ["firstPage", "consent"]})
    return client.post("configurations/survey/migrate", json={"prefix": "order-1"})


def failed_asset_event():
    """The id of a parked asset event."""
    with transaction() as session:
        failure = {"event_id": 7, "seen": view("t_import#0").instance.last_modified, "attempts": 20}
        session.execute(insert(tables.asset_event).values(error="no", **failure))
    return 7


BULK_SKIP = {"act": "skip", "filter": {"configuration": "survey"}}


def bulk_act(client):
    """The id of a bulk act; its entry is forgotten."""
    bulk_act_id = client.post("bulk-acts", json=BULK_SKIP).json()["id"]
    forget()
    return bulk_act_id


ROUTES = {
    ("POST", "/api/v1/configurations/{name}/migrate"): (
        migration,
        (
            AuditEvent.MIGRATE_SESSION,
            "survey.t_import",
            {"session_uid": "order-1", "history": "ignore"},
        ),
    ),
    ("POST", "/api/v1/sessions"): (
        lambda client: client.post("sessions", json={"uid": "order-2", "configuration": "survey"}),
        (AuditEvent.CREATE_SESSION, "survey.t_import", {"session_uid": "order-2"}),
    ),
    ("POST", "/api/v1/sessions/{uid}/instances/{name}/replay"): (
        lambda client: client.post("sessions/order-1/instances/t_import%230/replay", json={}),
        (
            AuditEvent.REPLAY,
            "survey.t_import",
            {
                "session_uid": "order-1",
                "instance": "t_import#0",
                "replay": "t_import#1",
                "kwargs_replaced": False,
            },
        ),
    ),
    ("POST", "/api/v1/sessions/{uid}/instances/{name}/skip"): (
        lambda client: client.post("sessions/order-1/instances/t_import%230/skip", json={"cascade": True}),
        (
            AuditEvent.SKIP,
            "survey.t_import",
            {"session_uid": "order-1", "instance": "t_import#0", "cascade": True},
        ),
    ),
    ("POST", "/api/v1/sessions/{uid}/instances/{name}/status"): (
        lambda client: client.post(
            "sessions/order-1/instances/t_import%230/status", json={"status": "finished", "cascade": True}
        ),
        (
            AuditEvent.SET_STATUS,
            "survey.t_import",
            {"instance": "t_import#0", "from": "failed", "to": "finished", "cascade": True},
        ),
    ),
    ("POST", "/api/v1/sessions/{uid}/instances/{name}/metadata"): (
        lambda client: client.post(
            "sessions/order-1/instances/t_import%230/metadata", json={"metadata": {"ticket": "secret"}}
        ),
        (AuditEvent.SET_METADATA, "survey.t_import", {"instance": "t_import#0", "keys": ["ticket"]}),
    ),
    ("POST", "/api/v1/sessions/{uid}/instances/{name}/resolve-logs"): (
        lambda client: client.post("sessions/order-1/instances/t_import%230/resolve-logs"),
        (AuditEvent.RESOLVE_LOGS, "survey.t_import", {"instance": "t_import#0"}),
    ),
    ("DELETE", "/api/v1/sessions/{uid}/delayed-fires/{delayed_fire_id}"): (
        lambda client: client.delete(f"sessions/order-1/delayed-fires/{delayed_fire()}"),
        (
            AuditEvent.CANCEL_DELAYED_FIRE,
            "survey.t_import",
            {"session_uid": "order-1", "trigger": "firstPage"},
        ),
    ),
    ("POST", "/api/v1/sessions/{uid}/delayed-fires/{delayed_fire_id}/retry"): (
        lambda client: client.post(f"sessions/order-1/delayed-fires/{delayed_fire()}/retry"),
        (
            AuditEvent.RETRY_DELAYED_FIRE,
            "survey.t_import",
            {"session_uid": "order-1", "trigger": "firstPage"},
        ),
    ),
    ("PUT", "/api/v1/sessions/{uid}/configuration"): (
        lambda client: client.put(
            "sessions/order-1/configuration",
            json={"tasks": {"t_import": {"after": ["secondPage"], "run": "module:t_import"}}},
        ),
        (
            AuditEvent.UPDATE_CONFIGURATION,
            "survey.t_import",
            {"session_uid": "order-1", "tasks": ["t_import"], "history": "ignore"},
        ),
    ),
    ("POST", "/api/v1/asset-events/{event_id}/retry"): (
        lambda client: client.post(f"asset-events/{failed_asset_event()}/retry"),
        (AuditEvent.RETRY_ASSET_EVENTS, None, {"asset_event_ids": [7]}),
    ),
    ("POST", "/api/v1/bulk-acts"): (
        lambda client: client.post("bulk-acts", json=BULK_SKIP),
        (AuditEvent.BULK_ACT, "survey", {"act": "skip", "total": 1}),
    ),
    ("POST", "/api/v1/bulk-acts/{bulk_act_id}/cancel"): (
        lambda client: client.post(f"bulk-acts/{bulk_act(client)}/cancel"),
        (AuditEvent.CANCEL_BULK_ACT, "survey", {"cancelled": 1}),
    ),
    ("DELETE", "/api/v1/sessions/{uid}"): (
        lambda client: client.delete("sessions/order-1?force=true"),
        (
            AuditEvent.DELETE_SESSION,
            "survey.t_import",
            {"session_uid": "order-1", "configuration": "survey", "force": True},
        ),
    ),
    ("POST", "/api/v1/sessions/{uid}/hooks/{hook_id}/call"): (
        lambda client: client.post(f"sessions/order-1/hooks/{owed_hook()}/call"),
        (AuditEvent.CALL_HOOK, "survey.t_import", {"session_uid": "order-1", "ended": True}),
    ),
}
"""An act of each route that writes, and what the audit log is to say: event, DAG, and what else at least."""

FIRES = {
    ("POST", "/api/v1/sessions/{uid}/fires"),
    ("POST", "/api/v1/fires"),
    ("POST", "/api/v1/cloudevents"),
}


def test_every_route_that_writes_is_tried_here(airflow_db, monkeypatch):
    mounted_api(monkeypatch)
    paths = create_app().openapi()["paths"]
    writing = {
        (method.upper(), path) for path, methods in paths.items() for method in methods if method != "get"
    }
    # A route that is new puts its act into the audit log (see sessions/audit.py), and gets a line in ROUTES.
    assert writing - OTHERS == set(ROUTES) | FIRES


OTHERS = {("POST", "/api/v1/configurations/validate")}
"""Routes that change nothing, though they are no GET."""


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_an_act_over_rest_is_in_the_audit_log(survey, controller, monkeypatch, route):
    failed_import(controller)
    act, (event, dag_id, details) = ROUTES[route]
    client = by_rest(monkeypatch)
    client.base_url = client.base_url.join("api/v1/")
    answer = act(client)
    assert answer.is_success, answer.text
    (entry,) = log_entries()
    assert entry[:3] == (event, ANN, dag_id)
    assert entry[3].items() >= details.items()
    purge_cached_app()


def test_an_act_that_is_refused_is_not_in_the_audit_log(survey, controller, monkeypatch):
    failed_import(controller)
    client = by_rest(monkeypatch)
    replay = "api/v1/sessions/order-1/instances/t_import%230/replay"
    assert client.post(replay, json={}).status_code == 200
    assert client.post(replay, json={}).status_code == 409
    assert [entry[0] for entry in log_entries()] == [AuditEvent.REPLAY]
    assert client.post("api/v1/sessions", json={"uid": "order-1", "configuration": "survey"}).is_success
    assert [entry[0] for entry in log_entries()] == [AuditEvent.REPLAY]
    purge_cached_app()


def command(*arguments):
    args = get_parser().parse_args(["triggers", *arguments])
    args.func(args)


@pytest.mark.parametrize(
    ("arguments", "event", "details"),
    [
        (("replay", "order-1", "t_import#0", "--kwargs", "{}"), AuditEvent.REPLAY, {"kwargs_replaced": True}),
        (("skip", "order-1", "t_import#0"), AuditEvent.SKIP, {"cascade": False}),
    ],
    ids=["replay", "skip"],
)
def test_an_act_on_the_command_line_is_in_the_audit_log(survey, controller, arguments, event, details):
    failed_import(controller)
    command(*arguments)
    (entry,) = log_entries()
    assert entry[:3] == (event, f"cli:{getuser()}", "survey.t_import")
    assert entry[3].items() >= {"session_uid": "order-1", "instance": "t_import#0", **details}.items()


def test_acts_on_delayed_fires_and_asset_events_on_the_command_line_are_in_the_audit_log(survey, controller):
    failed_import(controller)
    number = str(delayed_fire())
    command("delayed-fires", "retry", "order-1", number)
    command("delayed-fires", "cancel", "order-1", number)
    command("asset-events", "retry", str(failed_asset_event()))
    assert [(event, details.get("asset_event_ids")) for event, _, _, details in log_entries()] == [
        (AuditEvent.RETRY_DELAYED_FIRE, None),
        (AuditEvent.CANCEL_DELAYED_FIRE, None),
        (AuditEvent.RETRY_ASSET_EVENTS, [7]),
    ]


# -- the transaction --------------------------------------------------------------------------------------------


def test_an_act_that_cannot_be_audited_is_undone(survey, controller, monkeypatch):
    failed_import(controller)

    def refuse(*_, **__):
        raise RuntimeError("no room")

    monkeypatch.setattr(acts_audit, "write_act", refuse)
    with pytest.raises(RuntimeError, match="no room"):
        command("replay", "order-1", "t_import#0")
    assert view("t_import#0").instance.status == "failed"


def test_an_update_of_rules_in_python_is_in_the_audit_log_if_it_says_who(survey, controller):
    manager = failed_import(controller)
    rules = {"t_import": {"after": ["secondPage"], "run": "survey.t_import"}}
    manager.update_configuration(rules)
    manager.update_configuration(rules, by=ANN, preview=True)
    assert log_entries() == []
    manager.update_configuration(rules, by=ANN, history="apply")
    (entry,) = log_entries()
    assert entry[:3] == (AuditEvent.UPDATE_CONFIGURATION, ANN, "survey.t_import")
    assert entry[3] == {"session_uid": "order-1", "tasks": ["t_import"], "history": "apply"}


def test_an_act_that_is_undone_is_not_in_the_audit_log(survey, controller):
    manager = failed_import(controller)

    def note_and_fail():
        with manager.storage.acquire_lock():
            audit.note_act(manager.storage, AuditEvent.SKIP, by=ANN, instance="t_import#0")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        note_and_fail()
    assert log_entries() == []


def test_entries_wake_no_controller(postgresql_survey, controller):
    """The entries are of no task: what is told by NOTIFY is only of those."""
    wakeup.tell_of_successes()
    listener = wakeup.Listener()
    try:
        assert listener.wait(threading.Event(), 0.1) == []
        failed_import(controller)
        command("skip", "order-1", "t_import#0")
        assert listener.wait(threading.Event(), 0.5) == []
    finally:
        listener.close()


# -- fires ------------------------------------------------------------------------------------------------------


def test_fires_are_not_in_the_audit_log_and_cost_nothing_for_it(survey):
    fire_into("order-1", "firstPage", configuration="survey", fired_by=ANN)
    assert log_entries() == []
    # From here on, the session is remembered.
    fire_into("order-1", "other")
    plain = statements_of(lambda: fire_into("order-1", "other", fired_by=ANN))
    assert plain == statements_of(lambda: fire_into("order-1", "other"))


def test_with_the_setting_each_fire_is_in_the_audit_log(survey, fires_audited, monkeypatch):
    client = by_rest(monkeypatch)
    client.base_url = client.base_url.join("api/v1/")
    body = {"trigger": "firstPage", "configuration": "survey", "idempotency_key": "k"}
    fire_id = client.post("sessions/order-1/fires", json=body).json()["fire_id"]
    assert client.post("sessions/order-1/fires", json=body).json()["repeated"]
    client.post("sessions/order-1/fires", json={"trigger": "t_import", "fire_at": LATER})
    client.post("fires", json={"fires": [{"session_uid": "order-1", "trigger": "unused"}]})
    command("fire", "order-1", "t_import")
    firsts = [(event, user, dag_id) for event, user, dag_id, _ in log_entries()]
    assert firsts == [
        (AuditEvent.FIRE, ANN, "survey.t_import"),
        (AuditEvent.FIRE, ANN, "survey.t_score"),
        (AuditEvent.FIRE, ANN, "survey.t_import"),
        (AuditEvent.FIRE, f"cli:{getuser()}", "survey.t_score"),
    ]
    assert log_entries()[0][3] == {"session_uid": "order-1", "trigger": "firstPage", "fire_id": fire_id}
    assert "delayed_fire_id" in log_entries()[1][3]
    purge_cached_app()


# -- who sees it ------------------------------------------------------------------------------------------------


def test_airflow_shows_an_entry_by_the_rights_on_its_dag(survey, controller, monkeypatch):
    failed_import(controller)
    command("skip", "order-1", "t_import#0")
    app = airflow_api(monkeypatch)
    shown = client_of(app, ANN).get("eventLogs", params={"event": AuditEvent.SKIP}).json()
    (entry,) = shown["event_logs"]
    assert (entry["dag_id"], entry["owner"]) == ("survey.t_import", f"cli:{getuser()}")
    monkeypatch.setattr(get_auth_manager(), "get_authorized_dag_ids", lambda **_: {"survey.t_score"})
    hidden = client_of(app, ANN).get("eventLogs", params={"event": AuditEvent.SKIP}).json()
    assert hidden["event_logs"] == []
    purge_cached_app()


def test_an_act_on_a_session_without_dags_shows_on_no_page(airflow_db):
    manager = TriggerManager(SqlStorageBackend("order-1"))
    with manager.storage.acquire_lock(create=True):
        audit.note_act(manager.storage, AuditEvent.SKIP, by=ANN, instance="t_x#0")
    (entry,) = log_entries()
    assert entry[2] == NO_DAG


def test_the_log_keeps_no_kwargs_and_no_results(survey, controller):
    failed_import(controller)
    command("skip", "order-1", "t_import#0", "--cascade", "--result", '{"secret": 1}')
    (entry,) = log_entries()
    assert "secret" not in json.dumps(entry[3])


def test_every_event_fits_its_column():
    assert max(len(event) for event in AuditEvent) <= Log.__table__.c.event.type.length
