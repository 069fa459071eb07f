"""The example package's managers and runner, over real tables and DAG runs: each trigger of theirs fires once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import select, update

from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.errors import ConfigurationError
from airflow_triggers.manager.manager import trigger_managers
from airflow_triggers.runners import task_runners
from airflow_triggers.sessions.describing import describe_session
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import tables
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.storages.transaction import transaction
from survey_managers.daytime import DaytimeTaskRunner
from survey_managers.finalizing import FINALIZED, FinalizingManager
from survey_managers.wave import WaveManager, WaveMemberManager
from tests.support.dags import deploy_configuration, play, run_of
from tests.support.hooks import promised_hooks

MANAGERS = (FinalizingManager, WaveManager, WaveMemberManager)


@pytest.fixture
def registered():
    for manager in MANAGERS:
        trigger_managers.register(manager.name, manager)
    task_runners.register("daytime", DaytimeTaskRunner)
    yield
    for manager in MANAGERS:
        trigger_managers.unregister(manager.name)
    task_runners.unregister("daytime")


@pytest.fixture
def deployed(airflow_db, registered):
    deploy_configuration(
        "survey",
        t_page={"after": [], "andEvery": "page"},
        t_score={"after": ["last"], "reported": True},
        t_remind={"after": ["due"], "unless": [FINALIZED], "using": "daytime"},
        t_thank={"after": [FINALIZED]},
        t_archive={"after": ["t_thank"]},
    )
    deploy_configuration(
        "wave",
        t_addMember={"after": [], "andEvery": "memberFinished"},
        t_report={"after": ["waveComplete"]},
    )


@pytest.fixture
def member(deployed, controller):
    """A session of which only ``t_score#0`` is still open."""
    uid = member_until_the_score("ann")
    controller.run_once()
    assert finalized(uid) == 0
    return uid


def member_until_the_score(uid, manager="wave-member", **metadata):
    create_session(uid, configuration="survey", manager=manager, metadata=metadata)
    fire_into(uid, "page")
    fire_into(uid, "last")
    end(uid, "t_page#0")
    return uid


def end(uid, name, state="success", **how):
    play(next(it for it in describe_session(uid).instances if it.instance.name == name), state, **how)


def statuses(uid):
    return {name: one.status.value for name, one in open_session(uid).storage.instances.items()}


def fires_of(uid, trigger):
    return [fire for fire in SqlStorageBackend(uid).fires() if fire.trigger_name == trigger]


def finalized(uid):
    return len(fires_of(uid, FINALIZED))


# -- the manager that finalizes ------------------------------------------------------------------------------------


def test_a_session_is_finalized_once_when_its_last_task_finishes(member, controller):
    end(member, "t_score#0")
    controller.run_once()
    assert finalized(member) == 1
    assert statuses(member) == {
        "t_page#0": "finished",
        "t_score#0": "finished",
        "t_remind#0": "abandoned",
        "t_thank#0": "scheduled",
    }
    end(member, "t_thank#0")
    controller.run_once()
    end(member, "t_archive#0")
    controller.run_once()
    fire_into(member, "page")
    end(member, "t_page#1")
    controller.run_once()
    assert finalized(member) == 1
    assert promised_hooks(SqlStorageBackend(member)) == []


@pytest.mark.parametrize("cascade", [False, True])
def test_the_last_open_instance_that_failed_and_is_skipped_finalizes_the_session(member, controller, cascade):
    end(member, "t_score#0", "failed")
    controller.run_once()
    assert finalized(member) == 0
    open_session(member).skip_failed_instance("t_score#0", cascade)
    assert finalized(member) == 1


def test_the_last_open_instance_that_is_replayed_finalizes_the_session_when_its_clone_is_done(
    member, controller
):
    end(member, "t_score#0", "failed")
    controller.run_once()
    open_session(member).replay_failed_instance("t_score#0")
    assert finalized(member) == 0
    end(member, "t_score#1")
    controller.run_once()
    assert finalized(member) == 1


