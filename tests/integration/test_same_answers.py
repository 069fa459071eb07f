"""REST and the command line answer alike: every key of an answer of REST's is in the command's, with the same value.

A command's answer may have more: an older name of a key (``instance`` for ``name``), and a fire whole where REST has it
in short.
"""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.cli.cli_parser import get_parser

from airflow_triggers.answers import configurations, extensions, fires, history, hooks, instances, updates
from airflow_triggers.answers import sessions as session_answers
from airflow_triggers.api import configuration_models, datamodels, history_models, page_models, update_models
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.sessions import create_session, describe_session, fire_into
from tests.support.answers import OLDER_NAMES, WHOLE_FIRE, assert_alike, without_acts
from tests.support.api import mounted_api
from tests.support.dags import deploy_configuration, play

SESSION = "api/v1/sessions/order-1"
LATER = "2931-05-17T08:00:00Z"


class Moody(TriggerManager):
    """Its hook of a fire raises."""

    name = "moody"

    def _post_fire(self, trigger_name, tasks_scheduled):
        raise RuntimeError("not today")


@pytest.fixture
def client(airflow_db, monkeypatch):
    deploy_configuration(
        "survey",
        t_import={"after": ["firstPage"], "andEvery": "page"},
        t_score={"after": ["t_import", "completion"], "unless": ["embedded"]},
    )
    trigger_managers.register("moody", Moody)
    yield mounted_api(monkeypatch).client("admin")
    trigger_managers.unregister("moody")
    purge_cached_app()


@pytest.fixture
def command(client, capsys):
    """Runs ``airflow triggers …`` and gives its answer, and exit code 0."""

    def run(*arguments, ends_with=0):
        args = get_parser().parse_args(["triggers", *arguments, "--output", "json"])
        capsys.readouterr()
        if ends_with:
            with pytest.raises(SystemExit):
                args.func(args)
        else:
            args.func(args)
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def order(client, controller):
    """A session with something of everything that answers have."""
    create_session("order-1", configuration="survey", manager="moody", metadata={"country": "NL"})
    fire_into("order-1", "firstPage", {"n": 1}, fired_by="ann")
    fire_into("order-1", "page", {"n": 2}, idempotency_key="k")
    fire_into("order-1", "compleetion", {"n": 3}, fired_by="ann")
    fire_into("order-1", "completion", {"n": 4}, fire_at=datetime.fromisoformat(LATER))
    play(describe_session("order-1").instances[0], "failed", exception={"exceptionType": "builtins.KeyError"})
    controller.run_once()


