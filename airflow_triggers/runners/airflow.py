"""AirflowTaskRunner: an instance is one DAG run, created in the transaction that saves the session.

A session kept elsewhere has no such transaction. There the run is promised before the session is saved, and created
after it (``promises.py``). Neighbours: ``gateway`` does everything with Airflow; ``bindings.py`` remembers which run
executes which instance; the controller follows the runs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from airflow_triggers import gateway
from airflow_triggers.domain import jsonb
from airflow_triggers.domain.configuration import Configuration, Kwargs, TaskConfig
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.metadata import DEPTH, PARENT, RETRIES
from airflow_triggers.domain.names import RUN_ID_PREFIX, RunKind, dag_id_of, run_kind
from airflow_triggers.domain.runs import IN_FLIGHT, Binding
from airflow_triggers.domain.validation import json_text
from airflow_triggers.errors import ConfigurationError, InvalidTransition, UnknownConfiguration
from airflow_triggers.gateway import NewRun
from airflow_triggers.runners import bindings, promises
from airflow_triggers.runners.base import BaseTaskRunner, Start
from airflow_triggers.runners.deployed_runs import with_deployed_runs
from airflow_triggers.runners.notes import caller, code, replay_note, start_note
from airflow_triggers.runners.transactions import after_saving, with_session
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.task.identity import KWARGS_TEXT, TASK_TEXT

FOR_TASKS = (PARENT, DEPTH, RETRIES)
"""The keys of an instance's metadata that its task gets."""

MAX_RUN_ID_LENGTH = 240
"""Airflow allows 250. A log folder, however, is named ``run_id=…``, and file systems allow 255 bytes."""


def run_id_of(session_uid: str, instance: TaskInstance, attempt: int = 0) -> str:
    """The run id of an instance: injective, and within Airflow's default ``[scheduler] allowed_run_id_pattern``.

    :param attempt: how many runs the instance had before.

    The id is readable (``triggers__order-4711~t_import~0``) where the UID and the task's name allow. Otherwise it has a
    slug and a hash of both. A readable UID never begins with ``~``, so the two forms cannot collide.
    """
    number = f"{instance.number}~{attempt}" if attempt else str(instance.number)
    plain = f"{RUN_ID_PREFIX}{session_uid}~{instance.task.name}~{number}"
    readable = re.fullmatch(r"[A-Za-z0-9_.:+~-]+", plain) and "~" not in session_uid + instance.task.name
    if readable and ".." not in plain and len(plain) <= MAX_RUN_ID_LENGTH:
        return plain
    digest = hashlib.sha256(f"{session_uid}\0{instance.task.name}".encode()).hexdigest()[:40]
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", f"{session_uid[:60]}-{instance.task.name[:60]}").strip("-")
    return f"{RUN_ID_PREFIX}~{slug}~{digest}~{number}"


def _survives(task: TaskConfig) -> bool:
    """Whether ``jsonb`` keeps the directives' values. The order of the framework's own directives does not matter."""
    return all(map(jsonb.survives, (task.run, task.with_params, task.airflow, task.extra)))


def _compiled_from(configuration: Configuration, task: TaskConfig) -> dict[str, str | None]:
    """What the run's DAG is compiled from, as arguments of a :class:`NewRun`."""
    if run_kind(task.run) is RunKind.DAG:
        return {}
    return {"configuration": configuration.name, "task_name": task.name}


