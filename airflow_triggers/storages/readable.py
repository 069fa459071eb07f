"""What a storage backend lets its users read of its session, at any time and without the lock.

Neighbours: ``base.py`` adds the writing half of the contract; ``lock.py`` has the lock; ``reading.py`` reads from
Airflow's database.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from airflow_triggers.domain.configuration import Configuration, TaskConfig, as_json
from airflow_triggers.domain.events import SessionEvent
from airflow_triggers.domain.fires import EVERY_FIRE, DelayedFire, Fire, FireFilter
from airflow_triggers.domain.hooks import PromisedHook
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.metadata import CREATED, PARENT, timestamps_of
from airflow_triggers.storages.lock import Followers, LockedSession

if TYPE_CHECKING:
    # A session in a cache works without importing SQLAlchemy.
    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from airflow_triggers.storages.transaction import Transaction


class InstancePlace(NamedTuple):
    """An instance's place in the order of creation. Instances made at one moment are ordered by name."""

    created_at: datetime
    task_name: str
    number: int


def place_of(instance: TaskInstance) -> InstancePlace:
    """The place of an instance in a session that is read whole."""
    created_at = timestamps_of(instance.metadata).get(CREATED)
    moment = datetime.fromisoformat(created_at) if created_at else datetime(1970, 1, 1, tzinfo=UTC)
    return InstancePlace(moment, instance.task.name, instance.number)


