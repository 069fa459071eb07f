"""``/api/v1/configurations``: what is deployed, and what is posted to be checked."""

from __future__ import annotations

import pytest
from airflow.api_fastapi.app import get_auth_manager, purge_cached_app
from airflow.models.dag import DagModel
from airflow.models.errors import ParseImportError
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import update

from airflow_triggers.domain.states import Event
from airflow_triggers.sessions import deployments
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from tests.support.api import Allowed, mounted_api
from tests.support.dags import BUNDLE, deploy_configuration

SESSIONS = "api/v1/sessions"
CONFIGURATIONS = "api/v1/configurations"
YAML = "# A survey.\nt_import:\n  after: [firstPage]\n"


@pytest.fixture
def api(airflow_db, monkeypatch):
    deploy_configuration(
        "survey",
        yaml=YAML,
        t_import={"after": ["firstPage"], "andEvery": "page"},
        t_score={"after": ["t_import", "completion"], "unless": ["embedded"]},
    )
    yield mounted_api(monkeypatch)
    purge_cached_app()


@pytest.fixture
def client(api):
    return api.client("admin")


def read(client, path=CONFIGURATIONS):
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def failed_session(uid, **how):
    fire_into(uid, "firstPage", configuration="survey", **how)
    fire_into(uid, "page")
    manager = open_session(uid)
    manager.record_progress("t_import#0", Event.START)
    manager.record_progress("t_import#0", Event.FAIL)


def break_file(text, *, name="survey", stale=False):
    """Enter an import error under the DAG file of a configuration."""
    with airflow_session() as session:
        file = "survey_dags.py"
        session.add(ParseImportError(filename=file, bundle_name=BUNDLE, stacktrace=text))
        values = {"is_stale": stale, "relative_fileloc": file}
        session.execute(update(DagModel).where(DagModel.dag_id == name).values(**values))


BROKEN = (
    "ConfigurationError: 2 configurations of this DAG file cannot be used. The other DAGs of this file are active.\n\n"
    "order.yaml: line 1: task 't_x': 'run' is missing.\n\n"
    "survey.yaml: 2 problems in the configuration:\n  - line 1: one\n  - line 2: two"
)


def test_a_list_says_how_each_configuration_stands(client):
    deploy_configuration("order", t_pack={"after": ["paid", "t_nobody"]})
    failed_session("respondent-1")
    create_session("respondent-2", configuration="survey")
    order, survey = read(client)["configurations"]
    assert (order["name"], order["sessions"], order["warning_count"]) == ("order", 0, 1)
    assert (
        survey.items()
        >= {
            "name": "survey",
            "dag_id": "survey",
            "is_deployed": True,
            "task_count": 2,
            "sessions": 2,
            "open": 1,
            "failed": 1,
            "import_error": None,
        }.items()
    )


def test_a_list_is_paged_by_name(client):
    deploy_configuration("order", t_pack={"after": ["paid"]})
    first = read(client, f"{CONFIGURATIONS}?limit=1")
    assert ([it["name"] for it in first["configurations"]], first["next"]) == (["order"], "order")
    last = read(client, f"{CONFIGURATIONS}?limit=1&after=order")
    assert ([it["name"] for it in last["configurations"]], last["next"]) == (["survey"], None)


def test_a_list_shows_and_counts_only_what_the_user_may_read(api, client):
    deploy_configuration("order", t_pack={"after": ["paid"]})
    failed_session("respondent-1")
    open_session("respondent-1").update_configuration(
        {"t_import": {"after": ["firstPage"], "run": "order.t_pack"}}
    )
    create_session("respondent-2", configuration="survey")
    api.let("ann", Allowed(dag_ids={"survey.t_import", "survey.t_score"}))
    (survey,) = read(api.client("ann"))["configurations"]
    assert (survey["name"], survey["sessions"], survey["failed"]) == ("survey", 1, 0)
    api.let("bob", Allowed(dag_ids={"survey.t_import"}))
    assert read(api.client("bob")) == {"configurations": [], "next": None}


def test_counts_stop_where_the_page_says(client, monkeypatch):
    monkeypatch.setattr(deployments, "MOST_COUNTED", 2)
    for number in range(3):
        fire_into(f"respondent-{number}", "firstPage", configuration="survey")
    (survey,) = read(client)["configurations"]
    assert (survey["sessions"], survey["open"]) == (2, 2)


