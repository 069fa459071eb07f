"""The plugin, the listener and the provider's description, as Airflow meets them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import airflow
import jsonschema
import pytest
from airflow import plugins_manager
from airflow._shared.module_loading import import_string
from airflow.jobs.dag_processor_job_runner import DagProcessorJobRunner
from airflow.jobs.job import Job, JobState
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.jobs.triggerer_job_runner import TriggererJobRunner
from airflow.listeners.listener import get_listener_manager
from sqlalchemy import event
from sqlalchemy.orm import Session

from airflow_triggers import listener
from airflow_triggers.controller import process
from airflow_triggers.gateway import import_errors
from airflow_triggers.plugin import TriggersPlugin, _fastapi_apps
from airflow_triggers.provider_info import get_provider_info

HEAVY = ("fastapi", "sqlalchemy", "pydantic", "airflow.models", "airflow.jobs", "airflow.api_fastapi")


def modules_imported_by(statement: str, *, after: str) -> list[str]:
    """What a fresh process imports for the statement, beyond what it had imported before."""
    script = f"{after}\nimport json, sys\nbefore = set(sys.modules)\n{statement}\n"
    script += "print(json.dumps(sorted(set(sys.modules) - before)))"
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return json.loads(finished.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "already", ["import airflow.plugins_manager", "import airflow.sdk.plugins_manager"], ids=["core", "task"]
)
def test_importing_the_plugin_loads_nothing_heavy(already):
    imported = modules_imported_by("import airflow_triggers.plugin", after=already)

    assert "airflow_triggers.plugin" in imported
    assert [name for name in imported if name.startswith(HEAVY)] == []
    assert {name for name in imported if name.startswith("airflow_triggers")} <= {
        "airflow_triggers",
        "airflow_triggers.listener",
        "airflow_triggers.plugin",
    }


def test_airflow_finds_the_plugin_by_its_entry_point():
    (found,) = entry_points(group="airflow.plugins", name="triggers")

    assert found.load() is TriggersPlugin
    assert plugins_manager.is_valid_plugin(TriggersPlugin)


@pytest.fixture
def application(monkeypatch):
    """A stand-in for the module of the REST application, which counts how many it makes."""
    module = ModuleType("airflow_triggers.api.app")
    module.made = []

    def create_app():
        module.made.append(object())
        return module.made[-1]

    module.create_app = create_app
    monkeypatch.setitem(sys.modules, "airflow_triggers.api.app", module)
    _fastapi_apps.cache_clear()
    yield module
    _fastapi_apps.cache_clear()


def test_the_application_is_made_once_when_it_is_first_read(application):
    plugin = TriggersPlugin()
    assert application.made == []

    mounted = plugin.fastapi_apps

    assert mounted == [{"app": application.made[0], "url_prefix": "/triggers", "name": "Triggers"}]
    assert TriggersPlugin.fastapi_apps is plugin.fastapi_apps is mounted
    assert len(application.made) == 1


def test_the_provider_is_described_as_airflow_demands():
    schema = json.loads(Path(airflow.__file__).with_name("provider_info.schema.json").read_text())

    jsonschema.validate(get_provider_info(), schema, jsonschema.Draft7Validator)


def test_every_name_in_the_providers_description_exists():
    info = get_provider_info()

    for name in (*info["cli"], *info["db-managers"]):
        assert callable(import_string(name))


def test_every_setting_has_a_description_and_its_default_is_the_one_in_the_code():
    options = get_provider_info()["config"]["triggers"]["options"]

    assert float(options["controller_interval"]["default"]) == process.INTERVAL
    assert options["controller_autostart"]["default"] == "True"
    assert all(option["description"] for option in options.values())


# -- the listener, with Airflow's own jobs and its own list of listeners -------------------------------------------


class RecordedController:
    """Stands for the process beside the scheduler."""

    made: list[RecordedController] = []  # noqa: RUF012  (emptied by the fixture)

    def __init__(self):
        self.looks, self.stopped, self.raises = 0, False, None
        self.made.append(self)

    def keep_running(self):
        self.looks += 1
        if self.raises:
            raise self.raises

    def stop(self):
        self.stopped = True


@pytest.fixture
def controllers(monkeypatch):
    monkeypatch.setattr(process, "ControllerProcess", RecordedController)
    monkeypatch.setattr(RecordedController, "made", [])
    return RecordedController.made


@pytest.fixture(autouse=True)
def _spares_nothing():
    """Undo what the listener prepares a DAG processor for: the next tests in this process are none."""
    yield
    if import_errors.spares_other_dags():
        event.remove(Session, "do_orm_execute", import_errors._spare)
        import_errors._state["spares"] = False


@pytest.fixture
def scheduler(controllers):
    """A scheduler's job that has not begun to run."""
    job = Job()
    SchedulerJobRunner(job=job)
    yield job
    end(job)


