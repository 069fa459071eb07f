"""API servers and controllers whose clocks are apart by a minute, or two: things happen earlier or later, and once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import select

import airflow_triggers
from airflow_triggers import gateway
from airflow_triggers.controller.loop import Controller
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.sessions.describing import describe_session, fires_of
from airflow_triggers.sessions.opening import create_session, fire_into
from airflow_triggers.storages import cache
from airflow_triggers.storages.sql import SqlStorageBackend
from tests.conftest import REDIS_URL
from tests.support.clocks import READERS, Clocks
from tests.support.dags import play
from tests.support.hooks import promised_hooks
from tests.support.surveys import statuses, view

AHEAD_AND_BEHIND = (-60, 60)


@pytest.fixture
def clocks(survey, monkeypatch):
    return Clocks(monkeypatch)


def pass_of(clocks, seconds):
    with clocks.wrong_by(seconds=seconds):
        Controller().run_once()


def passes(clocks, *, order=AHEAD_AND_BEHIND):
    for seconds in order * 2:
        pass_of(clocks, seconds)


def runs():
    with airflow_session() as session:
        return sorted(session.scalars(select(DagRun.run_id)))


def test_every_module_that_reads_the_clock_is_among_those_whose_clock_is_wrong_here():
    package = Path(airflow_triggers.__file__).parent
    reading = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if re.search(r"datetime\.now\(|time\.time\(|utcnow", path.read_text())
        and not path.is_relative_to(package / "testing")
    }
    reading.remove("runners/threading.py")  # a deadline within one process
    reading.remove(
        "gateway/verified_tokens.py"
    )  # the expiry of a token, which Airflow reads off the same clock
    assert reading == {str(Path(module.__file__).relative_to(package)) for module in READERS}


@pytest.mark.parametrize("server", AHEAD_AND_BEHIND)
@pytest.mark.parametrize("order", [(-60, 60), (60, -60)])
def test_a_fire_for_later_counts_once_whatever_the_clocks_say(clocks, server, order):
    at = datetime.now(UTC) + timedelta(seconds=90)
    sent = {"idempotency_key": "k", "fire_at": at}
    with clocks.wrong_by(seconds=server):
        first = fire_into("order-1", "firstPage", {"n": 1}, configuration="survey", **sent)
    with clocks.wrong_by(seconds=-server):
        assert fire_into("order-1", "firstPage", {"n": 1}, **sent).repeated
    assert first.deferred
    assert statuses() == {}
    for _ in range(8):
        clocks.pass_by(seconds=20)
        passes(clocks, order=order)
    assert statuses() == {"t_import#0": "scheduled"}
    assert (len(fires_of("order-1")), len(runs())) == (1, 1)
    with clocks.wrong_by(seconds=server):
        assert fire_into("order-1", "firstPage", {"n": 1}, **sent).repeated
    assert describe_session("order-1").delayed_fires == ()


@pytest.mark.parametrize("order", [(-60, 60), (60, -60)])
def test_a_completion_and_a_retry_count_once_whichever_controller_comes_first(clocks, order):
    for uid in ("order-1", "order-2"):
        fire_into(uid, "firstPage", {"n": 1}, configuration="survey")
    play(view("t_import#0"), "success", result={"id": 7})
    play(view("t_import#0", "order-2"), "failed", report={"retry": {"cooldown": 30, "retries": 1}})
    passes(clocks, order=order)
    assert statuses() == {"t_import#0": "finished", "t_score#0": "scheduled"}
    assert statuses("order-2") == {"t_import#0": "replayed", "t_import#1": "scheduled"}
    assert len(runs()) == 4
    with airflow_session() as session:
        clone = session.scalar(select(DagRun).where(DagRun.run_id == view("t_import#1", "order-2").run_id))
        assert abs((clone.run_after - datetime.now(UTC)).total_seconds()) <= 100


class Counting(TriggerManager):
    """Counts the calls of its hook; the process that commits dies before it calls it."""

    name = "counting"
    calls = 0

    def _promise_hook(self, hook, **arguments):
        self.storage.add_hook(hook, arguments)

    def _post_fire(self, trigger_name, tasks_scheduled):
        type(self).calls += 1


@pytest.mark.parametrize("server", AHEAD_AND_BEHIND)
def test_a_hook_that_a_dead_process_owes_is_called_whatever_the_clocks_say(clocks, server):
    trigger_managers.register("counting", Counting)
    try:
        create_session("order-1", configuration="survey", manager="counting")
        with clocks.wrong_by(seconds=server):
            fire_into("order-1", "firstPage")
        for _ in range(5):
            clocks.pass_by(seconds=30)
            passes(clocks)
        assert Counting.calls >= 1
        assert promised_hooks(SqlStorageBackend("order-1")) == []
    finally:
        trigger_managers.unregister("counting")
        Counting.calls = 0


@pytest.mark.parametrize("failing", AHEAD_AND_BEHIND)
def test_what_one_controller_backs_off_from_another_applies_when_its_time_has_come(
    clocks, failing, monkeypatch
):
    fire_into("order-1", "firstPage", configuration="survey")
    play(view("t_import#0"), "success", result={"id": 7})
    with monkeypatch.context() as broken:
        broken.setattr(gateway, "read_xcoms", None)
        pass_of(clocks, failing)
    assert statuses() == {"t_import#0": "scheduled"}
    for _ in range(7):
        clocks.pass_by(seconds=20)
        passes(clocks)
    assert statuses() == {"t_import#0": "finished", "t_score#0": "scheduled"}
    assert len(fires_of("order-1")) == 2


def test_a_controller_that_is_ahead_leaves_a_promise_alone_whose_process_is_at_work(
    clocks, redis_region, monkeypatch
):
    monkeypatch.setattr(cache, "default_region", lambda: redis_region)
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CACHE_URL", REDIS_URL)
    create_session("order-1", configuration="survey", storage="cache")
    keep = redis_region.set

    def after_a_pass(*arguments):
        pass_of(clocks, 60)
        keep(*arguments)
        pass_of(clocks, 60)

    with monkeypatch.context() as interleaved:
        interleaved.setattr(redis_region, "set", after_a_pass)
        fire_into("order-1", "firstPage")
    passes(clocks)
    assert statuses() == {"t_import#0": "scheduled"}
    assert runs() == ["triggers__order-1~t_import~0"]
