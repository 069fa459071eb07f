"""Open sessions are moved to the deployed rules: one by one, again and again, over Python, REST and the shell."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
from airflow.cli.cli_parser import get_parser
from airflow.models.dag import DagModel
from airflow.models.log import Log
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import select, update

from airflow_triggers.errors import UnknownConfiguration
from airflow_triggers.history.evidence import why
from airflow_triggers.history.pages import history_of
from airflow_triggers.history.sentences import sentence_of
from airflow_triggers.manager import configuring
from airflow_triggers.runners import task_runners
from airflow_triggers.sessions.deleting import delete_session
from airflow_triggers.sessions.describing import describe_session, list_sessions
from airflow_triggers.sessions.migration import Migration, count_sessions, is_open, migrate_sessions
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import cache, tables
from airflow_triggers.storages.anchors import anchor
from airflow_triggers.storages.transaction import transaction
from tests.conftest import REDIS_URL
from tests.support.api import Allowed, mounted_api
from tests.support.dags import deploy_configuration, play
from tests.support.runners import RecordingRunner
from tests.support.statements import statements
from tests.support.surveys import statuses, view

OLD = {"t_ship": {"after": ["paid", "packed"]}, "t_gift": {"after": ["paid", "wrapped"]}}
NEW = {"t_ship": {"after": ["paid", "checked"]}, "t_thank": {"after": ["paid"]}}


@pytest.fixture(autouse=True)
def each_deployment_is_seen_at_once(monkeypatch):
    """Airflow rewrites a serialized DAG once in 30 seconds at most."""
    monkeypatch.setenv("AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL", "0")


@pytest.fixture
def orders(airflow_db):
    """Three sessions of the old rules, and one of another configuration, whose rules do not change."""
    deploy_configuration("order", **OLD)
    deploy_configuration("other", t_other={"after": ["paid"]})
    for uid in ("order-1", "order-2", "order-3"):
        fire_into(uid, "checked", configuration="order")
        fire_into(uid, "paid", {"uid": uid})
    create_session("other-1", configuration="other")
    return airflow_db


def redeploy(**tasks):
    """Deploy the configuration anew, as a parse of the changed file does; removed DAGs are stale by and by."""
    return deploy_configuration("order", **(tasks or NEW))


def migrated(*, limit=50, after=None, **which):
    page = migrate_sessions(Migration(configuration="order", **which), limit=limit, after_uid=after)
    return {session.uid: (session.outcome.value, session.why) for session in page.sessions}


MOVED, UNCHANGED = ("moved", None), ("unchanged", None)


# -- what becomes of a session ----------------------------------------------------------------------------------


def test_open_sessions_get_the_deployed_rules_and_those_that_have_them_are_left_alone(orders):
    deployed = redeploy()
    assert migrated() == dict.fromkeys(("order-1", "order-2", "order-3"), MOVED)
    for uid in ("order-1", "order-2", "order-3"):
        configuration = describe_session(uid).tasks
        assert (configuration.tasks, configuration.version) == (deployed.tasks, deployed.version)
    assert migrated() == dict.fromkeys(("order-1", "order-2", "order-3"), UNCHANGED)
    assert list(describe_session("other-1").tasks.tasks) == ["t_other"]


def test_a_removed_task_loses_its_waiting_instances_and_the_history_says_why(orders):
    redeploy()
    migrated(by="ann")
    assert statuses() == {"t_ship#0": "unstarted", "t_gift#0": "abandoned"}
    explanation = why("order-1", "t_gift#0")
    (reason,) = explanation.reasons
    assert reason.text.startswith("It was abandoned by ann at ")
    assert reason.text.endswith(": its task was removed from the rules.")
    stories = [(entry.by, sentence_of(entry)) for entry in history_of("order-1").entries[:2]]
    assert stories == [
        ("ann", "t_gift#0 was abandoned: its task was removed from the rules."),
        (
            "ann",
            "The tasks t_ship, t_thank were configured; t_gift removed. The session has the deployed rules now.",
        ),
    ]
    assert fire_into("order-1", "wrapped").touched == ()


def test_started_instances_of_a_removed_task_end_as_they_would(orders, controller):
    fire_into("order-1", "wrapped")
    play(view("t_gift#0"), "running")
    controller.run_once()
    redeploy()
    migrated()
    assert statuses()["t_gift#0"] == "running"
    play(view("t_gift#0"), "success", result={"ribbon": "red"})
    controller.run_once()
    assert statuses()["t_gift#0"] == "finished"
    assert describe_session("order-1").latest_kwargs["t_gift"] == {"ribbon": "red"}
    assert describe_session("order-1").tasks.removed.keys() == {"t_gift"}


def test_a_failed_instance_of_a_removed_task_can_be_skipped_and_a_replay_says_what_to_do(orders, controller):
    for uid in ("order-1", "order-2"):
        fire_into(uid, "wrapped")
        play(view("t_gift#0", uid), "failed")
    controller.run_once()
    redeploy()
    migrated()
    codes = [reason.code for reason in why("order-1", "t_gift#0").reasons]
    assert codes == ["removed_task", "failed", "repair"]
    clone = open_session("order-1").replay_failed_instance("t_gift#0")
    assert (clone.name, clone.status) == ("t_gift#1", "failed")
    assert "does not have the task 't_gift' any more" in clone.metadata["exceptionMessage"]
    skipped = open_session("order-2").skip_failed_instance("t_gift#0", cascade=True)
    assert skipped.status == "skipped"


def test_a_task_that_runs_a_dag_now_says_so_and_its_replay_runs_it_once_the_session_is_moved(orders):
    redeploy(t_ship=OLD["t_ship"], t_gift={**OLD["t_gift"], "run": "other.t_other"})
    fire_into("order-1", "wrapped")
    failed = view("t_gift#0").instance
    message = failed.metadata["exceptionMessage"]
    assert failed.status == "failed"
    assert "The task 't_gift' of the deployed configuration 'order' runs a DAG of another id now" in message
    assert "any more" not in message
    assert "Deploy the task again" not in message
    assert "airflow triggers sessions migrate --configuration order" in message
    migrated()
    open_session("order-1").replay_failed_instance("t_gift#0")
    assert statuses()["t_gift#1"] == "scheduled"
    assert view("t_gift#1").dag_id == "other.t_other"


def test_the_past_counts_for_new_and_changed_tasks_if_it_is_applied(orders):
    redeploy()
    page = migrate_sessions(Migration(configuration="order", history="apply"), limit=1)
    (session,) = page.sessions
    assert [instance.name for instance in session.diff.create] == ["t_thank#0"]
    assert [change.after.name for change in session.diff.schedule] == ["t_ship#0"]
    assert session.removed == ("t_gift",)
    assert statuses() == {"t_ship#0": "scheduled", "t_thank#0": "scheduled", "t_gift#0": "abandoned"}
    assert view("t_thank#0").run_id == "triggers__order-1~t_thank~0"
    assert statuses("order-2") == {"t_ship#0": "unstarted", "t_gift#0": "unstarted"}
    assert page.next == "order-1"


def test_a_task_that_comes_back_goes_on_numbering_its_instances(orders):
    redeploy()
    migrated()
    redeploy(**NEW, t_gift={"after": ["wrapped"], "andEvery": "wrapped"})
    migrated()
    assert describe_session("order-1").tasks.removed == {}
    assert fire_into("order-1", "wrapped").created == ("t_gift#1",)


def test_a_task_that_was_removed_by_mistake_runs_once_it_comes_back_and_the_past_counts(orders):
    redeploy(t_ship=OLD["t_ship"])
    migrated()
    assert statuses() == {"t_ship#0": "unstarted", "t_gift#0": "abandoned"}
    redeploy(**OLD)
    page = migrate_sessions(Migration(configuration="order", history="apply"), limit=1)
    assert [instance.name for instance in page.sessions[0].diff.create] == ["t_gift#1"]
    assert fire_into("order-1", "wrapped").touched == ("t_gift#1",)
    assert statuses()["t_gift#0"] == "abandoned"
    assert statuses()["t_gift#1"] == "scheduled"
    assert view("t_gift#1").run_id == "triggers__order-1~t_gift~1"


def test_a_task_that_comes_back_with_triggers_that_never_fired_waits_for_them(orders):
    redeploy(t_ship=OLD["t_ship"])
    migrated()
    redeploy(t_ship=OLD["t_ship"], t_gift={"after": ["ribbon"]})
    migrated(history="apply")
    assert fire_into("order-1", "ribbon").touched == ("t_gift#1",)
    assert statuses()["t_gift#1"] == "scheduled"


def test_the_past_can_be_applied_to_sessions_that_were_moved_before_without_it(orders):
    redeploy()
    assert migrated() == dict.fromkeys(("order-1", "order-2", "order-3"), MOVED)
    text = next(
        reason.text for reason in why("order-1", "t_thank").reasons if "before the rule" in reason.text
    )
    assert "airflow triggers sessions migrate --configuration order --history apply; " in text
    assert 'POST /configurations/order/migrate with {"history": "apply"}' in text
    assert migrated(history="apply", dry_run=True)["order-1"] == MOVED
    assert statuses() == {"t_ship#0": "unstarted", "t_gift#0": "abandoned"}
    assert migrated(history="apply") == dict.fromkeys(("order-1", "order-2", "order-3"), MOVED)
    assert statuses() == {"t_ship#0": "scheduled", "t_thank#0": "scheduled", "t_gift#0": "abandoned"}
    before = history_of("order-1").entries, open_session("order-1").storage.session_version
    assert migrated(history="apply") == dict.fromkeys(("order-1", "order-2", "order-3"), UNCHANGED)
    assert migrated(history="apply", dry_run=True)["order-1"] == UNCHANGED
    assert (history_of("order-1").entries, open_session("order-1").storage.session_version) == before


def test_a_task_that_comes_back_opens_a_session_in_which_all_else_has_ended(orders, controller):
    deploy_configuration("other", t_other={"after": ["paid"]}, t_late={"after": ["paid", "late"]})
    fire_into("other-2", "paid", configuration="other")
    play(view("t_other#0", "other-2"), "success")
    controller.run_once()
    deploy_configuration("other", t_other={"after": ["paid"]})
    other = Migration(configuration="other", prefix="other-2")
    migrate_sessions(other, limit=1)
    deploy_configuration("other", t_other={"after": ["paid"]}, t_late={"after": ["paid", "late"]})
    (session,) = migrate_sessions(other, limit=1).sessions
    assert session.why == "Nothing is open in it: no task can start any more."
    (session,) = migrate_sessions(replace(other, history="apply"), limit=1).sessions
    assert [instance.name for instance in session.diff.create] == ["t_late#1"]
    assert fire_into("other-2", "late").touched == ("t_late#1",)


def test_a_dry_run_says_the_same_and_changes_nothing(orders):
    redeploy()
    before = describe_session("order-1"), open_session("order-1").storage.session_version
    for history in ("ignore", "apply"):
        page = migrate_sessions(Migration(configuration="order", history=history, dry_run=True), limit=50)
        assert [session.outcome.value for session in page.sessions] == ["moved"] * 3
        assert [change.after.name for change in page.sessions[0].diff.abandon] == ["t_gift#0"]
        assert len(page.sessions[0].diff.create) == (history == "apply")
    assert (describe_session("order-1"), open_session("order-1").storage.session_version) == before


def test_a_session_in_which_nothing_is_open_is_left_alone(orders, controller):
    for trigger in ("packed", "wrapped"):
        fire_into("order-1", trigger)
    for name in ("t_ship#0", "t_gift#0"):
        play(view(name), "success")
    controller.run_once()
    assert not is_open(open_session("order-1").storage)
    redeploy()
    outcome, reason = migrated()["order-1"]
    assert (outcome, reason) == ("unchanged", "Nothing is open in it: no task can start any more.")
    fire_into("order-2", "reminder", fire_at=datetime(2090, 1, 1, tzinfo=UTC))
    assert is_open(open_session("order-2").storage)


def test_a_session_whose_tasks_were_changed_at_run_time_is_refused_unless_told_otherwise(orders):
    rule = {"t_ship": {"after": ["paid", "packed", "signed"], "run": "module:t_ship"}}
    open_session("order-2").update_configuration(rule)
    redeploy()
    outcomes = migrated()
    assert [outcomes["order-1"], outcomes["order-3"]] == [MOVED, MOVED]
    outcome, reason = outcomes["order-2"]
    assert outcome == "refused"
    assert reason.startswith("Its tasks t_ship were changed at run time, and would be lost.")
    assert describe_session("order-2").tasks["t_ship"].after == ("paid", "packed", "signed")
    assert migrated(replaces_own_tasks=True)["order-2"] == MOVED
    assert describe_session("order-2").tasks["t_ship"].after == ("paid", "checked")


def test_a_change_at_run_time_before_an_earlier_migration_does_not_count(orders):
    open_session("order-2").update_configuration({"t_own": {"after": ["paid"], "run": "order.t_ship"}})
    redeploy()
    assert migrated(replaces_own_tasks=True)["order-2"] == MOVED
    redeploy(**OLD)
    assert migrated()["order-2"] == MOVED


def test_one_session_s_faults_do_not_keep_the_others(orders):
    with airflow_session() as session:
        columns = tables.session.c
        session.execute(update(tables.session).where(columns.uid == "order-1").values(manager="gone"))
        broken = select(columns.id).where(columns.uid == "order-2").scalar_subquery()
        session.execute(update(tables.fire).where(tables.fire.c.session_id == broken).values(kwargs=[1]))
    redeploy()
    outcomes = migrated(history="apply")
    assert outcomes["order-3"] == MOVED
    assert outcomes["order-1"][0] == outcomes["order-2"][0] == "refused"
    assert "'gone'" in outcomes["order-1"][1]
    assert "cannot be read" in outcomes["order-2"][1]
    assert statuses("order-2") == {"t_ship#0": "unstarted", "t_gift#0": "unstarted"}


def test_a_runner_that_is_not_installed_refuses_the_session(orders):
    task_runners.register("passing", RecordingRunner)
    redeploy(t_ship={"after": ["paid"], "using": "passing"})
    del task_runners._registered["passing"]
    outcome, reason = migrated()["order-1"]
    assert (outcome, "task 't_ship': its runner 'passing' cannot be used here" in reason) == ("refused", True)


def test_the_sessions_are_moved_page_by_page_and_by_prefix(orders):
    redeploy()
    assert count_sessions(Migration(configuration="order")) == 3
    assert migrated(limit=2) == {"order-1": MOVED, "order-2": MOVED}
    assert migrated(limit=2, after="order-2") == {"order-3": MOVED}
    redeploy(**OLD)
    assert migrated(prefix="order-3") == {"order-3": MOVED}
    with pytest.raises(UnknownConfiguration, match="Did you mean 'order'"):
        migrate_sessions(Migration(configuration="ordr"), limit=1)


def test_a_session_that_another_process_writes_is_refused_where_nobody_waits(postgresql_airflow_db):
    deploy_configuration("order", **OLD)
    fire_into("order-1", "paid", configuration="order")
    redeploy()
    with open_session("order-1").storage.acquire_lock():
        outcome, reason = migrated(waits=False)["order-1"]
    assert (outcome, "is being written by another process" in reason) == ("refused", True)
    assert migrated(waits=False)["order-1"] == MOVED


def test_unchanged_sessions_take_no_lock_and_no_statement_each(orders):
    def cost():
        with statements() as sent:
            migrated()
        return len(sent)

    before = cost()
    for number in range(20):
        create_session(f"more-{number}", configuration="order")
    assert cost() == before


def test_a_session_that_is_kept_elsewhere_is_moved_too(airflow_db, redis_region, monkeypatch):
    monkeypatch.setattr(cache, "default_region", lambda: redis_region)
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CACHE_URL", REDIS_URL)
    deploy_configuration("order", **OLD)
    create_session("order-1", configuration="order", storage="cache")
    for trigger in ("checked", "paid"):
        fire_into("order-1", trigger)
    deployed = redeploy()
    assert migrated(dry_run=True) == {"order-1": MOVED}
    assert statuses() == {"t_ship#0": "unstarted", "t_gift#0": "unstarted"}
    assert migrated(history="apply") == {"order-1": MOVED}
    assert statuses() == {"t_ship#0": "scheduled", "t_thank#0": "scheduled", "t_gift#0": "abandoned"}
    assert migrated() == {"order-1": UNCHANGED}
    version = describe_session("order-1").summary.version
    assert (version.hash, version.is_deployed) == (deployed.version, True)
    assert version.deployed_at == versions_deployed_at()


@pytest.fixture
def cached_order(airflow_db, redis_region, monkeypatch):
    """A session of the old rules in Redis; the new rules are deployed."""
    monkeypatch.setattr(cache, "default_region", lambda: redis_region)
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CACHE_URL", REDIS_URL)
    deploy_configuration("order", **OLD)
    create_session("order-1", configuration="order", storage="cache")
    fire_into("order-1", "paid")
    return redeploy()


def kept_version():
    """The version of the session's rules in Redis, and in its row."""
    return open_session("order-1").storage.configuration.version, versions()["order-1"].hash


