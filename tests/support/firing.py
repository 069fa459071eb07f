"""A process that fires: run as ``python -m tests.support.firing URL UID WHO COUNT`` by the concurrency tests."""

from __future__ import annotations

import os
import sys


def main():
    url, uid, who, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = url

    from airflow import settings

    settings.configure_orm()

    from airflow_triggers.manager import TriggerManager
    from airflow_triggers.storages.sql import SqlStorageBackend
    from tests.support.runners import RecordingRunner, registered

    registered(RecordingRunner())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    manager = TriggerManager(SqlStorageBackend(uid))
    for number in range(count):
        manager.fire(
            "page",
            {"who": who, "n": number},
            fired_by=who,
            idempotency_key=f"shared-{number}" if who.startswith("same") else None,
        )


if __name__ == "__main__":
    main()
