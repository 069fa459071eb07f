"""PromisedHook: a manager's hook that a commit promised and that is still to be called.

Neighbours: ``storages/hooks.py`` keeps hooks, ``manager/hooks.py`` calls them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MAX_HOOK_ATTEMPTS = 20
"""A hook that raised so often is parked: kept with its error, and not called again by itself."""


@dataclass(frozen=True, kw_only=True)
class PromisedHook:
    """A hook that was promised by a commit and has not ended yet.

    :param token: identifies it in its storage.
    :param attempts: how often it raised.
    :param due: when the controller calls it (again); None where no controller does.
    :param error: the traceback of the last time.
    :param parked: whether nobody calls it again by itself.
    """

    token: int
    hook: str
    arguments: Mapping[str, Any]
    attempts: int = 0
    due: datetime | None = None
    error: str | None = None
    parked: bool = False
