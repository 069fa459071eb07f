"""What is done to runs and their tasks: clearing, marking, deleting."""

from __future__ import annotations

import pytest

from scripts.demo.client import API
from tests.support.acts import at_once, unfailed

pytestmark = pytest.mark.timeout(420)


# -- clearing -------------------------------------------------------------------------------------------------


@at_once
def test_a_failed_run_that_is_cleared_and_succeeds_finishes_its_instance_and_cascades(acts):
    acts.fire("cleared", "go", fails=1)
    assert "try 1 fails" in acts.become("cleared", "t_work#0", "failed")["metadata"]["exceptionMessage"]
    acts.clear("cleared", "t_work#0")
    assert unfailed(acts.become("cleared", "t_work#0", "finished"))
    assert acts.completions("cleared", "t_work") == [{"try": 2}]


@at_once
def test_a_failed_run_that_is_cleared_and_fails_again_fails_its_instance_with_the_new_reason(acts):
    acts.fire("fails-twice", "go", fails=2)
    acts.become("fails-twice", "t_work#0", "failed")
    acts.clear("fails-twice", "t_work#0")
    acts.wait(
        "it fails again",
        lambda: "try 2" in acts.instance("fails-twice", "t_work#0")["metadata"].get("exceptionMessage", ""),
    )
    assert acts.status("fails-twice", "t_work#0") == "failed"


@at_once
def test_one_failed_task_that_is_cleared_with_its_downstream_finishes_the_instance(acts):
    acts.fire("one-task", "plain", extract={"fails": 1})
    failed = acts.become("one-task", "t_plain#0", "failed")
    assert "failed tasks: extract" in failed["metadata"]["exceptionMessage"]
    acts.clear_tasks("one-task", "t_plain#0", "extract", only_failed=True, include_downstream=True)
    done = acts.become("one-task", "t_plain#0", "finished")
    assert done["metadata"]["result"] == {"extract": {"try": 2}, "try": 1}


@at_once
def test_one_task_of_a_finished_run_that_is_cleared_makes_a_new_completion(acts):
    acts.fire("one-again", "plain")
    acts.become("one-again", "t_plain#0", "finished")
    acts.clear_tasks("one-again", "t_plain#0", "load", only_failed=False)
    results = acts.await_completions("one-again", "t_plain", 2)
    assert results == [{"extract": {"try": 1}, "try": 1}, {"extract": {"try": 1}, "try": 2}]
    assert acts.status("one-again", "t_plain#0") == "finished"


@at_once
def test_a_finished_run_that_is_cleared_and_finishes_again_is_a_new_completion(acts):
    acts.fire("again", "chain")
    acts.become("again", "t_each#0", "finished")
    acts.become("again", "t_once#0", "finished")
    acts.clear("again", "t_chain#0")
    acts.become("again", "t_each#1", "finished")
    assert acts.completions("again", "t_chain") == [{"try": 1}, {"try": 2}]
    assert sorted(acts.instances("again")) == ["t_chain#0", "t_each#0", "t_each#1", "t_once#0"]


@at_once
def test_a_finished_run_that_is_cleared_and_marked_success_at_once_is_a_new_completion(acts):
    acts.fire("fast", "go")
    acts.become("fast", "t_work#0", "finished")
    acts.clear("fast", "t_work#0")
    acts.mark("fast", "t_work#0", "success")
    assert len(acts.await_completions("fast", "t_work", 2)) == 2
    acts.become("fast", "t_work#0", "finished")


@at_once
def test_a_task_that_is_cleared_in_a_running_run_is_no_completion_of_its_own(acts):
    acts.fire("cleared-at-work", "plain", load={"waits": True})
    acts.wait("it begins", lambda: "t_plain#0" in acts.instances("cleared-at-work"))
    run = acts.run_path("cleared-at-work", "t_plain#0")
    acts.await_task(run, "running", "load")
    acts.become("cleared-at-work", "t_plain#0", "running")
    acts.clear_tasks("cleared-at-work", "t_plain#0", "extract", only_failed=False)
    acts.await_task(run, "success", "extract")
    assert acts.status("cleared-at-work", "t_plain#0") == "running"
    acts.release("cleared-at-work")
    acts.become("cleared-at-work", "t_plain#0", "finished")
    assert len(acts.completions("cleared-at-work", "t_plain")) == 1


@at_once
def test_all_runs_of_a_session_that_are_cleared_by_partition_key_run_again(acts):
    acts.fire("by-key", "go")
    acts.become("by-key", "t_work#0", "finished")
    acts.call("POST", "/dags/acts.t_work/clearDagRuns", json={"dry_run": False, "partition_key": "by-key"})
    assert acts.await_completions("by-key", "t_work", 2) == [{"try": 1}, {"try": 2}]


