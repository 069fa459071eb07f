"""A row that cannot be read shows as unreadable, the others as they are; whoever acts on it is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from airflow.api_fastapi.app import purge_cached_app
from airflow.cli.cli_parser import get_parser
from fastapi.testclient import TestClient

from airflow_triggers.controller.loop import Controller
from airflow_triggers.domain.states import Event
from airflow_triggers.errors import UnreadableRow
from airflow_triggers.sessions.describing import describe_session
from airflow_triggers.sessions.opening import fire_into, open_session
from airflow_triggers.storages import rows, tables
from tests.support.api import mounted_api
from tests.support.dags import deploy_configuration

SESSION = "api/v1/sessions/order-1"
DEEP = '{"a":' * 3000 + "1" + "}" * 3000
TOO_DEEP_FOR_PAGES = '{"a":' * 256 + "1" + "}" * 256
HALF_A_PAIR = r'{"a": "\ud800"}'
WRONG = [DEEP, TOO_DEEP_FOR_PAGES, HALF_A_PAIR, "[]", '"x"', "7", "null", '{"a": ' + "9" * 5000 + "}"]
NOT_JSON = ["{", "", "NaN", '{"a": Infinity}', '{"a": 1e999}', "\x1b[31m"]
ONE_INSTANCE = "task_name = 't_import' AND number = 0"

CASES = [
    *[("triggers_instance", "kwargs", text, ONE_INSTANCE) for text in [*WRONG, '{"firstPage": 7}']],
    *[
        ("triggers_instance", "metadata", text, ONE_INSTANCE)
        for text in WRONG
        if text != HALF_A_PAIR  # earlier versions kept it there, and it can be shown
    ],
    *[
        ("triggers_instance", "metadata", json.dumps(metadata), ONE_INSTANCE)
        for metadata in (
            {"timestamps": {"created": 7}},
            {"timestamps": []},
            {"depth": "x"},
            {"logLevel": None},
            {"parent": 7},
            {"parent": "t_import#0"},
            {"seenRun": 7},
            {"seenRun": {"run_id": "r", "state": "success"}},
        )
    ],
    *[("triggers_instance", "unless_seen", text, ONE_INSTANCE) for text in (DEEP, "{}", "[7]")],
    ("triggers_instance", "status", "nonsense", ONE_INSTANCE),
    ("triggers_instance", "task_name", "t_gone", ONE_INSTANCE),
    *[("triggers_fire", "kwargs", text, "trigger_name = 'nobody'") for text in WRONG],
    *[
        ("triggers_fire", "effect", text, "trigger_name = 'firstPage'")
        for text in (DEEP, "[]", '{"touched": 7}')
    ],
    *[("triggers_event", "details", text, "TRUE") for text in (DEEP, "[]", "{}", '{"to": 7, "from": {}}')],
    ("triggers_event", "kind", "nonsense", "TRUE"),
    *[("triggers_hook", "arguments", text, "TRUE") for text in (DEEP, "[]")],
    *[("triggers_delayed_fire", "kwargs", text, "TRUE") for text in (DEEP, "[]")],
    *[("triggers_session", "metadata", text, "uid = 'order-1'") for text in (DEEP, "[]")],
]
SQLITE_CASES = [
    *[("triggers_instance", "kwargs", text, ONE_INSTANCE) for text in NOT_JSON],
    *[("triggers_fire", "kwargs", text, "trigger_name = 'nobody'") for text in NOT_JSON],
    ("triggers_fire", "fired_at", "yesterday", "trigger_name = 'nobody'"),
    ("triggers_event", "at", "yesterday", "TRUE"),
    ("triggers_hook", "due", "soon", "TRUE"),
    ("triggers_session", "created", "once", "uid = 'order-1'"),
    ("triggers_delayed_fire", "attempts", "often", "TRUE"),
]
POSTGRESQL_CASES = [
    (table, column, moment, where)
    for table, column, where in (
        ("triggers_fire", "fired_at", "trigger_name = 'nobody'"),
        ("triggers_event", "at", "TRUE"),
        ("triggers_hook", "due", "TRUE"),
        ("triggers_delayed_fire", "fire_at", "TRUE"),
        ("triggers_session", "created", "uid = 'order-1'"),
        ("triggers_session", "last_modified", "uid = 'order-1'"),
    )
    for moment in ("10000-01-01", "infinity", "0044-03-15 BC")
]


@pytest.fixture
def client(airflow_db, monkeypatch):
    deploy_configuration(
        "survey",
        t_import={"after": ["firstPage"], "andEvery": "page"},
        t_score={"after": ["t_import", "x"], "unless": ["embedded"]},
    )
    yield mounted_api(monkeypatch).client("admin")
    purge_cached_app()


@pytest.fixture
def order(client, airflow_db):
    """A session with something of every kind, and another one."""
    fire_into("order-1", "firstPage", {"n": 1}, configuration="survey")
    fire_into("order-1", "page")
    fire_into("order-1", "page", {"number": 2})
    manager = open_session("order-1")
    manager.record_progress("t_import#0", Event.START)
    manager.record_progress("t_import#0", Event.FAIL, metadata={"exceptionType": "builtins.ValueError"})
    fire_into("order-1", "x")
    fire_into("order-1", "nobody")
    fire_into("order-1", "late", fire_at=datetime.now(UTC) + timedelta(days=1))
    fire_into("order-2", "nobody", configuration="survey")
    with airflow_db.engine.begin() as connection:
        owner = sa.select(tables.session.c.id).where(tables.session.c.uid == "order-1").scalar_subquery()
        hook = {"hook": "_post_fire", "arguments": {}, "attempts": 3, "due": datetime.now(UTC), "error": "no"}
        connection.execute(sa.insert(tables.hook).values(session_id=owner, **hook))
    return "order-1"


JSON_COLUMNS = {"arguments", "body", "details", "effect", "kwargs", "metadata", "unless_seen"}


MOMENT_COLUMNS = {"at", "created", "due", "fire_at", "fired_at", "last_modified"}


def placeholder(database, column):
    if database.dialect == "postgresql" and column in JSON_COLUMNS:
        return "CAST(:text AS json)"
    if database.dialect == "postgresql" and column in MOMENT_COLUMNS:
        return "CAST(:text AS timestamptz)"
    return ":text"


def spoil(database, table, column, text, where):
    with database.engine.begin() as connection:
        value = placeholder(database, column)
        statement = sa.text(f"UPDATE {table} SET {column} = {value} WHERE {where}")
        assert connection.execute(statement, {"text": text}).rowcount


def cases(database):
    return CASES + (SQLITE_CASES if database.dialect == "sqlite" else POSTGRESQL_CASES)


PAGES = [
    "api/v1/sessions",
    SESSION,
    f"{SESSION}/fires",
    f"{SESSION}/history",
    f"{SESSION}/instances/t_import%231",
    f"{SESSION}/instances/t_score/why",
    f"{SESSION}/instances/t_import/why",
    "api/v1/fires?touched=nothing",
    "api/v1/sessions/order-2",
]
COMMANDS = [
    ("sessions", "list"),
    ("sessions", "show", "order-1"),
    ("sessions", "show", "order-1", "--output", "json"),
    ("history", "order-1"),
    ("history", "order-1", "--output", "json"),
    ("why", "order-1", "t_score"),
    ("unheard",),
    ("hooks", "list"),
]


def test_no_page_is_taken_away(order, client, airflow_db, capsys):
    client = TestClient(client.app, raise_server_exceptions=False, headers=client.headers)
    taken_away = []
    for case in cases(airflow_db):
        table, column, _, where = case
        with airflow_db.engine.begin() as connection:
            key = "id" if table not in ("triggers_instance",) else "session_id, task_name, number"
            before = connection.execute(
                sa.text(f"SELECT CAST({column} AS TEXT), {key} FROM {table} WHERE {where}")
            ).all()
        spoil(airflow_db, *case)
        for page in PAGES:
            answer = client.get(f"/triggers/{page}")
            if answer.status_code != 200:
                taken_away.append((table, column, case[2][:60], page, answer.text[:500]))
        for command in COMMANDS:
            args = get_parser().parse_args(["triggers", *command])
            try:
                args.func(args)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever takes a page away
                taken_away.append((table, column, case[2][:60], command, repr(error)[:500]))
        capsys.readouterr()
        restore(airflow_db, table, column, before)
    assert taken_away == []


def restore(database, table, column, before):
    value = placeholder(database, column)
    with database.engine.begin() as connection:
        for row in before:
            if table == "triggers_instance":
                where = "session_id = :a AND number = :c AND task_name IN (:b, 't_gone')"
                key = {"a": row[1], "b": row[2], "c": row[3]}
            else:
                where, key = "id = :a", {"a": row[1]}
            connection.execute(
                sa.text(f"UPDATE {table} SET {column} = {value} WHERE {where}"), {"text": row[0], **key}
            )


def test_the_row_says_why_and_the_others_stay(order, client, airflow_db):
    spoil(airflow_db, "triggers_instance", "kwargs", DEEP, ONE_INSTANCE)
    spoil(airflow_db, "triggers_fire", "kwargs", DEEP, "trigger_name = 'nobody'")
    session = client.get(SESSION).json()
    bad, good = session["instances"][:2]
    assert (
        bad["metadata"]["unreadable"] == "its kwargs cannot be read: it is nested more than 120 levels deep"
    )
    assert (bad["name"], bad["status"]) == ("t_import#0", "failed")
    assert good["kwargs"] == {"firstPage": {"n": 1}, "page": {"number": 2}}
    fires = {fire["trigger"]: fire["kwargs"] for fire in session["fires"]}
    assert "nested more than 120 levels deep" in fires["nobody"]["unreadable"]
    assert fires["firstPage"] == {"n": 1}


@pytest.mark.parametrize("text", [DEEP, "[]"])
def test_who_acts_on_it_is_refused_and_nothing_changes(order, client, airflow_db, text):
    spoil(airflow_db, "triggers_instance", "kwargs", text, ONE_INSTANCE)
    before = describe_session("order-1")
    for act, body in (("replay", {}), ("skip", {"cascade": True})):
        answer = client.post(f"{SESSION}/instances/t_import%230/{act}", json=body)
        assert (answer.status_code, answer.json()["reason"]) == (409, "UnreadableRow")
        assert "t_import#0 cannot be read: its kwargs" in answer.json()["detail"]
    with pytest.raises(UnreadableRow):
        open_session("order-1").update_instance_status("t_import#0", "skipped")
    assert describe_session("order-1").instances == before.instances


@pytest.mark.parametrize("act", ["replay", "skip"])
def test_who_acts_on_an_instance_of_no_task_is_refused(order, client, airflow_db, act):
    spoil(airflow_db, "triggers_instance", "task_name", "t_gone", ONE_INSTANCE)
    answer = client.post(
        f"{SESSION}/instances/t_gone%230/{act}", json={"cascade": True} if act == "skip" else {}
    )
    assert (answer.status_code, answer.json()["reason"]) == (409, "UnreadableRow")
    assert "its task is 't_gone', and the session's tasks are: t_import, t_score" in answer.json()["detail"]


def test_a_fire_that_needs_it_is_refused_and_another_one_is_not(order, client, airflow_db):
    spoil(airflow_db, "triggers_instance", "kwargs", DEEP, "task_name = 't_score'")
    answer = client.post(f"{SESSION}/fires", json={"trigger": "embedded"})
    assert (answer.status_code, answer.json()["reason"]) == (409, "UnreadableRow")
    assert client.post(f"{SESSION}/fires", json={"trigger": "page"}).status_code == 200


def test_latest_kwargs_that_cannot_be_read_start_nothing(order, client, airflow_db):
    spoil(airflow_db, "triggers_fire", "kwargs", DEEP, "trigger_name = 'firstPage'")
    answer = client.post(f"{SESSION}/fires", json={"trigger": "page"})
    assert (answer.status_code, answer.json()["reason"]) == (409, "UnreadableRow")
    assert "the latest fire of 'firstPage'" in answer.json()["detail"]


def test_a_delayed_fire_that_cannot_be_read_waits_with_the_reason(order, airflow_db):
    due = datetime.now(UTC) - timedelta(seconds=1)
    with airflow_db.engine.begin() as connection:
        connection.execute(sa.update(tables.delayed_fire).values(due=due, fire_at=due))
    spoil(airflow_db, "triggers_delayed_fire", "kwargs", DEEP, "TRUE")
    Controller().run_once()
    (delayed,) = describe_session("order-1").delayed_fires
    assert "unreadable" in delayed.kwargs
    assert delayed.attempts == 1
    assert "cannot be read" in delayed.error


def test_an_unreadable_configuration_takes_away_its_own_sessions_only(order, client, airflow_db):
    deploy_configuration("other", t_x={"after": ["x"]})
    fire_into("order-3", "x", configuration="other")
    spoil(airflow_db, "triggers_configuration", "body", "[]", "name = 'other'")
    rows._memory_of.cache_clear()
    listed = [session["uid"] for session in client.get("api/v1/sessions").json()["sessions"]]
    assert listed[:2] == ["order-1", "order-2"]
    assert client.get("api/v1/fires?touched=nothing").status_code == 200
    answer = client.get("api/v1/sessions/order-3")
    assert (answer.status_code, answer.json()["reason"]) == (409, "UnreadableRow")


def body(**directives):
    """A configuration's body that says one thing otherwise."""
    return {"tasks": {"t_x": {"after": ["x"], "run": "module:t_x", **directives}}}