def rest(client, path, method="get", body=None):
    answer = client.request(method, path, json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def test_sessions_are_listed_alike(order, client, command):
    assert_alike(rest(client, "api/v1/sessions")["sessions"], command("sessions", "list")["sessions"])


def test_a_session_is_shown_alike(order, client, command):
    shown = rest(client, SESSION)
    assert {name for name, act in shown["acts"].items() if act["allowed"]} == {"fire", "delete", "update"}
    shown = without_acts(shown)
    absent = {"removed_tasks", "instances_next", "fires_next", "delayed_fires_next", "hooks_next"}
    assert {key for key, value in shown.items() if not value} == absent, "all else is compared"
    assert_alike(shown, command("sessions", "show", "order-1"))


ONLY_REST = {"acts", "chain", "run"}
"""Keys of an instance that the commands which print one do not have."""


def instance_of(client, name):
    """REST's answer about an instance, without what no command has."""
    answer = rest(client, f"{SESSION}/instances/{name}")
    return {key: value for key, value in answer.items() if key not in ONLY_REST}


def test_an_instance_is_answered_alike(order, client, command):
    clone = command("replay", "order-1", "t_import#0")
    assert_alike(instance_of(client, clone["name"].replace("#", "%23")), clone)


def test_a_skipped_instance_is_answered_alike(order, client, command):
    skipped = command("skip", "order-1", "t_import#0")
    assert_alike(instance_of(client, "t_import%230"), skipped)


@pytest.mark.parametrize("later", [False, True])
def test_a_fire_is_answered_alike(order, client, command, later):
    body = {"trigger": "page", "idempotency_key": "same", **({"fire_at": LATER} if later else {})}
    arguments = (
        "fire",
        "order-1",
        "page",
        "--idempotency-key",
        "same",
        *(["--fire-at", LATER] if later else []),
    )
    rest(client, f"{SESSION}/fires", "post", body)
    assert_alike(rest(client, f"{SESSION}/fires", "post", body), command(*arguments))


def test_fires_to_come_are_listed_and_cancelled_alike(order, client, command):
    page = without_acts(rest(client, f"{SESSION}/delayed-fires"))
    listed = command("delayed-fires", "list", "--uid", "order-1")
    assert_alike(page, listed, extra=OLDER_NAMES | {"session_uid"})
    (fire,) = page["delayed_fires"]
    second = rest(
        client, f"{SESSION}/fires", "post", {"trigger": "completion", "kwargs": {"n": 5}, "fire_at": LATER}
    )
    by_rest = rest(client, f"{SESSION}/delayed-fires/{fire['id']}", "delete")
    by_command = command("delayed-fires", "cancel", "order-1", str(second["delayed_fire_id"]))
    assert_alike(by_rest, by_command, values=False)


def test_the_history_is_answered_alike(order, client, command):
    assert_alike(rest(client, f"{SESSION}/history"), command("history", "order-1"))


@pytest.mark.parametrize("name", ["t_import#0", "t_score"])
def test_why_is_answered_alike(order, client, command, name):
    explained = rest(client, f"{SESSION}/instances/{name.replace('#', '%23')}/why")
    assert_alike(explained, command("why", "order-1", name), extra=OLDER_NAMES | WHOLE_FIRE)


def test_fires_that_touched_nothing_are_listed_alike(order, client, command):
    assert_alike(rest(client, "api/v1/fires?touched=nothing"), command("unheard"))


def test_the_health_is_answered_alike(client, command):
    by_command = command("health", ends_with=1)
    by_rest = rest(client, "api/v1/health")
    assert_alike({**by_rest, "at": by_command["at"]}, by_command, extra=frozenset())


def test_a_hook_is_called_again_alike(order, client, command):
    hook = describe_session("order-1").hooks[0].token
    by_rest = rest(client, f"{SESSION}/hooks/{hook}/call", "post")
    by_command = command("hooks", "call", "order-1", str(hook), ends_with=1)
    assert_alike(by_rest, by_command, values=False, extra=OLDER_NAMES | {"session_uid", "id"})


@pytest.mark.parametrize(
    ("model", "answer"),
    [
        (configuration_models.ConfigurationBody, configurations.ConfigurationAnswer),
        (configuration_models.ConfigurationDetail, configurations.ConfigurationDetailAnswer),
        (configuration_models.VersionBody, configurations.VersionAnswer),
        (configuration_models.GraphBody, configurations.GraphAnswer),
        (configuration_models.NodeBody, configurations.NodeAnswer),
        (configuration_models.EdgeBody, configurations.EdgeAnswer),
        (configuration_models.FindingBody, configurations.FindingAnswer),
        (configuration_models.ValidationBody, configurations.ValidationAnswer),
        (configuration_models.ProblemBody, configurations.ProblemAnswer),
        (configuration_models.ExtensionBody, extensions.ExtensionAnswer),
        (configuration_models.ExtensionsBody, extensions.ExtensionsAnswer),
        (datamodels.SessionBody, session_answers.SessionAnswer),
        (datamodels.SessionDetail, session_answers.SessionDetailAnswer),
        (datamodels.InstanceBody, instances.InstanceAnswer),
        (datamodels.InstancesOfSessionPage, instances.InstancesOfSessionAnswer),
        (datamodels.ChainedInstanceBody, instances.ChainedInstanceAnswer),
        (datamodels.RunBody, instances.RunAnswer),
        (page_models.InstanceDetailBody, instances.InstanceDetailAnswer),
        (page_models.HooksPage, hooks.HooksPageAnswer),
        (datamodels.FireResultBody, fires.FireResultAnswer),
        (datamodels.FireBody, fires.FireAnswer),
        (datamodels.DelayedFireBody, fires.DelayedFireAnswer),
        (datamodels.HookBody, hooks.HookAnswer),
        (history_models.HookCallBody, hooks.HookCallAnswer),
        (update_models.UpdateBody, updates.UpdateAnswer),
        (history_models.HistoryPageBody, history.HistoryPageAnswer),
        (history_models.FireEntryBody, history.FireEntryAnswer),
        (history_models.EventEntryBody, history.EventEntryAnswer),
        (history_models.ExplanationBody, history.ExplanationAnswer),
        (history_models.ReasonBody, history.ReasonAnswer),
        (history_models.RequirementBody, history.RequirementAnswer),
        (history_models.ArrivalBody, history.ArrivalAnswer),
        (history_models.ExpectedFireBody, history.ExpectedFireAnswer),
        (history_models.VainFireBody, history.VainFireAnswer),
    ],
)
def test_each_model_of_rest_documents_the_fields_of_an_answer(model, answer):
    assert set(model.model_fields) == {field.name for field in fields(answer)}
