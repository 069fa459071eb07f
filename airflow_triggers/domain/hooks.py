"""Hooks: the methods of a manager called after a commit, and the promises to call them.

Neighbours: ``storages/hooks.py`` keeps promises, ``manager/hooks.py`` calls the hooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

MAX_HOOK_ATTEMPTS = 20
"""After this many errors a hook is parked: kept with its error, and not called again automatically."""


class Hook(StrEnum):
    """A hook, by the name of the manager's method. The values are stored and part of the REST API."""

    POST_FIRE = "_post_fire"  #: after a fire
    POST_REPLAY = "_post_replay"  #: after a replay
    POST_SKIP = "_post_skip"  #: after a skip, and after the hook of its cascade


TRIGGER_NAME = "trigger_name"
"""The argument of a :attr:`Hook.POST_FIRE`: the name of the fired trigger."""

SCHEDULED = "scheduled"
"""The argument of a :attr:`Hook.POST_FIRE`: the names of the instances scheduled by the fire."""

INSTANCE = "instance"
"""The argument of the other hooks: the name of the instance."""

CASCADE = "cascade"
"""The argument of a :attr:`Hook.POST_SKIP`: whether the skip had a cascade."""


@dataclass(frozen=True, kw_only=True)
class PromisedHook:
    """A hook promised by a commit, and not ended yet.

    :param token: identifies it in its storage.
    :param hook: the name of the manager's method, a :class:`Hook` unless its row was damaged.
    :param attempts: how often it raised.
    :param due: when the controller calls it (again); None where no controller does.
    :param error: the traceback of the last time.
    :param parked: whether the controller no longer calls it automatically.
    """

    token: int
    hook: str
    arguments: Mapping[str, Any]
    attempts: int = 0
    due: datetime | None = None
    error: str | None = None
    parked: bool = False
