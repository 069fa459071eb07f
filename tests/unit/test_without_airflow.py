"""An application that uses the framework alone: a manager of its own, sessions in its memory, threads; no database."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.support.environment import ROOT

DEADLINE = 100

TASKS = """
def half(context):
    return {"half": int(context.trigger_kwargs["ordered"]["items"]) / 2}


def echo(context):
    return dict(context.trigger_kwargs)
"""

APPLICATION = """
import json

from airflow_triggers import CacheStorageBackend, TriggerManager
from airflow_triggers.runners import ThreadingTaskRunner


class CustomManager(TriggerManager):
    name = "custom_manager"
    default_task_runner_name = "threading"
    trace = []

    def _post_fire(self, trigger_name, tasks_scheduled):
        self.trace.append([trigger_name, [one.name for one in tasks_scheduled]])

    def _post_replay(self, task_instance):
        parent_instance = self.storage[task_instance.metadata["parent"]]
        self.trace.append([task_instance.name, parent_instance.status.value])


session_uid = "order-4711"
trigger_manager = CustomManager(CacheStorageBackend(session_uid))
trigger_manager.update_configuration({
    "t_half": {"after": ["ordered"], "run": "shop_tasks_of_a_test.half"},
    "t_echo": {"after": ["t_half"], "run": "shop_tasks_of_a_test.echo"},
})
trigger_manager.fire("ordered", {"items": "many"})
ThreadingTaskRunner.join_all()
trigger_manager.replay_failed_instance("t_half#0", {"ordered": {"items": 8}})
ThreadingTaskRunner.join_all()
elsewhere = CacheStorageBackend(session_uid)
print(json.dumps({
    "statuses": {one.name: one.status for one in elsewhere},
    "result": elsewhere["t_echo#0"].metadata["result"],
    "manager": elsewhere.manager_name,
    "trace": CustomManager.trace,
}))
"""


def test_a_manager_over_a_cache_alone_needs_no_database(tmp_path):
    (tmp_path / "shop_tasks_of_a_test.py").write_text(TASKS)
    (tmp_path / "home").mkdir()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    finished = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", APPLICATION],
        cwd=tmp_path,
        env={
            **inherited,
            "AIRFLOW_HOME": str(tmp_path / "home"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://nobody:nothing@127.0.0.1:1/nowhere",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)]),
        },
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    told = json.loads(finished.stdout.splitlines()[-1])
    assert told["statuses"] == {"t_half#0": "replayed", "t_half#1": "finished", "t_echo#0": "finished"}
    assert told["result"] == {"t_half": {"half": 4.0}}
    assert told["manager"] == "custom_manager"
    assert sorted(told["trace"]) == [  # a thread may end before the hook of what started it
        ["ordered", ["t_half#0"]],
        ["t_echo", []],
        ["t_half", ["t_echo#0"]],
        ["t_half#1", "replayed"],
    ]
