"""The reading half of the SQL storage: a session as committed, or as written by its lock's holder.

Neighbours: ``sql.py`` adds the lock and the writing half; ``pages.py`` has the SQL of its pages, ``rows.py`` turns
rows into values.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.domain.events import SessionEvent
from airflow_triggers.domain.fires import EVERY_FIRE, DelayedFire, Fire, FireFilter
from airflow_triggers.domain.hooks import PromisedHook
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance, parse_instance_name
from airflow_triggers.errors import InstanceNotFound, SessionNotFound
from airflow_triggers.storages import pages, rows, tables
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.counts import CountChanges, Counts, are_counts, counts_of
from airflow_triggers.storages.events import read_events
from airflow_triggers.storages.readable import InstancePlace
from airflow_triggers.storages.transaction import Transaction, snapshot


class Work(threading.local):
    """The thread's state under the lock."""

    def __init__(self) -> None:
        self.open_transaction: Transaction | None = None
        self.reading: tuple[Session, int | None, Configuration] | None = None
        self.session_id = 0
        self.writes = 0
        self.fire_ids: dict[str, int] = {}
        self.unused_keys: set[str] = set()
        self.manager = ""
        self.configuration = Configuration()
        self.views: dict[str, tuple[dict[str, int], list[TaskInstance]]] = {}
        self.instances: dict[str, TaskInstance] = {}
        self.count_changes = CountChanges()

    def forget_instances(self) -> None:
        """Have instances read again: they were written, or writes were undone."""
        self.views.clear()
        self.instances.clear()