class AirflowTaskRunner(BaseTaskRunner):
    """Runs instances as DAG runs of this Airflow."""

    name = "airflow"

    def run(self, start: Start) -> None:
        """See :meth:`BaseTaskRunner.run`.

        :raises DagUnavailable: when the DAG is missing, stale, broken or refuses the run.
        """
        storage = start.storage
        if storage.in_airflow_database:
            session, session_id = storage.airflow_transaction, storage.session_key
            new, attempt = self._new_run(session, session_id, start)
            seen_run = gateway.create_run(session, new)
            binding = bindings.binding_of(new, session_id, start.instance, attempt=attempt, seen_run=seen_run)
            bindings.bind(session, binding)
        else:
            promises.promise(start, self._new_run)

    def is_undone_with(self, storage: BaseStorageBackend) -> bool:
        """See :meth:`BaseTaskRunner.is_undone_with`. Subclasses, of the storage too, may do more than is undone."""
        return type(self) is AirflowTaskRunner and type(storage) is SqlStorageBackend

    def _new_run(self, session: Session, session_id: int, start: Start) -> tuple[NewRun, int]:
        """The run of the instance, and how many runs it had before; those no longer count for it.

        The runs of a deleted session of the same UID count as earlier runs.
        """
        instance, uid = start.instance, start.storage.uid
        attempt = bindings.unbind(session, session_id, instance) if start.again else 0
        dag_id = dag_id_of(start.configuration, instance.task)
        while start.run_id_taken and gateway.has_run(session, dag_id, run_id_of(uid, instance, attempt)):
            attempt += 1
        run_id = run_id_of(uid, instance, attempt)
        new = NewRun(
            dag_id=dag_id,
            run_id=run_id,
            conf=self._conf(start, run_id),
            session_uid=uid,
            note=start_note(instance, session_uid=uid, configuration=start.configuration.name),
            run_after=start.run_after,
            user_name=start.by,
            **_compiled_from(start.configuration, instance.task),
        )
        return new, attempt

    def confirm_failed(self, storage: BaseStorageBackend, failed: TaskInstance, event: str) -> None:
        """Lock the failed run. Refuse if somebody had Airflow run it again, or marked it otherwise, meanwhile."""
        with with_session(storage) as session:
            binding = bindings.find(session, storage, failed)
            now = gateway.hold_run(session, binding.dag_id, binding.run_id) if binding else None
        if binding is None or now is None or now.state == "failed":
            return
        seen_run = bindings.seen_of(failed, binding)
        was_cleared = now.clear_number != seen_run.clear_number
        was_marked = now.state != seen_run.state and seen_run.state not in IN_FLIGHT
        if was_cleared or was_marked:
            status = f"{now.state} in Airflow meanwhile (DAG run {binding.run_id!r} of {binding.dag_id!r})"
            raise InvalidTransition(event, failed.name, status, (InstanceStatus.FAILED.value,))

    def overruled(self, storage: BaseStorageBackend, instance: TaskInstance, *, by: str | None) -> None:
        """The run goes on, but its result until now is not reported any more. Its note says who did it."""
        note = f"The status of {code(instance.name)} was set to {instance.status.value} by {caller(by)}."
        open_again = instance.status in (InstanceStatus.SCHEDULED, InstanceStatus.RUNNING)

        def overrule(session: Session, binding: Binding) -> None:
            now = gateway.hold_run(session, binding.dag_id, binding.run_id, is_compiled=binding.is_compiled)
            gateway.annotate_run(session, binding.dag_id, binding.run_id, note=note)
            over = now is not None and now.state == "success" and not now.early
            bindings.note_seen(session, binding, now, is_watched=open_again and not over)

        self._mark(storage, instance, overrule)

    def skip(
        self, storage: BaseStorageBackend, instance: TaskInstance, *, by: str | None, result: Kwargs | None
    ) -> None:
        """The failed run succeeds, its failed task instances become skipped, its note says who skipped it.

        A run at work, because somebody set its instance to failed by hand, gets only the note.
        """
        result_note = "" if result is None else " A result was given instead."
        note = f"{code(instance.name)} was skipped by {caller(by)}.{result_note}"

        def waive(session: Session, binding: Binding) -> None:
            now = gateway.hold_run(session, binding.dag_id, binding.run_id)
            if now is not None and now.state in IN_FLIGHT:
                gateway.annotate_run(session, binding.dag_id, binding.run_id, note=note)
            else:
                now = gateway.skip_run(session, binding.dag_id, binding.run_id, note=note)
            bindings.note_seen(session, binding, now)

        self._mark(storage, instance, waive)

    def replayed(
        self, storage: BaseStorageBackend, failed: TaskInstance, clone: TaskInstance, *, by: str | None
    ) -> None:
        """The failed run stays as it is; its note names the successor."""
        note = replay_note(
            failed, clone, session_uid=storage.uid, run_id=run_id_of(storage.uid, clone), by=by
        )

        def annotate(session: Session) -> None:
            run = bindings.stop_watching(session, storage, failed)
            if run is not None:
                gateway.annotate_run(session, *run, note=note)

        after_saving(storage, annotate)

    def _mark(
        self, storage: BaseStorageBackend, instance: TaskInstance, work: Callable[[Session, Binding], None]
    ) -> None:
        """Work on the instance's run, if it has one: in the saving transaction, or right after saving elsewhere."""

        def find_and_work(session: Session) -> None:
            binding = bindings.find(session, storage, instance)
            if binding is not None:
                work(session, binding)

        after_saving(storage, find_and_work)

    def resolved(self, storage: BaseStorageBackend, configuration: Configuration) -> Configuration:
        """Accept what a file accepts: a callable, or an operator, of the same task of the deployed configuration."""
        if configuration.name is None:
            return configuration
        with with_session(storage) as session:
            try:
                deployed_configuration = gateway.deployed_configuration(session, configuration.name)
            except UnknownConfiguration:
                return configuration
        return with_deployed_runs(configuration, deployed_configuration)

    def validate(self, storage: BaseStorageBackend, configuration: Configuration) -> None:
        """Refuse a storage invisible to Airflow's other processes, and tasks without a deployed DAG."""
        if not storage.shared:
            task_names = ", ".join(map(repr, configuration.tasks))
            raise ConfigurationError(
                f"the tasks {task_names} run as DAG runs, which other processes start and follow, and the session is "
                f"kept where they cannot see it ({storage.unshared_because}). Use SqlStorageBackend, set [triggers] "
                "cache_url to a Redis for CacheStorageBackend, or name another runner by 'using'."
            )
        runs = {task.name: dag_id_of(configuration, task) for task in configuration}
        problems = []
        with with_session(storage) as session:
            missing = gateway.missing_dags(session, set(runs.values()))
            for task_name, dag_id in runs.items():
                if dag_id in missing:
                    near = gateway.near_dag_ids(session, dag_id)
                    hint = f" Did you mean {near[0]!r}?" if near else ""
                    problems.append(
                        f"task {task_name!r}: 'run' names the DAG {dag_id!r}, expected a deployed DAG.{hint}"
                    )
        if problems:
            raise ConfigurationError(problems)

    def _conf(self, start: Start, run_id: str) -> dict[str, Any]:
        """The content of ``dag_run.conf``, for tasks. ``run_id`` tells the run from another one with the same conf."""
        instance, uid = start.instance, start.storage.uid
        identity = {
            "session_uid": uid,
            "run_id": run_id,
            "instance_name": instance.name,
            "task_name": instance.task.name,
            "number": instance.number,
            "configuration": start.configuration.name,
            "manager": start.storage.manager_name,
            "task": instance.task.to_directives(),
            "metadata": {key: instance.metadata[key] for key in FOR_TASKS if key in instance.metadata},
        }
        if not jsonb.survives(start.kwargs):
            identity[KWARGS_TEXT] = json_text(dict(start.kwargs))
        if not _survives(instance.task):
            identity[TASK_TEXT] = json_text(identity["task"])
        return {"session_uid": uid, "trigger_kwargs": dict(start.kwargs), "triggers": identity}