class ReadableSession(LockedSession):
    """The reading half of a storage's contract, and what the storage says about itself.

    Reading works at any time and sees committed data (inside the lock, also what this thread wrote).
    """

    name: ClassVar[str]

    shared: bool = False
    """Whether ``storage_backends.get(name, uid=uid)`` finds this very session in every process of this Airflow.

    Otherwise its instances cannot be DAG runs, and REST and the controller do not find it.
    """

    unshared_because: str = "it does not say that it is shared"
    """Why the storage is not :attr:`shared`, for messages."""

    anchored: bool = False
    """Whether Airflow's database has a row with the session's storage (see ``anchors.py``).

    The controller finds the session by this row. A storage in that database itself leaves it False.
    """

    in_airflow_database: bool = False
    """Whether Airflow's metadata database keeps the session itself.

    If so, one transaction commits the session and its DAG runs (:attr:`airflow_transaction`). Any other storage first
    promises a run (see ``runners/promises.py``), and keeps the run's last seen state in the session.
    """

    # -- in Airflow's database ----------------------------------------------------------------------------------

    @property
    def airflow_transaction(self) -> Session:
        """The database session of the lock's transaction. Rows to be saved with it, such as a DAG run, go here.

        :raises RuntimeError: outside of :meth:`acquire_lock`, or when the storage is not
            :attr:`in_airflow_database`.
        """
        raise self._not_in_airflow_error()

    @property
    def session_key(self) -> int:
        """The key of the session's row in ``triggers_session``, under the lock.

        :raises RuntimeError: as :attr:`airflow_transaction` does.
        """
        raise self._not_in_airflow_error()

    def joined(
        self, open_transaction: Transaction, row: Row[Any], followers: Followers
    ) -> AbstractContextManager[None]:
        """Hold the lock in somebody else's transaction, which has locked the session's row (see ``together.py``).

        :param followers: collects the work to do after this transaction's commit.
        :raises RuntimeError: when the storage is not :attr:`in_airflow_database`.
        """
        raise self._not_in_airflow_error()

    def _not_in_airflow_error(self) -> RuntimeError:
        return RuntimeError(
            f"Session {self.uid!r} is kept by the storage {self.name!r}, not in Airflow's database: there is no "
            "transaction of that database to join. Ask storage.in_airflow_database first."
        )

    # -- reading ----------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def exists(self) -> bool:
        """Whether there is such a session."""

    @property
    @abstractmethod
    def configuration(self) -> Configuration:
        """The session's tasks, as last updated; empty when there is no session."""

    @property
    def session_version(self) -> str:
        """A text that differs after every change, and in another session of the same UID.

        Under the lock, it is the version at the lock's start until the holder writes; then it is another one.

        The default reads the whole session. A store with a counter of its writes has a cheaper one.
        """
        newest_fires, newest_events = self.fires(limit=1), self.events(limit=1)
        content = {
            "configuration": self.configuration.content_hash,
            "instances": {
                name: [str(instance.status), instance.metadata] for name, instance in self.instances.items()
            },
            "fires": [[fire.fire_id, fire.fired_at.isoformat()] for fire in newest_fires],
            "events": [[event.event_id, event.at.isoformat()] for event in newest_events],
        }
        return hashlib.sha256(as_json(content).encode(errors="surrogatepass")).hexdigest()

    @property
    @abstractmethod
    def manager_name(self) -> str | None:
        """The name of the session's remembered manager; None when there is no session."""

    @property
    @abstractmethod
    def instances(self) -> dict[str, TaskInstance]:
        """All instances by name, ordered by task (as configured) and number."""

    @abstractmethod
    def instances_of_task(self, task: TaskConfig | str) -> list[TaskInstance]:
        """The task's instances ordered by number."""

    def last_instance_of_task(self, task: TaskConfig | str) -> TaskInstance | None:
        """The task's instance with the highest number; None when it has none."""
        instances = self.instances_of_task(task)
        return instances[-1] if instances else None

    @abstractmethod
    def __getitem__(self, instance_name: str) -> TaskInstance:
        """The instance of this name. :raises InstanceNotFound: when there is none."""

    def newest_instances(
        self,
        *,
        limit: int,
        after: InstancePlace | None = None,
        task_name: str | None = None,
        statuses: Collection[InstanceStatus] = (),
    ) -> list[tuple[InstancePlace, TaskInstance]]:
        """The newest instances, newest first, each with its place in this order.

        The default reads the whole session. A store with an index has a cheaper one.

        :param after: only older ones than at this place.
        :param task_name: only instances of this task; None: of any.
        :param statuses: only instances with these statuses. Empty: any.
        """
        places = [
            (place_of(instance), instance)
            for instance in self
            if task_name in (None, instance.task.name) and (not statuses or instance.status in statuses)
            if after is None or place_of(instance) < after
        ]
        return sorted(places, key=itemgetter(0), reverse=True)[:limit]

    def replay_chain(self, instance: TaskInstance) -> list[TaskInstance]:
        """The instance, those that it was cloned from, and all their clones; oldest first.

        The default reads the instances of the task.
        """
        relatives = {relative.name: relative for relative in self.instances_of_task(instance.task.name)}
        oldest = instance
        while (parent := relatives.get(str(oldest.metadata.get(PARENT)))) and parent.number < oldest.number:
            oldest = parent
        chain = {oldest.name: oldest}
        for relative in relatives.values():
            if relative.metadata.get(PARENT) in chain:
                chain.setdefault(relative.name, relative)
        return list(chain.values())

    @property
    def instance_counts(self) -> dict[str, dict[str, int]]:
        """How many instances the session has: task name → status → number, without zeros.

        The default counts the instances.
        """
        counts: dict[str, dict[str, int]] = {}
        for instance in self:
            of_task = counts.setdefault(instance.task.name, {})
            of_task[instance.status.value] = of_task.get(instance.status.value, 0) + 1
        return counts

    @property
    @abstractmethod
    def latest_kwargs(self) -> dict[str, dict[str, Any]]:
        """The kwargs of each trigger's latest fire, by trigger name."""

    @property
    @abstractmethod
    def metadata(self) -> dict[str, Any]:
        """The session's own metadata."""

    @abstractmethod
    def fires(
        self, *, limit: int | None = None, before: int | None = None, only: FireFilter = EVERY_FIRE
    ) -> list[Fire]:
        """The history of fires, newest first; ``before`` is a fire id."""

    def latest_fires(self, *, limit: int) -> list[Fire]:
        """The latest fire of each trigger. If there are as many or more, those of the tasks' triggers come first.

        The default reads the whole history.
        """
        latest = {fire.trigger_name: fire for fire in reversed(self.fires())}
        names = dict.fromkeys(
            [*(name for name in self.configuration.trigger_names if name in latest), *sorted(latest)]
        )
        return [latest[name] for name in list(names)[:limit]]

    @abstractmethod
    def events(
        self, *, limit: int | None = None, before: int | None = None, instance: str | None = None
    ) -> list[SessionEvent]:
        """The entries of :meth:`record_event`, newest first; ``before`` is an event id.

        :param instance: only entries about the instance of this name.
        """

    @abstractmethod
    def hooks(self) -> list[PromisedHook]:
        """Promised hooks that have not ended yet, oldest first."""

    def hooks_after(self, token: int, *, limit: int | None = None) -> list[PromisedHook]:
        """The :meth:`hooks` after the one with this token."""
        later_hooks = [hook for hook in self.hooks() if hook.token > token]
        return later_hooks[:limit]

    def pending_hooks(self) -> list[tuple[Any, str, dict[str, Any]]]:
        """Promised hooks not done yet, oldest first: for each the token and the arguments of :meth:`add_hook`.

        The controller asks this of sessions in storages outside of Airflow's database.
        """
        return []

    def delayed_fires(self, *, limit: int | None = None) -> list[DelayedFire]:
        """Fires still to come, by the moment at which they are due."""
        return []

    def next_delayed_fires(self, trigger_names: Collection[str], *, limit: int) -> list[DelayedFire]:
        """The next :meth:`delayed_fires` of these triggers."""
        fires = (fire for fire in self.delayed_fires() if fire.trigger_name in trigger_names)
        return list(islice(fires, limit))

    @property
    def tasks(self) -> dict[str, TaskConfig]:
        """The session's trigger tasks by name."""
        return dict(self.configuration.tasks)

    def consistent_read(self) -> AbstractContextManager[Any]:
        """Let all reads inside see the session at one moment, where the store can do so."""
        return nullcontext()

    def __iter__(self) -> Iterator[TaskInstance]:
        return iter(self.instances.values())

    def get_unresolved_instances(self) -> list[TaskInstance]:
        """Instances that exist and are not resolved."""
        return [instance for instance in self if not instance.is_resolved]

    def get_unresolved_tasks(self) -> list[TaskConfig]:
        """Tasks without an instance yet, or with at least one unresolved."""
        resolution: dict[str, bool] = {}
        for instance in self:
            resolution[instance.task.name] = resolution.get(instance.task.name, True) and instance.is_resolved
        return [task for task in self.configuration if not resolution.get(task.name, False)]

    def get_instances_with_unresolved_logs(self) -> list[TaskInstance]:
        """Instances with a logged error that still matters; see :attr:`TaskInstance.logs_resolved`."""
        return [instance for instance in self if not instance.logs_resolved]

    def debug_repr(self) -> str:
        """The session's story in lines, for people: tasks, instances with their missing triggers, latest triggers."""
        lines = [f"session {self.uid}"]
        lines += [f"  fired {name} {dict(kwargs)}" for name, kwargs in self.latest_kwargs.items()]
        for instance in self:
            lacking = f", waits for {', '.join(sorted(instance.missing))}" if instance.missing else ""
            lines.append(f"  {instance.name}: {instance.status.value}{lacking}")
        lines += [
            f"  {task.name}: no instance" for task in self.configuration if not self.instances_of_task(task)
        ]
        return "\n".join(lines)