def test_a_migration_that_died_before_the_cache_was_saved_is_taken_up_again(
    cached_order, redis_region, monkeypatch
):
    def dies(*_):
        raise KeyboardInterrupt

    old_version = kept_version()[0]
    with monkeypatch.context() as dying:
        dying.setattr(redis_region, "set", dies)
        with pytest.raises(KeyboardInterrupt):
            migrated()
    assert kept_version() == (old_version, old_version)
    assert migrated() == {"order-1": MOVED}
    assert kept_version() == (cached_order.version, cached_order.version)
    assert migrated() == {"order-1": UNCHANGED}


def test_a_row_that_knows_the_new_rules_too_early_does_not_hide_the_session_from_a_migration(cached_order):
    storage = open_session("order-1").storage
    with storage.acquire_lock(), transaction() as session:
        anchor(session, storage, configuration=cached_order)
    assert migrated() == {"order-1": MOVED}
    assert kept_version() == (cached_order.version, cached_order.version)


def test_a_migration_that_died_after_the_cache_was_saved_mends_the_row(cached_order, monkeypatch):
    with monkeypatch.context() as dying:
        dying.setattr(configuring, "anchor_after_saving", lambda *_, **__: None)
        migrated()
    assert kept_version()[0] == cached_order.version
    assert kept_version()[1] != cached_order.version
    assert migrated(dry_run=True) == {"order-1": UNCHANGED}
    assert kept_version()[1] != cached_order.version
    assert migrated() == {"order-1": UNCHANGED}
    assert kept_version() == (cached_order.version, cached_order.version)
    assert versions()["order-1"].is_deployed