BODIES = [
    *(
        {},
        {"tasks": 7},
        {"tasks": None},
        {"tasks": []},
        {"tasks": {"t_x": 7}},
        {"tasks": {"t_x": {"after": ["x"]}}},
    ),
    *(
        body(after=7),
        body(after=[1]),
        body(after=["x", None]),
        body(after="x"),
        body(andEvery=5),
        body(unless={"a": 1}),
    ),
    *(
        body(run=5),
        body(run={}),
        body(run=None),
        body(airflow=5),
        body(withParams="x"),
        body(withParams={"x": 7}),
    ),
    *(body(using=7), body(andEvery=[]), body() | {"name": 7}, body() | {"former_dag_ids": 7}),
    body() | {"former_dag_ids": [{}]},
]


def test_a_configuration_of_another_form_is_unreadable_to_its_sessions_only(
    order, client, airflow_db, capsys
):
    client = TestClient(client.app, raise_server_exceptions=False, headers=client.headers)
    deploy_configuration("other", t_x={"after": ["x"]})
    fire_into("order-3", "x", configuration="other")
    fire_into("order-3", "in vain")
    batch = {"fires": [{"session_uid": uid, "trigger": "page"} for uid in ("order-3", "order-2")]}
    wrong = []
    for content in BODIES:
        spoil(airflow_db, "triggers_configuration", "body", json.dumps(content), "name = 'other'")
        rows._memory_of.cache_clear()
        answers = {page: client.get(f"/triggers/{page}") for page in PAGES}
        wrong += [(content, page, it.text) for page, it in answers.items() if it.status_code != 200]
        for page in ("", "/fires", "/history", "/instances/t_x%230", "/instances/t_x/why"):
            answer = client.get(f"/triggers/api/v1/sessions/order-3{page}")
            if (answer.status_code, answer.json()["reason"]) != (409, "UnreadableRow"):
                wrong.append((content, page, answer.text))
        get_parser().parse_args(["triggers", "unheard"]).func(
            get_parser().parse_args(["triggers", "unheard"])
        )
        results = client.post("/triggers/api/v1/fires", json=batch).json()["results"]
        if [result["status"] for result in results] != [409, 200]:
            wrong.append((content, "batch", results))
    assert wrong == []