def test_the_last_open_task_that_skips_itself_finalizes_the_session(member, controller):
    end(member, "t_score#0", task_state="skipped")
    controller.run_once()
    assert statuses(member)["t_score#0"] == "skipped"
    assert finalized(member) == 1


@pytest.mark.parametrize("status", ["finished", "skipped", "abandoned"])
def test_the_last_open_instance_that_is_resolved_by_hand_finalizes_the_session(member, status):
    open_session(member).update_instance_status("t_score#0", InstanceStatus(status))
    assert finalized(member) == 1


def test_a_reminder_that_waits_until_the_end_holds_nothing_up_and_one_under_way_does(member, controller):
    fire_into(member, "due")
    end(member, "t_score#0")
    controller.run_once()
    assert statuses(member)["t_remind#0"] == "scheduled"
    assert finalized(member) == 0
    end(member, "t_remind#0")
    controller.run_once()
    assert finalized(member) == 1


def test_a_session_that_the_application_finalized_is_not_finalized_again(member, controller):
    fire_into(member, FINALIZED)
    end(member, "t_score#0")
    controller.run_once()
    assert finalized(member) == 1


def test_a_session_without_tasks_is_not_finalized(deployed):
    FinalizingManager(SqlStorageBackend("empty")).fire("page")
    assert finalized("empty") == 0


def test_hooks_at_the_same_time_finalize_once(member):
    """Hooks run at least once: eight at a time stand for processes that were killed and others that took over."""
    without_hooks(member, "t_score#0")
    managers = [open_session(member) for _ in range(8)]
    begin = threading.Barrier(len(managers))

    def call(manager):
        begin.wait(60)
        manager._post_fire("t_score", ())

    with ThreadPoolExecutor(len(managers)) as threads:
        list(threads.map(call, managers))
    assert finalized(member) == 1


def without_hooks(uid, name):
    """Resolve an instance as if the process had died before it called the hook."""
    storage = SqlStorageBackend(uid)
    with storage.acquire_lock():
        before = storage[name]
        storage.put(before, replace(before, status=InstanceStatus.FINISHED))


def test_a_trigger_that_fires_between_the_look_and_the_lock_keeps_the_session_open(member):
    class Overtaken(SqlStorageBackend):
        @contextmanager
        def acquire_lock(self, **options):
            if len(fires_of(self.uid, "page")) == 1:
                fire_into(self.uid, "page")
            with super().acquire_lock(**options):
                yield

    without_hooks(member, "t_score#0")
    FinalizingManager(Overtaken(member))._post_fire("t_score", ())
    assert statuses(member)["t_page#1"] == "scheduled"
    assert finalized(member) == 0


# -- members and waves ---------------------------------------------------------------------------------------------


@pytest.fixture
def wave(deployed):
    create_session("wave-1", configuration="wave", manager="wave", metadata={"members": 2})
    return "wave-1"


def finish_member(controller, uid, score, **metadata):
    member_until_the_score(uid, **metadata)
    end(uid, "t_score#0", result={"score": score})
    controller.run_once()


def test_each_member_is_in_once_and_the_wave_is_complete_once(wave, controller):
    for number, uid in enumerate(("ann", "bob", "eve")):
        finish_member(controller, uid, number, wave=wave)
        end(wave, f"t_addMember#{number}")
        controller.run_once()
    assert [fire.kwargs for fire in reversed(fires_of(wave, "memberFinished"))] == [
        {"member": uid, "result": {"t_score": {"score": number}}}
        for number, uid in enumerate(("ann", "bob", "eve"))
    ]
    (complete,) = fires_of(wave, "waveComplete")
    assert complete.kwargs == {
        "results": {"ann": {"t_score": {"score": 0}}, "bob": {"t_score": {"score": 1}}}
    }
    assert statuses(wave)["t_report#0"] == "scheduled"