@at_once
def test_the_run_of_a_replayed_instance_speaks_for_it_no_more(acts):
    acts.fire("replayed", "go", fails=1)
    acts.become("replayed", "t_work#0", "failed")
    acts.client.replay("replayed", "t_work#0", {"go": {}})
    acts.become("replayed", "t_work#1", "finished")
    acts.clear("replayed", "t_work#0")
    acts.await_run(acts.run_path("replayed", "t_work#0"), "success")
    acts.await_later_runs("replayed")
    assert acts.status("replayed", "t_work#0") == "replayed"
    assert acts.completions("replayed", "t_work") == [{"try": 1}]


@at_once
def test_a_skipped_run_that_is_cleared_runs_again(acts):
    acts.fire("skipped", "go", fails=1)
    acts.become("skipped", "t_work#0", "failed")
    acts.client.skip("skipped", "t_work#0", cascade=False, result=None)
    assert acts.completions("skipped", "t_work") == []
    acts.clear("skipped", "t_work#0")
    acts.become("skipped", "t_work#0", "finished")
    assert acts.completions("skipped", "t_work") == [{"try": 2}]


# -- marking --------------------------------------------------------------------------------------------------


@at_once
def test_a_failed_run_that_is_marked_success_finishes_its_instance_and_cascades(acts):
    acts.fire("marked", "chain", fails=1)
    acts.become("marked", "t_chain#0", "failed")
    acts.mark("marked", "t_chain#0", "success")
    assert unfailed(acts.become("marked", "t_chain#0", "finished"))
    assert acts.completions("marked", "t_chain") == [{}]
    acts.become("marked", "t_once#0", "finished")


@at_once
def test_a_finished_run_that_is_marked_failed_fails_its_instance_and_can_be_replayed(acts):
    acts.fire("marked-failed", "go")
    acts.become("marked-failed", "t_work#0", "finished")
    acts.mark("marked-failed", "t_work#0", "failed")
    failed = acts.become("marked-failed", "t_work#0", "failed")
    assert failed["metadata"]["exceptionType"] == "airflow_triggers.errors.RunFailed"
    assert "marked failed" in failed["metadata"]["exceptionMessage"]
    acts.client.replay("marked-failed", "t_work#0")
    acts.become("marked-failed", "t_work#1", "finished")
    assert len(acts.completions("marked-failed", "t_work")) == 2


@at_once
def test_a_running_run_that_is_marked_failed_fails_its_instance_whatever_its_task_does_then(acts):
    acts.fire("failed-at-work", "go", waits=True)
    acts.become("failed-at-work", "t_work#0", "running")
    run = acts.run_path("failed-at-work", "t_work#0")
    acts.await_task(run, "running")
    acts.mark("failed-at-work", "t_work#0", "failed")
    failed = acts.become("failed-at-work", "t_work#0", "failed")
    assert "marked failed" in failed["metadata"]["exceptionMessage"]
    acts.release("failed-at-work")
    acts.await_later_runs("failed-at-work")
    assert acts.status("failed-at-work", "t_work#0") == "failed"
    assert acts.completions("failed-at-work", "t_work") == []


@at_once
def test_a_running_run_that_is_marked_success_finishes_its_instance_with_no_result(acts):
    acts.fire("done-at-work", "go", waits=True)
    acts.become("done-at-work", "t_work#0", "running")
    acts.await_task(acts.run_path("done-at-work", "t_work#0"), "running")
    acts.mark("done-at-work", "t_work#0", "success")
    acts.become("done-at-work", "t_work#0", "finished")
    acts.release("done-at-work")
    assert acts.completions("done-at-work", "t_work") == [{}]


@at_once
def test_a_running_task_that_is_marked_success_finishes_the_instance_when_airflow_ends_its_run(acts):
    acts.fire("task-marked", "go", waits=True)
    acts.become("task-marked", "t_work#0", "running")
    acts.await_task(acts.run_path("task-marked", "t_work#0"), "running")
    acts.mark_task("task-marked", "t_work#0", "run", "success")
    acts.become("task-marked", "t_work#0", "finished")
    acts.release("task-marked")
    assert acts.completions("task-marked", "t_work") == [{}]


@at_once
def test_a_running_task_that_is_marked_failed_fails_the_instance_when_airflow_ends_its_run(acts):
    acts.fire("task-failed", "go", waits=True)
    acts.become("task-failed", "t_work#0", "running")
    acts.await_task(acts.run_path("task-failed", "t_work#0"), "running")
    acts.mark_task("task-failed", "t_work#0", "run", "failed")
    failed = acts.become("task-failed", "t_work#0", "failed")
    assert failed["metadata"]["exceptionType"] == "airflow_triggers.errors.TaskProcessDied"
    acts.release("task-failed")