class SqlReader(BaseStorageBackend):
    """Reads a session from Airflow's metadata database."""

    def __init__(self, uid: str) -> None:
        super().__init__(uid)
        self._work = Work()

    @contextmanager
    def consistent_read(self) -> Iterator[Session]:
        """Let all reads inside see the session at one moment."""
        with self._reading() as reading, self.joined_read(*reading):
            yield reading[0]

    @contextmanager
    def joined_read(
        self, session: Session, session_id: int | None, configuration: Configuration
    ) -> Iterator[None]:
        """Make all reads inside use somebody else's transaction, which has read the session's row.

        :param session_id: the key of the row; None: there is no session.
        """
        outer, self._work.reading = self._work.reading, (session, session_id, configuration)
        try:
            yield
        finally:
            self._work.reading = outer

    @contextmanager
    def _reading(self) -> Iterator[tuple[Session, int | None, Configuration]]:
        """The lock's transaction or a new one; the session's key, None if there is none; its configuration."""
        work = self._work
        if work.open_transaction is not None:
            yield work.open_transaction.reader, work.session_id, work.configuration
        elif work.reading is not None:
            yield work.reading
        else:
            with snapshot() as session:
                query = select(tables.session).where(tables.session.c.uid == self.uid)
                row = session.execute(query).one_or_none()
                content_hash = row.configuration_hash if row else None
                yield session, row.id if row else None, rows.read_configuration(session, content_hash)

    @property
    def exists(self) -> bool:
        """Whether there is such a session."""
        with self._reading() as (_, session_id, _configuration):
            return session_id is not None

    @property
    def configuration(self) -> Configuration:
        """The session's tasks, as last updated. Under the lock they are in memory."""
        if self._work.open_transaction is not None:
            return self._work.configuration
        with self._reading() as (_, _session_id, configuration):
            return configuration

    @property
    def manager_name(self) -> str | None:
        """The name of the session's remembered manager."""
        with self._reading() as (session, _, _configuration):
            return session.scalar(select(tables.session.c.manager).where(tables.session.c.uid == self.uid))

    @property
    def instances(self) -> dict[str, TaskInstance]:
        """All instances by name, ordered by task (as configured) and number."""
        with self._reading() as (session, session_id, configuration):
            instance_rows = session.execute(
                select(tables.instance)
                .where(tables.instance.c.session_id == session_id)
                .order_by(tables.instance.c.number)
            )
            instances = [rows.instance_from_row(row, configuration) for row in instance_rows]
        order = {name: position for position, name in enumerate(configuration.tasks)}
        # A row of an unconfigured task comes last.
        end = len(order)
        return {
            instance.name: instance
            for instance in sorted(instances, key=lambda instance: order.get(instance.task.name, end))
        }

    def instances_of_task(self, task: TaskConfig | str) -> list[TaskInstance]:
        """The task's instances ordered by number."""
        task_name = task if isinstance(task, str) else task.name
        with self._reading() as (session, session_id, configuration):
            instance_rows = session.execute(
                select(tables.instance)
                .where(tables.instance.c.session_id == session_id, tables.instance.c.task_name == task_name)
                .order_by(tables.instance.c.number)
            )
            return [rows.instance_from_row(row, configuration) for row in instance_rows]

    def last_instance_of_task(self, task: TaskConfig | str) -> TaskInstance | None:
        """See :meth:`BaseStorageBackend.last_instance_of_task`. One look-up at the end of the key's index."""
        task_name, columns = task if isinstance(task, str) else task.name, tables.instance.c
        with self._reading() as (session, session_id, configuration):
            query = (
                select(tables.instance)
                .where(columns.session_id == session_id, columns.task_name == task_name)
                .order_by(columns.number.desc())
                .limit(1)
            )
            row = session.execute(query).one_or_none()
            return rows.instance_from_row(row, configuration) if row else None

    def __getitem__(self, instance_name: str) -> TaskInstance:
        try:
            task_name, number = parse_instance_name(instance_name)
        except ValueError as error:
            raise InstanceNotFound(f"Session {self.uid!r} has no such instance: {error}") from None
        work = self._work
        # Nobody else writes instances under the lock.
        if work.open_transaction is not None and instance_name in work.instances:
            return work.instances[instance_name]
        with self._reading() as (session, session_id, configuration):
            row = session.execute(
                select(tables.instance).where(*key_of(session_id, task_name, number))
            ).one_or_none()
            if row is None:
                if session_id is None:
                    raise SessionNotFound(self.uid)
                raise InstanceNotFound(f"Session {self.uid!r} has no instance {instance_name!r}.")
            instance = rows.instance_from_row(row, configuration)
            if work.open_transaction is not None:
                work.instances[instance_name] = rows.check_readable(instance)
            return instance

    def newest_instances(
        self,
        *,
        limit: int,
        after: InstancePlace | None = None,
        task_name: str | None = None,
        statuses: Collection[InstanceStatus] = (),
    ) -> list[tuple[InstancePlace, TaskInstance]]:
        """See :meth:`BaseStorageBackend.newest_instances`. The number of instances does not change the cost."""
        with self._reading() as (session, session_id, configuration):
            instance_rows = pages.newest_instances(
                session,
                session_id,
                limit=limit,
                after=after,
                task_name=task_name,
                statuses=[status.value for status in statuses],
            )
            return [
                (
                    InstancePlace(row.created_at, row.task_name, row.number),
                    rows.instance_from_row(row, configuration),
                )
                for row in instance_rows
            ]

    def replay_chain(self, instance: TaskInstance) -> list[TaskInstance]:
        """See :meth:`BaseStorageBackend.replay_chain`. The number of other instances does not change the cost."""
        with self._reading() as (session, session_id, configuration):
            chain_rows = pages.replay_chain(session, session_id, instance.task.name, instance.number)
            return [rows.instance_from_row(row, configuration) for row in chain_rows]

    @property
    def instance_counts(self) -> Counts:
        """See :meth:`BaseStorageBackend.instance_counts`. The session's row has them."""
        columns = tables.instance.c
        with self._reading() as (session, session_id, _):
            query = select(tables.session.c.counts).where(tables.session.c.id == session_id)
            counts = session.scalar(query)
            if are_counts(counts):
                return dict(counts or {})
            of_tasks = select(columns.task_name, columns.status, func.count().label("number_of"))
            of_session = of_tasks.where(columns.session_id == session_id)
            return counts_of(session.execute(of_session.group_by(columns.task_name, columns.status)))

    @property
    def latest_kwargs(self) -> dict[str, dict[str, Any]]:
        """The kwargs of each trigger's latest fire, by trigger name, oldest first."""
        fires = tables.fire.c
        with self._reading() as (session, session_id, _):
            newest = (
                select(func.max(fires.id)).where(fires.session_id == session_id).group_by(fires.trigger_name)
            )
            query = select(fires.trigger_name, fires.kwargs).where(fires.id.in_(newest)).order_by(fires.id)
            return {row.trigger_name: row.kwargs for row in session.execute(query)}

    @property
    def metadata(self) -> dict[str, Any]:
        """The session's own metadata."""
        with self._reading() as (session, session_id, _):
            metadata = session.scalar(
                select(tables.session.c.metadata).where(tables.session.c.id == session_id)
            )
            return dict(metadata or {})

    def fires(
        self, *, limit: int | None = None, before: int | None = None, only: FireFilter = EVERY_FIRE
    ) -> list[Fire]:
        """The history of fires, newest first."""
        with self._reading() as (session, session_id, _):
            return pages.newest_fires(session, session_id, limit=limit, before=before, only=only)

    def latest_fires(self, *, limit: int) -> list[Fire]:
        """See :meth:`BaseStorageBackend.latest_fires`. A look-up in the index for each trigger."""
        with self._reading() as (session, session_id, configuration):
            names = list(configuration.trigger_names)
            return pages.latest_fires(session, session_id, names, limit=limit)

    def events(
        self, *, limit: int | None = None, before: int | None = None, instance: str | None = None
    ) -> list[SessionEvent]:
        """See :meth:`BaseStorageBackend.events`."""
        with self._reading() as (session, session_id, _):
            return read_events(session, session_id, limit=limit, before=before, instance=instance)

    def hooks(self) -> list[PromisedHook]:
        """See :meth:`BaseStorageBackend.hooks`."""
        return self.hooks_after(0)

    def hooks_after(self, token: int, *, limit: int | None = None) -> list[PromisedHook]:
        """See :meth:`BaseStorageBackend.hooks_after`."""
        with self._reading() as (session, session_id, _):
            columns = tables.hook.c
            query = select(tables.hook).where(columns.session_id == session_id, columns.id > token)
            return [
                rows.hook_from_row(row) for row in session.execute(query.order_by(columns.id).limit(limit))
            ]

    def delayed_fires(self, *, limit: int | None = None) -> list[DelayedFire]:
        """Fires still to come, by the moment at which they are due."""
        with self._reading() as (session, session_id, _):
            columns = tables.delayed_fire.c
            query = select(tables.delayed_fire).where(
                columns.session_id == session_id, columns.cancelled_at.is_(None)
            )
            fire_rows = session.execute(query.order_by(columns.fire_at, columns.id).limit(limit))
            return [rows.delayed_from_row(row) for row in fire_rows]

    def next_delayed_fires(self, trigger_names: Collection[str], *, limit: int) -> list[DelayedFire]:
        """See :meth:`BaseStorageBackend.next_delayed_fires`."""
        with self._reading() as (session, session_id, _):
            query = pages.next_delayed_fires(session_id, trigger_names, limit=limit)
            return [rows.delayed_from_row(row) for row in session.execute(query)]

    def get_delayed_fire(self, delayed_id: int) -> DelayedFire | None:
        """See :meth:`BaseStorageBackend.get_delayed_fire`."""
        with self._reading() as (session, session_id, _):
            columns = tables.delayed_fire.c
            query = select(tables.delayed_fire).where(
                columns.session_id == session_id, columns.id == delayed_id
            )
            row = session.execute(query).one_or_none()
            return rows.delayed_from_row(row) if row else None


def key_of(session_id: int | None, task_name: str, number: int) -> tuple[ColumnElement[bool], ...]:
    """The conditions for one instance."""
    columns = tables.instance.c
    return columns.session_id == session_id, columns.task_name == task_name, columns.number == number
