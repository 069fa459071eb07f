"""The controller as a real process: beside a stand-in for the scheduler, and beside real schedulers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from airflow_triggers.controller.process import ControllerProcess, Restarts

DEADLINE = 60
CONTROLLER = "airflow_triggers.controller.process"


def wait_until(condition, *, deadline=DEADLINE):
    """What the condition returned when it first was true."""
    ends = time.monotonic() + deadline
    while not (found := condition()):
        assert time.monotonic() < ends, f"not within {deadline} s"
        time.sleep(0.05)
    return found


def is_alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_controller(process):
    """Whether it is one and lives; it may end between two looks at it."""
    try:
        return is_alive(process.pid) and CONTROLLER in process.cmdline()
    except psutil.NoSuchProcess:  # a zombie's error is one of these
        return False


def python(script):
    return [sys.executable, "-c", script]


# -- when to start again -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lives", "pause"),
    [
        ([], 0),
        ([1], 0),
        ([1, 1], 1),
        ([1, 1, 1], 2),
        ([1, 1, 1, 1], 4),
        ([1] * 30, 30),
        ([1, 1, 1, 3600], 0),
        ([1, 1, 3600, 1], 0),
    ],
)
def test_a_process_that_ends_again_and_again_is_started_less_and_less_often(lives, pause):
    restarts = Restarts()
    for lived in lives:
        restarts = restarts.ended_after(lived)

    assert restarts.pause == pause


# -- looking after a process -------------------------------------------------------------------------------------


@pytest.fixture
def supervised():
    """Makes a ControllerProcess of a command; it is ended after the test."""
    made = []

    def make(command, **options):
        made.append(ControllerProcess(command=command, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop(timeout=0.1)


SLEEP = python("import time; time.sleep(600)")


def test_a_process_that_runs_is_left_alone(supervised):
    controller = supervised(SLEEP)
    controller.keep_running()
    pid = controller.pid

    controller.keep_running()

    assert controller.pid == pid
    assert is_alive(pid)


def test_a_killed_process_is_replaced_at_the_next_look(supervised):
    controller = supervised(SLEEP)
    controller.keep_running()
    first = controller.pid
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not is_alive(first))

    controller.keep_running()

    assert controller.pid not in (first, None)
    assert is_alive(controller.pid)


def test_a_process_that_fails_over_and_over_waits_for_its_turn(supervised):
    now = [0.0]
    controller = supervised(python("raise SystemExit(3)"), clock=lambda: now[0])
    for _ in range(2):
        controller.keep_running()
        ended = controller.pid
        wait_until(lambda pid=ended: not is_alive(pid))
    controller.keep_running()
    assert controller.pid is None

    now[0] += 1.0
    controller.keep_running()

    assert controller.pid is not None


def test_stopping_ends_the_process(supervised):
    controller = supervised(SLEEP)
    controller.keep_running()
    pid = controller.pid

    controller.stop()

    assert not is_alive(pid)
    assert controller.pid is None


def test_a_process_that_does_not_end_is_killed(supervised, tmp_path):
    ready = tmp_path / "ready"
    ignoring = "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    controller = supervised(python(f"{ignoring}pathlib.Path({str(ready)!r}).touch(); time.sleep(600)"))
    controller.keep_running()
    pid = controller.pid
    wait_until(ready.exists)

    controller.stop(timeout=0.2)

    assert not is_alive(pid)


def test_a_fork_of_the_scheduler_neither_stops_nor_replaces_the_process(supervised, monkeypatch):
    controller = supervised(SLEEP)
    controller.keep_running()
    pid = controller.pid

    with monkeypatch.context() as in_a_fork:
        in_a_fork.setattr(os, "getpid", lambda: 1)
        controller.stop()
        controller.keep_running()

    assert controller.pid == pid
    assert is_alive(pid)


# -- the controller's own process --------------------------------------------------------------------------------


class Started:
    """A process of the test whose output goes to a file. It leads a process group of its own, as under a terminal."""

    def __init__(self, command, log: Path):
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.pid = self.process.pid

    @property
    def output(self):
        return self._log.read_text()

    def wait_for(self, text):
        wait_until(lambda: text in self.output or self._ended(text))

    def _ended(self, text):
        assert self.process.poll() is None, f"ended without {text!r}:\n{self.output}"

    def ends(self):
        return self.process.wait(DEADLINE)

    def controllers(self):
        """The process ids of the controllers among its children."""
        children = psutil.Process(self.pid).children()
        return [it.pid for it in children if is_controller(it)]

    def kill_group(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.process.wait(DEADLINE)


@pytest.fixture
def start(sqlite_airflow_db, tmp_path):
    """Starts a command beside a migrated database; whatever is left of it is killed after the test."""
    started = []

    def start_one(*command):
        started.append(Started(command, tmp_path / f"{len(started)}.log"))
        return started[-1]

    yield start_one
    for one in started:
        one.kill_group()


def supervised_controller(parent):
    return [sys.executable, "-P", "-m", CONTROLLER, "--parent", str(parent)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda it: it.name)
def test_a_signal_ends_the_controller_without_a_traceback(start, number):
    controller = start(*supervised_controller(os.getpid()))
    controller.wait_for("watching DAG runs")

    os.kill(controller.pid, number)

    assert controller.ends() == 0
    assert f"it got {number.name}" in controller.output
    assert "Traceback" not in controller.output


def test_a_signal_ends_the_controller_in_the_foreground(start):
    controller = start(sys.executable, "-m", "airflow", "triggers", "controller", "--interval", "0.1")
    controller.wait_for("watching DAG runs every 0.1 s")

    os.kill(controller.pid, signal.SIGINT)

    assert controller.ends() == 0
    assert "Traceback" not in controller.output


def test_a_signal_ends_the_controller_in_the_background(start, tmp_path):
    pid_file, log = tmp_path / "controller.pid", tmp_path / "controller.log"
    files = ("--pid", pid_file, "--log-file", log, "--stdout", tmp_path / "out", "--stderr", tmp_path / "err")
    start(sys.executable, "-m", "airflow", "triggers", "controller", "--daemon", *map(str, files)).ends()
    wait_until(lambda: log.exists() and "watching DAG runs" in log.read_text())
    pid = int(pid_file.read_text())

    os.kill(pid, signal.SIGTERM)

    wait_until(lambda: not is_alive(pid))
    assert "Traceback" not in log.read_text()


def test_a_controller_whose_parent_was_gone_before_it_looked_ends(start):
    controller = start(*supervised_controller(parent=1))

    assert controller.ends() == 0
    assert "(process 1) is gone" in controller.output


# -- beside real schedulers --------------------------------------------------------------------------------------


@pytest.fixture
def start_scheduler(start, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "1")
    monkeypatch.setenv("AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC", "1")
    return lambda: start(sys.executable, "-m", "airflow", "scheduler", "--skip-serve-logs")


def running_controller(scheduler, *, other_than=None):
    """The process id of the scheduler's one controller, once it works."""
    found = wait_until(lambda: [pid for pid in scheduler.controllers() if pid != other_than])
    assert len(found) == 1
    scheduler.wait_for(f"running as process {found[0]}, supervised by process {scheduler.pid}")
    return found[0]