def test_a_session_that_is_deleted_before_its_row_is_updated_gets_no_row(cached_order):
    manager = open_session("order-1")
    with manager.storage.acquire_lock():
        manager.storage.after_release(lambda: delete_session("order-1", force=True))
        manager.migrate_configuration(cached_order)
    assert list_sessions() == []


def versions_deployed_at():
    """When the deployed rules were deployed, as a session in Airflow's database says."""
    create_session("order-here", configuration="order")
    return describe_session("order-here").summary.version.deployed_at


# -- versions ---------------------------------------------------------------------------------------------------


def versions():
    return {summary.uid: summary.version for summary in list_sessions()}


def test_sessions_say_which_version_they_have_and_whether_it_is_the_deployed_one(orders):
    first = versions()["order-1"]
    assert first.is_deployed
    assert first.deployed_at <= datetime.now(UTC)
    deployed = redeploy()
    assert versions()["order-1"] == replace(first, is_deployed=False)
    create_session("order-4", configuration="order")
    second = versions()["order-4"]
    assert (second.hash, second.is_deployed) == (deployed.version, True)
    assert second.deployed_at > first.deployed_at
    migrated()
    assert versions()["order-1"] == second
    assert describe_session("order-1").summary.version == second
    open_session("order-2").update_configuration({"t_own": {"after": ["x"], "run": "order.t_ship"}})
    own = versions()["order-2"]
    assert (own.deployed_at, own.is_deployed) == (None, False)
    with airflow_session() as session:
        session.execute(update(DagModel).where(DagModel.dag_id == "order").values(is_stale=True))
    assert not versions()["order-1"].is_deployed


