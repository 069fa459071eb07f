"""The lock of a session: who holds it may write, and what was written is kept or undone as one.

Neighbours: ``base.py`` is the contract of the storages, whose lock this is; ``hook_queue.py`` has the order in which
hooks are called.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.storages.hook_queue import CommittedHooks, HookCall, HookQueue, hook_queue

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Followers:
    """What follows a commit: callbacks at once, then the hooks that it promised, in their turn."""

    callbacks: list[Callable[[], object]] = field(default_factory=list)
    hook_calls: list[HookCall] = field(default_factory=list)
    _queue: HookQueue | None = None
    _hooks: CommittedHooks | None = None

    def stand_in_line(self, queue: HookQueue, *, in_turn: bool) -> None:
        """Take the hooks' place among those of the session's other commits, whose lock is held."""
        self._queue = queue
        self._hooks = queue.reserve(self.hook_calls, in_turn=in_turn)

    def call_hooks(self) -> None:
        """Call the hooks, or leave them to who calls those of the commits before."""
        if self._queue is not None and self._hooks is not None:
            self._queue.call(self._hooks)

    def abandon(self) -> None:
        """Nothing follows: the commit failed."""
        if self._queue is not None and self._hooks is not None:
            self._queue.abandon(self._hooks)


class _LockState(threading.local):
    """How often the thread has taken the lock, and what follows when it lets go."""

    def __init__(self) -> None:
        self.depth = 0
        self.followers = Followers()
        self.reports = False


class _TrialEnd(Exception):
    """Leaves the lock of a trial, and undoes what was written."""


class LockedSession(ABC):
    """The session ``uid`` and its lock: the half of a storage's contract that says when what is written is kept.

    :param uid: the session's UID.
    :raises InvalidSessionUid: when the UID is outside the allowed form.
    """

    def __init__(self, uid: str) -> None:
        self.uid = SessionUid(uid)
        self._lock_state = _LockState()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.uid!r}>"

    @contextmanager
    def acquire_lock(
        self, *, create: bool = False, manager: str = "default", wait: bool = True
    ) -> Iterator[Self]:
        """Hold the session's lock; what is written inside is kept as one when the outermost one ends.

        Reentrant within a thread. An exception leaving the outermost one undoes everything written inside.

        :param create: make the session if there is none; ``manager`` is the name it will remember.
        :param wait: False: raise LockTimeout at once when another holds the lock (where the store can tell).
        :returns: a context manager that gives this storage, in nested locks too.
        :raises SessionNotFound: when there is no session and ``create`` is false.
        :raises LockTimeout: when another holder did not let go in time; nothing was written.
        """
        lock_state = self._lock_state
        if lock_state.depth:
            lock_state.depth += 1
            try:
                yield self
            finally:
                lock_state.depth -= 1
            return
        followers = Followers()
        try:
            with self._hold(create=create, manager=manager, wait=wait), self._holding(followers):
                yield self
        except BaseException:
            followers.abandon()
            raise
        self.follow(followers)

    @contextmanager
    def try_out(self, *, create: bool = False, manager: str = "default", wait: bool = True) -> Iterator[Self]:
        """Hold the lock as :meth:`acquire_lock` does, and undo at the end of the outermost one what was written inside.

        The lock itself leaves no trace either, and no session is made.
        """
        try:
            with self.acquire_lock(create=create, manager=manager, wait=wait):
                yield self
                raise _TrialEnd
        except _TrialEnd:
            return

    @contextmanager
    def _holding(self, followers: Followers) -> Iterator[None]:
        """Let this thread write: it has the lock.

        :param followers: gets what is to follow once what the thread wrote is kept.
        """
        lock_state = self._lock_state
        lock_state.depth, lock_state.followers = 1, followers
        try:
            yield
            if followers.hook_calls:
                followers.stand_in_line(hook_queue(self._identity), in_turn=lock_state.reports)
        finally:
            lock_state.depth, lock_state.followers = 0, Followers()

    @property
    def _identity(self) -> Hashable:
        """What tells the session from all others of this process, whichever object keeps it."""
        return type(self), self.uid

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """What this thread commits inside is what a runner reports: its hooks are called in turn.

        See ``hook_queue.py``.
        """
        lock_state = self._lock_state
        outer, lock_state.reports = lock_state.reports, True
        try:
            yield
        finally:
            lock_state.reports = outer

    def follow(self, followers: Followers) -> None:
        """Do what is to follow, for whoever released the lock; what raises is logged."""
        lock_state = self._lock_state
        reports, lock_state.reports = lock_state.reports, False
        try:
            for callback in followers.callbacks:
                self._call_back(callback)
            followers.call_hooks()
        finally:
            lock_state.reports = reports

    def _call_back(self, callback: Callable[[], object]) -> None:
        """What was written is kept, so nothing that follows may make it look undone."""
        try:
            callback()
        except Exception:
            log.exception("Session %s: what was to follow a kept write failed", self.uid)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Inside the lock: what is written, and what is to follow it, is undone when an exception leaves.

        :raises RuntimeError: outside of :meth:`acquire_lock`.
        """
        lock_state = self._lock_state
        if not lock_state.depth:
            raise self._no_lock_error()
        followers = lock_state.followers
        callbacks, hook_calls = len(followers.callbacks), len(followers.hook_calls)
        try:
            with self._nested():
                yield
        except BaseException:
            del followers.callbacks[callbacks:], followers.hook_calls[hook_calls:]
            raise

    @abstractmethod
    def _nested(self) -> AbstractContextManager[None]:
        """What :meth:`savepoint` does in the store: undo what is written inside when an exception leaves."""

    @abstractmethod
    def _hold(self, *, create: bool, manager: str, wait: bool) -> AbstractContextManager[None]:
        """The lock itself, for :meth:`acquire_lock`: not reentrant; keeps at its end what was written, or nothing."""

    def after_release(self, callback: Callable[[], object]) -> None:
        """Call back after the outermost lock's content is kept; in the order of these calls; never if undone.

        One that raises is logged: it undoes nothing and keeps no other from being called.

        :raises RuntimeError: outside of :meth:`acquire_lock`.
        """
        if not self._lock_state.depth:
            raise self._no_lock_error()
        self._lock_state.followers.callbacks.append(callback)

    def call_hook_after_release(self, call: HookCall) -> None:
        """The same for a promised hook: after all of :meth:`after_release`, and in the order of the session's commits.

        :raises RuntimeError: outside of :meth:`acquire_lock`.
        """
        if not self._lock_state.depth:
            raise self._no_lock_error()
        self._lock_state.followers.hook_calls.append(partial(self._call_back, call))

    def _no_lock_error(self) -> RuntimeError:
        return RuntimeError(f"Writing to session {self.uid!r} needs its lock: with storage.acquire_lock(): …")

    @abstractmethod
    def save(self) -> None:
        """Send what was written so far to the store, still inside the lock (for readers in this transaction)."""
