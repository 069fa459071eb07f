"""A session's history, and why an instance has not run, over real tables and DAG runs; also over REST."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.jobs.job import Job, JobState
from airflow.models.dag import DagModel
from airflow.models.log import Log
from airflow.models.pool import Pool
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session as airflow_session
from dogpile.cache import make_region
from sqlalchemy import insert, select, update

from airflow_triggers.controller.loop import Controller
from airflow_triggers.domain.fires import Fire
from airflow_triggers.errors import InstanceNotFound, InvalidCursor, InvalidFilter, TaskNotFound
from airflow_triggers.history.evidence import why
from airflow_triggers.history.pages import history_of
from airflow_triggers.history.sentences import sentence_of
from airflow_triggers.history.unheard import vain_fires
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.sentences import moment
from airflow_triggers.sessions.describing import describe_session
from airflow_triggers.sessions.listing import SessionFilter
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import tables
from airflow_triggers.storages.cache import CacheStorageBackend
from tests.support.api import Allowed, mounted_api
from tests.support.dags import deploy_configuration, play, run_of
from tests.support.surveys import view

LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def asked(airflow_db):
    """A session that waits for a trigger whose name was misspelt."""
    deploy_configuration(
        "survey",
        t_import={"after": ["firstPage", "complete"]},
        t_page={"after": ["t_import"], "andEvery": "page"},
    )
    with airflow_session() as session:
        session.execute(update(DagModel).values(is_paused=False))
        session.execute(insert(Job.__table__).values(**a_scheduler()))
    fire_into("order-1", "firstPage", {"n": 1}, configuration="survey", fired_by="shop")
    fire_into("order-1", "compleet", fired_by="shop")
    return open_session("order-1")


def a_scheduler():
    """Its row alone: a Job object that runs would have the listener start a controller beside this process."""
    return {"job_type": "SchedulerJob", "state": JobState.RUNNING, "latest_heartbeat": datetime.now(UTC)}


def lines(uid="order-1", **which):
    """The story, oldest first: who did what."""
    entries = history_of(uid, **which).entries
    return [(it.fired_by if isinstance(it, Fire) else it.by, sentence_of(it)) for it in reversed(entries)]


def codes(name, uid="order-1"):
    return [reason.code for reason in why(uid, name).reasons]


RUN = "(triggers__order-1~t_import~{} of survey.t_import)"


def test_everything_that_happened_is_told_with_who_and_why(asked, controller):
    fire_into("order-1", "complete", fired_by="ann", fire_at=LATER)
    with airflow_session() as session:
        session.execute(update(tables.delayed_fire).values(due=datetime.now(UTC)))
    controller.run_once()
    play(view("t_import#0"), "running")
    controller.run_once()
    play(view("t_import#0"), "failed", exception={"exceptionType": "builtins.ValueError"})
    controller.run_once()
    asked.update_instance_metadata("t_import#0", {"ticket": 17}, by="bob")
    asked.mark_instance_logs_resolved("t_import#0", by="bob")
    asked.replay_failed_instance("t_import#0", by="bob")
    play(view("t_import#1"), "failed")
    controller.run_once()
    asked.skip_failed_instance("t_import#1", by="bob")
    asked.update_instance_status("t_import#1", "finished", cascade=True, by="bob")
    assert lines() == [
        ("shop", "The tasks t_import, t_page were configured."),
        ("shop", "firstPage was fired: made t_import#0."),
        ("shop", "compleet was fired: touched nothing."),
        ("ann", f"complete is to be fired at {moment(LATER)}."),
        ("ann", "complete was fired: reached t_import#0; scheduled t_import#0."),
        (
            "controller",
            f"complete, due at {moment(LATER)}, became fire {asked.storage.fires()[1].fire_id}.",
        ),
        (
            "controller",
            f"t_import#0 became running, from scheduled: its DAG run started {RUN.format(0)}.",
        ),
        (
            "controller",
            f"t_import#0 became failed, from running: its DAG run failed {RUN.format(0)}. ValueError.",
        ),
        ("bob", "ticket was attached to t_import#0."),
        ("bob", "The log messages of t_import#0 were dealt with."),
        ("bob", "t_import#0 was replayed as t_import#1."),
        (
            "controller",
            "t_import#1 became failed, from scheduled: its DAG run failed "
            f"{RUN.format(1)}. airflow_triggers.errors.TaskProcessDied: The task's process ended without reporting an "
            "exception: it was killed, marked failed, ran out of memory, or could not load its DAG file. Its log in "
            "Airflow, run 'triggers__order-1~t_import~1' of 'survey.t_import', may say more.",
        ),
        ("bob", "t_import#1 was skipped, without a cascade."),
        ("bob", "The status of t_import#1 was set to finished, from skipped."),
        ("t_import#1", "t_import was fired: made t_page#0."),
    ]


def test_whoever_cleared_or_marked_a_run_in_airflow_is_named_where_its_audit_log_says_so(asked, controller):
    fire_into("order-1", "complete")
    play(view("t_import#0"), "success")
    controller.run_once()
    with airflow_session() as session:
        names = {"dag_id": "survey.t_import", "run_id": "triggers__order-1~t_import~0"}
        session.add(Log(event="clear_dag_run", owner="carol", **names))
        session.add(Log(event="clear_dag_run", owner="mallory", **{**names, "run_id": "another"}))
    play(view("t_import#0"), "queued", clear=True)
    controller.run_once()
    play(view("t_import#0"), "success")
    controller.run_once()
    cleared = (
        f"t_import#0 became scheduled, from finished: its DAG run was cleared in Airflow {RUN.format(0)}."
    )
    again = f"t_import#0 became finished, from scheduled: its DAG run succeeded {RUN.format(0)}."
    assert lines(instance="t_import#0")[-3:] == [
        ("carol in Airflow", cleared),
        ("controller", again),
        ("t_import#0", "t_import was fired: touched nothing."),
    ]


def test_a_dag_that_cannot_run_is_the_cause_of_the_failure(asked):
    with airflow_session() as session:
        session.execute(update(DagModel).values(is_stale=True))
    fire_into("order-1", "complete", fired_by="ann")
    *_, fire, (by, text) = lines()
    assert fire == ("ann", "complete was fired: reached t_import#0; scheduled t_import#0.")
    assert by == "ann"
    assert text.startswith("t_import#0 became failed, from scheduled: it could not be started. ")
    assert "There is no deployed DAG" in text
    assert codes("t_import") == ["failed", "repair"]


# -- filters and pages ---------------------------------------------------------------------------------------------


def test_the_history_is_read_by_pages_in_one_order(asked):
    for number in range(4):
        fire_into("order-1", "page", {"n": number})
        asked.update_instance_metadata("t_import#0", {"n": number})
    whole = history_of("order-1", limit=200)
    assert whole.next is None
    pages, before = [], None
    while True:
        page = history_of("order-1", limit=3, before=before)
        pages += page.entries
        if page.next is None:
            break
        before = page.next
    assert pages == list(whole.entries)
    assert len(pages) == 11


def test_entries_stay_in_their_order_though_clocks_disagree(asked):
    asked.update_instance_metadata("t_import#0", {"a": 1})
    asked.update_instance_metadata("t_import#0", {"b": 1})
    with airflow_session() as session:
        columns = tables.event.c
        last = session.scalar(select(columns.id).order_by(columns.id.desc()).limit(1))
        session.execute(
            update(tables.event).where(columns.id == last).values(at=datetime.now(UTC) - timedelta(minutes=1))
        )
    told_of = [text for _, text in lines() if "attached" in text]
    assert told_of == ["a was attached to t_import#0.", "b was attached to t_import#0."]


def test_the_history_is_filtered_by_instance_trigger_and_effect(asked):
    fire_into("order-1", "complete", fired_by="ann")
    fire_into("order-1", "complete", fired_by="ann")
    assert [text for _, text in lines(instance="t_import#0")] == [
        "firstPage was fired: made t_import#0.",
        "complete was fired: reached t_import#0; scheduled t_import#0.",
    ]
    assert lines(instance="t_page#0") == []
    assert [text for _, text in lines(trigger="complete")] == [
        "complete was fired: reached t_import#0; scheduled t_import#0.",
        "complete was fired: touched nothing.",
    ]
    assert [text for _, text in lines(touched_nothing=True)] == [
        "compleet was fired: touched nothing.",
        "complete was fired: touched nothing.",
    ]
    assert len(lines(trigger="complete", touched_nothing=True)) == 1


@pytest.mark.parametrize("before", ["", "1", "1.2", "1.2.3.4", "a.b.c", "1.2.-3", "1.2.²", "1.2." + "9" * 30])
def test_a_cursor_that_no_page_gave_is_refused(asked, before):
    with pytest.raises(InvalidCursor, match="expected the 'next' of another page"):
        history_of("order-1", before=before)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ({"instance": "nope"}, "'nope' is not the name of a task instance"),
        ({"instance": ""}, "'' is not the name of a task instance"),
        ({"instance": "t_import"}, "'t_import' is not the name of a task instance"),
        ({"trigger": ""}, "A trigger's name .* found ''"),
        ({"trigger": " paid"}, "A trigger's name .* found ' paid'"),
    ],
)
def test_who_looks_for_a_name_that_cannot_be_is_told(asked, name, complaint):
    with pytest.raises(InvalidFilter, match=complaint):
        history_of("order-1", **name)
    if "trigger" in name:
        with pytest.raises(InvalidFilter, match=complaint):
            vain_fires(**name)
        with pytest.raises(InvalidFilter, match=complaint):
            SessionFilter(waiting_for=name["trigger"])


def test_a_fire_that_touched_nothing_is_found_across_sessions(asked):
    deploy_configuration("orders", t_pay={"after": ["paid"]})
    fire_into("order-2", "payd", configuration="orders", fired_by="shop")
    fire_into("order-1", "complete")
    fire_into("order-1", "complete")
    found = vain_fires()
    assert [(it.uid, it.fire.trigger_name, it.used_by, it.similar) for it in found] == [
        ("order-1", "complete", ("t_import",), ()),
        ("order-2", "payd", (), ("paid",)),
        ("order-1", "compleet", (), ("complete",)),
    ]
    assert [it.uid for it in vain_fires(trigger="payd")] == ["order-2"]
    assert [it.uid for it in vain_fires(configuration="orders")] == ["order-2"]
    assert [it.fire.trigger_name for it in vain_fires(limit=1, before=found[0].fire.fire_id)] == ["payd"]
    assert vain_fires(configuration_hashes=[]) == []


# -- why -----------------------------------------------------------------------------------------------------------


def test_a_missing_trigger_and_the_misspelt_fire_are_named(asked):
    found = why("order-1", "t_import#0")
    assert found.answer == "t_import#0 waits for complete."
    arrived, missing = found.requirements
    assert (arrived.fire.fired_by, arrived.fire.kwargs) == ("shop", {"n": 1})
    assert [fire.trigger_name for fire in missing.similar] == ["compleet"]
    assert codes("t_import") == ["missing_trigger", "similar_trigger"]


def test_a_task_is_asked_for_by_its_name_and_explains_its_latest_instance(asked):
    assert why("order-1", "t_import").name == "t_import#0"
    assert why("order-1", "t_page").status is None
    assert (
        "the task t_import fires it when it finishes; t_import#0 waits"
        in why("order-1", "t_page").reasons[0].text
    )


def test_what_an_instance_took_from_before_it_was_made_has_its_fire(asked):
    fire_into("order-1", "complete")
    play(view("t_import#0"), "success")
    Controller().run_once()
    fire_into("order-1", "page", fired_by="shop")
    fire_into("order-1", "page", fired_by="ann")
    first, second = (why("order-1", f"t_page#{number}") for number in (0, 1))
    assert [one.fire.fired_by for one in first.requirements] == ["t_import#0", "shop"]
    assert [one.fire.fired_by for one in second.requirements] == ["t_import#0", "ann"]


def test_a_replay_has_the_triggers_of_what_it_replays_unless_they_were_replaced(asked, controller):
    fire_into("order-1", "complete")
    for number, kwargs in enumerate((None, {"firstPage": {"n": 2}})):
        play(view(f"t_import#{number}"), "failed")
        controller.run_once()
        asked.replay_failed_instance(f"t_import#{number}", kwargs, by="bob")
    assert [one.fire.trigger_name for one in why("order-1", "t_import#1").requirements] == [
        "firstPage",
        "complete",
    ]
    replaced = why("order-1", "t_import#2").requirements
    assert [(one.arrived, one.fire is None) for one in replaced] == [(True, True), (False, False)]
    assert why("order-1", "t_import#0").answer.startswith("t_import#0 failed and was replayed as t_import#1")


def test_a_clone_has_the_triggers_of_its_original_and_those_that_it_took_itself(asked):
    with asked.storage.acquire_lock() as storage:
        storage.clone_instance("t_import#0")
    assert why("order-1", "t_import#1").answer == "t_import#1 waits for complete."
    fire_into("order-1", "complete", fired_by="ann")
    for name in ("t_import#0", "t_import#1"):
        requirements = why("order-1", name).requirements
        fires = [(one.fire.trigger_name, one.fire.fired_by) for one in requirements]
        assert fires == [("firstPage", "shop"), ("complete", "ann")]


def set_task(**values):
    with airflow_session() as session:
        run = run_of(session, view("t_import#0"))
        values_of = update(TaskInstance).where(TaskInstance.run_id == run.run_id)
        session.execute(values_of.values(**values))


def test_the_status_set_by_hand_last_has_its_maker(asked, controller):
    fire_into("order-1", "complete")
    play(view("t_import#0"), "failed")
    controller.run_once()
    for status in ("finished", "abandoned", "failed"):
        asked.update_instance_status("t_import#0", status, by="bob")
        explanation = why("order-1", "t_import#0")
        assert explanation.answer.startswith(f"t_import#0 was set to {status} by hand")
        assert explanation.reasons[0].text.startswith(f"Its status was set to {status} by bob at ")


def test_what_the_run_waits_for_in_airflow_is_read_from_airflow(asked):
    fire_into("order-1", "complete")
    assert codes("t_import") == ["run_queued"]
    with airflow_session() as session:
        session.execute(update(DagModel).values(max_active_runs=0))
    assert codes("t_import") == ["max_active_runs"]
    play(view("t_import#0"), "running")
    Controller().run_once()
    with airflow_session() as session:
        session.add(Pool(pool="narrow", slots=0, include_deferred=False))
    set_task(state="scheduled", pool="narrow")
    assert codes("t_import") == ["pool_too_small"]
    set_task(pool="nowhere")
    assert codes("t_import") == ["pool_missing"]
    set_task(state="queued", queued_dttm=datetime.now(UTC))
    assert codes("t_import") == ["task_queued"]
    with airflow_session() as session:
        session.execute(update(DagModel).values(is_paused=True))
        session.execute(update(Job).values(latest_heartbeat=datetime.now(UTC) - timedelta(hours=1)))
    assert codes("t_import") == ["dag_paused", "no_scheduler", "task_queued"]
    play(view("t_import#0"), "success")
    assert codes("t_import") == ["run_ended"]


def test_a_run_that_begins_later_says_when(asked, controller):
    fire_into("order-1", "complete")
    play(view("t_import#0"), "failed")
    controller.run_once()
    asked.replay_failed_instance("t_import#0", cooldown=3600)
    assert codes("t_import") == ["run_after"]


def test_what_the_controller_could_not_apply_is_told_with_its_error(asked, controller, monkeypatch):
    fire_into("order-1", "complete")
    play(view("t_import#0"), "running")

    def closed(*_, **__):
        raise RuntimeError("closed on Mondays")

    monkeypatch.setattr(TriggerManager, "record_progress", closed)
    controller.run_once()
    reasons = {reason.code: reason.text for reason in why("order-1", "t_import").reasons}
    assert "closed on Mondays. It looks again at" in reasons["backoff"]
    assert "run_started" in reasons


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("t_import#9", InstanceNotFound),
        ("t_none#0", InstanceNotFound),
        ("t_none", TaskNotFound),
        ("", TaskNotFound),
    ],
)
def test_what_the_session_does_not_have_is_not_explained(asked, name, error):
    with pytest.raises(error, match="order-1"):
        why("order-1", name)


def test_a_session_that_is_kept_elsewhere_has_its_history_too(airflow_db, tmp_path, monkeypatch):
    region = make_region().configure("dogpile.cache.memory")
    monkeypatch.setattr("airflow_triggers.storages.cache.default_region", lambda: region)
    monkeypatch.setattr("airflow_triggers.storages.cache.cache_url", lambda: "redis://nowhere")
    deploy_configuration("survey", t_import={"after": ["firstPage"]})
    create_session("order-1", configuration="survey", storage="cache", by="ann")
    fire_into("order-1", "firstPage", fired_by="shop")
    play(view("t_import#0"), "failed")
    Controller().run_once()
    assert [by for by, _ in lines()] == ["ann", "shop", "controller"]
    assert [by for by, _ in lines(instance="t_import#0")] == ["shop", "controller"]
    assert why("order-1", "t_import").requirements[0].fire.fired_by == "shop"
    assert isinstance(open_session("order-1").storage, CacheStorageBackend)
    assert (
        history_of("order-1", limit=1, before=history_of("order-1", limit=1).next).entries[0].fired_by
        == "shop"
    )


# -- REST ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def api(asked, monkeypatch):
    yield mounted_api(monkeypatch)
    purge_cached_app()


SESSION = "api/v1/sessions/order-1"


def test_rest_serves_the_history_and_the_answer(api):
    client = api.client("viewer")
    page = client.get(f"{SESSION}/history", params={"limit": 2}).json()
    assert [(one["kind"], one["text"]) for one in page["entries"]] == [
        ("fire", "compleet was fired: touched nothing."),
        ("fire", "firstPage was fired: made t_import#0."),
    ]
    (last,) = client.get(f"{SESSION}/history", params={"before": page["next"]}).json()["entries"]
    assert (last["kind"], last["by"], last["details"]) == (
        "configure",
        "shop",
        {"tasks": ["t_import", "t_page"]},
    )
    answer = client.get(f"{SESSION}/instances/t_import%230/why").json()
    assert answer["answer"] == "t_import#0 waits for complete."
    missing = answer["requirements"][1]
    assert (missing["trigger"], missing["directive"], missing["arrived"]) == ("complete", "after", False)
    assert missing["similar"][0]["trigger"] == "compleet"
    assert client.get(f"{SESSION}/instances/t_page/why").json()["status"] is None
    assert (
        client.get(f"{SESSION}/fires", params={"touched": "nothing"}).json()["fires"][0]["trigger"]
        == "compleet"
    )
    (vain,) = client.get("api/v1/fires", params={"touched": "nothing"}).json()["fires"]
    assert (vain["session_uid"], vain["similar"]) == ("order-1", ["complete"])


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        (f"{SESSION}/history?before=x", 422, "InvalidQuery"),
        (f"{SESSION}/history?touched=something", 422, "InvalidQuery"),
        ("api/v1/fires", 422, "InvalidQuery"),
        (f"{SESSION}/instances/t_none/why", 404, "TaskNotFound"),
        (f"{SESSION}/instances/t_import%237/why", 404, "InstanceNotFound"),
        ("api/v1/sessions/order-9/history", 404, "SessionNotFound"),
        ("api/v1/sessions/order-9/instances/t_x/why", 404, "SessionNotFound"),
    ],
)
def test_rest_says_what_is_wrong_with_the_question(api, path, status, reason):
    answer = api.client("viewer").get(path)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


def test_who_may_not_read_all_dags_of_the_session_reads_nothing_of_its_past(api):
    api.let("carol", Allowed(dag_ids={"survey.t_import"}))
    client = api.client("carol")
    for path in (f"{SESSION}/history", f"{SESSION}/instances/t_import%230/why", f"{SESSION}/fires"):
        assert client.get(path).status_code == 403
    assert client.get("api/v1/fires?touched=nothing").json() == {"fires": [], "next": None}


def test_reading_the_past_needs_no_manager(api):
    with airflow_session() as session:
        session.execute(update(tables.session).values(manager="gone"))
    for path in ("history", "instances/t_import%230/why"):
        assert api.client("viewer").get(f"{SESSION}/{path}").status_code == 200
    assert describe_session("order-1").summary.manager == "gone"
