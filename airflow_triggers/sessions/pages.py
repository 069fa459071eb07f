"""The pages of one session: its instances and its hooks; and one instance with its replay chain and its run.

Neighbours: ``describing.py`` describes the session itself, ``storages/pages.py`` has the SQL. ``history/`` reads fires
and events, ``delayed_fires.py`` the fires to come.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.disclosure import Disclosure, shown_instance
from airflow_triggers.domain.hooks import PromisedHook
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.runs import RunState
from airflow_triggers.gateway import waiting
from airflow_triggers.sessions import cursors
from airflow_triggers.sessions.describing import (
    InstanceDescription,
    InstanceView,
    describe,
    reading,
    shown_instance_description,
    shown_view,
    views_of,
)
from airflow_triggers.storages.readable import InstancePlace


@dataclass(frozen=True, kw_only=True)
class InstancesOfSession:
    """Instances of a session, newest first, and its configuration at the same moment.

    :param next: the cursor of the next page; None on the last one.
    """

    tasks: Configuration
    views: tuple[InstanceView, ...]
    next: str | None

    def for_reader(self, disclosure: Disclosure) -> InstancesOfSession:
        """The page without the facts that may not be shown."""
        return replace(self, views=tuple(shown_view(view, disclosure) for view in self.views))


def list_instances(
    uid: str,
    *,
    limit: int = 50,
    after: str | None = None,
    task: str | None = None,
    statuses: Collection[InstanceStatus] = (),
) -> InstancesOfSession:
    """The session's instances, newest first.

    :param after: the cursor, ``next`` of the page before. Instances made meanwhile do not move the page.
    :param task: only instances of the task with this name.
    :param statuses: only instances with these statuses. Empty: any.
    :raises SessionNotFound: when there is no session.
    :raises InvalidCursor: when ``after`` is no cursor.
    """
    place = None if after is None else InstancePlace(*cursors.decode(after, (datetime, str, int)))
    with reading(uid) as (storage, session, row):
        instances = storage.newest_instances(limit=limit + 1, after=place, task_name=task, statuses=statuses)
        page = instances[:limit]
        return InstancesOfSession(
            tasks=storage.configuration,
            views=views_of(session, row.id, [instance for _, instance in page]),
            next=cursors.encode(page[-1][0]) if len(instances) > limit else None,
        )


@dataclass(frozen=True, kw_only=True)
class HooksOfSession:
    """Hooks of a session, the oldest first. ``next`` is the cursor of the next page; None on the last one."""

    hooks: tuple[PromisedHook, ...]
    next: int | None


def list_hooks(uid: str, *, limit: int = 50, after: int | None = None) -> HooksOfSession:
    """The session's hooks that have not ended, the oldest first.

    :param after: the cursor, ``next`` of the page before.
    :raises SessionNotFound: when there is no session.
    """
    with reading(uid) as (storage, _, _row):
        hooks = storage.hooks_after(after or 0, limit=limit + 1)
    page = hooks[:limit]
    return HooksOfSession(hooks=tuple(page), next=page[-1].token if len(hooks) > limit else None)


@dataclass(frozen=True, kw_only=True)
class InstanceDetail:
    """One instance with everything that is shown of it.

    :param chain: the instance, those that it was cloned from, and all their clones; oldest first.
    :param run: its DAG run in Airflow; None when it has none.
    """

    description: InstanceDescription
    chain: tuple[TaskInstance, ...]
    run: RunState | None

    @property
    def view(self) -> InstanceView:
        """The instance with its run."""
        return self.description.view

    def for_reader(self, disclosure: Disclosure) -> InstanceDetail:
        """The detail without the facts that may not be shown."""
        chain = tuple(shown_instance(instance, self.view.dag_id, disclosure) for instance in self.chain)
        return replace(
            self, description=shown_instance_description(self.description, disclosure), chain=chain
        )


def describe_in_full(uid: str, name: str) -> InstanceDetail:
    """One instance, read by its key, with its replay chain and its run.

    :raises SessionNotFound: when there is no session.
    :raises InstanceNotFound: when it has no such instance.
    """
    with reading(uid) as (storage, session, row):
        description = describe(storage, session, row, name)
        view = description.view
        run = None
        if view.dag_id is not None and view.run_id is not None:
            run = waiting.state_of_run(session, view.dag_id, view.run_id)
        return InstanceDetail(
            description=description, chain=tuple(storage.replay_chain(view.instance)), run=run
        )