def test_a_killed_controller_comes_back_and_ends_with_a_killed_scheduler(start_scheduler):
    scheduler = start_scheduler()
    first = running_controller(scheduler)

    os.kill(first, signal.SIGKILL)
    second = running_controller(scheduler, other_than=first)
    os.kill(second, signal.SIGKILL)
    third = running_controller(scheduler, other_than=second)
    os.kill(scheduler.pid, signal.SIGKILL)
    scheduler.ends()

    wait_until(lambda: not is_alive(third), deadline=10)
    assert "Traceback" not in scheduler.output


def test_a_controller_ends_with_its_scheduler(start_scheduler):
    scheduler = start_scheduler()
    controller = running_controller(scheduler)

    os.kill(scheduler.pid, signal.SIGTERM)

    assert scheduler.ends() == 0
    assert not is_alive(controller)
    assert "it got SIGTERM" in scheduler.output
    assert "Traceback" not in scheduler.output


def test_control_c_ends_both_without_a_traceback(start_scheduler):
    scheduler = start_scheduler()
    controller = running_controller(scheduler)

    os.killpg(scheduler.pid, signal.SIGINT)

    assert scheduler.ends() == 0
    assert not is_alive(controller)
    assert "Traceback" not in scheduler.output


def test_two_schedulers_on_one_host_have_a_controller_each(start_scheduler):
    one, other = start_scheduler(), start_scheduler()

    assert running_controller(one) != running_controller(other)


def test_the_setting_controller_autostart_leaves_the_scheduler_alone(start_scheduler, monkeypatch):
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CONTROLLER_AUTOSTART", "False")
    scheduler = start_scheduler()

    scheduler.wait_for("Adopting or resetting orphaned tasks")

    assert "controller_autostart is off" in scheduler.output
    assert scheduler.controllers() == []
