"""A process of random acts on sessions; other processes act on the same sessions at the same time.

The concurrency tests run it as ``python -m tests.support.acting URL WHO COUNT UID…``. It writes a line of JSON for each
acknowledged act. If two processes try an act that only one can do (replay one failed instance), one is refused. Any
other exception ends the process.
"""

from __future__ import annotations

import json
import os
import random
import sys

TRIGGERS = ("start", "page", "page", "page", "late", "stop")

CONFIGURATION = {
    "t_once": {"after": ["page", "late"], "using": "recording"},
    "t_page": {"after": ["start"], "andEvery": "page", "using": "recording"},
    "t_each": {"after": ["late"], "andEvery": "t_page", "unless": ["stop"], "using": "recording"},
    "t_last": {"after": ["t_once", "t_page"], "andEvery": "t_each", "using": "recording"},
}
"""Each without the DAG that nobody runs."""

KEYS = 3
"""Idempotency keys that all processes share: fewer than the fires that use them, so that some are repeats."""


class Actor:
    """Acts on sessions, and writes down the acknowledged acts."""

    def __init__(self, who, managers):
        self.who, self.managers = who, managers
        self.random = random.Random(who)

    def act(self, number):
        manager = self.random.choice(self.managers)
        kinds = {"fire": 4, "end": 4, "replay": 2, "skip": 1}
        (kind,) = self.random.choices(list(kinds), kinds.values())
        if told := getattr(self, kind)(manager, number):
            line = {"uid": manager.storage.uid, "act": kind, "who": self.who, **told}
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()

    def fire(self, manager, number):
        shared = self.random.random() < 0.2
        kwargs = {"shared": number % KEYS} if shared else {"who": self.who, "n": number}
        trigger = "page" if shared else self.random.choice(TRIGGERS)
        key = f"shared-{number % KEYS}" if shared else None
        result = manager.fire(trigger, kwargs, fired_by=self.who, idempotency_key=key)
        return {"fire_id": result.fire_id, "kwargs": kwargs, "repeated": result.repeated}

    def end(self, manager, number):
        """End an instance. It looks and acts under the lock, as the controller does: each instance ends once."""
        from airflow_triggers.domain.fires import FireRequest
        from airflow_triggers.domain.report import TaskReport
        from airflow_triggers.domain.states import Event

        with manager.storage.acquire_lock():
            open_ones = [one for one in manager.storage if one.status in ("scheduled", "running")]
            if not open_ones:
                return None
            one = self.random.choice(open_ones)
            dice = self.random.random()
            if dice < 0.2 and one.status == "scheduled":
                manager.record_progress(one, Event.START)
                return {"name": one.name, "status": "running"}
            if dice < 0.6:
                report = TaskReport(exception={"exceptionType": "builtins.ValueError"})
                manager.record_progress(one, Event.FAIL, report=report)
                return {"name": one.name, "status": "failed"}
            fires = (FireRequest(trigger_name="late"),) if dice > 0.9 else ()
            result = {"by": self.who, "n": number}
            manager.record_progress(
                one,
                Event.FINISH,
                metadata={"result": result},
                cascade=True,
                cascade_kwargs=result,
                report=TaskReport(fires=fires, metadata={"fired": len(fires)}),
            )
            return {"name": one.name, "status": "finished"}

    def failed(self, manager):
        """A failed instance; another process may have repaired it meanwhile."""
        found = [one.name for one in manager.storage if one.status == "failed"]
        return self.random.choice(found) if found else None

    def replay(self, manager, number):
        from airflow_triggers.errors import InvalidTransition

        if (name := self.failed(manager)) is None:
            return None
        replacement = self.random.choice([None, {}])
        try:
            clone = manager.replay_failed_instance(name, replacement, by=self.who)
        except InvalidTransition:
            return None
        return {"name": name, "status": "replayed", "clone": clone.name}

    def skip(self, manager, number):
        from airflow_triggers.errors import InvalidTransition

        if (name := self.failed(manager)) is None:
            return None
        cascade = self.random.random() < 0.7
        try:
            manager.skip_failed_instance(name, cascade, {"n": number} if cascade else None, by=self.who)
        except InvalidTransition:
            return None
        return {"name": name, "status": "skipped"}


def main():
    url, who, count, *uids = sys.argv[1:]
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = url

    from airflow import settings

    settings.configure_orm()

    from airflow_triggers.storages.sql import SqlStorageBackend
    from airflow_triggers.testing.contract.actors import TracedManager
    from tests.support.runners import RecordingRunner, registered

    registered(RecordingRunner())
    actor = Actor(who, [TracedManager(SqlStorageBackend(uid)) for uid in uids])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for number in range(int(count)):
        actor.act(number)


if __name__ == "__main__":
    main()