def test_a_configuration_is_read_with_its_text_its_rules_and_its_graph(client):
    failed_session("respondent-1")
    survey = read(client, f"{CONFIGURATIONS}/survey")
    assert (survey["yaml"], survey["yaml_note"]) == (YAML, None)
    assert (
        survey["tasks"]["t_import"].items()
        >= {
            "after": ["firstPage"],
            "andEvery": "page",
            "dag_id": "survey.t_import",
            "sentence": survey["sentences"]["t_import"],
            "waiting": 0,
            "failed": 1,
        }.items()
    )
    assert survey["graph"]["edges"][0] == {
        "source": "firstPage",
        "target": "t_import",
        "directive": "after",
    }
    assert survey["graph"]["cycles"] == []
    (version,) = survey["versions"]
    assert (version["version"], version["is_deployed"]) == (survey["version"], True)
    assert (version["sessions"], version["open"]) == (1, 1)


def test_a_configuration_has_the_versions_of_its_sessions(client, monkeypatch):
    # Airflow rewrites a serialized DAG once in 30 seconds at most.
    monkeypatch.setenv("AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL", "0")
    create_session("respondent-1", configuration="survey")
    deploy_configuration("survey", t_import={"after": ["firstPage"]})
    create_session("respondent-2", configuration="survey")
    create_session("respondent-3", configuration="survey")
    versions = read(client, f"{CONFIGURATIONS}/survey")["versions"]
    assert [(it["is_deployed"], it["sessions"]) for it in versions] == [(True, 2), (False, 1)]


def test_warnings_are_those_of_the_check(client):
    deploy_configuration("order", t_pack={"after": ["t_pack"]}, t_send={"after": ["t_nobody"]})
    order = read(client, f"{CONFIGURATIONS}/order")
    assert [(it["code"], it["severity"], it["task"]) for it in order["warnings"]] == [
        ("cycle", "error", "t_pack"),
        ("unfired", "warning", "t_send"),
    ]
    assert order["graph"]["cycles"] == [["t_pack"]]
    assert order["yaml_note"].startswith("It is written in Python")


@pytest.mark.parametrize("stale", [False, True])
def test_a_broken_configuration_has_its_own_part_of_the_import_error(client, stale):
    break_file(BROKEN, stale=stale)
    (survey,) = read(client)["configurations"]
    assert survey["import_error"] == BROKEN[BROKEN.index("survey.yaml") :]
    assert survey["is_deployed"] is not stale
    shown = read(client, f"{CONFIGURATIONS}/survey")
    assert shown["import_error"] == survey["import_error"]
    reason = "It is not deployed now. Mend its file, and deploy it again." if stale else None
    assert shown["acts"]["migrate"] == {"allowed": not stale, "reason": reason}
    answer = client.post(f"{CONFIGURATIONS}/survey/migrate", json={"dry_run": True})
    assert answer.status_code == (404 if stale else 200)


def test_a_configuration_that_was_taken_away_is_in_no_list(client):
    with airflow_session() as session:
        session.execute(update(DagModel).where(DagModel.dag_id == "survey").values(is_stale=True))
    assert read(client)["configurations"] == []
    assert client.get(f"{CONFIGURATIONS}/survey").status_code == 404


def test_an_error_of_other_configurations_is_not_shown_with_this_one(client):
    break_file(BROKEN.replace("survey.yaml", "others.yaml"))
    assert read(client, f"{CONFIGURATIONS}/survey")["import_error"] is None


def test_an_error_of_the_dag_file_itself_is_not_quoted(client):
    break_file("Traceback (most recent call last): secret")
    error = read(client, f"{CONFIGURATIONS}/survey")["import_error"]
    assert error == "Its DAG file cannot be imported. Airflow's list of import errors says why."


