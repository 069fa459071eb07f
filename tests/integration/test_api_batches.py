"""Many fires in one request, over real tables and DAG runs: a result for each, and none spoils another."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from airflow.api_fastapi.app import purge_cached_app

from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.sessions.describing import fires_of, list_sessions
from airflow_triggers.sessions.opening import create_session, open_session
from tests.support.api import Allowed, mounted_api
from tests.support.dags import deploy_configuration
from tests.support.hooks import promised_hooks
from tests.support.surveys import statuses

BATCH = "api/v1/fires"
CREATE_RUNS = {"methods": {"POST"}, "entities": {"RUN"}}


class Noting(TriggerManager):
    """Notes what was fired; raises for the trigger ``bad``."""

    name = "noting"
    noted: ClassVar = []

    def _post_fire(self, trigger_name, tasks_scheduled):
        if trigger_name == "bad":
            raise LookupError("There is nothing to note.")
        self.noted.append((self.storage.uid, trigger_name))


@pytest.fixture
def api(airflow_db, monkeypatch):
    yield from mounted_with_surveys(monkeypatch)


@pytest.fixture
def postgresql_api(postgresql_airflow_db, monkeypatch):
    yield from mounted_with_surveys(monkeypatch)


def mounted_with_surveys(monkeypatch):
    deploy_configuration(
        "survey",
        t_import={"after": ["firstPage"], "andEvery": "page"},
        t_score={"after": ["t_import"], "unless": ["embedded"]},
    )
    deploy_configuration("orders", t_pay={"after": ["paid"]})
    yield mounted_api(monkeypatch)
    purge_cached_app()


@pytest.fixture
def noting():
    trigger_managers.register(Noting.name, Noting)
    Noting.noted = []
    yield Noting
    trigger_managers.unregister(Noting.name)


def fire(uid, trigger, **more):
    return {"session_uid": uid, "trigger": trigger, **more}


def fire_all(api, *fires, user="admin"):
    answer = api.client(user).post(BATCH, json={"fires": fires})
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [one["index"] for one in results] == list(range(len(fires)))
    return results


def told(results):
    return [(one["status"], one.get("reason")) for one in results]


def fired(uid):
    return [(one.trigger_name, one.kwargs.get("n")) for one in reversed(fires_of(uid))]


def test_fires_into_many_sessions_take_effect_in_the_order_sent(api):
    for uid in ("a", "b"):
        create_session(uid, configuration="survey")
    results = fire_all(
        api,
        fire("b", "page", kwargs={"n": 1}),
        fire("a", "firstPage"),
        fire("b", "firstPage", kwargs={"n": 2}),
        fire("a", "page"),
        fire("b", "page", kwargs={"n": 3}),
    )
    alone = api.client("admin").post("api/v1/sessions/b/fires", json={"trigger": "unheard"}).json()
    assert results[2] == {
        **alone,
        "index": 2,
        "status": 200,
        "fire_id": results[2]["fire_id"],
        "trigger": "firstPage",
        "touched": ["t_import#0"],
        "scheduled": ["t_import#0"],
    }
    assert [one["scheduled"] for one in results] == [
        [],
        [],
        ["t_import#0"],
        ["t_import#0"],
        ["t_import#1"],
    ]
    assert fired("b") == [("page", 1), ("firstPage", 2), ("page", 3), ("unheard", None)]
    assert {one.fired_by for one in fires_of("a")} == {"admin"}
    assert statuses("b") == {"t_import#0": "scheduled", "t_import#1": "scheduled"}


def test_a_bad_fire_spoils_no_other(api):
    create_session("a", configuration="survey")
    create_session("b", configuration="survey", manager="default")
    results = fire_all(
        api,
        fire("a", "page", kwargs={"n": 1}),
        fire("a", "page", kwargs={"n": float(1), "bad": "\0"}),
        fire("a", " page"),
        fire("a/b", "page"),
        fire("unknown", "page"),
        fire("unknown", "page", configuration="surveys"),
        fire("a", "page", kwarg={}),
        fire("a", "page", manager="nope"),
        "no fire",
        {"trigger": "page"},
        fire("b", "page", fire_at="tomorrow"),
        fire("b", "page", kwargs={"n": 2}),
        fire("a", "firstPage", kwargs={"n": 3}),
    )
    assert told(results) == [
        (200, None),
        (422, "InvalidBody"),
        (422, "InvalidTrigger"),
        (422, "InvalidSessionUid"),
        (404, "SessionNotFound"),
        (404, "UnknownConfiguration"),
        *[(422, "InvalidBody")] * 5,
        (200, None),
        (200, None),
    ]
    assert "Did you mean 'survey'?" in results[5]["detail"]
    assert results[6]["errors"][0]["field"] == "kwarg"
    assert results[8]["detail"] == "The body is not valid. body: expected a JSON object, found 'no fire'."
    assert (fired("a"), fired("b")) == ([("page", 1), ("firstPage", 3)], [("page", 2)])
    assert [one.uid for one in list_sessions()] == ["a", "b"]


def test_a_first_fire_makes_the_session_for_those_after_it(api):
    results = fire_all(
        api,
        fire("a", "page", kwargs={"n": 1}),
        fire("a", "firstPage", kwargs={"n": 2}, configuration="survey"),
        fire("b", "paid", configuration="orders"),
        fire("a", "page", kwargs={"n": 3}),
        fire("a", "page", kwargs={"n": 4}, configuration="survey"),
    )
    assert told(results) == [(404, "SessionNotFound"), *[(200, None)] * 4]
    assert fired("a") == [("firstPage", 2), ("page", 3), ("page", 4)]
    assert statuses("b") == {"t_pay#0": "scheduled"}


def test_an_idempotency_key_counts_once_within_a_batch_too(api):
    create_session("a", configuration="survey")
    once = fire("a", "page", idempotency_key="k", kwargs={"n": 1})
    results = fire_all(api, once, once, {**once, "kwargs": {"secret": 2}}, fire("a", "firstPage"))
    assert told(results) == [(200, None), (200, None), (409, "IdempotencyConflict"), (200, None)]
    assert results[1] == {**results[0], "index": 1, "repeated": True}
    assert "secret" not in results[2]["detail"]
    assert fire_all(api, once)[0]["repeated"] is True
    assert fired("a") == [("page", 1), ("firstPage", None)]


def test_what_the_caller_may_not_fire_is_refused_by_itself_and_changes_nothing(api):
    create_session("a", configuration="survey")
    create_session("b", configuration="orders")
    before = {one.uid: one.last_modified for one in list_sessions()}
    api.let("shop", Allowed(**CREATE_RUNS, dag_ids={"survey.t_import"}))
    results = fire_all(
        api,
        fire("a", "embedded"),
        fire("a", "page"),
        fire("b", "paid"),
        fire("c", "page", configuration="survey"),
        fire("b", "unheard"),
        user="shop",
    )
    absent = (404, "SessionNotFound")
    assert told(results) == [(403, "Forbidden"), (200, None), absent, (403, "Forbidden"), absent]
    assert (fired("a"), fired("b")) == ([("page", None)], [])
    after = {one.uid: one.last_modified for one in list_sessions()}
    assert after["b"] == before["b"]
    assert after.keys() == before.keys()


def test_hooks_of_the_sessions_own_managers_are_called_and_one_that_raises_spoils_nothing(api, noting):
    create_session("a", configuration="survey", manager="noting")
    create_session("b", configuration="survey")
    results = fire_all(api, *(fire(uid, name) for name in ("x", "bad", "y") for uid in ("a", "b")))
    assert told(results) == [(200, None)] * 6
    assert noting.noted == [("a", "x"), ("a", "y")]
    assert promised_hooks(open_session("a").storage) == [("_post_fire", 1)]


def test_a_thousand_fires_are_taken_and_no_more(api):
    for number in range(30):
        create_session(f"s{number}", configuration="survey")
    fires = [
        fire(f"s{number % 30}", "unheard", kwargs={"n": number, "text": "x" * 1500}) for number in range(1000)
    ]
    assert told(fire_all(api, *fires)) == [(200, None)] * 1000
    assert [n for _, n in fired("s7")] == list(range(7, 1000, 30))
    for wrong in ([*fires, fires[0]], []):
        answer = api.client("admin").post(BATCH, json={"fires": wrong})
        assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidBody")


def test_a_session_that_is_being_written_holds_up_no_other(postgresql_api):
    for uid in ("a", "b"):
        create_session(uid, configuration="survey")
    answers = []

    def send():
        answers.append(fire_all(postgresql_api, fire("a", "x"), fire("b", "y"), fire("a", "z")))

    sending = threading.Thread(target=send)
    with open_session("a").storage.acquire_lock():
        sending.start()
        deadline = time.monotonic() + 20
        while not fired("b"):
            assert time.monotonic() < deadline, "b waits for a"
        assert sending.is_alive()
    sending.join(20)
    assert [told(results) for results in answers] == [[(200, None)] * 3]
    assert fired("a") == [("x", None), ("z", None)]


def test_a_fire_for_later_waits(api):
    create_session("a", configuration="survey")
    moment = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    later, now = fire_all(api, fire("a", "page", fire_at=moment), fire("a", "firstPage"))
    assert (later["deferred"], later["fire_id"], now["deferred"]) == (True, None, False)
    assert fired("a") == [("firstPage", None)]


def test_a_manager_that_is_not_installed_here_is_told_for_its_sessions_alone(api, noting):
    create_session("a", configuration="survey", manager="noting")
    create_session("b", configuration="survey")
    trigger_managers.unregister("noting")
    results = fire_all(api, fire("a", "page"), fire("b", "page"))
    assert told(results) == [(503, "RegistryError"), (200, None)]


class Stubborn(TriggerManager):
    """Raises in the midst of a fire: what it has written must be undone."""

    name = "stubborn"

    def fire(self, trigger_name, *args, **options):
        with self.storage.acquire_lock():
            result = super().fire(trigger_name, *args, **options)
            if trigger_name == "bad":
                raise RuntimeError("postgresql://user:secret@host")
            return result


def test_what_a_spoilt_fire_wrote_is_undone_and_the_others_stand(api):
    trigger_managers.register(Stubborn.name, Stubborn)
    try:
        create_session("a", configuration="survey", manager="stubborn")
        create_session("b", configuration="survey")
        results = fire_all(api, *(fire(uid, it) for it in ("x", "bad", "y") for uid in ("a", "b")))
    finally:
        trigger_managers.unregister(Stubborn.name)
    assert told(results) == [
        (200, None),
        (200, None),
        (500, "InternalError"),
        *[(200, None)] * 3,
    ]
    assert "secret" not in results[2]["detail"]
    assert (fired("a"), fired("b")) == (
        [("x", None), ("y", None)],
        [("x", None), ("bad", None), ("y", None)],
    )


def test_a_dag_that_is_gone_fails_its_instance_and_no_fire(api):
    create_session("own", configuration={"t_x": {"after": ["x"], "run": "orders.t_pay"}})
    manager = open_session("own")
    with manager.storage.acquire_lock():
        manager.storage.set_configuration(
            manager.storage.configuration.from_dict(
                {"name": None, "tasks": {"t_x": {"after": ["x"], "run": "gone"}}}
            )
        )
    create_session("b", configuration="orders")
    results = fire_all(api, fire("own", "x"), fire("b", "paid"))
    assert told(results) == [(200, None), (200, None)]
    assert statuses("own") == {"t_x#0": "failed"}
    assert statuses("b") == {"t_pay#0": "scheduled"}
