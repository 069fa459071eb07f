"""What is done to DAGs: on the command line, pausing, deleting, filling back, triggering by hand."""

from __future__ import annotations

import pytest

from scripts.demo.airflow import DemoError
from tests.support.acts import at_once, unfailed

pytestmark = pytest.mark.timeout(420)


# -- the command line -----------------------------------------------------------------------------------------


@at_once
def test_what_the_command_line_clears_and_deletes_is_followed(acts):
    acts.fire("cli", "sweep", fails=1)
    acts.become("cli", "t_swept#0", "failed")
    acts.command("tasks", "clear", "acts.t_swept", "--yes")
    acts.become("cli", "t_swept#0", "finished")
    run_id = acts.instance("cli", "t_swept#0")["dag_run_id"]
    acts.command("dags", "clear", "acts.t_swept", "--run-id", run_id, "--yes")
    assert acts.await_completions("cli", "t_swept", 2) == [{"try": 2}, {"try": 3}]
    acts.pause("acts.t_swept", True)
    acts.fire("cli-open", "sweep")
    acts.command("dags", "delete", "acts.t_swept", "--yes")
    deleted = acts.become("cli-open", "t_swept#0", "failed")
    assert deleted["metadata"]["exceptionType"] == "airflow_triggers.errors.RunDeleted"
    assert acts.status("cli", "t_swept#0") == "finished"


@at_once
def test_a_dag_that_is_triggered_on_the_command_line_changes_no_session(acts):
    acts.fire("cli-hand", "nothing")
    conf = '{"session_uid": "cli-hand", "trigger_kwargs": {"go": {}}}'
    acts.command("dags", "trigger", "acts.t_work", "--conf", conf, "--run-id", "by-cli")
    acts.await_run("/dags/acts.t_work/dagRuns/by-cli", "success")
    assert acts.instances("cli-hand") == {}


# -- pausing, deleting --------------------------------------------------------------------------------------


@at_once
def test_a_paused_dag_holds_its_instances_and_what_is_done_to_their_runs_counts(acts):
    acts.fire("held-again", "pause")
    acts.become("held-again", "t_paused#0", "finished")
    acts.fire("held-failed", "pause", fails=1)
    acts.become("held-failed", "t_paused#0", "failed")
    acts.pause("acts.t_paused", True)
    for uid in ("held", "held-marked", "held-marked-failed", "held-deleted"):
        acts.fire(uid, "pause")
        assert acts.status(uid, "t_paused#0") == "scheduled"
    acts.clear("held-again", "t_paused#0")
    acts.become("held-again", "t_paused#0", "scheduled")

    acts.mark("held-marked", "t_paused#0", "success")
    acts.become("held-marked", "t_paused#0", "finished")
    assert acts.completions("held-marked", "t_paused") == [{}]
    acts.mark("held-marked-failed", "t_paused#0", "failed")
    failed = acts.become("held-marked-failed", "t_paused#0", "failed")
    assert "marked failed" in failed["metadata"]["exceptionMessage"]
    acts.delete("held-deleted", "t_paused#0")
    deleted = acts.become("held-deleted", "t_paused#0", "failed")
    assert deleted["metadata"]["exceptionType"] == "airflow_triggers.errors.RunDeleted"
    acts.client.replay("held-deleted", "t_paused#0")
    # its task has failed, was cleared and not executed since: Airflow skips it, and somebody said success
    acts.clear("held-failed", "t_paused#0")
    acts.become("held-failed", "t_paused#0", "scheduled")
    acts.mark("held-failed", "t_paused#0", "success")
    assert unfailed(acts.become("held-failed", "t_paused#0", "finished"))

    acts.fire("held-taskless", "pause")  # Airflow makes the task instance anew when the run starts
    acts.call("DELETE", f"{acts.run_path('held-taskless', 't_paused#0')}/taskInstances/run")

    assert acts.run("held", "t_paused#0")["state"] == "queued"
    assert acts.status("held", "t_paused#0") == "scheduled"
    acts.pause("acts.t_paused", False)
    acts.become("held", "t_paused#0", "finished")
    acts.become("held-deleted", "t_paused#1", "finished")
    acts.become("held-taskless", "t_paused#0", "finished")
    assert acts.completions("held-taskless", "t_paused") == [{"try": 1}]
    assert len(acts.await_completions("held-again", "t_paused", 2)) == 2


@at_once
def test_an_instance_waits_for_a_place_among_the_active_runs_of_its_dag(acts):
    acts.fire("single-1", "single", waits=True)
    acts.become("single-1", "t_single#0", "running")
    acts.fire("single-2", "single")
    acts.await_later_runs("single-2")
    assert acts.status("single-2", "t_single#0") == "scheduled"
    acts.release("single-1")
    acts.become("single-2", "t_single#0", "finished")