def test_the_text_and_the_error_are_shown_as_far_as_airflow_would(api, client):
    break_file(BROKEN)
    own_dags = {"survey", "survey.t_import", "survey.t_score"}
    runs = Allowed(methods={"GET"}, entities={"RUN", "XCOM"}, dag_ids=own_dags)
    api.let("ann", runs)
    survey = read(api.client("ann"), f"{CONFIGURATIONS}/survey")
    assert (survey["yaml"], survey["yaml_note"][:12]) == (None, "It takes the")
    assert survey["import_error"].startswith("It has an import error. Airflow shows it")
    api.let("ann", runs, Allowed(methods={"GET"}, entities={"CODE", "DAG"}, dag_ids=own_dags))
    survey = read(api.client("ann"), f"{CONFIGURATIONS}/survey")
    assert (survey["yaml"], survey["import_error"][:11]) == (YAML, "survey.yaml")
    api.let("ann", runs, Allowed(methods={"GET"}, entities={"CODE"}, dag_ids=own_dags - {"survey"}))
    assert read(api.client("ann"), f"{CONFIGURATIONS}/survey")["yaml"] is None


def test_a_text_is_checked_and_nothing_is_changed(client):
    text = "t_a:\n  after: [a]\n  run: survey.t_import\nt_b:\n  after: [t_b]\n  run: unknown_dag\n"
    answer = client.post(f"{CONFIGURATIONS}/validate", json={"yaml": text, "name": "new"})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["valid"] is False
    assert [(it["line"], it["task"], it["severity"], it["code"]) for it in found["problems"]] == [
        (4, "t_b", "error", "cycle"),
        (6, "t_b", "warning", "unknown-run"),
    ]
    warned = client.post(f"{CONFIGURATIONS}/validate", json={"yaml": "t_a: {after: [a], run: unknown}"})
    assert (warned.json()["valid"], len(warned.json()["problems"])) == (True, 1)
    assert [it["name"] for it in read(client)["configurations"]] == ["survey"]


@pytest.mark.parametrize("text", ["\\ud800", "\\u0000", "a: [\\ufffe", "- " * 5000, "?"])
def test_a_text_that_is_no_yaml_is_a_finding_or_refused(client, text):
    body = f'{{"yaml": "{text}"}}'
    answer = client.post(
        f"{CONFIGURATIONS}/validate", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == (422 if "ud800" in text else 200), answer.text
    assert answer.status_code == 422 or not answer.json()["valid"]


def test_a_check_suggests_only_dags_that_the_user_may_read(api):
    api.let("ann", Allowed(dag_ids={"others"}))
    for user, hint in {"admin": " Did you mean 'survey'?", "ann": ""}.items():
        body = {"yaml": "t_a: {after: [a], run: surveyy}"}
        (problem,) = api.client(user).post(f"{CONFIGURATIONS}/validate", json=body).json()["problems"]
        assert problem["message"] == (
            f"'run' is 'surveyy', which is no deployed DAG that you may read.{hint}"
        )


def test_installed_extensions_are_listed_with_their_classes(client):
    extensions = read(client, "api/v1/extensions")
    default = next(it for it in extensions["managers"] if it["name"] == "default")
    assert default == {
        "name": "default",
        "class_path": "airflow_triggers.manager.manager.TriggerManager",
        "description": "Fires triggers into one session, and repairs what failed.",
        "problem": None,
    }
    assert {it["name"] for it in extensions["storages"]} >= {"sql", "cache"}
    assert {it["name"] for it in extensions["runners"]} >= {"airflow", "threading"}


def test_the_classes_of_extensions_are_shown_to_whom_airflow_shows_its_plugins(client, monkeypatch):
    monkeypatch.setattr(get_auth_manager(), "is_authorized_view", lambda **_: False)
    default = read(client, "api/v1/extensions")["managers"][0]
    assert default["class_path"] is None
    assert default["description"]


def test_an_unknown_configuration_gets_the_similar_one_that_the_user_may_know_of(api, client):
    deploy_configuration("survey_of_all", t_other={"after": ["a"]})
    new = {"uid": "order-1", "configuration": "survey_of_al"}
    assert "Did you mean 'survey_of_all'?" in client.post(SESSIONS, json=new).json()["detail"]
    api.let("ann", Allowed(dag_ids={"survey.t_import", "survey.t_score"}))
    assert "Did you mean 'survey'?" in api.client("ann").post(SESSIONS, json=new).json()["detail"]
    fire_batch = {"fires": [{"session_uid": "order-1", "trigger": "a", "configuration": "survey_of_al"}]}
    (result,) = api.client("ann").post("api/v1/fires", json=fire_batch).json()["results"]
    assert "Did you mean 'survey'?" in result["detail"]
    api.let("bob", Allowed(dag_ids={"others"}))
    assert "Did you mean" not in api.client("bob").post(SESSIONS, json=new).json()["detail"]