def test_a_list_takes_no_statement_for_each_version(orders):
    def cost():
        with statements() as sent:
            list_sessions()
        return len(sent)

    before = cost()
    for number in range(5):
        rule = {"t_own": {"after": [f"x{number}"], "run": "order.t_ship"}}
        fire_into(f"own-{number}", "paid", configuration="order")
        open_session(f"own-{number}").update_configuration(rule)
    assert cost() == before


# -- the command line -------------------------------------------------------------------------------------------


@pytest.fixture
def command(orders, capsys):
    """Runs ``airflow triggers …`` in this process: exit status, standard output, standard error."""

    def run(*arguments):
        args = get_parser().parse_args(["triggers", *arguments])
        capsys.readouterr()
        status = 0
        try:
            args.func(args)
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return run


MIGRATE = ("sessions", "migrate", "--configuration", "order")


def test_the_command_reports_what_it_moved_and_what_it_refused(command):
    open_session("order-2").update_configuration({"t_own": {"after": ["x"], "run": "order.t_ship"}})
    redeploy()
    status, out, err = command(*MIGRATE, "--dry-run", "--output", "json")
    assert (status, json.loads(out)[0]["abandoned"]) == (1, 1)
    assert "2 would be moved, 0 would be unchanged, 1 would be refused" in err
    assert statuses()["t_gift#0"] == "unstarted"
    status, out, err = command(*MIGRATE, "--history", "apply", "--output", "json")
    assert (status, "2 moved, 0 unchanged, 1 refused" in err) == (1, True)
    first, second, _ = json.loads(out)
    assert first == {
        "uid": "order-1",
        "outcome": "moved",
        "why": None,
        "removed_tasks": ["t_gift"],
        "created": 1,
        "scheduled": 2,
        "changed": 0,
        "abandoned": 1,
        "effect": {"created": 1, "scheduled": 2, "changed": 0, "abandoned": 1},
    }
    assert (second["outcome"], "t_own" in second["why"]) == ("refused", True)
    status, out, err = command(*MIGRATE, "--replace-own-tasks", "--prefix", "order-2")
    assert (status, "1 moved" in err, "order-2" in out) == (0, True, True)
    with airflow_session() as session:
        events = session.scalars(select(Log.event).where(Log.event.contains("migrate"))).all()
    assert "cli_triggers_migrate_sessions" in events


