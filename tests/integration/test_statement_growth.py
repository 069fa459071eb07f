"""What happens to a session costs as many statements in a large session as in a small one.

Neighbours: ``test_statement_counts.py`` says how many, ``test_flat_costs.py`` what they cost.
"""

from __future__ import annotations

from airflow_triggers.domain.states import Event
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.storages.sql import SqlStorageBackend
from tests.support.runners import RecordingRunner, registered
from tests.support.statements import statements_of

MOST_OF_A_FIRE_THAT_ONLY_RECORDS = 7

ACTS = {
    "a fire that starts an instance": lambda manager: manager.fire("page"),
    "a fire that only records": lambda manager: manager.fire("login"),
    "a replay": lambda manager: manager.replay_failed_instance("t_page#0"),
    "a skip that cascades": lambda manager: manager.skip_failed_instance("t_page#1", cascade=True),
    "a completion that cascades": lambda manager: manager.record_progress(
        "t_page#2", Event.FINISH, cascade=True
    ),
}


def session_with_scheduled(uid, instances):
    """A session whose task has that many scheduled instances, of which the first two failed, and as many waiting."""
    registered(RecordingRunner())
    manager = TriggerManager(SqlStorageBackend(uid))
    runs = {"run": "dag", "using": "recording"}
    manager.update_configuration(
        {
            "t_page": {"after": ["login"], "andEvery": "page", **runs},
            "t_wait": {"after": ["never"], "andEvery": "page", **runs},
        }
    )
    with manager.storage.acquire_lock():
        manager.fire("login")
        for _ in range(instances):
            manager.fire("page")
    for number in (0, 1):
        manager.record_progress(f"t_page#{number}", Event.FAIL)
    return manager


def test_a_large_session_takes_as_many_statements_as_a_small_one(airflow_db):
    small, large = session_with_scheduled("small", 5), session_with_scheduled("large", 150)
    small.fire("warm-up")
    counts = {name: statements_of(lambda act=act: act(small)) for name, act in ACTS.items()}
    assert {name: statements_of(lambda act=act: act(large)) for name, act in ACTS.items()} == counts
    assert counts["a fire that only records"] <= MOST_OF_A_FIRE_THAT_ONLY_RECORDS
