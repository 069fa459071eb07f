"""A worker's view of its session: only its own instance. Airflow gives workers no database.

Neighbours: ``context.py`` makes the session's manager over it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_triggers.domain.fires import FireRequest
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.errors import NoDatabaseInTask


class TaskStorage:
    """The session's storage in a worker. Everything it cannot do raises :class:`NoDatabaseInTask`.

    :param fire: takes each fire, to be made when the task succeeds.
    """

    name = "task"
    exists = True

    def __init__(
        self,
        uid: str,
        *,
        instance: TaskInstance,
        manager_name: str,
        fire: Callable[[FireRequest], None],
    ) -> None:
        self.uid, self.manager_name = uid, manager_name
        self._instance, self._fire = instance, fire

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.uid!r}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise NoDatabaseInTask(name, self.uid)

    def __getitem__(self, instance_name: str) -> TaskInstance:
        """The worker's own instance, as it was when its run was made."""
        if instance_name != self._instance.name:
            raise NoDatabaseInTask(f"the instance {instance_name!r}", self.uid)
        return self._instance

    def __iter__(self) -> Any:
        raise NoDatabaseInTask("the instances", self.uid)

    def defer_fire(self, fire: FireRequest) -> bool:
        """See :meth:`BaseStorageBackend.defer_fire`: it takes effect when the task has succeeded."""
        self._fire(fire)
        return True
