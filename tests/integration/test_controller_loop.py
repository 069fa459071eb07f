"""The controller over real tables and real DAG runs; the test plays the scheduler's part."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import update

from airflow_triggers.domain.names import dag_ids_of
from airflow_triggers.errors import ConfigurationError, SessionExists, SessionNotFound, UnknownConfiguration
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.sessions.describing import configurations_of_sessions, fires_of, list_sessions
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import tables
from airflow_triggers.storages.sql import SqlStorageBackend
from tests.support.dags import dag, deploy, deploy_configuration, manifest, play, run_of
from tests.support.surveys import failed_import, plain_dags, statuses, view


def test_a_first_fire_makes_the_session_and_a_run_that_says_whose_it_is(survey):
    result = fire_into("order-1", "firstPage", {"n": 1}, configuration="survey", fired_by="shop")
    assert result.scheduled == ("t_import#0",)
    found = view("t_import#0")
    assert (found.dag_id, found.run_id) == ("survey.t_import", "triggers__order-1~t_import~0")
    with airflow_session() as session:
        run = run_of(session, found)
        assert run.partition_key == "order-1"
        assert run.triggering_user_name == "shop"
        assert run.conf["trigger_kwargs"] == {"firstPage": {"lang": "en", "n": 1}}
        assert run.conf["session_uid"] == "order-1"
        exact_texts = {"trigger_kwargs_json", "task_json"}  # of what PostgreSQL's jsonb would reorder
        assert {key: value for key, value in run.conf["triggers"].items() if key not in exact_texts} == {
            "session_uid": "order-1",
            "run_id": run.run_id,
            "instance_name": "t_import#0",
            "task_name": "t_import",
            "number": 0,
            "configuration": "survey",
            "manager": "default",
            "task": survey["t_import"].to_directives(),
            "metadata": {},
        }
        assert run.note == (
            "[`t_import#0`](plugin/triggers?view=session&session=order-1&instance=t_import%230) of session "
            "[`order-1`](plugin/triggers?view=session&session=order-1) (`survey`)."
        )
        assert [task.task_id for task in run.task_instances] == ["run"]


def test_a_fire_into_an_unknown_session_is_refused_and_makes_nothing(survey):
    with pytest.raises(SessionNotFound, match="order-1"):
        fire_into("order-1", "firstPage")
    with pytest.raises(
        UnknownConfiguration, match=r"'survay'; deployed are: survey. Did you mean 'survey'\?"
    ):
        fire_into("order-1", "firstPage", configuration="survay")
    assert list_sessions() == []


def test_a_finished_run_finishes_its_instance_and_cascades_once(survey, controller):
    fire_into("order-1", "firstPage", configuration="survey")
    assert controller.run_once() == 0
    play(view("t_import#0"), "running")
    assert controller.run_once() == 1
    assert statuses() == {"t_import#0": "running"}
    play(view("t_import#0"), "success", result={"id": 7})
    assert controller.run_once() == 1
    assert controller.run_once() == 0
    assert statuses() == {"t_import#0": "finished", "t_score#0": "scheduled"}
    assert view("t_import#0").instance.metadata["result"] == {"id": 7}
    assert view("t_score#0").instance.kwargs == {"t_import": {"id": 7}}
    assert [fire.trigger_name for fire in fires_of("order-1")] == ["t_import", "firstPage"]


def test_a_failed_run_fails_its_instance_with_what_the_task_reported(survey, controller):
    fire_into("order-1", "firstPage", configuration="survey")
    reported = {
        "exceptionType": "builtins.ValueError",
        "exceptionMessage": "no age",
        "exceptionInfo": "Traceback…",
    }
    play(view("t_import#0"), "failed", exception=reported)
    controller.run_once()
    instance = view("t_import#0").instance
    assert instance.status == "failed"
    assert {key: instance.metadata[key] for key in reported} == reported


def test_a_killed_task_fails_its_instance_and_the_metadata_says_so(survey, controller):
    fire_into("order-1", "firstPage", configuration="survey")
    play(view("t_import#0"), "failed")
    controller.run_once()
    metadata = view("t_import#0").instance.metadata
    assert metadata["exceptionType"] == "airflow_triggers.errors.TaskProcessDied"
    assert "was killed" in metadata["exceptionInfo"]


def test_a_replay_is_a_new_run_and_the_failed_ones_note_names_it(survey, controller):
    manager = failed_import(controller)
    manager.replay_failed_instance("t_import#0", {"firstPage": {"n": 2}}, by="ann", cooldown=3600)
    assert statuses() == {"t_import#0": "replayed", "t_import#1": "scheduled"}
    with airflow_session() as session:
        failed, clone = run_of(session, view("t_import#0")), run_of(session, view("t_import#1"))
        assert failed.state == "failed"
        assert failed.note.startswith("`t_import#0` was replayed by `ann` as [`t_import#1`](plugin/triggers?")
        assert "run `triggers__order-1~t_import~1`.\n\n[`t_import#0`](" in failed.note
        assert clone.conf["trigger_kwargs"] == {"firstPage": {"lang": "en", "n": 2}}
        assert clone.note.endswith("It replays `t_import#0`.")
        assert clone.run_after - clone.queued_at > timedelta(minutes=59)
    play(view("t_import#0"), "success", clear=True)
    controller.run_once()
    assert statuses() == {"t_import#0": "replayed", "t_import#1": "scheduled"}


def test_a_skip_marks_the_run_and_is_not_taken_for_a_completion(survey, controller):
    manager = failed_import(controller)
    manager.skip_failed_instance("t_import#0", cascade=True, result={"id": 0}, by="ann")
    assert controller.run_once() == 0
    assert statuses() == {"t_import#0": "skipped", "t_score#0": "scheduled"}
    with airflow_session() as session:
        run = run_of(session, view("t_import#0"))
        assert run.state == "success"
        assert [task.state for task in run.task_instances] == ["skipped"]
        assert run.note.startswith("`t_import#0` was skipped by `ann`.")
    assert [fire.kwargs for fire in fires_of("order-1", limit=1)] == [{"id": 0}]


def test_a_finished_run_that_is_cleared_and_finishes_again_is_a_new_completion(survey, controller):
    fire_into("order-1", "firstPage", configuration="survey")
    play(view("t_import#0"), "success", result={"id": 7})
    controller.run_once()
    play(view("t_import#0"), "queued", clear=True)
    controller.run_once()
    assert statuses()["t_import#0"] == "scheduled"
    play(view("t_import#0"), "success", result={"id": 8})
    controller.run_once()
    assert statuses()["t_import#0"] == "finished"
    assert [fire.kwargs for fire in fires_of("order-1")] == [{"id": 8}, {"id": 7}, {}]


def test_a_task_that_skips_itself_does_not_cascade(survey, controller):
    fire_into("order-1", "firstPage", configuration="survey")
    play(view("t_import#0"), "success", task_state="skipped")
    controller.run_once()
    assert statuses() == {"t_import#0": "skipped"}


def test_a_deleted_run_fails_its_instance_with_the_reason(survey, controller):
    fire_into("order-1", "firstPage", configuration="survey")
    with airflow_session() as session:
        session.delete(run_of(session, view("t_import#0")))
    controller.run_once()
    assert statuses() == {"t_import#0": "failed"}
    assert view("t_import#0").instance.metadata["exceptionType"] == "airflow_triggers.errors.RunDeleted"
    assert open_session("order-1").replay_failed_instance("t_import#0").name == "t_import#1"


def test_a_missing_dag_fails_the_instance_and_the_fire_holds(airflow_db):
    survey = deploy_configuration("survey", t_import={"after": ["firstPage"]})
    deploy(manifest("orphan", survey.__class__(survey.tasks, "orphan")))
    assert fire_into("order-1", "firstPage", configuration="orphan").scheduled == ("t_import#0",)
    assert statuses() == {"t_import#0": "failed"}
    assert "Did you mean 'survey.t_import'" in view("t_import#0").instance.metadata["exceptionMessage"]
    deploy(dag("orphan.t_import"))
    open_session("order-1").replay_failed_instance("t_import#0")
    assert statuses() == {"t_import#0": "replayed", "t_import#1": "scheduled"}


def test_a_plain_dag_runs_unchanged_and_its_named_task_is_the_result(airflow_db, controller):
    plain_dags()
    with airflow_session() as session:
        assert run_of(session, view("t_etl#0")).partition_key is None
    play(view("t_etl#0"), "success", result="done")
    controller.run_once()
    assert view("t_next#0").instance.kwargs == {"t_etl": {"return_value": "done"}}


def test_a_configuration_made_at_run_time_names_deployed_dags(airflow_db):
    deploy(dag("etl"))
    for run, reason in (("elt", "Did you mean 'etl'"), ("module:function", "made at run time")):
        with pytest.raises(ConfigurationError, match=reason):
            create_session("order-1", configuration={"t_x": {"after": ["x"], "run": run}})
    assert list_sessions() == []


def test_a_session_is_made_once_and_another_configuration_is_refused(survey):
    assert create_session("order-1", configuration="survey", metadata={"shop": 3})[1]
    assert not create_session("order-1", configuration="survey")[1]
    assert open_session("order-1").storage.metadata == {"shop": 3}
    deploy_configuration("other", t_x={"after": ["x"]})
    with pytest.raises(SessionExists, match="configuration 'survey', not with the configuration 'other'"):
        create_session("order-1", configuration="other")


def test_an_invalid_first_fire_makes_no_session(survey):
    with pytest.raises(ValueError, match="Trigger kwargs"):
        fire_into("order-1", "firstPage", ["no mapping"], configuration="survey")
    assert list_sessions() == []


def test_a_fire_is_authorized_for_the_configuration_that_it_acts_under(survey):
    asked = []

    def authorize(configuration, makes_session):
        asked.append((configuration.name, makes_session))
        if len(asked) == 1:  # somebody else makes the session meanwhile, of something else
            create_session("order-1", configuration="other")
        elif configuration.name == "other":
            raise PermissionError("not that one")

    deploy_configuration("other", t_x={"after": ["firstPage"]})
    with pytest.raises(SessionExists):
        fire_into("order-1", "firstPage", configuration="survey", authorize=authorize)
    with pytest.raises(PermissionError):
        fire_into("order-1", "firstPage", authorize=authorize)
    assert asked == [("survey", True), ("other", False)]
    assert fires_of("order-1") == []


def test_sessions_are_listed_in_pages(survey):
    for uid in ("b", "a", "c%", "c_1"):
        create_session(uid, configuration="survey")
    assert [one.uid for one in list_sessions(limit=2)] == ["a", "b"]
    assert [one.uid for one in list_sessions(after_uid="b", limit=1)] == ["c%"]
    assert [one.uid for one in list_sessions(prefix="c%")] == ["c%"]
    assert list_sessions(configuration="other") == []
    assert list(configurations_of_sessions()) == [survey.content_hash]
    assert dag_ids_of(survey) == {"t_import": "survey.t_import", "t_score": "survey.t_score"}


def test_a_session_that_cannot_be_handled_is_backed_off_and_the_others_go_on(survey, controller, caplog):
    for uid in ("bad", "good"):
        fire_into(uid, "firstPage", configuration="survey")
        play(view("t_import#0", uid), "success")
    with airflow_session() as session:
        session.execute(update(tables.session).where(tables.session.c.uid == "bad").values(manager="gone"))
    controller.run_once()
    assert statuses("good")["t_import#0"] == "finished"
    assert statuses("bad") == {"t_import#0": "scheduled"}
    assert "session bad cannot be brought up to date" in caplog.text
    assert controller.run_once() == 0


class Crashing(TriggerManager):
    """Its hook never ends in the process that fired."""

    name = "crashing"
    calls: list = []  # noqa: RUF012

    def call_hook(self, token, hook, arguments):
        if self.calls is not None:
            super().call_hook(token, hook, arguments)

    def _post_fire(self, trigger_name, tasks_scheduled):
        self.calls.append((trigger_name, [one.name for one in tasks_scheduled]))


def test_a_hook_whose_process_died_is_called_by_the_controller(survey, controller, monkeypatch):
    trigger_managers.register("crashing", Crashing)
    monkeypatch.setattr(Crashing, "calls", None)
    create_session("order-1", configuration="survey", manager="crashing")
    fire_into("order-1", "firstPage")
    monkeypatch.setattr(Crashing, "calls", [])
    assert controller.run_once() == 0
    with airflow_session() as session:
        session.execute(update(tables.hook).values(due=datetime.now(UTC)))
    assert controller.run_once() == 1
    assert Crashing.calls == [("firstPage", ["t_import#0"])]
    assert controller.run_once() == 0


def test_the_storage_is_the_one_that_the_session_remembers(survey):
    create_session("order-1", configuration="survey")
    manager = open_session("order-1")
    assert type(manager) is TriggerManager
    assert isinstance(manager.storage, SqlStorageBackend)
