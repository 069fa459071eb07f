"""ManagerHooks: the hooks of a manager. They are promised with their act, and called after the commit, at least once.

Neighbours: ``manager.py`` promises them; ``storages/hooks.py`` keeps the promises, ``controller/`` calls the hooks left
over: their process died, or they raised.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol

from airflow_triggers.domain.failures import describe_exception
from airflow_triggers.domain.hooks import CASCADE, INSTANCE, SCHEDULED, TRIGGER_NAME, Hook
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.metadata import EXCEPTION_INFO
from airflow_triggers.storages import hooks, rows
from airflow_triggers.storages.base import BaseStorageBackend

log = logging.getLogger("airflow_triggers.manager.manager")


class HookedManager(Protocol):
    """A manager, as its hooks need it."""

    name: ClassVar[str]
    storage: BaseStorageBackend

    def _post_fire(self, trigger_name: str, tasks_scheduled: Sequence[TaskInstance]) -> None: ...

    def _post_replay(self, task_instance: TaskInstance) -> None: ...

    def _post_skip(self, task_instance: TaskInstance, cascade: bool) -> None: ...

    def call_hook(
        self, token: Any, hook: str, arguments: Mapping[str, Any], *, owed_id: int | None = None
    ) -> str | None:
        """See :meth:`TriggerManager.call_hook`."""


@dataclass(frozen=True)
class ManagerHooks:
    """The hooks of one manager."""

    manager: HookedManager

    def promise(self, hook: Hook, arguments: Mapping[str, Any], *, default: type) -> None:
        """Have the hook called after the commit: by us, or by the controller if this process dies before.

        :param default: the class with the empty hooks. A hook not overridden in a subclass of it is not promised.
        """
        manager = self.manager
        if getattr(type(manager), hook) is getattr(default, hook):
            return
        token = manager.storage.add_hook(hook.value, arguments)
        owed_id = hooks.owe(manager.storage, hook.value, token)
        # By the manager's own method: a subclass may have overridden it.
        call = partial(manager.call_hook, token, hook.value, arguments, owed_id=owed_id)
        manager.storage.call_hook_after_release(call)

    def call(self, token: Any, hook: str, arguments: Mapping[str, Any], *, owed_id: int | None) -> str | None:
        """See :meth:`TriggerManager.call_hook`."""
        storage = self.manager.storage
        try:
            self._call(hook, arguments)
        except (Exception, SystemExit) as error:
            log.exception("Hook %s of manager %r raised in session %s", hook, self.manager.name, storage.uid)
            traceback: str = describe_exception(error)[EXCEPTION_INFO]
            storage.hook_failed(token, traceback)
            if owed_id is not None:
                hooks.postpone(owed_id, traceback)
            return traceback
        storage.hook_done(token)
        if owed_id is not None:
            hooks.forget(owed_id)
        return None

    def _call(self, hook: str, arguments: Mapping[str, Any]) -> None:
        manager = self.manager
        rows.check_content(arguments, of=f"what the hook {hook} is to be called with")
        match Hook(hook):
            case Hook.POST_FIRE:
                instances = [manager.storage[name] for name in arguments[SCHEDULED]]
                manager._post_fire(arguments[TRIGGER_NAME], instances)
            case Hook.POST_REPLAY:
                manager._post_replay(manager.storage[arguments[INSTANCE]])
            case Hook.POST_SKIP:
                manager._post_skip(manager.storage[arguments[INSTANCE]], arguments[CASCADE])
