"""The order in which this process calls a session's hooks: the order of their commits.

A runner of this process starts an instance as soon as the fire is committed. The instance can end, and its cascade can
commit, before the fire's own hook was called. So the hooks of a runner's report come after the hooks of all earlier
commits. The runner's own thread calls them if the earlier ones have ended. Otherwise the thread that ends the last of
them does. Nobody waits, so a hook may fire, and may join the runner's threads.

All others (an application, a request, the controller) call the hooks of their own commit themselves, at once.
Neighbours: ``lock.py`` has a session's commits stand in line here; ``manager/hooks.py`` makes the calls.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

HookCall = Callable[[], object]


@dataclass(eq=False)
class CommittedHooks:
    """The hooks of one commit, in line.

    :param in_turn: whether they wait for the hooks of earlier commits.
    :param is_committed: whether the commit is over. Until then nobody knows whether to call them.
    :param caller: the thread calling them.
    """

    calls: Sequence[HookCall]
    in_turn: bool
    is_committed: bool = False
    caller: int | None = None


@dataclass(eq=False)
class HookQueue:
    """The hooks of one session for this process to call, by commit."""

    _guard: threading.Lock = field(default_factory=threading.Lock)
    _line: list[CommittedHooks] = field(default_factory=list)

    def reserve(self, calls: Sequence[HookCall], *, in_turn: bool) -> CommittedHooks:
        """Take the next place in line. Call it under the session's lock: then places have the order of the commits."""
        hooks = CommittedHooks(calls=calls, in_turn=in_turn)
        with self._guard:
            self._line.append(hooks)
        return hooks

    def abandon(self, hooks: CommittedHooks) -> None:
        """Leave the line: the commit failed."""
        self._leave(hooks)
        self._call_ready()

    def call(self, hooks: CommittedHooks) -> None:
        """Have the hooks called after the commit, and then the hooks that only waited for them."""
        with self._guard:
            hooks.is_committed = True
        self._call_ready()
        if not hooks.in_turn:
            hooks.caller = threading.get_ident()
            self._call(hooks)
            self._call_ready()

    def _call_ready(self) -> None:
        while (hooks := self._next_ready()) is not None:
            self._call(hooks)

    def _next_ready(self) -> CommittedHooks | None:
        """The first hooks that wait for nothing but this thread's own calls, claimed for this thread."""
        this_thread = threading.get_ident()
        with self._guard:
            for hooks in self._line:
                if hooks.caller == this_thread:
                    continue
                if hooks.caller is not None or not (hooks.is_committed and hooks.in_turn):
                    return None
                hooks.caller = this_thread
                return hooks
        return None

    def _call(self, hooks: CommittedHooks) -> None:
        try:
            for call in hooks.calls:
                call()
        finally:
            self._leave(hooks)

    def _leave(self, hooks: CommittedHooks) -> None:
        with self._guard:
            self._line.remove(hooks)


_queues: WeakValueDictionary[Hashable, HookQueue] = WeakValueDictionary()
_queues_guard = threading.Lock()


def hook_queue(session: Hashable) -> HookQueue:
    """The queue of a session: the same one for every storage object of the session in this process.

    :param session: a key for the session, unique in this process.
    """
    with _queues_guard:
        return _queues.setdefault(session, HookQueue())
