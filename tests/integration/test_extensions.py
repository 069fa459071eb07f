"""Managers and runners that are unknown, broken or gone: what REST, the command line and the controller say, and do."""

from __future__ import annotations

import json

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.cli.cli_parser import get_parser
from sqlalchemy import update

from airflow_triggers.api.app import create_app
from airflow_triggers.configuration import compile as compiling
from airflow_triggers.configuration.compile import compile_configuration
from airflow_triggers.configuration.parse import parse_configuration
from airflow_triggers.controller.loop import Controller
from airflow_triggers.errors import ConfigurationError
from airflow_triggers.extensions.registry import Registry
from airflow_triggers.manager import installed as extensions
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.runners import task_runners
from airflow_triggers.sessions.describing import describe_session
from airflow_triggers.sessions.opening import create_session, fire_into
from airflow_triggers.storages import storage_backends, tables
from airflow_triggers.storages.transaction import transaction
from tests.support.api import Allowed, mounted_api
from tests.support.dags import deploy_configuration, play
from tests.support.installed import install
from tests.support.runners import RecordingRunner, registered

SESSIONS = "api/v1/sessions"
MODULE = __name__


class Gone(TriggerManager):
    name = "gone"


@pytest.fixture
def api(sqlite_airflow_db, monkeypatch):
    deploy_configuration("survey", t_import={"after": ["firstPage"]}, t_score={"after": ["t_import"]})
    yield mounted_api(monkeypatch)
    purge_cached_app()


@pytest.fixture
def client(api):
    return api.client("admin")


@pytest.fixture
def broken(monkeypatch, tmp_path):
    """A package with a manager and a runner that cannot be imported, and a manager that can."""
    install(
        monkeypatch,
        tmp_path,
        "shop",
        managers={"till": "shop_till:Till", "gone": f"{MODULE}:Gone"},
        runners={"cart": "shop_till:Cart"},
        modules={"shop_till": "import no_such_module\n"},
    )
    return [
        "The trigger manager 'till' of shop (shop_till:Till) cannot be imported: ModuleNotFoundError: No module named "
        "'no_such_module'. Repair or reinstall that package.",
        "The task runner 'cart' of shop (shop_till:Cart) cannot be imported: ModuleNotFoundError: No module named "
        "'no_such_module'. Repair or reinstall that package.",
    ]


@pytest.fixture
def orphan(api):
    """A session with a failed instance, whose manager was installed and is no more."""
    trigger_managers.register("gone", Gone)
    create_session("order-1", configuration="survey", manager="gone")
    fire_into("order-1", "firstPage")
    play(describe_session("order-1").instances[0], "failed")
    Controller().run_once()
    trigger_managers.unregister("gone")
    return "order-1"


def gone():
    """What is said of the session: other tests of this process may have registered managers."""
    return (
        "Session 'order-1' can be read, and not changed: it belongs to the manager 'gone'. There is no trigger manager "
        f"'gone'; known are: {', '.join(trigger_managers.names())}. Declare it as an entry point of the group "
        "'triggers.managers' and install the package again."
    )


# -- at the start of a process -------------------------------------------------------------------------------------


def test_the_api_servers_application_tells_what_is_broken_and_is_made(broken, caplog):
    assert create_app().title == "Triggers"
    assert [it.getMessage() for it in caplog.records if it.levelname == "ERROR"] == broken


def test_the_controller_tells_what_is_broken_and_runs(sqlite_airflow_db, broken, caplog):
    class StopAtOnce:
        def is_set(self):
            return True

    Controller().run_forever(StopAtOnce())
    assert [it.getMessage() for it in caplog.records if it.levelname == "ERROR"] == broken


def test_a_look_that_fails_is_logged_and_keeps_no_process_from_starting(monkeypatch, caplog):
    def fails():
        raise OSError("the plugins folder is gone")

    registry = Registry("trigger manager", "no.such.group", elsewhere=fails)
    monkeypatch.setattr(extensions, "REGISTRIES", (registry,))
    assert extensions.check_extensions() == []
    assert "the plugins folder is gone" in caplog.text


# -- REST ----------------------------------------------------------------------------------------------------------


def test_a_session_with_a_broken_manager_is_refused_with_the_reason_and_others_are_made(client, broken):
    answers = [
        client.post(SESSIONS, json={"uid": "order-1", "configuration": "survey", "manager": "till"}),
        client.post(
            f"{SESSIONS}/order-1/fires",
            json={"trigger": "firstPage", "configuration": "survey", "manager": "till"},
        ),
    ]
    for answer in answers:
        assert answer.status_code == 503
        assert (answer.json()["reason"], answer.json()["detail"]) == ("RegistryError", broken[0])
    assert client.get(SESSIONS).json()["sessions"] == []
    for manager in ("default", "gone"):
        body = {"uid": manager, "configuration": "survey", "manager": manager}
        assert client.post(SESSIONS, json=body).status_code == 201


