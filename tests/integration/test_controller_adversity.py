"""What others do to runs and their instances behind the controller's back, and that one bad run harms no other."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from airflow.models.dag import DagModel
from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import delete, select, update

from airflow_triggers import gateway
from airflow_triggers.controller import loop
from airflow_triggers.controller.loop import Controller
from airflow_triggers.errors import InvalidTransition, LockTimeout
from airflow_triggers.gateway.run_columns import DagRunColumns
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.sessions.describing import fires_of
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import database_errors, lock_waits, statements, tables
from airflow_triggers.storages.sql import SqlStorageBackend
from tests.support.dags import play, run_of
from tests.support.surveys import failed_import, statuses, view


def rows_of(table):
    with airflow_session() as session:
        return session.execute(select(table)).all()


def passes(controller):
    """A pass that looks at settled runs, too."""
    controller.run_once()
    Controller().run_once()


# -- what cannot be read --------------------------------------------------------------------------------------


def test_a_dag_that_cannot_be_read_fails_its_instance_and_the_fire_holds(survey, monkeypatch):
    monkeypatch.setattr(gateway.runs, "_dags", {})
    with airflow_session() as session:
        broken = update(SerializedDagModel).where(SerializedDagModel.dag_id == "survey.t_import")
        session.execute(broken.values(_data={"__version": 99, "dag": {"dag_id": "survey.t_import"}}))
    assert fire_into("order-1", "firstPage", configuration="survey").scheduled == ("t_import#0",)
    assert statuses() == {"t_import#0": "failed"}
    metadata = view("t_import#0").instance.metadata
    assert metadata["exceptionType"] == "airflow_triggers.errors.DagUnavailable"
    assert "'survey.t_import' cannot be read from the database" in metadata["exceptionMessage"]


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ({"is_stale": True}, "There is no deployed DAG 'survey.t_import'"),
        ({"has_import_errors": True}, "DAG 'survey.t_import' has import errors"),
        ({"allowed_run_types": ["scheduled"]}, "allows only runs of the types scheduled"),
    ],
    ids=["missing", "broken", "closed"],
)
def test_an_instance_whose_dag_was_away_when_a_fire_needed_it_is_replayed_once_it_is_back(
    survey, controller, trouble, said
):
    deployed = update(DagModel).where(DagModel.dag_id == "survey.t_import")
    with airflow_session() as session:
        session.execute(deployed.values(**trouble))
    fired = fire_into("order-1", "firstPage", {"n": 1}, configuration="survey", idempotency_key="k")
    assert (fired.scheduled, statuses()) == (("t_import#0",), {"t_import#0": "failed"})
    assert said in view("t_import#0").instance.metadata["exceptionMessage"]
    assert view("t_import#0").run_id is None
    passes(controller)
    assert fire_into("order-1", "firstPage", {"n": 1}, idempotency_key="k").repeated
    with airflow_session() as session:
        session.execute(deployed.values(is_stale=False, has_import_errors=False, allowed_run_types=None))
    open_session("order-1").replay_failed_instance("t_import#0")
    play(view("t_import#1"), "success", result={"n": 2})
    controller.run_once()
    assert statuses() == {"t_import#0": "replayed", "t_import#1": "finished", "t_score#0": "scheduled"}
    assert view("t_score#0").instance.kwargs == {"t_import": {"n": 2}}


def test_a_worker_cannot_write_the_frameworks_metadata(survey, controller):
    fire_into("order-1", "firstPage", configuration="survey")
    report = {
        "depth": 9,
        "timestamps": "none",
        "exceptionMessage": ["no", "text"],
        "exceptionType": "x" * 5_000,
        "exceptionContext": "nothing",
    }
    play(view("t_import#0"), "failed", exception=report)
    controller.run_once()
    instance = view("t_import#0").instance
    assert instance.status.value == "failed"
    assert instance.depth == 0
    assert set(instance.metadata["timestamps"]) >= {"created", "failed"}
    assert instance.metadata["exceptionMessage"] == "['no', 'text']"
    assert instance.metadata["exceptionInfo"] == ""
    assert instance.metadata["exceptionContext"] == {}
    assert len(instance.metadata["exceptionType"]) < 4_100


@pytest.mark.parametrize(
    "result",
    [
        {"__classname__": "builtins.open", "__version__": 0, "__data__": "/tmp/x"},
        '{"__classname__": "os.system", "__version__": 0, "__data__": "true"}',
        "{not json",
    ],
)
def test_a_result_is_data_and_names_no_class(survey, controller, result):
    fire_into("order-1", "firstPage", configuration="survey")
    play(view("t_import#0"), "success", result=result)
    controller.run_once()
    expected = result if isinstance(result, dict) else {"return_value": result}
    assert view("t_score#0").instance.kwargs == {"t_import": expected}


# -- repairs that come too late -------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "clear"), [("queued", True), ("running", True), ("success", False)])
def test_a_failed_instance_whose_run_went_on_is_neither_skipped_nor_replayed(
    survey, controller, state, clear
):
    manager = failed_import(controller)
    play(view("t_import#0"), state, clear=clear)
    for act in (manager.skip_failed_instance, manager.replay_failed_instance):
        with pytest.raises(InvalidTransition, match=rf"t_import#0: it is {state} in Airflow meanwhile"):
            act("t_import#0")
    assert statuses() == {"t_import#0": "failed"}
    with airflow_session() as session:
        assert run_of(session, view("t_import#0")).state == state
    controller.run_once()
    assert (
        statuses()["t_import#0"]
        == {"queued": "scheduled", "running": "running", "success": "finished"}[state]
    )


@pytest.mark.parametrize("act", ["skip_failed_instance", "replay_failed_instance"])
def test_a_failed_instance_whose_run_failed_again_or_is_gone_can_be_repaired(survey, controller, act):
    manager = failed_import(controller)
    play(view("t_import#0"), "failed", clear=True)
    getattr(manager, act)("t_import#0")
    fire_into("order-2", "firstPage", configuration="survey")
    play(view("t_import#0", "order-2"), "failed")
    controller.run_once()
    with airflow_session() as session:
        session.delete(run_of(session, view("t_import#0", "order-2")))
    getattr(open_session("order-2"), act)("t_import#0")
    resolved = "skipped" if act.startswith("skip") else "replayed"
    assert statuses()["t_import#0"] == statuses("order-2")["t_import#0"] == resolved
    passes(controller)
    assert statuses()["t_import#0"] == statuses("order-2")["t_import#0"] == resolved


# -- what was set by hand -------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["queued", "running"])
@pytest.mark.parametrize("outcome", ["success", "failed"])
def test_a_status_set_by_hand_is_not_undone_by_the_run_and_cascades_once(survey, controller, state, outcome):
    fire_into("order-1", "firstPage", configuration="survey")
    play(view("t_import#0"), state)
    controller.run_once()
    manager = open_session("order-1")
    manager.update_instance_status("t_import#0", "finished", cascade=True, cascade_kwargs={"n": 1}, by="ann")
    passes(controller)
    play(view("t_import#0"), "running")
    passes(controller)
    play(view("t_import#0"), outcome, result={"n": 2})
    passes(controller)
    passes(controller)
    assert statuses() == {"t_import#0": "finished", "t_score#0": "scheduled"}
    assert [fire.kwargs for fire in fires_of("order-1")] == [{"n": 1}, {}]
    with airflow_session() as session:
        note = run_of(session, view("t_import#0")).note
    assert note.startswith("The status of `t_import#0` was set to finished by `ann`.")

    play(view("t_import#0"), "queued", clear=True)
    controller.run_once()
    assert statuses()["t_import#0"] == "scheduled"
    play(view("t_import#0"), "success", result={"n": 3})
    controller.run_once()
    assert statuses()["t_import#0"] == "finished"
    assert fires_of("order-1")[0].kwargs == {"n": 3}


def test_a_status_set_to_running_by_hand_stays_until_the_run_moves(survey, controller):
    manager = failed_import(controller)
    manager.update_instance_status("t_import#0", "running")
    passes(controller)
    assert statuses() == {"t_import#0": "running"}
    play(view("t_import#0"), "running", clear=True)
    play(view("t_import#0"), "success")
    passes(controller)
    assert statuses()["t_import#0"] == "finished"


@pytest.mark.parametrize("act", ["skip_failed_instance", "replay_failed_instance"])
def test_an_instance_set_to_failed_by_hand_is_repaired_while_its_run_goes_on(survey, controller, act):
    fire_into("order-1", "firstPage", configuration="survey")
    play(view("t_import#0"), "running")
    controller.run_once()
    manager = open_session("order-1")
    manager.update_instance_status("t_import#0", "failed")
    getattr(manager, act)("t_import#0")
    with airflow_session() as session:
        run = run_of(session, view("t_import#0"))
        assert run.state == "running"
        assert [task.state for task in run.task_instances] == ["running"]
    before = statuses()
    play(view("t_import#0"), "success", result={"n": 2})
    passes(controller)
    assert statuses() == before
    assert len(fires_of("order-1")) == 1


@pytest.mark.parametrize("deleted", [False, True])
def test_an_instance_set_back_to_unstarted_gets_another_run(survey, controller, deleted):
    fire_into("order-1", "firstPage", {"n": 1}, configuration="survey")
    manager, first = open_session("order-1"), view("t_import#0")
    manager.update_instance_status("t_import#0", "unstarted")
    if deleted:
        with airflow_session() as session:
            session.delete(run_of(session, first))
        passes(controller)
    assert fire_into("order-1", "firstPage", {"n": 2}).scheduled == ("t_import#0",)
    second = view("t_import#0")
    assert second.run_id == "triggers__order-1~t_import~0~1"
    if not deleted:
        play(first, "failed")
    passes(controller)
    assert statuses() == {"t_import#0": "scheduled"}
    play(second, "success", result={"n": 2})
    controller.run_once()
    assert statuses() == {"t_import#0": "finished", "t_score#0": "scheduled"}
    manager.update_instance_status("t_import#0", "unstarted")
    fire_into("order-1", "firstPage")
    assert view("t_import#0").run_id == "triggers__order-1~t_import~0~2"


# -- one that cannot be applied -------------------------------------------------------------------------------


def test_a_run_that_cannot_be_applied_holds_up_no_other_of_its_session(survey, controller, monkeypatch):
    manager, _ = create_session("order-1", configuration="survey")
    every_page = {"after": [], "andEvery": "firstPage", "run": "survey.t_import"}
    manager.update_configuration({"t_import": {**every_page, "airflow": {"result_task_id": "run"}}})
    for _ in range(2):
        manager.fire("firstPage")
    play(view("t_import#0"), "success", result={"n": 0})
    play(view("t_import#1"), "success", result={"n": 1})
    bad, read_xcoms = view("t_import#0").run_id, gateway.read_xcoms

    def breaking(session, dag_id, run_id, *, task_id):
        if run_id == bad:
            raise RuntimeError("x" * 5_000)
        return read_xcoms(session, dag_id, run_id, task_id=task_id)

    monkeypatch.setattr(gateway, "read_xcoms", breaking)
    for _ in range(3):
        controller.run_once()
        with airflow_session() as session:
            session.execute(update(tables.run).values(retry_at=None))
    assert statuses() == {"t_import#0": "scheduled", "t_import#1": "finished", "t_score#0": "scheduled"}
    kept = {row.run_id: row.failures for row in rows_of(tables.run)}
    assert kept[bad] == 3
    (event,) = [row for row in rows_of(tables.event) if row.kind == "backoff"]
    assert event.details["runs"] == [bad]
    assert len(event.details["error"]) < 5_000

    monkeypatch.undo()
    controller.run_once()
    assert statuses()["t_import#0"] == "finished"
    assert {row.failures for row in rows_of(tables.run)} == {0}
    assert [fire.kwargs for fire in fires_of("order-1", limit=2)] == [{"n": 0}, {"n": 1}]


def test_a_pass_goes_on_though_a_session_can_not_even_be_backed_off(survey, controller, monkeypatch, caplog):
    for uid in ("bad", "good"):
        fire_into(uid, "firstPage", configuration="survey")
        play(view("t_import#0", uid), "success")
    with airflow_session() as session:
        session.execute(update(tables.session).where(tables.session.c.uid == "bad").values(manager="gone"))

    def broken(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(loop, "_count_failure", broken)
    controller.run_once()
    assert statuses("good")["t_import#0"] == "finished"
    assert "session bad cannot be backed off" in caplog.text


class Leaving(TriggerManager):
    """Its package is uninstalled while a hook of it is due."""

    name = "leaving"

    def call_hook(self, *_, **__):
        pass

    def _post_fire(self, trigger_name, tasks_scheduled):
        raise AssertionError


def test_a_hook_whose_manager_is_gone_is_counted(survey, controller):
    trigger_managers.register("leaving", Leaving)
    create_session("order-1", configuration="survey", manager="leaving")
    fire_into("order-1", "firstPage")
    trigger_managers.unregister("leaving")
    with airflow_session() as session:
        session.execute(update(tables.hook).values(due=datetime.now(UTC)))
    assert controller.run_once() == 1
    assert controller.run_once() == 0
    (hook,) = rows_of(tables.hook)
    assert hook.attempts == 1
    assert "There is no trigger manager 'leaving'" in hook.error


# -- locks and keys -------------------------------------------------------------------------------------------


@pytest.fixture
def one_second(monkeypatch):
    """No lock is waited for any longer."""
    for module in (lock_waits, database_errors):
        monkeypatch.setattr(module, "LOCK_TIMEOUT", 1.0)
    statements.lock_session.cache_clear()
    statements.lock_sessions.cache_clear()
    yield
    statements.lock_session.cache_clear()
    statements.lock_sessions.cache_clear()


def test_nobody_waits_for_a_lock_for_ever(survey, one_second):
    create_session("order-1", configuration="survey")
    holder, other = SqlStorageBackend("order-1"), SqlStorageBackend("order-1")
    with holder.acquire_lock():
        with pytest.raises(LockTimeout, match=r"for (more than )?1 seconds"), other.acquire_lock():
            pass
        holder.set_metadata({"kept": True})
    assert holder.metadata == {"kept": True}
    with other.acquire_lock():
        pass


def test_a_run_that_somebody_holds_is_not_waited_for_for_ever(postgresql_survey, controller, one_second):
    manager = failed_import(controller)
    with airflow_session() as session:
        held = select(DagRunColumns.id).where(DagRunColumns.run_id == view("t_import#0").run_id)
        session.execute(held.with_for_update())
        with pytest.raises(LockTimeout, match="or a DAG run of it"):
            manager.skip_failed_instance("t_import#0")
    assert statuses() == {"t_import#0": "failed"}


def test_the_id_of_a_hook_is_not_used_again(survey):
    create_session("order-1", configuration="survey")
    storage, ids = SqlStorageBackend("order-1"), []
    for _ in range(2):
        with storage.acquire_lock():
            ids.append(storage.add_hook("_post_fire", {}))
        with airflow_session() as session:
            session.execute(delete(tables.hook))
    assert ids[1] > ids[0]
