"""Many processes fire into the same and different sessions, end what runs, replay and skip, all at once.

What is kept of it, the fires by their ids and the rest by its moments, must be a history that some serial order
explains: played to the model in that order, it has to give the very sessions that are kept.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest
from sqlalchemy import select

from airflow_triggers.domain.events import EventKind
from airflow_triggers.storages import tables
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.storages.transaction import transaction
from airflow_triggers.testing.contract.actors import TracedManager
from tests.support.acting import CONFIGURATION
from tests.support.agreement import assert_agree, assert_same_history
from tests.support.hooks import promised_hooks
from tests.support.model import Model
from tests.support.runners import RecordingRunner, registered

PROCESSES, ACTS = 4, 60
SHARED = ["shared-1", "shared-2"]
DEADLINE = 100

TASKS = {name: {"run": "dag", **directives} for name, directives in CONFIGURATION.items()}


def sessions_of(who):
    """Two that all have, one of which is met twice as often, and one of one's own."""
    return ["shared-1", *SHARED, f"own-{who}"]


def act_in_processes(url, *names):
    """What the processes acknowledged. All are ready before the first one acts; fails with the errors of any."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.acting", url, name, str(ACTS), *sessions_of(name)],
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
    acknowledged = []
    for process in processes:
        told, errors = process.communicate(timeout=DEADLINE)
        assert process.returncode == 0, errors
        acknowledged += [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    return acknowledged


def history_of(storage):
    """(moment, place among equals, kind, entry) of all that is kept of the session, in order."""
    ours = select(tables.event).join(tables.session).where(tables.session.c.uid == storage.uid)
    with transaction() as session:
        events = session.execute(ours).all()
    entries = [(fire.fired_at, 2, "fire", fire) for fire in storage.fires()]
    for row in events:
        ends = row.kind == EventKind.PROGRESS
        kind, entry = (row.details["event"], storage[row.instance]) if ends else (row.kind, row)
        entries.append((row.at, 0 if ends else 1, kind, entry))
    return sorted(entries, key=lambda entry: entry[:2])


def played(storage):
    """The model, after the session's history. What an instance fired is part of its end, or of its skip."""
    model, instances = Model(), storage.instances
    for _, _, kind, entry in history_of(storage):
        if kind != "fire" or entry.fired_by not in instances:
            PLAY[kind](model, entry)
    return model


def finish(model, one):
    fires = [("late", {}, None)] * one.metadata["fired"]
    model.finish(one.name, one.metadata["result"], fires, fired=len(fires))


PLAY = {
    "configure": lambda model, _: model.configure(TASKS),
    "fire": lambda model, it: model.fire(it.trigger_name, it.kwargs, it.idempotency_key, by=it.fired_by),
    "start": lambda model, one: model.begin(one.name),
    "fail": lambda model, one: model.fail(one.name, "builtins.ValueError"),
    "finish": finish,
    "replay": lambda model, it: model.replay(it.instance, {} if it.details["kwargs_replaced"] else None),
    "skip": lambda model, it: model.skip(it.instance, it.details["cascade"], it.details["result"]),
}


def assert_kept(acknowledged, storage):
    """Everything that was acknowledged is there, once."""
    instances, fires = storage.instances, {fire.fire_id: fire for fire in storage.fires()}
    mine = [line for line in acknowledged if line["uid"] == storage.uid]
    fired = [line for line in mine if line["act"] == "fire"]
    assert all(fires[line["fire_id"]].kwargs == line["kwargs"] for line in fired)
    first = [line["fire_id"] for line in fired if not line["repeated"]]
    by_hand = [fire.fire_id for fire in fires.values() if fire.fired_by not in instances]
    assert sorted(first) == sorted(by_hand)
    repaired = Counter(line["name"] for line in mine if line["act"] in ("replay", "skip"))
    assert set(repaired.values()) <= {1}, "two cannot repair one instance"
    for line in mine:
        if line["act"] == "replay":
            assert instances[line["clone"]].metadata["parent"] == line["name"]
        if "name" in line:
            assert line["status"] in instances[line["name"]].metadata["timestamps"]


@pytest.mark.timeout(300)
def test_what_many_processes_do_at_once_is_a_history_that_a_serial_order_explains(airflow_db):
    registered(RecordingRunner())
    names = [f"p{number}" for number in range(PROCESSES)]
    uids = [*SHARED, *(f"own-{name}" for name in names)]
    for uid in uids:
        TracedManager(SqlStorageBackend(uid)).update_configuration(TASKS)

    acknowledged = act_in_processes(airflow_db.url, *names)

    assert {line["act"] for line in acknowledged} == {"fire", "end", "replay", "skip"}
    assert any(line.get("repeated") for line in acknowledged)
    for uid in uids:
        storage = SqlStorageBackend(uid)
        model = played(storage)
        assert_same_history(storage, model)
        assert_agree(storage, model)
        assert_kept(acknowledged, storage)
        assert promised_hooks(storage) == []
