"""Answers about hooks that have not ended, and about calling one again.

Neighbours: ``domain/hooks.py`` has the value; ``history/parked.py`` calls a hook again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_triggers.domain.hooks import PromisedHook
from airflow_triggers.sessions.pages import HooksOfSession


@dataclass(frozen=True, kw_only=True)
class HookAnswer:
    """A hook promised by a commit, and not ended yet.

    :param due: when the controller calls it; None when it is parked, or when no controller calls it.
    """

    id: int
    hook: str
    arguments: Mapping[str, Any]
    attempts: int
    due: datetime | None
    error: str | None
    parked: bool

    @classmethod
    def of(cls, hook: PromisedHook) -> HookAnswer:
        """The answer for a hook."""
        return cls(
            id=hook.token,
            hook=hook.hook,
            arguments=hook.arguments,
            attempts=hook.attempts,
            due=None if hook.parked else hook.due,
            error=hook.error,
            parked=hook.parked,
        )


@dataclass(frozen=True, kw_only=True)
class HooksPageAnswer:
    """Hooks of a session, the oldest first. ``next`` is the cursor of the next page; None on the last one."""

    hooks: tuple[HookAnswer, ...]
    next: int | None

    @classmethod
    def of(cls, page: HooksOfSession) -> HooksPageAnswer:
        """The answer for a page."""
        return cls(hooks=tuple(map(HookAnswer.of, page.hooks)), next=page.next)


@dataclass(frozen=True, kw_only=True)
class HookCallAnswer:
    """The result of calling a hook again.

    :param error: the traceback when the hook raised; None when it ended.
    :param hook: the hook as it is now; None when it ended.
    """

    ended: bool
    error: str | None
    hook: HookAnswer | None

    @classmethod
    def of(cls, error: str | None, hook: PromisedHook | None) -> HookCallAnswer:
        """The answer for a call.

        :param error: the traceback when the hook raised; None when it ended.
        :param hook: the hook as it is now; None when it ended.
        """
        return cls(ended=error is None, error=error, hook=HookAnswer.of(hook) if hook else None)
