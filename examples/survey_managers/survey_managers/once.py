"""Fires a trigger once in the life of a session, when it is due. Both managers of this package use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_triggers import TriggerManager


def fire_once(
    manager: TriggerManager, trigger_name: str, due: Callable[[], Mapping[str, Any] | None]
) -> None:
    """Fire the trigger with the kwargs of ``due``, unless it has fired or ``due`` returns None.

    Two processes may come here at the same time, and a third one may fire in between. So the decisive check is under
    the session's lock, and the fire keeps the lock. The first check saves the lock when the trigger is not due yet.
    """
    if _kwargs(manager, trigger_name, due) is None:
        return
    with manager.storage.acquire_lock():
        kwargs = _kwargs(manager, trigger_name, due)
        if kwargs is not None:
            manager.fire(trigger_name, kwargs, fired_by=f"manager {manager.name}")


def _kwargs(
    manager: TriggerManager, trigger_name: str, due: Callable[[], Mapping[str, Any] | None]
) -> Mapping[str, Any] | None:
    return None if trigger_name in manager.storage.latest_kwargs else due()
