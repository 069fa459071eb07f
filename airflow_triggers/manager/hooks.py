"""The hooks of a manager: promised with what they follow, and called after the commit, at least once.

Neighbours: ``manager.py`` promises them; ``storages/hooks.py`` keeps the promises, ``controller/`` calls those whose
process died, or that raised.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Self

from airflow_triggers.domain.failures import describe_exception
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.errors import RegistryError
from airflow_triggers.extensions.plugins import manager_classes
from airflow_triggers.storages import hooks, rows
from airflow_triggers.storages.base import BaseStorageBackend

log = logging.getLogger("airflow_triggers.manager.manager")

DEFAULT_MANAGER = "default"
"""The name of the manager that sessions have unless they name another one."""


class HookOwner:
    """What of a manager has to do with hooks.

    :param storage: where the session is kept.
    """

    name: ClassVar[str] = DEFAULT_MANAGER

    def __init__(self, storage: BaseStorageBackend) -> None:
        self.storage = storage

    def _post_fire(self, trigger_name: str, tasks_scheduled: Sequence[TaskInstance]) -> None:
        """Called after a fire was kept, with the instances that it scheduled. Override it."""

    def _post_replay(self, task_instance: TaskInstance) -> None:
        """Called after a replay was kept, with the NEW instance; ``metadata["parent"]`` names the failed one."""

    def _post_skip(self, task_instance: TaskInstance, cascade: bool) -> None:
        """Called after a skip was kept and after its cascade's ``_post_fire``."""

    def _remembered_manager(self) -> Self:
        """Whose hooks and default runner the session has, under its lock: the class that it remembers.

        That is this one's, unless somebody acts on the session through another class than it was made with. A session
        of the default manager, which has none of its own, takes them from whoever acts.
        """
        name = self.storage.manager_name
        if name in (None, self.name, DEFAULT_MANAGER):
            return self
        try:
            manager: Self = manager_classes.get(name, storage=self.storage)
        except RegistryError as error:
            log.warning(
                "Session %s remembers the manager %r, and %r acts on it alone: %s",
                self.storage.uid,
                name,
                self.name,
                error,
            )
            return self
        return manager

    def _promise_hook(self, hook: str, **arguments: Any) -> None:
        """Have the hook called after the commit: by us, or by the controller if this process dies before."""
        owner = self._remembered_manager()
        if getattr(type(owner), hook) is getattr(HookOwner, hook):
            return
        token = self.storage.add_hook(hook, arguments)
        owed_id = hooks.owe(self.storage, hook, token)
        self.storage.call_hook_after_release(partial(owner.call_hook, token, hook, arguments, owed=owed_id))

    def call_hook(
        self, token: Any, hook: str, arguments: Mapping[str, Any], *, owed: int | None = None
    ) -> str | None:
        """Call a promised hook; one that raises is logged and called again later.

        :param token: what the storage knows it by.
        :param owed: what the controller knows it by, of a session that is kept elsewhere (see ``storages/hooks.py``).
        :returns: the traceback of what it raised; None when it ended.
        """
        try:
            self._hook_call(hook, arguments)
        except (Exception, SystemExit) as error:
            log.exception("Hook %s of manager %r raised in session %s", hook, self.name, self.storage.uid)
            traceback: str = describe_exception(error)["exceptionInfo"]
            self.storage.hook_failed(token, traceback)
            if owed is not None:
                hooks.postpone(owed, traceback)
            return traceback
        self.storage.hook_done(token)
        if owed is not None:
            hooks.forget(owed)
        return None

    def _hook_call(self, hook: str, arguments: Mapping[str, Any]) -> None:
        rows.check_content(arguments, of=f"what the hook {hook} is to be called with")
        if hook == "_post_fire":
            self._post_fire(
                arguments["trigger_name"], [self.storage[name] for name in arguments["scheduled"]]
            )
        elif hook == "_post_replay":
            self._post_replay(self.storage[arguments["instance"]])
        else:
            self._post_skip(self.storage[arguments["instance"]], arguments["cascade"])