@pytest.mark.parametrize("path", ["", "/order-1/fires"])
def test_an_unknown_manager_is_refused_with_the_known_ones_and_the_near_one(client, path):
    own = {"uid": "order-1"} if not path else {"trigger": "firstPage"}
    answer = client.post(f"{SESSIONS}{path}", json={**own, "configuration": "survey", "manager": "defualt"})
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidBody")
    known = ", ".join(trigger_managers.names())
    said = f"manager: must be a trigger manager that is installed: {known} (Did you mean 'default'?), found 'defualt'."
    assert said in answer.json()["detail"]


def test_a_session_whose_manager_is_gone_is_listed_and_read(client, orphan):
    paths = [
        SESSIONS,
        f"{SESSIONS}/{orphan}",
        f"{SESSIONS}/{orphan}/fires",
        f"{SESSIONS}/{orphan}/instances/t_import%230",
    ]
    answers = [client.get(path) for path in paths]
    assert [answer.status_code for answer in answers] == [200] * len(paths)
    assert answers[1].json()["manager"] == "gone"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("fires", {"trigger": "firstPage"}),
        ("fires", {"trigger": "firstPage", "configuration": "survey"}),
        ("instances/t_import%230/replay", {}),
        ("instances/t_import%230/skip", {}),
    ],
)
def test_a_session_whose_manager_is_gone_is_not_changed_and_the_answer_names_it(client, orphan, path, body):
    answer = client.post(f"{SESSIONS}/{orphan}/{path}", json=body)
    assert answer.status_code == 503
    assert (answer.json()["reason"], answer.json()["detail"]) == ("RegistryError", gone())


def test_who_may_not_fire_is_not_told_of_the_manager(api, orphan):
    api.let("reader", Allowed(methods={"GET"}))
    answer = api.client("reader").post(f"{SESSIONS}/{orphan}/fires", json={"trigger": "firstPage"})
    assert (answer.status_code, answer.json()["reason"]) == (403, "Forbidden")


def test_other_sessions_go_on_when_ones_manager_is_gone(client, orphan):
    play(describe_session(orphan).instances[0], "success", clear=True)
    fire_into("order-2", "firstPage", configuration="survey")
    play(describe_session("order-2").instances[0], "success")
    Controller().run_once()
    first, second = (client.get(f"{SESSIONS}/{uid}").json() for uid in (orphan, "order-2"))
    assert [one["status"] for one in first["instances"]] == ["failed"]
    assert [one["status"] for one in second["instances"]] == ["finished", "scheduled"]


def test_an_unknown_storage_is_refused_with_the_known_ones_and_the_near_one(client):
    answer = client.post(SESSIONS, json={"uid": "order-1", "configuration": "survey", "storage": "cash"})
    assert (answer.status_code, answer.json()["reason"]) == (422, "InvalidBody")
    known = ", ".join(storage_backends.names())
    said = f"storage: must be a storage backend that is installed: {known} (Did you mean 'cache'?), found 'cash'."
    assert said in answer.json()["detail"]


