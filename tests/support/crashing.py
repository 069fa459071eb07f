"""Lets a process die at any moment of an act. The process is a fork of this one: nothing is imported again."""

from __future__ import annotations

import os
import traceback

from airflow import settings

DIED = 137


def dies_at(point, act, *, stores=()):
    """Do the act in a child process. The child dies, as by SIGKILL, at its ``point``-th moment; the first one is 1.

    The moments are: before each statement, before and after each COMMIT, before and after each call of ``stores``.
    (After a statement is before the next one.)

    :param stores: functions, as (owner, name), which write into other stores.
    :returns: whether it died; False: the act ended before.
    """
    return DyingProcess(point, act, stores=stores).wait()


class DyingProcess:
    """A child process, at work from the beginning; see :func:`dies_at`."""

    def __init__(self, point, act, *, stores=()):
        self.pipe, child_end = os.pipe()
        if not (child := os.fork()):
            os.close(self.pipe)
            _do(point, act, stores, child_end)
        os.close(child_end)
        self.child = child

    def wait(self):
        """Whether it died; False: the act ended before."""
        with os.fdopen(self.pipe) as said:
            words = said.read()
        code = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])
        assert code in (0, DIED), f"what was to be killed failed by itself:\n{words}"
        return code == DIED


def _do(point, act, stores, out):
    """Do the act in the child; never returns."""
    try:
        _arm(point, stores)
        act()
    except BaseException:  # noqa: BLE001  (whatever it is, the parent is told, and this process ends)
        os.write(out, traceback.format_exc().encode())
        os._exit(1)
    os._exit(0)


def _arm(point, stores):
    left = point

    def moment(*_):
        nonlocal left
        left -= 1
        if not left:
            os._exit(DIED)

    engine = settings.engine
    # The parent goes on with the connections.
    engine.dispose(close=False)
    for name in ("do_execute", "do_execute_no_params", "do_executemany"):
        _watch(engine.dialect, name, before=moment)
    for owner, name in ((engine.dialect, "do_commit"), *stores):
        _watch(owner, name, before=moment, after=moment)


def _watch(owner, name, *, before, after=lambda: None):
    """Make every call of the function begin with ``before`` and end with ``after``."""
    original = getattr(owner, name)

    def watched(*arguments, **keywords):
        before()
        try:
            return original(*arguments, **keywords)
        finally:
            after()

    setattr(owner, name, watched)