@at_once
def test_a_dag_that_is_deleted_fails_what_was_open_and_runs_it_again_once_it_is_back(acts):
    path = "/dags/acts.t_deleted"
    acts.fire("dag-done", "delete")
    acts.become("dag-done", "t_deleted#0", "finished")
    acts.pause("acts.t_deleted", True)
    acts.fire("dag-open", "delete")
    acts.become("dag-open", "t_deleted#0", "scheduled")
    token = acts.call("GET", path)["file_token"]
    acts.call("DELETE", path)
    failed = acts.become("dag-open", "t_deleted#0", "failed")
    assert failed["metadata"]["exceptionType"] == "airflow_triggers.errors.RunDeleted"
    assert acts.status("dag-done", "t_deleted#0") == "finished"
    acts.call("PUT", f"/parseDagFile/{token}")
    acts.wait("the DAG is back", lambda: acts.client.request("GET", f"/api/v2{path}").is_success)
    acts.client.replay("dag-open", "t_deleted#0")
    acts.become("dag-open", "t_deleted#1", "finished")


# -- what changes no instance ---------------------------------------------------------------------------------


@at_once
def test_a_note_and_a_partition_key_that_are_changed_change_no_instance(acts):
    acts.fire("noted", "go")
    acts.become("noted", "t_work#0", "finished")
    run = acts.run_path("noted", "t_work#0")
    # The instance is finished as soon as its task is; an answer also shows its run.
    acts.wait("its run has ended", lambda: acts.call("GET", run)["state"] == "success")
    before = acts.instance("noted", "t_work#0")
    acts.call("PATCH", run, json={"note": "mine"})
    acts.call("POST", "/dags/acts.t_work/clearPartitions", json={"dry_run": False, "partition_key": "noted"})
    assert acts.call("GET", run)["partition_key"] is None
    acts.await_later_runs("noted")
    assert acts.instance("noted", "t_work#0") == before
    acts.clear("noted", "t_work#0")
    assert len(acts.await_completions("noted", "t_work", 2)) == 2
    assert acts.call("GET", run)["note"] == "mine"


@at_once
def test_a_dag_that_is_triggered_by_hand_for_no_session_fails_and_says_what_to_do(acts):
    run = acts.trigger("acts.t_work")
    acts.await_run(run, "failed")
    assert "NotATriggerRun" in acts.log_of(run)
    assert "belongs to no session" in acts.log_of(run)


@at_once
def test_a_dag_that_is_triggered_by_hand_calls_its_task_and_changes_no_session(acts):
    form = acts.call("GET", "/dags/acts.t_work/details")["params"]
    assert form["session_uid"]["schema"]["type"] == ["null", "string"]
    assert form["trigger_kwargs"]["value"] == {"go": {}}
    for conf in ({"session_uid": 7}, {"session_uid": "by-hand", "trigger_kwargs": [1]}):
        body = {"logical_date": None, "conf": conf}
        acts.call("POST", "/dags/acts.t_work/dagRuns", json=body, status=400)
    acts.fire("by-hand", "nothing")
    conf = {"session_uid": "by-hand", "trigger_kwargs": {"go": {}}}
    by_hand = acts.trigger("acts.t_work", conf=conf)
    keyed = acts.trigger("acts.t_work", partition_key="by-hand", conf={"trigger_kwargs": {"go": {}}})
    for run in (by_hand, keyed):
        acts.await_run(run, "success")
    assert acts.call("GET", f"{by_hand}/taskInstances/run/xcomEntries/return_value")["value"] == {"try": 1}
    assert "made by hand" in acts.log_of(by_hand)
    assert acts.instances("by-hand") == {}

    acts.fire("by-hand", "go")
    acts.become("by-hand", "t_work#0", "finished")
    copied = acts.trigger("acts.t_work", conf=acts.run("by-hand", "t_work#0")["conf"])
    acts.await_run(copied, "success")
    assert "made by hand" in acts.log_of(copied)
    assert acts.completions("by-hand", "t_work") == [{"try": 1}]


@at_once
def test_an_operator_is_given_session_and_kwargs_as_params_by_a_fire_and_by_hand(acts):
    acts.fire("bash", "bash", n=1)
    done = acts.become("bash", "t_bash#0", "finished")
    assert done["metadata"]["result"] == "bash 1"
    conf = {"session_uid": "bash", "trigger_kwargs": {"bash": {"n": 2}}}
    by_hand = acts.trigger("acts.t_bash", conf=conf)
    acts.await_run(by_hand, "success")
    assert acts.call("GET", f"{by_hand}/taskInstances/run/xcomEntries/return_value")["value"] == "bash 2"
    assert acts.completions("bash", "t_bash") == [{"return_value": "bash 1"}]


@at_once
def test_the_dag_that_carries_a_configuration_does_nothing_when_it_is_triggered(acts):
    acts.await_run(acts.trigger("acts"), "success")


@at_once
def test_a_backfill_is_refused(acts):
    body = {"from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-02T00:00:00Z"}
    for dag_id in ("acts.t_work", "acts"):
        said = acts.call("POST", "/backfills", json={"dag_id": dag_id, **body}, status=422)
        assert "does not support backfills" in str(said)
    dates = ("--from-date", "2026-01-01", "--to-date", "2026-01-02")
    with pytest.raises(DemoError, match="does not support backfills"):
        acts.command("backfill", "create", "--dag-id", "acts.t_work", *dates)