def test_a_session_whose_storage_is_gone_is_listed_and_the_answer_to_all_else_names_it(client):
    create_session("order-1", configuration="survey")
    with transaction() as session:
        session.execute(update(tables.session).values(storage="till"))
    assert [one["storage"] for one in client.get(SESSIONS).json()["sessions"]] == ["till"]
    answers = [
        client.get(f"{SESSIONS}/order-1"),
        client.post(f"{SESSIONS}/order-1/fires", json={"trigger": "firstPage"}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["reason"]) == (503, "RegistryError")
        said = (
            "Session 'order-1' is kept in the storage 'till'. There is no storage backend 'till'; known are:"
        )
        assert answer.json()["detail"].startswith(said)


# -- the command line ----------------------------------------------------------------------------------------------


@pytest.fixture
def airflow(api, capsys):
    """Runs ``airflow triggers …``; gives the exit code, and what it said on stdout and stderr."""

    def run(*arguments):
        args, code = get_parser().parse_args(["triggers", *arguments]), 0
        capsys.readouterr()
        try:
            args.func(args)
        except SystemExit as ended:
            code = ended.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_the_command_line_lists_and_shows_a_session_whose_manager_is_gone(airflow, orphan):
    code, listed, _ = airflow("sessions", "list", "--output", "json")
    assert (code, [one["manager"] for one in json.loads(listed)["sessions"]]) == (0, ["gone"])
    code, shown, _ = airflow("sessions", "show", orphan, "--output", "json")
    assert (code, json.loads(shown)["uid"]) == (0, orphan)


@pytest.mark.parametrize(
    "arguments",
    [
        ("fire", "order-1", "firstPage"),
        ("replay", "order-1", "t_import#0"),
        ("skip", "order-1", "t_import#0"),
    ],
)
def test_the_command_line_says_in_one_line_that_a_manager_is_gone(airflow, orphan, arguments):
    assert airflow(*arguments) == (1, "", f"{gone()}\n")


def test_the_command_line_tells_what_is_broken_and_does_what_it_was_asked(airflow, broken):
    code, out, err = airflow(
        "fire", "order-1", "firstPage", "--configuration", "survey", "--manager", "gone", "--output", "json"
    )
    assert (code, err.splitlines()) == (0, broken)
    assert json.loads(out)["scheduled"] == ["t_import#0"]


def test_the_command_line_says_once_what_it_fails_of(airflow, broken):
    code, _, err = airflow(
        *("fire", "order-1", "firstPage", "--configuration", "survey", "--manager", "till")
    )
    assert (code, sorted(err.splitlines())) == (1, sorted(broken))


# -- runners of deployed configurations ----------------------------------------------------------------------------


@pytest.fixture
def with_runners(api, broken):
    deploy_configuration(
        "shopping",
        t_pay={"after": ["paid"]},
        t_pack={"after": ["t_pay"], "using": "cart"},
        t_send={"after": ["t_pack"], "using": "airflwo"},
    )


def test_a_deployed_configuration_whose_runners_are_not_here_makes_no_session_and_names_the_tasks(
    client, with_runners, broken
):
    answers = [
        client.post(SESSIONS, json={"uid": "order-1", "configuration": "shopping"}),
        client.post(f"{SESSIONS}/order-1/fires", json={"trigger": "paid", "configuration": "shopping"}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["reason"]) == (422, "ConfigurationError")
        detail = answer.json()["detail"]
        assert f"task 't_pack': 'using' is 'cart'. {broken[1]}" in detail
        assert (
            "task 't_send': 'using' is 'airflwo'. There is no task runner 'airflwo'; known are: "
            f"{', '.join(task_runners.names())}. Did you mean 'airflow'?"
        ) in detail
        assert "t_pay" not in detail
    assert client.get(SESSIONS).json()["sessions"] == []


def test_a_managers_own_runner_that_is_not_here_is_named_with_the_manager(client):
    class Lost(TriggerManager):
        name = "lost"
        default_task_runner_name = "nowhere"

    trigger_managers.register("lost", Lost)
    try:
        answer = client.post(SESSIONS, json={"uid": "order-1", "configuration": "survey", "manager": "lost"})
    finally:
        trigger_managers.unregister("lost")
    assert answer.status_code == 422
    assert (
        "task 't_import': 'using' is missing, and the manager 'lost' has its own" in answer.json()["detail"]
    )


def test_a_runner_that_is_installed_starts_a_deployed_task(client):
    runner = registered(RecordingRunner())
    deploy_configuration("recorded", t_pay={"after": ["paid"], "using": "recording"})
    answer = client.post(f"{SESSIONS}/order-1/fires", json={"trigger": "paid", "configuration": "recorded"})
    assert answer.status_code == 200
    assert runner.names == ["t_pay#0"]


def test_a_configuration_is_compiled_only_with_runners_that_packages_declare(monkeypatch, broken):
    monkeypatch.setattr(compiling.RUNNERS, "_declarations_by_name", None)
    tasks = {
        name: {"after": ["paid"], "run": {"operator": OPERATOR, "bash_command": "true"}, "using": using}
        for name, using in {"t_pay": "airflow", "t_pack": "cart", "t_send": "airflwo"}.items()
    }
    with pytest.raises(ConfigurationError) as refused:
        compile_configuration(parse_configuration(tasks, name="shopping"))
    (problem,) = refused.value.problems
    assert problem.startswith(
        "task 't_send': 'using' is 'airflwo'. There is no task runner 'airflwo'; known are: airflow, cart, threading. "
        "Did you mean 'airflow'?"
    )


OPERATOR = "airflow.providers.standard.operators.bash.BashOperator"
