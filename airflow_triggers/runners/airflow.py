"""AirflowTaskRunner: an instance is one DAG run, created in the transaction that saves the session.

Neighbours: ``gateway.py`` does what touches Airflow; ``configuration/names.py`` knows which DAG a task runs; the
controller follows the runs that are bound here (table ``triggers_run``).
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from sqlalchemy import insert, select, update

from airflow_triggers import gateway
from airflow_triggers.configuration.names import dag_id_of
from airflow_triggers.errors import ConfigurationError, RunnerError
from airflow_triggers.gateway import NewRun
from airflow_triggers.runners.base import BaseTaskRunner, Start
from airflow_triggers.storages import tables
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.types import Configuration, Kwargs, SeenRun, TaskInstance

MAX_RUN_ID_LENGTH = 240
"""Airflow allows 250, but a log folder is named ``run_id=…`` and file systems allow 255 bytes."""


def run_id_of(session_uid: str, instance: TaskInstance) -> str:
    """The run id of an instance: injective, and within Airflow's default ``[scheduler] allowed_run_id_pattern``.

    Readable (``triggers__order-4711~t_import~0``) where the UID and the task's name allow; otherwise both become
    what is readable of them and a hash. A readable UID never begins with ``~``, so the two forms never meet.
    """
    plain = f"triggers__{session_uid}~{instance.task.name}~{instance.number}"
    readable = re.fullmatch(r"[A-Za-z0-9_.:+~-]+", plain) and "~" not in session_uid + instance.task.name
    if readable and ".." not in plain and len(plain) <= MAX_RUN_ID_LENGTH:
        return plain
    digest = hashlib.sha256(f"{session_uid}\0{instance.task.name}".encode()).hexdigest()[:40]
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", f"{session_uid[:60]}-{instance.task.name[:60]}").strip("-")
    return f"triggers__~{slug}~{digest}~{instance.number}"


class AirflowTaskRunner(BaseTaskRunner):
    """Runs instances as DAG runs of this Airflow; needs a session kept by :class:`SqlStorageBackend`."""

    name = "airflow"

    def run(self, start: Start) -> None:
        """See :meth:`BaseTaskRunner.run`.

        :raises DagUnavailable: when the DAG is missing, stale, broken or refuses the run.
        """
        storage, instance = self._sql(start.storage), start.instance
        new = NewRun(
            dag_id=dag_id_of(start.configuration, instance.task),
            run_id=run_id_of(storage.uid, instance),
            conf=self._conf(start),
            session_uid=storage.uid,
            note=self._note(start),
            run_after=start.run_after,
            user_name=start.by,
        )
        seen = gateway.create_run(storage.transaction, new)
        storage.transaction.execute(
            insert(tables.run).values(
                dag_id=new.dag_id,
                run_id=new.run_id,
                session_id=storage.session_id,
                task_name=instance.task.name,
                number=instance.number,
                seen_state=seen.state,
                seen_clear_number=seen.clear_number,
                watched=True,
            )
        )

    def skip(
        self, storage: BaseStorageBackend, instance: TaskInstance, *, by: str | None, result: Kwargs | None
    ) -> None:
        """The failed run succeeds, its failed task instances become skipped, its note says who skipped it."""
        bound = self._bound(storage, instance)
        if bound is None:
            return
        what = "" if result is None else " A result was given instead."
        note = f"{instance.name} was skipped by {by or 'an unnamed caller'}.{what}"
        seen = gateway.skip_run(self._sql(storage).transaction, bound.dag_id, bound.run_id, note=note)
        self._seen(storage, bound, seen)

    def replayed(
        self, storage: BaseStorageBackend, failed: TaskInstance, clone: TaskInstance, *, by: str | None
    ) -> None:
        """The failed run stays as it is; its note names the successor."""
        bound = self._bound(storage, failed)
        if bound is not None:
            successor = f"{clone.name}, run {run_id_of(storage.uid, clone)}"
            note = f"{failed.name} was replayed by {by or 'an unnamed caller'} as {successor}."
            gateway.annotate_run(self._sql(storage).transaction, bound.dag_id, bound.run_id, note=note)
            self._seen(storage, bound, None)

    def validate(self, storage: BaseStorageBackend, configuration: Configuration) -> None:
        """Refuse tasks whose DAG is not deployed."""
        transaction = self._sql(storage).transaction
        runs = {task.name: dag_id_of(configuration, task) for task in configuration}
        missing = gateway.missing_dags(transaction, set(runs.values()))
        problems = []
        for task_name, dag_id in runs.items():
            if dag_id in missing:
                near = gateway.near_dag_ids(transaction, dag_id)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                problems.append(
                    f"task {task_name!r}: 'run' names the DAG {dag_id!r}, expected a deployed DAG.{hint}"
                )
        if problems:
            raise ConfigurationError(problems)

    def _conf(self, start: Start) -> dict[str, Any]:
        instance = start.instance
        identity = {
            "session_uid": start.storage.uid,
            "instance_name": instance.name,
            "task_name": instance.task.name,
            "number": instance.number,
            "configuration": start.configuration.name,
        }
        return {"trigger_kwargs": dict(start.kwargs), "triggers": identity}

    def _note(self, start: Start) -> str:
        configuration = f" ({start.configuration.name})" if start.configuration.name else ""
        parent = start.instance.metadata.get("parent")
        replay = f" It replays {parent}." if parent else ""
        return f"{start.instance.name} of session {start.storage.uid}{configuration}.{replay}"

    def _sql(self, storage: BaseStorageBackend) -> SqlStorageBackend:
        if not isinstance(storage, SqlStorageBackend):
            raise RunnerError(
                f"The Airflow runner creates DAG runs in the session's own transaction, and the storage "
                f"{storage.name!r} "
                "has none in Airflow's database. Use SqlStorageBackend, or another runner."
            )
        return storage

    def _bound(self, storage: BaseStorageBackend, instance: TaskInstance) -> Any:
        sql, bound = self._sql(storage), tables.run.c
        query = select(tables.run).where(
            bound.session_id == sql.session_id,
            bound.task_name == instance.task.name,
            bound.number == instance.number,
        )
        return sql.transaction.execute(query).one_or_none()

    def _seen(self, storage: BaseStorageBackend, bound: Any, seen: SeenRun | None) -> None:
        """Remember what we did to the run ourselves, and stop watching it."""
        known = seen or SeenRun(bound.seen_state, bound.seen_clear_number)
        self._sql(storage).transaction.execute(
            update(tables.run)
            .where(tables.run.c.dag_id == bound.dag_id, tables.run.c.run_id == bound.run_id)
            .values(seen_state=known.state, seen_clear_number=known.clear_number, watched=False)
        )
