"""The lock of a session. Its holder may write, and all writes are committed or undone as one.

Neighbours: ``base.py`` has the contract of the storages with this lock; ``hook_queue.py`` has the order of hook calls.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Self, TypeVar

from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.errors import StorageError
from airflow_triggers.storages.hook_queue import CommittedHooks, HookCall, HookQueue, hook_queue

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(eq=False)
class Followers:
    """The work after a commit: callbacks at once, then the promised hooks, in their turn."""

    callbacks: list[Callable[[], object]] = field(default_factory=list)
    hook_calls: list[HookCall] = field(default_factory=list)
    _queue: HookQueue | None = None
    _hooks: CommittedHooks | None = None

    def stand_in_line(self, queue: HookQueue, *, in_turn: bool) -> None:
        """Take the hooks' place among those of the session's other commits. The lock is held."""
        self._queue = queue
        self._hooks = queue.reserve(self.hook_calls, in_turn=in_turn)

    def call_hooks(self) -> None:
        """Call the hooks, or leave them to the thread that calls the hooks of earlier commits."""
        if self._queue is not None and self._hooks is not None:
            self._queue.call(self._hooks)

    def abandon(self) -> None:
        """Leave the line, and call no hooks: the commit failed."""
        if self._queue is not None and self._hooks is not None:
            self._queue.abandon(self._hooks)


class _LockState(threading.local):
    """How often the thread has taken the lock, and the work after its release.

    ``is_undivided``: the held lock makes no optional savepoints; see :meth:`LockedSession.undivided`.
    ``next_is_undivided``: the next lock will be such a one. ``failure``: must leave the held lock, to undo its writes.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.followers = Followers()
        self.reports = False
        self.is_undivided = False
        self.next_is_undivided = False
        self.failure: BaseException | None = None


class _TrialEnd(Exception):
    """Leaves the lock of a trial, and undoes its writes."""


class _PartFailed(BaseException):
    """Leaves the undivided lock of a session, and undoes its writes.

    It is a BaseException, so that no ``except Exception`` on the way takes it.
    """

    def __init__(self, session: LockedSession) -> None:
        super().__init__(session.uid)
        self.session = session


