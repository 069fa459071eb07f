"""Many processes fire into one session: the effect is that of one fire after the other."""

from __future__ import annotations

import subprocess
import sys

import pytest

from airflow_triggers.manager import TriggerManager
from airflow_triggers.storages.sql import SqlStorageBackend
from tests.support.runners import RecordingRunner, registered

PROCESSES, FIRES = 4, 15


@pytest.fixture
def manager(airflow_db):
    registered(RecordingRunner())
    manager = TriggerManager(SqlStorageBackend("shared"))
    manager.update_configuration(
        {
            "t_page": {"after": ["start"], "andEvery": "page", "run": "dag", "using": "recording"},
            "t_once": {"after": ["page"], "run": "dag", "using": "recording"},
        }
    )
    return manager


def fire_from_processes(url, *names):
    """All processes are ready before the first one fires; fails with the errors of those that fail."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.firing", url, "shared", name, str(FIRES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for process in processes:
        while process.stdout.readline().strip() not in ("ready", ""):
            pass
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=100)
        assert process.returncode == 0, errors


def test_no_fire_is_lost_and_none_counted_twice(airflow_db, manager):
    names = [f"p{number}" for number in range(PROCESSES)]
    fire_from_processes(airflow_db.url, *names)
    fires = manager.storage.fires()
    assert sorted((fire.fired_by, fire.kwargs["n"]) for fire in fires) == sorted(
        (name, number) for name in names for number in range(FIRES)
    )
    pages = manager.storage.instances_of_task("t_page")
    assert [one.number for one in pages] == list(range(PROCESSES * FIRES))
    assert {one.status.value for one in pages} == {"unstarted"}
    assert len(manager.storage.instances_of_task("t_once")) == 1
    created = [name for fire in fires for name in fire.created]
    assert sorted(created) == sorted(one.name for one in manager.storage)
    assert len(manager.fire("start").scheduled) == PROCESSES * FIRES


def test_a_shared_idempotency_key_counts_once_for_all_processes(airflow_db, manager):
    manager.fire("start")

    fire_from_processes(airflow_db.url, "same", "same")

    assert len(manager.storage.fires()) == FIRES + 1
    assert len(manager.storage.instances_of_task("t_page")) == FIRES