def test_a_configuration_that_is_gone_is_unreadable_and_is_not_taken_for_none(order, client, airflow_db):
    with airflow_db.engine.begin() as connection:
        if airflow_db.dialect == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.execute(
            sa.text("UPDATE triggers_session SET configuration_hash = 'gone' WHERE uid = 'order-1'")
        )
    for answer in (
        client.get(SESSION),
        client.post(f"{SESSION}/fires", json={"trigger": "page"}),
        client.post(f"{SESSION}/fires", json={"trigger": "page", "configuration": "survey"}),
        client.post(f"{SESSION}/instances/t_import%230/replay", json={}),
        client.post(f"{SESSION}/instances/t_import%230/skip", json={}),
    ):
        assert (answer.status_code, answer.json()["reason"]) == (409, "UnreadableRow")
    assert client.get("api/v1/sessions/order-2").status_code == 200


def test_an_instance_of_no_number_shows_and_its_task_makes_no_other(order, client, airflow_db):
    numbers = (
        ["2147483647", "-1"] if airflow_db.dialect == "postgresql" else ["2147483647", "-1", "many", "1.5"]
    )
    number = "1"
    for text in numbers:
        with airflow_db.engine.begin() as connection:
            where = "task_name = 't_import' AND CAST(number AS TEXT) = :before"
            column = "CAST(:number AS integer)" if airflow_db.dialect == "postgresql" else ":number"
            update = sa.text(f"UPDATE triggers_instance SET number = {column} WHERE {where}")
            assert connection.execute(update, {"number": text, "before": number}).rowcount == 1
        number = text
        shown = client.get(SESSION).json()["instances"]
        (bad,) = [instance for instance in shown if "unreadable" in instance["metadata"]]
        assert bad["metadata"]["unreadable"].startswith("its number is ")
        answer = client.post(f"{SESSION}/fires", json={"trigger": "page"})
        if text == "-1":
            assert answer.status_code == 200
        else:
            assert (answer.status_code, answer.json()["reason"]) == (409, "UnreadableRow")


def test_why_reads_the_longest_row_of_replays(order, client):
    manager = open_session("order-1")
    with manager.storage.acquire_lock():
        instance = manager.storage["t_import#0"]
        for _ in range(1100):
            instance = manager.storage.clone_instance(instance)
    assert client.get(f"{SESSION}/instances/t_import/why").status_code == 200