def test_a_terminal_shows_how_far_the_migration_is(orders):
    redeploy()
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "airflow", "triggers", *MIGRATE],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=end,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(end)
    try:
        shown = "".join(iter(partial(read_terminal, terminal), ""))
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    assert "Migrating" in shown
    assert "100%" in shown
    assert "3 moved, 0 unchanged, 0 refused" in shown


def read_terminal(terminal):
    """What was written; "" once nobody can write any more."""
    try:
        return os.read(terminal, 4096).decode(errors="replace")
    except OSError:
        return ""


def test_the_command_shows_versions(command):
    _, out, _ = command("sessions", "list", "--output", "json")
    (first, *_) = json.loads(out)["sessions"]
    assert (len(first["version"]["hash"]), first["version"]["is_deployed"]) == (64, True)
    redeploy()
    _, out, _ = command("sessions", "show", "order-1", "--output", "json")
    assert json.loads(out)["version"]["is_deployed"] is False
    _, out, _ = command("sessions", "list")
    assert first["version"]["hash"][:12] in out
    assert first["version"]["hash"] not in out


# -- REST -------------------------------------------------------------------------------------------------------


@pytest.fixture
def api(orders, monkeypatch):
    return mounted_api(monkeypatch)


def moved_by(api, user, name="order", **body):
    return api.client(user).post(f"api/v1/configurations/{name}/migrate", json=body)