def test_a_members_hook_that_is_called_again_adds_nothing_even_with_another_result(wave, controller):
    finish_member(controller, "ann", 1, wave=wave)
    open_session("ann")._post_fire(FINALIZED, ())
    fire_into("ann", "t_score", {"score": 2})
    open_session("ann")._post_fire(FINALIZED, ())
    (fire,) = fires_of(wave, "memberFinished")
    assert fire.kwargs["result"] == {"t_score": {"score": 1}}


def test_a_member_whose_score_was_waived_is_in_without_one(wave, controller):
    member_until_the_score("ann", wave=wave)
    end("ann", "t_score#0", "failed")
    controller.run_once()
    open_session("ann").skip_failed_instance("t_score#0")
    assert [fire.kwargs for fire in fires_of(wave, "memberFinished")] == [{"member": "ann", "result": {}}]


def test_a_member_reports_when_its_wave_is_made_later(deployed, controller, caplog):
    finish_member(controller, "ann", 1, wave="wave-1")
    assert finalized("ann") == 1
    assert promised_hooks(SqlStorageBackend("ann")) == [("_post_fire", 1)]
    assert "There is no session 'wave-1'" in caplog.text
    create_session("wave-1", configuration="wave", manager="wave", metadata={"members": 2})
    with transaction() as session:
        session.execute(update(tables.hook).values(due=datetime.now(UTC) - timedelta(seconds=1)))
    controller.run_once()
    assert len(fires_of("wave-1", "memberFinished")) == 1
    assert promised_hooks(SqlStorageBackend("ann")) == []


def test_a_member_without_a_wave_is_finalized_and_reports_to_nobody(deployed, controller):
    finish_member(controller, "ann", 1)
    assert finalized("ann") == 1
    assert promised_hooks(SqlStorageBackend("ann")) == []


# -- the runner ----------------------------------------------------------------------------------------------------


def run_after(uid, name):
    view = next(it for it in describe_session(uid).instances if it.instance.name == name)
    with airflow_session() as session:
        return run_of(session, view).run_after


@pytest.mark.parametrize(("timezone", "hour"), [(None, 8), ("Asia/Tokyo", 23)])
def test_a_run_begins_in_the_daytime_of_the_sessions_time_zone(deployed, monkeypatch, timezone, hour):
    night = datetime(2026, 3, 4, 21, 30, tzinfo=UTC)
    monkeypatch.setattr(SqlStorageBackend, "now", lambda storage: night)
    metadata = {"timezone": timezone} if timezone else {}
    create_session("ann", configuration="survey", manager="finalizing", metadata=metadata)
    fire_into("ann", "due")
    assert statuses("ann") == {"t_remind#0": "scheduled"}
    begin = run_after("ann", "t_remind#0")
    assert (begin > night, begin.hour, begin - night < timedelta(hours=24)) == (True, hour, True)


def test_a_time_zone_that_there_is_not_fails_the_instance_with_the_reason(deployed):
    create_session("ann", configuration="survey", metadata={"timezone": "Mars/Olympus"})
    fire_into("ann", "due")
    instance = open_session("ann").storage["t_remind#0"]
    assert instance.status is InstanceStatus.FAILED
    assert "timezone 'Mars/Olympus', expected a name" in instance.metadata["exceptionMessage"]


def test_hours_that_are_none_are_refused_with_the_task(deployed):
    manager = FinalizingManager(SqlStorageBackend("ann"))
    task = {"after": ["due"], "run": "survey.t_remind", "using": "daytime", "daytime": [20, 8]}
    with pytest.raises(ConfigurationError, match=r"task 't_x': 'daytime' is \[20, 8\], expected two hours"):
        manager.update_configuration({"t_x": task})


def test_a_repair_of_a_daytime_run_reaches_its_run(deployed, controller):
    create_session("ann", configuration="survey", manager="finalizing")
    fire_into("ann", "due")
    end("ann", "t_remind#0", "failed")
    controller.run_once()
    open_session("ann").skip_failed_instance("t_remind#0")
    with transaction() as session:
        assert session.scalar(select(tables.run.c.seen_state)) == "success"
