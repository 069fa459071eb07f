"""Other people's packages, installed beside ours, on a real Airflow: the example package, and two broken ones.

Every component is a process of its own in a virtual environment that holds Airflow, our wheel and theirs.
"""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scripts.demo.airflow import Airflow, DemoError, free_ports, wait_for
from scripts.demo.client import API, Client
from tests.support.environment import ROOT
from tests.support.venvs import (
    CONSTRAINTS,
    build_example_wheel,
    build_wheel,
    pip,
    venv_upon,
    venv_with_airflow,
    write_wheel,
)

# Installing Airflow the first time takes a minute or more; it is kept in .test afterwards.
pytestmark = pytest.mark.timeout(900)

EXAMPLE = ROOT / "examples" / "survey_managers"

MANAGER = "from airflow_triggers import TriggerManager\n\n\nclass {}(TriggerManager):\n    {}\n"
PLUGIN = """
from airflow.plugins_manager import AirflowPlugin
from store_managers import Doubled


class OddPlugin(AirflowPlugin):
    name = "odd"
    trigger_managers = Doubled
"""

PROBLEMS = (
    "broken_shop (shop_managers:Doubled) and broken_store (store_managers:Doubled) each declare a trigger manager "
    "named 'doubled'. Uninstall one, or give it another name.",
    "The trigger manager 'nameless' of broken_shop (shop_nameless:Nameless) has no name. Set the class attribute "
    "'name', 'nameless'.",
    "The trigger manager 'unimportable' of broken_shop (shop_till:Till) cannot be imported: ModuleNotFoundError: No "
    "module named 'no_such_till'. Repair or reinstall that package.",
    "The task runner 'lost' of broken_shop (shop_till:Runner) cannot be imported: ModuleNotFoundError: No module named "
    "'no_such_till'. Repair or reinstall that package.",
    "'trigger_managers' of the plugin 'odd' (broken_store==1.0: EntryPoint(name='odd', value='store_plugin:OddPlugin', "
    "group='airflow.plugins')) is <class 'store_managers.Doubled'>, expected a list of classes.",
)
"""What is wrong with the broken packages, as every process says it that uses managers."""


def broken_packages(folder: Path) -> list[Path]:
    doubled = MANAGER.format("Doubled", 'name = "doubled"')
    shop = write_wheel(
        folder,
        "broken_shop",
        {
            "triggers.managers": {
                "doubled": "shop_managers:Doubled",
                "nameless": "shop_nameless:Nameless",
                "unimportable": "shop_till:Till",
            },
            "triggers.runners": {"lost": "shop_till:Runner"},
        },
        {
            "shop_managers": doubled,
            "shop_nameless": MANAGER.format("Nameless", "pass"),
            "shop_till": "import no_such_till\n",
        },
    )
    store = write_wheel(
        folder,
        "broken_store",
        {
            "triggers.managers": {"doubled": "store_managers:Doubled"},
            "airflow.plugins": {"odd": "store_plugin:OddPlugin"},
        },
        {"store_managers": doubled, "store_plugin": PLUGIN},
    )
    return [shop, store]