def test_a_request_moves_so_many_sessions_and_says_where_to_go_on(api):
    deployed = redeploy()
    body = moved_by(api, "admin", limit=2.0, history="apply").json()
    assert (body["version"], body["next"]) == (deployed.version, "order-2")
    assert body["sessions"][0] == {
        "uid": "order-1",
        "outcome": "moved",
        "why": None,
        "removed_tasks": ["t_gift"],
        "effect": {"created": 1, "scheduled": 2, "changed": 0, "abandoned": 1},
    }
    body = moved_by(api, "admin", after=body["next"]).json()
    assert ([session["uid"] for session in body["sessions"]], body["next"]) == (["order-3"], None)
    again = moved_by(api, "admin").json()
    assert {session["outcome"] for session in again["sessions"]} == {"unchanged"}
    session = api.client("admin").get("api/v1/sessions/order-1").json()
    assert session["version"]["is_deployed"] is True
    assert session["removed_tasks"] == ["t_gift"]


def test_a_dry_run_over_rest_changes_nothing(api):
    redeploy()
    assert moved_by(api, "admin", dry_run=True).json()["sessions"][0]["outcome"] == "moved"
    assert statuses()["t_gift#0"] == "unstarted"


def test_a_session_that_the_user_may_not_read_is_not_counted(api):
    rule = {"t_own": {"after": ["x"], "run": "other.t_other"}}
    open_session("order-2").update_configuration(rule)
    redeploy()
    order = {"order.t_ship", "order.t_gift", "order.t_thank"}
    api.let("clerk", Allowed(dag_ids=order))
    body = moved_by(api, "clerk", limit=2).json()
    assert [session["uid"] for session in body["sessions"]] == ["order-1", "order-3"]
    assert body["next"] is None
    assert describe_session("order-2").tasks.tasks.keys() == {"t_ship", "t_gift", "t_own"}


