"""What a cache keeps of a session may be anything: its session says so, and the others stay."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.cli.cli_parser import get_parser
from airflow.utils.session import create_session as airflow_session
from fastapi.testclient import TestClient
from sqlalchemy import update

from airflow_triggers.controller.loop import Controller
from airflow_triggers.errors import UnreadableRow
from airflow_triggers.sessions.describing import describe_session
from airflow_triggers.sessions.opening import create_session, fire_into
from airflow_triggers.storages import cache, tables
from airflow_triggers.storages.cache import KEY_PREFIX, CacheStorageBackend
from tests.conftest import REDIS_URL
from tests.support.api import mounted_api
from tests.support.dags import play
from tests.support.surveys import statuses, view

SESSION = "api/v1/sessions/order-1"
PAGES = [
    "",
    "/fires",
    "/history",
    "/instances/t_import%230",
    "/instances/t_import/why",
    "/instances/t_score/why",
]
MISSING = object()


@pytest.fixture
def region(survey, redis_region, monkeypatch):
    """Two sessions of the survey in Redis, each with a failed import, and one in Airflow's database."""
    monkeypatch.setattr(cache, "default_region", lambda: redis_region)
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CACHE_URL", REDIS_URL)
    for uid in ("order-1", "order-2"):
        create_session(uid, configuration="survey", storage="cache")
        fire_into(uid, "firstPage", {"n": 1})
        fire_into(uid, "nobody", {"n": 1}, idempotency_key="k")
        play(view("t_import#0", uid), "failed")
    fire_into("order-3", "firstPage", configuration="survey")
    play(view("t_import#0", "order-3"), "success")
    return redis_region


@pytest.fixture
def client(region, monkeypatch):
    client = mounted_api(monkeypatch).client("admin")
    yield TestClient(client.app, raise_server_exceptions=False, headers=client.headers)
    purge_cached_app()


def spoiled(text, path, value):
    """The content with one thing otherwise, or missing."""
    content = json.loads(text)
    *parents, last = path
    place = content
    for key in parents:
        place = place[key]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return json.dumps(content)


TEXTS = [
    "",
    "{",
    "[]",
    "7",
    "null",
    "NaN",
    '{"a":' * 3000 + "1" + "}" * 3000,
    r'{"a": "\ud800"}',
    b"\xff",
    7,
    None,
]
CONTENTS = [
    *(
        ((key,), MISSING)
        for key in ("manager", "anchored", "configuration", "metadata", "instances", "fires", "hooks")
    ),
    *(
        ((key,), 7)
        for key in ("manager", "configuration", "metadata", "instances", "fires", "events", "hooks")
    ),
    *(
        (("configuration", "tasks"), value)
        for value in (7, {"t_import": 7}, {"t_import": {"after": [1], "run": "x"}})
    ),
    *((("instances", "t_import"), value) for value in (7, [7], {})),
    *((("fires", 0), value) for value in (7, {}, {"trigger_name": "x"})),
    *((("fires", 0, "fired_at"), value) for value in (7, "yesterday")),
    (("fires", 0, "touched"), 7),
    *((("events", 0), value) for value in (7, {})),
    (("hooks",), {"x": {}}),
]
INSTANCES = [
    *((key, MISSING) for key in ("status", "kwargs", "unless_seen", "metadata")),
    *((key, 7) for key in ("status", "kwargs", "unless_seen", "metadata")),
    ("kwargs", {"firstPage": 7}),
    ("metadata", {"timestamps": 7}),
    ("metadata", {"seenRun": 7}),
]


def test_a_session_of_which_the_cache_keeps_something_else_takes_no_other_away(client, region):
    key = KEY_PREFIX + "order-1"
    before = region.get(key)
    wrong = []
    for text in [*TEXTS, *(spoiled(before, *case) for case in CONTENTS)]:
        region.set(key, text)
        for page in PAGES:
            answer = client.get(f"/triggers/{SESSION}{page}")
            unreadable = answer.status_code == 409 and answer.json()["reason"] == "UnreadableRow"
            if not unreadable and answer.status_code != 200:
                wrong.append((str(text)[:60], page, answer.text))
        pages = ("api/v1/sessions", "api/v1/sessions/order-2", "api/v1/fires?touched=nothing")
        wrong += [
            (str(text)[:60], page) for page in pages if client.get(f"/triggers/{page}").status_code != 200
        ]
        fires = [{"session_uid": uid, "trigger": "nobody"} for uid in ("order-1", "order-2")]
        results = client.post("/triggers/api/v1/fires", json={"fires": fires}).json()["results"]
        if results[0]["status"] not in (200, 409) or results[1]["status"] != 200:
            wrong.append((str(text)[:60], results))
        for act in ("replay", "skip"):
            answer = client.post(f"/triggers/{SESSION}/instances/t_import%230/{act}", json={})
            if answer.status_code not in (200, 409):
                wrong.append((str(text)[:60], act, answer.text))
    assert wrong == []


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_pass_brings_the_other_sessions_up_to_date(region, text):
    before = region.get(KEY_PREFIX + "order-1")
    region.set(KEY_PREFIX + "order-1", text)
    Controller().run_once()
    assert statuses("order-2") == {"t_import#0": "failed"}
    assert statuses("order-3") == {"t_import#0": "finished", "t_score#0": "scheduled"}
    region.set(KEY_PREFIX + "order-1", before)
    with airflow_session() as session:
        session.execute(update(tables.run).values(retry_at=datetime.now(UTC)))
    Controller().run_once()
    assert statuses("order-1") == {"t_import#0": "failed"}


def test_an_instance_that_cannot_be_read_shows_beside_the_others(client, region, capsys):
    key = KEY_PREFIX + "order-1"
    before = region.get(key)
    for column, value in INSTANCES:
        region.set(key, spoiled(before, ("instances", "t_import", 0, column), value))
        (shown,) = client.get(f"/triggers/{SESSION}").json()["instances"]
        assert shown["metadata"]["unreadable"].startswith("its ")
        assert describe_session("order-1").fires[0].trigger_name == "nobody"
        for act in ("replay", "skip"):
            answer = client.post(f"/triggers/{SESSION}/instances/t_import%230/{act}", json={})
            assert (answer.status_code, answer.json()["reason"]) == (409, "UnreadableRow")
        arguments = get_parser().parse_args(["triggers", "sessions", "show", "order-1"])
        arguments.func(arguments)
    assert region.get(key) == spoiled(before, ("instances", "t_import", 0, column), value)


def test_the_sentence_names_the_cache(region):
    region.set(KEY_PREFIX + "order-1", "{}")
    with pytest.raises(
        UnreadableRow, match="In the cache that keeps it, the session 'order-1' cannot be read: its"
    ):
        _ = CacheStorageBackend("order-1", region=region).instances
