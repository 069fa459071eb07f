"""SqlStorageBackend: a session in Airflow's metadata database.

Neighbours: ``tables.py`` (the tables), ``rows.py`` (values ↔ rows), ``transaction.py`` (the transaction).
The runner puts its DAG runs into the same transaction, through :attr:`SqlStorageBackend.airflow_transaction`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import CursorResult, Executable, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from airflow_triggers.domain import states
from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.domain.fires import DelayedFire, Fire
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.metadata import UNREADABLE
from airflow_triggers.domain.validation import validate_metadata
from airflow_triggers.errors import (
    IdempotencyConflict,
    LockTimeout,
    SessionNotFound,
    StaleWrite,
)
from airflow_triggers.storages import hooks, rows, statements, tables
from airflow_triggers.storages.anchors import kept_elsewhere
from airflow_triggers.storages.counts import CountChanges, columns_of, counts_of
from airflow_triggers.storages.database_errors import translated_errors
from airflow_triggers.storages.events import add_event
from airflow_triggers.storages.hooks import HOOK_GRACE
from airflow_triggers.storages.lock import Followers
from airflow_triggers.storages.lock_waits import first_statement
from airflow_triggers.storages.prepared import PreparedStatement
from airflow_triggers.storages.reading import SqlReader
from airflow_triggers.storages.transaction import (
    Answer,
    Transaction,
    dialect_name,
    driver_transaction,
    is_sqlite,
    savepoint,
)

AnyFire = TypeVar("AnyFire", Fire, DelayedFire)

MOST_TASKS = 100
"""The most tasks read by one statement. SQLite takes at most 500 parts of a union, and each task has two."""

MOST_NUMBERS = 10_000
"""The most instances read by one statement. SQLite takes at most 32,766 parameters."""


class SqlStorageBackend(SqlReader):
    """Keeps the session ``uid`` in Airflow's metadata database (SQLite or PostgreSQL).

    >>> from airflow_triggers import SqlStorageBackend, TriggerManager
    >>> manager = TriggerManager(SqlStorageBackend("order-4711"))  # doctest: +SKIP

    A fire reads the instances that still lack the trigger and writes what changes; it never loads the session.

    Under the lock, each of our statements goes one of two ways, both on the transaction's connection:

    - :meth:`_send`: a :class:`PreparedStatement`, with a text made once. Every fire sends these.
    - :meth:`_execute`: any other statement, by SQLAlchemy Core. The ones that a fire may send are built once as well
      (``statements.py``). The others are built at their place of sending, readable as SQL.

    :attr:`airflow_transaction`, SQLAlchemy's ORM, is for Airflow's models. Code that adds or marks a DAG run works
    in it. Savepoints begin there, so its pending changes are sent before. A fire that only records never makes it.
    """

    name = "sql"
    shared = True
    in_airflow_database = True

    # -- the lock ---------------------------------------------------------------------------------------------

    @contextmanager
    def _hold(self, *, create: bool, manager: str, wait: bool) -> Iterator[None]:
        """A transaction whose first statement is an UPDATE of the session's row."""
        with driver_transaction() as open_transaction:
            if not wait:
                self._refuse_if_locked(open_transaction)
            with self._working(
                open_transaction, self._locked_row(open_transaction, create=create, manager=manager)
            ):
                yield

    @contextmanager
    def joined(self, open_transaction: Transaction, row: Row[Any], followers: Followers) -> Iterator[None]:
        """See :meth:`BaseStorageBackend.joined`."""
        with self._working(open_transaction, row), self._holding(followers):
            yield

    @contextmanager
    def _working(self, open_transaction: Transaction, row: Row[Any]) -> Iterator[None]:
        work = self._work
        work.session_id, work.manager = row.id, row.manager
        configuration = rows.known_configuration(row.configuration_hash)
        work.configuration = configuration or rows.read_configuration(
            open_transaction.reader, row.configuration_hash
        )
        work.forget_instances()
        work.writes = 0
        work.fire_ids.clear()
        work.unused_keys.clear()
        work.count_changes = CountChanges(row.counts_text)
        work.open_transaction = open_transaction
        try:
            yield
            self._save_counts()
        finally:
            work.open_transaction = None

    @contextmanager
    def _nesting(self) -> Iterator[None]:
        """A savepoint of the database. The configuration in memory goes back with it."""
        before, count_changes = self._work.configuration, self._work.count_changes.copy()
        try:
            with savepoint(self.airflow_transaction):
                yield
        except BaseException:
            self._work.configuration, self._work.count_changes = before, count_changes
            self._work.fire_ids.clear()
            self._work.unused_keys.clear()
            self._work.forget_instances()
            self._open_transaction().forget_pending()
            raise

    @contextmanager
    def _undivided_part(self) -> Iterator[None]:
        """See :meth:`LockedSession._undivided_part`. Pending changes are sent here: a fault of theirs is the part's."""
        with translated_errors():
            yield
            self.save()

    def _save_counts(self) -> None:
        """Write the counts of instances, if they have changed: the transaction's last statement."""
        changes = self._work.count_changes
        if not changes:
            return
        parameters = {"of_session": self.session_key}
        counts = changes.result()
        if counts is None:
            counts = counts_of(self._execute(statements.COUNT_INSTANCES, parameters))
        self._send(statements.SAVE_COUNTS, parameters | columns_of(counts))

    def _refuse_if_locked(self, open_transaction: Transaction) -> None:
        """Refuse a locked session. SQLite cannot tell: there, the wait is for any writer, and short."""
        if is_sqlite():
            return
        columns = tables.session.c
        free = select(columns.id).where(columns.uid == self.uid).with_for_update(skip_locked=True)
        if open_transaction.connection.execute(free).one_or_none() is None:
            raise LockTimeout(f"Session {self.uid!r} is being written by another process.")

    def _locked_row(self, open_transaction: Transaction, *, create: bool, manager: str) -> Any:
        now, lock = self.now(), statements.lock_session(dialect_name())
        parameters = {"of_uid": self.uid, "moment": now}
        row = first_statement(open_transaction, lambda: open_transaction.send(lock, parameters).row)
        if row is not None:
            open_transaction.note_locks()
        elif create:
            values = {"uid": self.uid, "storage": self.name, "manager": manager, "metadata": {}, "version": 0}
            moments = {"created": now, "last_modified": now}
            open_transaction.connection.execute(rows.insert_or_ignore(tables.session, values | moments))
            row = open_transaction.send(lock, parameters).row
        if row is None:
            raise SessionNotFound(self.uid)
        if row.storage != self.name:
            raise kept_elsewhere(self.uid, row.storage, claimant=self.name)
        return row

    @property
    def airflow_transaction(self) -> Session:
        """See :attr:`BaseStorageBackend.airflow_transaction`. It is for Airflow's models; see the class."""
        return self._open_transaction().session

    def _open_transaction(self) -> Transaction:
        if self._work.open_transaction is None:
            raise self._no_lock_error()
        return self._work.open_transaction

    @property
    def manager_name(self) -> str | None:
        """See :meth:`BaseStorageBackend.manager_name`. Under the lock it is in memory."""
        return self._work.manager if self._work.open_transaction is not None else super().manager_name

    @property
    def session_version(self) -> str:
        """See :meth:`BaseStorageBackend.session_version`. Taking the lock adds one, so its holder subtracts it."""
        columns, work = tables.session.c, self._work
        with self._reading() as (session, session_id, _):
            query = select(columns.created, columns.version).where(columns.id == session_id)
            row = session.execute(query).one_or_none()
        count = 0 if row is None else row.version - (work.open_transaction is not None)
        # Only a missing session, or one that this lock makes, has no version yet.
        start = f"{row.created.isoformat()} {count}" if row is not None and count else "new"
        writes = work.writes if work.open_transaction is not None else 0
        return f"{start} and {writes} writes" if writes else start

    @property
    def session_key(self) -> int:
        """See :attr:`BaseStorageBackend.session_key`."""
        return self._work.session_id

    def save(self) -> None:
        """See :meth:`BaseStorageBackend.save`: what is pending are changes of Airflow's models, and a batch's fires."""
        self._open_transaction().flush()

    # -- writing, inside the lock -----------------------------------------------------------------------------

    def set_configuration(self, configuration: Configuration) -> None:
        """See :meth:`BaseStorageBackend.set_configuration`."""
        before = self._work.configuration
        content_hash = rows.keep_configuration(self._open_transaction().connection, configuration)
        self._update_session(configuration_hash=content_hash)
        if configuration.name != before.name and self._work.count_changes.may_have_instances:
            of_session = tables.instance.c.session_id == self.session_key
            self._execute(update(tables.instance).where(of_session).values(configuration=configuration.name))
        replaced_names = [task.name for task in configuration if (before.task_of(task.name) or task) != task]
        waiting = [
            instance
            for name in replaced_names
            for instance in self.instances_of_task(name)
            if UNREADABLE not in instance.metadata and states.waits_of(instance)
        ]
        self._work.configuration = configuration
        self._work.forget_instances()
        for instance in waiting:
            self._rewrite_waits(instance, replace(instance, task=configuration[instance.task.name]))

    def delete(self) -> None:
        """See :meth:`BaseStorageBackend.delete`. The foreign keys delete the rows of the other tables."""
        self._execute(delete(tables.session).where(tables.session.c.id == self.session_key))

    def set_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Replace the session's metadata."""
        self._update_session(metadata=validate_metadata(metadata))

    def _update_session(self, **values: Any) -> None:
        self._execute(update(tables.session).where(tables.session.c.id == self.session_key).values(**values))

    def fire_view(self, trigger_name: str) -> states.FireView:
        """See :meth:`BaseStorageBackend.fire_view`. One index look-up each: waiting instances, counts, latest kwargs.

        Waiting instances are read again only after an instance was written: many fires under one lock change none.
        """
        tasks = self._work.configuration.concerned_by(trigger_name)
        if not tasks:
            return states.FireView(tasks=())
        if trigger_name not in self._work.views:
            names = [task.name for task in tasks]
            self._work.views[trigger_name] = self._counts_and_waiting(names, trigger_name)
        counts, waiting = self._work.views[trigger_name]
        fresh_tasks = [
            task
            for task in tasks
            if states.needs_new_instance(
                task,
                trigger_name,
                counts[task.name],
                [instance for instance in waiting if instance.task.name == task.name],
            )
        ]
        other_triggers = frozenset[str]().union(*(task.triggers for task in fresh_tasks)) - {trigger_name}
        latest = self._latest_of(sorted(other_triggers))
        return states.FireView(tasks=tasks, waiting=tuple(waiting), counts=counts, latest=latest)

    def _counts_and_waiting(
        self, task_names: list[str], trigger_name: str
    ) -> tuple[dict[str, int], list[TaskInstance]]:
        """How many instances the tasks have, and the ones for the trigger to look at."""
        task_rows = [
            row
            for start in range(0, len(task_names), MOST_TASKS)
            for row in self._read_tasks(task_names[start : start + MOST_TASKS], trigger_name)
        ]
        counts = dict.fromkeys(task_names, 0)
        numbers: dict[str, set[int]] = {}
        for row in task_rows:
            if row.waits:
                numbers.setdefault(row.task_name, set()).add(row.number)
            else:
                counts[row.task_name] = rows.number_after(row.number, of=self._task_of(row.task_name))
        waiting = [
            instance
            for task_name, task_numbers in numbers.items()
            for instance in self._read_instances(task_name, sorted(task_numbers))
        ]
        return counts, waiting

    def _read_tasks(self, task_names: list[str], trigger_name: str) -> Sequence[Any]:
        """See :func:`statements.tasks_and_waiting`."""
        names = {f"task_{place}": name for place, name in enumerate(task_names)}
        parameters = {**names, "of_session": self.session_key, "of_trigger": trigger_name}
        return self._send(statements.tasks_and_waiting(len(task_names)), parameters).rows

    def _read_instances(self, task_name: str, numbers: list[int]) -> Iterator[TaskInstance]:
        """The task's instances of these numbers, in their order."""
        for part in range(0, len(numbers), MOST_NUMBERS):
            task_key = {"of_session": self.session_key, "of_task": task_name}
            parameters = {**task_key, "numbers": numbers[part : part + MOST_NUMBERS]}
            instance_rows = self._execute(statements.INSTANCES, parameters).all()
            for row in sorted(instance_rows, key=attrgetter("number")):
                yield rows.check_readable(rows.instance_from_row(row, self._work.configuration))

    def _latest_of(self, triggers: list[str]) -> dict[str, dict[str, Any]]:
        """The latest kwargs of these triggers. A trigger that never fired is left out."""
        if not triggers:
            return {}
        names = {f"trigger_{place}": name for place, name in enumerate(triggers)}
        fire_rows = self._execute(
            statements.latest_of(len(triggers)), {**names, "of_session": self.session_key}
        )
        return {row.trigger_name: self._readable_kwargs(row) for row in fire_rows}

    def _readable_kwargs(self, row: Row[Any]) -> dict[str, Any]:
        rows.check_content(row.kwargs, of=f"the latest fire of {row.trigger_name!r} in session {self.uid!r}")
        kwargs: dict[str, Any] = row.kwargs
        return kwargs

    def _execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Send a statement in the lock's transaction; see the class."""
        self._work.writes += bool(getattr(statement, "is_dml", False))
        return self._open_transaction().execute(statement, parameters)

    def _send(self, statement: PreparedStatement, values: Mapping[str, Any]) -> Answer:
        """Send one of every fire's statements, with a text made before; see the class."""
        self._work.writes += statement.writes
        return self._open_transaction().send(statement, values)

    def count_instances(self, task: TaskConfig) -> int:
        """How many instances the task has."""
        parameters = {"of_session": self.session_key, "of_task": task.name}
        (highest,) = self._send(statements.HIGHEST_NUMBER, parameters).row
        return rows.number_after(highest, of=self._task_of(task.name))

    def _task_of(self, task_name: str) -> str:
        return f"the task {task_name!r} of session {self.uid!r}"

    def add(self, instance: TaskInstance) -> None:
        """See :meth:`BaseStorageBackend.add`."""
        row = {**self._row_of(instance), "fire_ids": self._new_fire_ids(instance)}
        self._work.forget_instances()
        try:
            self._send(statements.ADD_INSTANCE, row)
        except IntegrityError as error:
            raise StaleWrite(f"Session {self.uid!r} has an instance {instance.name} already.") from error
        self._work.count_changes.note(None, instance)
        self._add_waits(instance, states.waits_of(instance))

    def put(self, before: TaskInstance, after: TaskInstance) -> None:
        """See :meth:`BaseStorageBackend.put`."""
        row = self._row_of(after)
        self._work.forget_instances()
        changes = {column: row[column] for column in statements.CHANGED}
        key = {**self._key_of(after), "expected_status": before.status.value}
        fire_ids = {"more_fire_ids": self._new_fire_ids(after)}
        if self._send(statements.CHANGE_INSTANCE, key | changes | fire_ids).rowcount != 1:
            raise StaleWrite(f"{after.name} of session {self.uid!r} is not {before.status.value} any more.")
        self._work.count_changes.note(before, after)
        self._rewrite_waits(before, after)

    def _new_fire_ids(self, instance: TaskInstance) -> str:
        """The id of the lock's latest fire, if it concerns the instance and was not noted there."""
        fire_id = self._work.fire_ids.pop(instance.name, None)
        return "" if fire_id is None else rows.fire_ids_text([fire_id])

    def _row_of(self, instance: TaskInstance) -> dict[str, Any]:
        name = self._work.configuration.name
        return rows.instance_to_row(self.session_key, instance, configuration=name)

    def _rewrite_waits(self, before: TaskInstance, after: TaskInstance) -> None:
        old, new = states.waits_of(before), states.waits_of(after)
        if removals := old - new:
            self._execute(statements.REMOVE_WAITS, {**self._key_of(after), "gone": sorted(removals)})
        self._add_waits(after, new - old)

    def _key_of(self, instance: TaskInstance) -> dict[str, Any]:
        return {
            "of_session": self.session_key,
            "of_task": instance.task.name,
            "of_number": instance.number,
        }

    def _add_waits(self, instance: TaskInstance, triggers: frozenset[str]) -> None:
        key = {"session_id": self.session_key, "task_name": instance.task.name, "number": instance.number}
        if triggers:
            self._execute(
                statements.ADD_WAITS, [{**key, "trigger_name": trigger} for trigger in sorted(triggers)]
            )

    def is_key_used(self, idempotency_key: str) -> bool:
        """See :meth:`BaseStorageBackend.is_key_used`."""
        if idempotency_key in self._work.unused_keys:
            return False
        parameters = {"of_session": self.session_key, "of_key": idempotency_key}
        return self._send(statements.USED_KEY, parameters).row is not None

    def look_up_keys(self, idempotency_keys: Collection[str]) -> None:
        """See :meth:`BaseStorageBackend.look_up_keys`. Nobody else can use a key before the lock's release."""
        if idempotency_keys:
            parameters = {"of_session": self.session_key, "keys": list(idempotency_keys)}
            used_keys = self._execute(statements.USED_KEYS, parameters).scalars()
            self._work.unused_keys |= set(idempotency_keys) - set(used_keys)

    def find_fire(self, idempotency_key: str) -> Fire | None:
        """The session's fire with this key."""
        parameters = {"of_session": self.session_key, "of_key": idempotency_key}
        row = self._execute(statements.FIND_FIRE, parameters).one_or_none()
        return self._readable(rows.fire_from_row(row)) if row else None

    def _readable(self, fire: AnyFire) -> AnyFire:
        subject = f"the fire of {fire.trigger_name!r} in session {self.uid!r}"
        rows.check_content(fire.kwargs, of=subject)
        return fire

    def record_fire(self, fire: Fire) -> Fire:
        """See :meth:`BaseStorageBackend.record_fire`."""
        row = rows.fire_to_row(self.session_key, fire)
        self._work.unused_keys.discard(fire.idempotency_key or "")
        try:
            self._work.writes += 1
            fire_id = self._open_transaction().insert(tables.fire, row, by=statements.ADD_FIRE)
        except IntegrityError as error:
            raise IdempotencyConflict(
                f"The idempotency key {fire.idempotency_key!r} was used before in session {self.uid!r}."
            ) from error
        self._work.fire_ids = dict.fromkeys(fire.concerned, fire_id)
        return replace(fire, fire_id=fire_id)

    def record_event(
        self, kind: str, *, instance: str | None, by: str | None, details: Mapping[str, Any]
    ) -> None:
        """See :meth:`BaseStorageBackend.record_event`."""
        self._work.writes += 1
        add_event(
            self._open_transaction().connection,
            self.session_key,
            kind,
            at=self.now(),
            by=by,
            details=details,
            instance=instance,
        )

    def delay_fire(self, fire: DelayedFire) -> DelayedFire:
        """See :meth:`BaseStorageBackend.delay_fire`."""
        row = rows.delayed_to_row(self.session_key, fire)
        self._work.unused_keys.discard(fire.idempotency_key or "")
        result = self._execute(insert(tables.delayed_fire).values(**row).returning(tables.delayed_fire.c.id))
        return replace(fire, delayed_id=result.scalar_one())

    def find_delayed_fire(self, idempotency_key: str) -> DelayedFire | None:
        """See :meth:`BaseStorageBackend.find_delayed_fire`."""
        columns = tables.delayed_fire.c
        query = select(tables.delayed_fire).where(
            columns.session_id == self.session_key, columns.idempotency_key == idempotency_key
        )
        row = self._execute(query).one_or_none()
        return self._readable(rows.delayed_from_row(row)) if row else None

    def take_delayed_fire(self, delayed_id: int) -> DelayedFire | None:
        """See :meth:`BaseStorageBackend.take_delayed_fire`."""
        columns = tables.delayed_fire.c
        deletion = delete(tables.delayed_fire).where(
            columns.session_id == self.session_key, columns.id == delayed_id, columns.cancelled_at.is_(None)
        )
        row = self._execute(deletion.returning(*columns)).one_or_none()
        return self._readable(rows.delayed_from_row(row)) if row else None

    def cancel_delayed_fire(self, delayed_id: int, *, by: str | None) -> None:
        """See :meth:`BaseStorageBackend.cancel_delayed_fire`."""
        self._change_delayed_fire(delayed_id, due=None, cancelled_at=self.now(), cancelled_by=by)

    def retry_delayed_fire(self, delayed_id: int) -> None:
        """See :meth:`BaseStorageBackend.retry_delayed_fire`."""
        self._change_delayed_fire(delayed_id, due=self.now(), attempts=0, error=None)

    def _change_delayed_fire(self, delayed_id: int, **values: Any) -> None:
        columns = tables.delayed_fire.c
        conditions = (columns.session_id == self.session_key, columns.id == delayed_id)
        self._execute(update(tables.delayed_fire).where(*conditions).values(**values))

    def add_hook(self, hook: str, arguments: Mapping[str, Any]) -> int:
        """See :meth:`BaseStorageBackend.add_hook`. It is due for the controller after :data:`HOOK_GRACE`."""
        values = {
            "hook": str(hook),
            "arguments": dict(arguments),
            "attempts": 0,
            "due": self.now() + HOOK_GRACE,
        }
        result = self._execute(
            insert(tables.hook).values(session_id=self.session_key, **values).returning(tables.hook.c.id)
        )
        return int(result.scalar_one())

    def hook_done(self, token: int) -> None:
        """Forget the hook."""
        hooks.forget(token)

    def hook_failed(self, token: int, error: str) -> None:
        """See :func:`hooks.postpone`."""
        hooks.postpone(token, error)
