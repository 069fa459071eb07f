"""The acts of people on runs through Airflow's public REST API, and the outcome of the instances; many at once.

Neighbours: ``tests/e2e/airflow_acts/`` has the rows, ``scripts/demo`` the Airflow and the client.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import quote

from scripts.demo.airflow import Airflow, wait_for
from scripts.demo.client import API, Client

CONFIGURATION = "acts"

DEADLOCKS = 5
"""So often is a request sent at most."""


def at_once(row):
    """Make a test of a function that takes :class:`Acts`: it runs beside the others, and the test checks it."""

    @wraps(row)
    def test(acts):
        acts.outcomes[row].result()

    test.row = row
    return test


def unfailed(instance):
    """Whether the instance's metadata has no exception."""
    return not any(key.startswith("exception") for key in instance["metadata"])


@dataclass
class Acts:
    """A user of Airflow.

    :param folder: a file in it, named like a session, releases this session's waiting tasks.
    :param outcomes: the outcomes of the rows.
    """

    airflow: Airflow
    client: Client
    folder: Path
    outcomes: dict[Any, Future[None]] = field(default_factory=dict)

    # -- Airflow ----------------------------------------------------------------------------------------------

    def call(self, method: str, path: str, *, status: int | None = None, **options: Any) -> Any:
        """Send a request to Airflow's API; it must succeed, or get the answer ``status``.

        If Airflow answers with a database error, the request is sent again, as people do. The cause is a deadlock:
        marking a run locks its tasks and then the run; the scheduler locks the run and then its tasks. PostgreSQL ends
        one of the two.
        """
        for _ in range(DEADLOCKS):
            answer = self.client.request(method, f"/api/v2{path}", **options)
            if not (answer.status_code == 500 and "Database error" in answer.text):
                break
        said = f"{method} {path}: {answer.status_code} {answer.text}"
        assert answer.status_code == status if status else answer.is_success, said
        return answer.json() if answer.content else None

    def command(self, *arguments: str) -> None:
        """Run ``airflow …``. :raises DemoError: when it fails."""
        self.airflow.command(*arguments, seconds=180)

    def run_path(self, uid: str, name: str) -> str:
        """The path of the instance's run."""
        one = self.instance(uid, name)
        return f"/dags/{one['dag_id']}/dagRuns/{one['dag_run_id']}"

    def run(self, uid: str, name: str) -> Any:
        return self.call("GET", self.run_path(uid, name))

    def clear(self, uid: str, name: str, **options: Any) -> None:
        self.call("POST", f"{self.run_path(uid, name)}/clear", json={"dry_run": False, **options})

    def clear_tasks(self, uid: str, name: str, *task_ids: str, **options: Any) -> None:
        one = self.instance(uid, name)
        body = {"dry_run": False, "dag_run_id": one["dag_run_id"], "task_ids": task_ids, **options}
        self.call("POST", f"/dags/{one['dag_id']}/clearTaskInstances", json=body)

    def mark(self, uid: str, name: str, state: str) -> None:
        self.call("PATCH", self.run_path(uid, name), json={"state": state})

    def mark_task(self, uid: str, name: str, task_id: str, state: str) -> None:
        path = f"{self.run_path(uid, name)}/taskInstances/{task_id}"
        self.call("PATCH", path, json={"new_state": state})

    def delete(self, uid: str, name: str) -> None:
        self.call("DELETE", self.run_path(uid, name))

    def trigger(self, dag_id: str, **body: Any) -> str:
        """Trigger the DAG by hand; returns the path of its run."""
        run = self.call("POST", f"/dags/{dag_id}/dagRuns", json={"logical_date": None, **body})
        return f"/dags/{dag_id}/dagRuns/{run['dag_run_id']}"

    def pause(self, dag_id: str, paused: bool) -> None:
        self.call("PATCH", f"/dags/{dag_id}", json={"is_paused": paused})

    def task_state(self, run_path: str, task_id: str = "run") -> str | None:
        state: str | None = self.call("GET", f"{run_path}/taskInstances/{task_id}")["state"]
        return state

    def log_of(self, run_path: str, task_id: str = "run") -> str:
        """The log of the task's first try."""
        path = f"/api/v2{run_path}/taskInstances/{task_id}/logs/1"
        return self.client.request("GET", path, headers={"Accept": "application/json"}).text

    def await_run(self, run_path: str, state: str) -> None:
        self.wait(f"{run_path} is {state}", lambda: self.call("GET", run_path)["state"] == state)

    def await_task(self, run_path: str, state: str, task_id: str = "run") -> None:
        self.wait(f"{task_id} of {run_path} is {state}", lambda: self.task_state(run_path, task_id) == state)

    # -- the session ------------------------------------------------------------------------------------------

    def fire(self, uid: str, trigger: str, **kwargs: Any) -> None:
        self.client.fire(uid, trigger, kwargs, configuration=CONFIGURATION)

    def find(self, uid: str, name: str) -> Any:
        """The instance; an empty mapping if there is none."""
        path = f"{API}/sessions/{uid}/instances/{quote(name, safe='')}"
        answer = self.client.request("GET", path)
        return answer.json() if answer.is_success else {}

    def instances(self, uid: str) -> dict[str, Any]:
        return {one["name"]: one for one in self.client.session(uid)["instances"]}

    def instance(self, uid: str, name: str) -> Any:
        return self.find(uid, name)

    def status(self, uid: str, name: str) -> str:
        status: str = self.instance(uid, name)["status"]
        return status

    def completions(self, uid: str, task_name: str) -> list[Any]:
        """The kwargs of the task's cascades, oldest first."""
        fires = self.client.session(uid)["fires"]
        return [fire["kwargs"] for fire in fires if fire["trigger"] == task_name][::-1]

    def become(self, uid: str, name: str, status: str) -> Any:
        """Wait until the instance has the status."""
        self.wait(
            f"{name} of {uid} is {status}",
            lambda: self.find(uid, name).get("status") == status,
            saying=lambda: self.instances(uid),
        )
        return self.instance(uid, name)

    def await_completions(self, uid: str, task_name: str, count: int) -> list[Any]:
        self.wait(
            f"{task_name} of {uid} completes {count} times",
            lambda: len(self.completions(uid, task_name)) == count,
            saying=lambda: self.client.session(uid),
        )
        return self.completions(uid, task_name)

    def await_later_runs(self, uid: str) -> None:
        """Wait until a new run has ended and the controller has seen it: by then it has seen all earlier acts, too."""
        self.fire(uid, "later")
        self.become(uid, "t_later#0", "finished")

    def release(self, uid: str) -> None:
        """Let the session's waiting tasks end."""
        (self.folder / uid).touch()

    def wait(self, what: str, condition: Any, *, saying: Any = None) -> None:
        try:
            wait_for(what, condition, seconds=150, alive=self.airflow.check_alive, every=0.8)
        except Exception as error:
            raise AssertionError(f"{error} {saying() if saying else ''}") from error