class LockedSession(ABC):
    """The session ``uid`` and its lock. This half of a storage's contract says when writes are committed.

    :param uid: the session's UID.
    :raises InvalidSessionUid: when the UID is outside the allowed form.
    """

    def __init__(self, uid: str) -> None:
        # A plain str: encoders such as yaml.safe_dump and msgspec refuse subclasses, and users' hooks pass it on.
        self.uid = str(SessionUid(uid))
        self._lock_state = _LockState()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.uid!r}>"

    @contextmanager
    def acquire_lock(
        self, *, create: bool = False, manager: str = "default", wait: bool = True
    ) -> Iterator[Self]:
        """Hold the session's lock. All writes inside are committed as one at the end of the outermost lock.

        Reentrant within a thread. If an exception leaves the outermost lock, everything written inside is undone.

        :param create: make the session if there is none; ``manager`` is the name it will remember.
        :param wait: False: raise LockTimeout at once when another holds the lock (where the store can tell).
        :returns: a context manager for this storage, in nested locks too.
        :raises SessionNotFound: when there is no session and ``create`` is false.
        :raises LockTimeout: when another holder did not release it in time; nothing was written.
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
        """Hold the lock as :meth:`acquire_lock` does. At the end of the outermost lock, undo all writes inside.

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

        :param followers: collects the work to do after the commit.
        """
        lock_state = self._lock_state
        lock_state.depth, lock_state.followers = 1, followers
        lock_state.is_undivided, lock_state.next_is_undivided = lock_state.next_is_undivided, False
        lock_state.failure = None
        try:
            yield
            if lock_state.failure is not None:
                # Somebody on the way has caught it, but the part's writes are not undone yet.
                raise lock_state.failure
            if followers.hook_calls:
                followers.stand_in_line(hook_queue(self._identity), in_turn=lock_state.reports)
        finally:
            lock_state.depth, lock_state.followers = 0, Followers()
            lock_state.is_undivided, lock_state.failure = False, None

    @property
    def _identity(self) -> Hashable:
        """A key for the session, unique in this process, and the same for every object of this session."""
        return type(self), self.uid

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Mark this thread's commits inside as a runner's report: their hooks are called in turn.

        See ``hook_queue.py``.
        """
        lock_state = self._lock_state
        outer, lock_state.reports = lock_state.reports, True
        try:
            yield
        finally:
            lock_state.reports = outer

    def follow(self, followers: Followers) -> None:
        """Do the work after a commit, for the thread that released the lock. Errors are logged."""
        lock_state = self._lock_state
        reports, lock_state.reports = lock_state.reports, False
        try:
            for callback in followers.callbacks:
                self._call_back(callback)
            followers.call_hooks()
        finally:
            lock_state.reports = reports

    def _call_back(self, callback: Callable[[], object]) -> None:
        """Call back. The commit is done, so no error afterwards may make it look undone."""
        try:
            callback()
        except Exception:
            log.exception("Session %s: what was to follow a kept write failed", self.uid)

    def undivided(self, work: Callable[[], T]) -> T:
        """Do work that takes the lock once, without optional savepoints: they are two round trips each.

        If a part of it fails that such a savepoint would have undone, everything is undone, and the work is done again,
        with all savepoints. Under a lock that is held already, nothing is done again, and all savepoints are made.
        """
        lock_state = self._lock_state
        if lock_state.depth:
            return work()
        lock_state.next_is_undivided = True
        try:
            return work()
        except _PartFailed as failed:
            if failed.session is not self:
                raise
        finally:
            lock_state.next_is_undivided = False
        return work()

    @contextmanager
    def savepoint(self, *, optional: bool = False) -> Iterator[None]:
        """Inside the lock: when an exception leaves, all writes inside and the work to follow them are undone.

        :param optional: what is done inside may as well be undone with the whole transaction, and done again; see
            :meth:`undivided`.
        :raises RuntimeError: outside of :meth:`acquire_lock`.
        """
        lock_state = self._lock_state
        if not lock_state.depth:
            raise self._no_lock_error()
        if optional and lock_state.is_undivided:
            try:
                with self._undivided_part():
                    yield
            except BaseException as error:
                lock_state.failure = error
                # What the store itself has run into would come again.
                if isinstance(error, (Exception, SystemExit)) and not isinstance(error, StorageError):
                    lock_state.failure = _PartFailed(self)
                    raise lock_state.failure from error
                raise
            return
        # What is done inside cannot be done again.
        lock_state.is_undivided = False
        followers = lock_state.followers
        callbacks, hook_calls = len(followers.callbacks), len(followers.hook_calls)
        try:
            with self._nesting():
                yield
        except BaseException:
            del followers.callbacks[callbacks:], followers.hook_calls[hook_calls:]
            raise

    def _undivided_part(self) -> AbstractContextManager[None]:
        """What the store does in place of an optional savepoint: raise now what would otherwise fail later."""
        return nullcontext()

    @abstractmethod
    def _nesting(self) -> AbstractContextManager[None]:
        """The store's part of :meth:`savepoint`: when an exception leaves, undo all writes inside."""

    @abstractmethod
    def _hold(self, *, create: bool, manager: str, wait: bool) -> AbstractContextManager[None]:
        """The lock itself, for :meth:`acquire_lock`: not reentrant. At its end it commits all writes, or none."""

    def after_release(self, callback: Callable[[], object]) -> None:
        """Call back after the outermost lock's commit, in the order of these calls; never if its writes are undone.

        An error of a callback is logged: it undoes nothing, and the other callbacks are still called.

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
        """Send all writes so far to the store, still inside the lock (for readers in this transaction)."""