def end(job):
    get_listener_manager().hook.before_stopping(component=job)


def test_a_scheduler_gets_a_controller_when_it_begins_to_run(scheduler, controllers):
    assert controllers == []

    scheduler.state = JobState.RUNNING

    (controller,) = controllers
    assert controller.looks == 1


def test_each_heartbeat_of_the_scheduler_looks_after_the_controller(scheduler, controllers):
    scheduler.state = JobState.RUNNING

    for _ in range(3):
        scheduler.latest_heartbeat = datetime.now(UTC)

    (controller,) = controllers
    assert controller.looks == 4


def test_the_controller_ends_with_the_scheduler(scheduler, controllers):
    scheduler.state = JobState.RUNNING

    end(scheduler)
    scheduler.latest_heartbeat = datetime.now(UTC)

    (controller,) = controllers
    assert controller.stopped
    assert controller.looks == 1


@pytest.mark.parametrize("runner", [TriggererJobRunner, DagProcessorJobRunner], ids=lambda it: it.job_type)
def test_no_other_component_gets_a_controller(runner, controllers):
    job = Job()
    job.job_type = runner.job_type

    job.state = JobState.RUNNING
    job.latest_heartbeat = datetime.now(UTC)
    end(job)

    assert controllers == []


def test_a_task_process_gets_no_controller(controllers):
    from airflow.sdk.execution_time.task_runner import TaskRunnerMarker

    hooks = listener.TriggersListener()
    marker = TaskRunnerMarker()

    hooks.on_starting(marker)
    hooks.before_stopping(marker)

    assert controllers == []


def test_a_copy_of_the_schedulers_job_changes_nothing(scheduler, controllers):
    copy = Job(job_type="SchedulerJob", id=17)
    end(copy)

    copy.state = JobState.RUNNING

    assert controllers == []


def test_the_setting_controller_autostart_turns_it_off(scheduler, controllers, monkeypatch):
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CONTROLLER_AUTOSTART", "False")

    scheduler.state = JobState.RUNNING
    scheduler.latest_heartbeat = datetime.now(UTC)

    assert controllers == []


def test_a_controller_that_cannot_be_started_does_not_stop_the_scheduler(scheduler, controllers):
    scheduler.state = JobState.RUNNING
    (controller,) = controllers
    controller.raises = OSError("no more processes")

    scheduler.latest_heartbeat = datetime.now(UTC)
    scheduler.latest_heartbeat = datetime.now(UTC)

    assert controller.looks == 3


def test_a_senseless_setting_does_not_stop_the_scheduler(scheduler, controllers, monkeypatch):
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CONTROLLER_AUTOSTART", "perhaps")

    scheduler.state = JobState.RUNNING

    assert controllers == []


@pytest.mark.parametrize(
    ("runner", "is_imported"),
    [(SchedulerJobRunner, True), (DagProcessorJobRunner, True), (TriggererJobRunner, False)],
    ids=lambda it: getattr(it, "job_type", ""),
)
def test_what_dag_files_import_is_imported_before_processes_are_forked_that_read_them(
    runner, is_imported, monkeypatch
):
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CONTROLLER_AUTOSTART", "False")
    begin = f"job = Job()\njob.job_type = {runner.job_type!r}\njob.state = 'running'"

    imported = modules_imported_by(begin, after="from airflow.jobs.job import Job")

    assert ("airflow_triggers.configuration.compile" in imported) == is_imported


def test_what_cannot_be_imported_ahead_does_not_stop_the_scheduler(
    scheduler, controllers, monkeypatch, caplog
):
    monkeypatch.setitem(sys.modules, "airflow_triggers.configuration.compile", None)

    scheduler.state = JobState.RUNNING

    assert len(controllers) == 1
    assert "cannot be imported ahead" in caplog.text


def test_the_names_that_tell_a_running_scheduler_are_airflows():
    assert SchedulerJobRunner.job_type == listener.SCHEDULER
    assert DagProcessorJobRunner.job_type == listener.DAG_PROCESSOR
    assert listener.RUNNING == JobState.RUNNING