@at_once
def test_a_failed_task_that_is_marked_success_counts_when_airflow_has_its_run_go_on(acts):
    acts.fire("goes-on", "plain", extract={"fails": 1})
    acts.become("goes-on", "t_plain#0", "failed")
    acts.mark_task("goes-on", "t_plain#0", "extract", "success")
    done = acts.become("goes-on", "t_plain#0", "finished")
    assert done["metadata"]["result"] == {"extract": None, "try": 1}


@at_once
def test_the_only_task_of_a_failed_run_that_is_marked_success_leaves_run_and_instance_failed(acts):
    acts.fire("stays-failed", "go", fails=1)
    acts.become("stays-failed", "t_work#0", "failed")
    acts.mark_task("stays-failed", "t_work#0", "run", "success")
    acts.await_later_runs("stays-failed")
    assert acts.run("stays-failed", "t_work#0")["state"] == "failed"
    assert acts.status("stays-failed", "t_work#0") == "failed"
    acts.mark("stays-failed", "t_work#0", "success")
    acts.become("stays-failed", "t_work#0", "finished")


@at_once
def test_a_failed_run_that_is_set_to_queued_ends_as_airflow_ends_it(acts):
    acts.fire("queued", "go", fails=1)
    acts.become("queued", "t_work#0", "failed")
    acts.mark("queued", "t_work#0", "queued")
    acts.await_run(acts.run_path("queued", "t_work#0"), "failed")
    acts.become("queued", "t_work#0", "failed")
    assert acts.completions("queued", "t_work") == []


@at_once
def test_marks_and_deletions_in_bulk_are_followed_one_by_one(acts):
    runs = []
    for uid in ("bulk-1", "bulk-2"):
        acts.fire(uid, "go")
        acts.become(uid, "t_work#0", "finished")
        one = acts.instance(uid, "t_work#0")
        runs.append({"dag_id": one["dag_id"], "dag_run_id": one["dag_run_id"]})
    update = {"action": "update", "entities": [{**run, "state": "failed"} for run in runs]}
    acts.call("PATCH", "/dags/~/dagRuns", json={"actions": [update]})
    for uid in ("bulk-1", "bulk-2"):
        acts.become(uid, "t_work#0", "failed")
    acts.call("PATCH", "/dags/~/dagRuns", json={"actions": [{"action": "delete", "entities": runs}]})
    acts.client.replay("bulk-1", "t_work#0")
    acts.become("bulk-1", "t_work#1", "finished")


@at_once
def test_a_run_that_times_out_fails_its_instance(acts):
    acts.fire("timed", "time", waits=True)
    failed = acts.become("timed", "t_timed#0", "failed")
    assert "timed out" in failed["metadata"]["exceptionMessage"]
    acts.release("timed")


@at_once
def test_a_task_that_skips_itself_skips_the_instance_also_when_its_run_is_cleared(acts):
    acts.fire("self-skipped", "skip")
    acts.become("self-skipped", "t_skips#0", "skipped")
    acts.clear("self-skipped", "t_skips#0")
    acts.wait(
        "it is reopened",
        lambda: "scheduled" in acts.instance("self-skipped", "t_skips#0")["metadata"]["timestamps"],
    )
    acts.become("self-skipped", "t_skips#0", "skipped")
    assert acts.completions("self-skipped", "t_skips") == []


# -- deleting -------------------------------------------------------------------------------------------------


@at_once
def test_a_failed_instance_whose_run_is_deleted_stays_failed_and_can_be_repaired(acts):
    for uid, repair in (("gone-replayed", acts.client.replay), ("gone-skipped", None)):
        acts.fire(uid, "go", fails=1)
        acts.become(uid, "t_work#0", "failed")
        acts.delete(uid, "t_work#0")
        if repair:
            repair(uid, "t_work#0", {"go": {}})
            acts.become(uid, "t_work#1", "finished")
        else:
            acts.client.skip(uid, "t_work#0", cascade=True, result={"n": 1})
            assert acts.completions(uid, "t_work") == [{"n": 1}]


@at_once
def test_a_finished_instance_whose_run_is_deleted_stays_finished(acts):
    acts.fire("gone-finished", "go")
    acts.become("gone-finished", "t_work#0", "finished")
    run = acts.run_path("gone-finished", "t_work#0")
    acts.await_run(run, "success")  # later than the instance; Airflow deletes no run that is running
    acts.delete("gone-finished", "t_work#0")
    acts.call("POST", f"{run}/clear", json={"dry_run": False}, status=404)
    for repair in ("replay", "skip"):
        path = f"{API}/sessions/gone-finished/instances/t_work%230/{repair}"
        assert acts.client.request("POST", path, json={}).status_code == 409
    acts.await_later_runs("gone-finished")
    assert acts.status("gone-finished", "t_work#0") == "finished"
    assert acts.completions("gone-finished", "t_work") == [{"try": 1}]