@pytest.fixture(scope="module")
def airflow(tmp_path_factory):
    folder = tmp_path_factory.mktemp("extensions")
    venv = venv_upon(venv_with_airflow(), folder / "venv")
    wheels = [build_wheel(folder / "ours"), build_example_wheel(EXAMPLE, folder / "theirs")]
    pip(venv, "install", "--constraint", CONSTRAINTS, *wheels, *broken_packages(folder))
    dags = shutil.copytree(EXAMPLE / "dags", folder / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    (dags / "wrong.yaml").write_text("t_call: {after: [called], run: survey_tasks.archive, using: daytme}\n")
    airflow = Airflow(folder / "airflow", free_ports(), dags=dags, python=venv / "bin/python")
    try:
        airflow.prepare()
        airflow.start("scheduler", "dag-processor", "api-server")
        airflow.wait_until_ready()
        yield airflow
    finally:
        airflow.stop()


@pytest.fixture(scope="module")
def client(airflow):
    with Client(airflow.url) as client:
        wait_for(
            "the configurations are deployed",
            lambda: all(
                client.request("GET", f"/api/v2/dags/{name}").is_success for name in ("survey", "wave")
            ),
            seconds=90,
            alive=airflow.check_alive,
        )
        yield client


def create(client, uid, manager, *, configuration="survey", **metadata):
    body = {"uid": uid, "configuration": configuration, "manager": manager, "metadata": metadata}
    return client.request("POST", f"{API}/sessions", json=body)


def answer_survey(client, uid, answers):
    client.fire(uid, "pageReceived", {"page": 1, "q1": 4}, configuration="survey")
    client.fire(uid, "lastPageReceived", {"answers": answers}, configuration="survey")


def statuses(session: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["status"] for one in session["instances"]}


def fired(session: dict[str, Any], trigger: str) -> list[dict[str, Any]]:
    return [fire for fire in session["fires"] if fire["trigger"] == trigger]


def test_members_are_finalized_once_and_their_wave_writes_its_report_once(airflow, client):
    assert create(client, "wave-1", "wave", configuration="wave", members=3).status_code == 201
    for uid, answers in {"ann": [4, 5], "bob": ["?"], "eve": []}.items():
        assert create(client, uid, "wave-member", wave="wave-1").status_code == 201
        answer_survey(client, uid, answers)

    def archived(*uids):
        return all(statuses(client.session(uid)).get("t_archive#0") == "finished" for uid in uids)

    wait_for(
        "two members end by themselves, and the third one's score fails",
        lambda: archived("ann", "eve") and statuses(client.session("bob")).get("t_score#0") == "failed",
        seconds=120,
        alive=airflow.check_alive,
    )
    assert fired(client.session("bob"), "sessionFinalized") == []
    client.skip("bob", "t_score#0", cascade=False, result=None)
    wait_for(
        "the third member ends, and the wave",
        lambda: archived("bob") and statuses(client.session("wave-1")).get("t_report#0") == "finished",
        seconds=120,
        alive=airflow.check_alive,
    )

    for uid, score in {"ann": "finished", "bob": "skipped", "eve": "skipped"}.items():
        session = client.session(uid)
        assert session["manager"] == "wave-member"
        assert statuses(session) == {
            "t_importPage#0": "finished",
            "t_score#0": score,
            "t_remind#0": "abandoned",
            "t_thank#0": "finished",
            "t_archive#0": "finished",
        }
        last = next(one for one in session["instances"] if one["task"] == "t_archive")
        assert last["metadata"]["result"] == {"shelf": "WaveMemberManager"}, "also in a worker"
        (finalized,) = fired(session, "sessionFinalized")
        assert finalized["fired_by"] == "manager wave-member"
    wave = client.session("wave-1")
    assert sorted(fire["kwargs"]["member"] for fire in fired(wave, "memberFinished")) == ["ann", "bob", "eve"]
    assert len(fired(wave, "waveComplete")) == 1
    report = next(one for one in wave["instances"] if one["task"] == "t_report")
    assert report["metadata"]["result"] == {"members": ["ann", "bob", "eve"], "mean": 4.5}


def test_a_runner_of_ones_own_starts_deployed_tasks_and_the_command_line_uses_managers_and_runners(
    airflow, client
):
    night = (2 - datetime.now(UTC).hour) % 24  # there it is between 2 and 3 o'clock, or soon between 3 and 4
    zone = f"Etc/GMT{-night:+d}" if night <= 12 else f"Etc/GMT{24 - night:+d}"
    assert create(client, "zoe", "finalizing", timezone=zone).status_code == 201
    before = len(airflow.log.read_text(encoding="utf-8"))
    airflow.command("triggers", "fire", "zoe", "reminderDue", "--output", "json")
    assert statuses(client.session("zoe")) == {"t_remind#0": "scheduled"}
    (run,) = client.request("GET", "/api/v2/dags/survey.t_remind/dagRuns").json()["dag_runs"]
    assert datetime.fromisoformat(run["run_after"]) > datetime.now(UTC) + timedelta(hours=3)
    said = unwrapped(airflow.log.read_text(encoding="utf-8")[before:])
    assert [said.count(problem) for problem in PROBLEMS] == [1] * len(PROBLEMS)


def unwrapped(log: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", log)


def test_the_controller_and_the_api_server_tell_what_is_broken_once_each_when_they_start(airflow, client):
    def told():
        lines = unwrapped(airflow.log.read_text(encoding="utf-8")).splitlines()
        errors = [line for line in lines if "[error" in line.lower() or "ERROR" in line]
        return [sum(problem in line for line in errors) for problem in PROBLEMS]

    assert told() == [2] * len(PROBLEMS)


@pytest.mark.parametrize("manager", ["doubled", "nameless", "unimportable"])
def test_a_session_with_a_broken_manager_is_refused_with_the_reason(client, manager):
    answer = create(client, f"with-{manager}", manager)
    assert (answer.status_code, answer.json()["reason"]) == (503, "RegistryError")
    assert any(answer.json()["detail"] == problem for problem in PROBLEMS)
    assert client.request("GET", f"{API}/sessions/with-{manager}").status_code == 404


def test_a_session_with_an_unknown_manager_is_refused_with_the_known_ones(client):
    answer = create(client, "new", "finalising")
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidBody")
    assert "wave-member (Did you mean 'finalizing'?)" in answer.json()["detail"]


def test_the_command_line_refuses_a_broken_manager_with_the_reason(airflow, client):
    with pytest.raises(DemoError) as refused:
        airflow.command(
            *("triggers", "fire", "new", "pageReceived", "--configuration", "survey"),
            *("--manager", "unimportable"),
        )
    assert [str(refused.value).count(problem) for problem in PROBLEMS] == [1] * len(PROBLEMS)


def test_a_deployed_task_with_an_unknown_runner_is_an_import_error_that_names_the_known_ones(airflow, client):
    def errors():
        return client.request("GET", "/api/v2/importErrors").json()["import_errors"]

    wait_for("the import error shows", lambda: bool(errors()), seconds=60, alive=airflow.check_alive)
    (error,) = errors()
    assert error["filename"] == "survey_dags.py"
    assert "wrong.yaml" in error["stack_trace"]
    assert (
        "task 't_call': 'using' is 'daytme'. There is no task runner 'daytme'; known are: airflow, daytime"
        in (error["stack_trace"])
    )
    assert "Did you mean 'daytime'?" in error["stack_trace"]
