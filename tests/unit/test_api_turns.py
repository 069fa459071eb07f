"""Turns: a popular session keeps its own requests waiting, and nobody else's."""

from __future__ import annotations

import asyncio

import pytest

from airflow_triggers.api.turns import AT_ONCE, Turns
from airflow_triggers.errors import LockTimeout


class Visits:
    """Requests that take a turn, and keep it until they are let go."""

    def __init__(self):
        self.turns = Turns()
        self.begun = []
        self.ends = {}

    def come(self, uid, name):
        self.ends[name] = asyncio.Event()
        return asyncio.create_task(self._visit(uid, name))

    async def _visit(self, uid, name):
        async with self.turns.take(uid):
            self.begun.append(name)
            await self.ends[name].wait()

    async def all_end(self, *tasks):
        for end in self.ends.values():
            end.set()
        await asyncio.gather(*tasks)

    async def settle(self):
        """Let everybody go as far as they can: nothing here waits for anything but a turn."""
        for _ in range(50):
            await asyncio.sleep(0)


def run(scenario):
    return asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_few_at_a_time_fire_into_a_session_in_the_order_of_arrival():
    async def scenario():
        visits, names = Visits(), list(range(AT_ONCE + 3))
        tasks = [visits.come("a", name) for name in names]
        await visits.settle()
        assert visits.begun == names[:AT_ONCE]
        for name in names:
            visits.ends[name].set()
            await visits.settle()
            assert visits.begun == names[: AT_ONCE + name + 1]
        await asyncio.gather(*tasks)

    run(scenario)


def test_another_session_does_not_wait():
    async def scenario():
        visits = Visits()
        tasks = [visits.come("a", name) for name in range(50)]
        tasks.append(visits.come("b", "other"))
        await visits.settle()
        assert visits.begun == [*range(AT_ONCE), "other"]
        await visits.all_end(*tasks)

    run(scenario)


def test_whoever_gives_up_or_fails_leaves_the_turn_to_the_next():
    async def scenario():
        visits = Visits()
        first = [visits.come("a", name) for name in range(AT_ONCE)]
        gives_up = visits.come("a", "gives up")
        last = visits.come("a", "last")
        await visits.settle()
        gives_up.cancel()
        first[0].cancel()
        await visits.settle()
        assert visits.begun == [*range(AT_ONCE), "last"]
        await visits.all_end(*first[1:], last)

    run(scenario)


def test_a_turn_that_does_not_come_is_a_timeout_that_says_what_to_do():
    async def scenario():
        visits = Visits()
        tasks = [visits.come("a", name) for name in range(AT_ONCE)]
        await visits.settle()
        with pytest.raises(LockTimeout, match="session 'a' for more than 0 seconds"):
            async with visits.turns.take("a", patience=0):
                pass
        await visits.all_end(*tasks)

    run(scenario)


def test_the_turns_of_sessions_that_nobody_wants_are_forgotten():
    async def scenario():
        visits = Visits()
        task = visits.come("a", "only")
        await visits.settle()
        visits.ends["only"].set()
        await task
        assert [turns.queues for turns in visits.turns._of_loop.values()] == [{}]

    run(scenario)