def test_a_session_whose_dags_the_user_may_not_run_is_refused(api):
    redeploy()
    api.let(
        "clerk",
        Allowed(dag_ids={"order.t_ship", "order.t_thank"}),
        Allowed(methods={"GET"}, dag_ids={"order.t_gift"}),
    )
    body = moved_by(api, "clerk").json()
    assert {session["outcome"] for session in body["sessions"]} == {"refused"}
    assert "may not create runs" in body["sessions"][0]["why"]
    assert statuses()["t_gift#0"] == "unstarted"


def test_who_may_do_nothing_with_the_configuration_is_answered_as_if_there_were_none(api):
    redeploy()
    api.let("stranger", Allowed(dag_ids={"other.t_other"}))
    unknown = moved_by(api, "admin", name="unknown")
    concealed = moved_by(api, "stranger")
    assert (unknown.status_code, concealed.status_code) == (404, 404)
    # Only what the stranger knows is named as similar.
    text = concealed.text.replace(" Did you mean 'other'?", "")
    assert json.loads(text) == json.loads(unknown.text.replace("unknown", "order"))
    assert moved_by(api, "viewer").status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 0},
        {"limit": 201},
        {"limit": "5"},
        {"limit": True},
        {"history": "some"},
        {"dry_run": "yes"},
        {"prefix": "\x00"},
    ],
)
def test_what_a_migration_does_not_know_is_refused(api, body):
    redeploy()
    assert moved_by(api, "admin", **body).status_code == 422
    assert statuses()["t_gift#0"] == "unstarted"
