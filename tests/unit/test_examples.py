"""The example input is what its script makes of the survey, and it holds every kind of trouble that the demo shows."""

from __future__ import annotations

import json
import re
from collections import Counter
from importlib.util import module_from_spec, spec_from_file_location
from types import SimpleNamespace

import pytest
from airflow.serialization.serialized_objects import DagSerialization

from airflow_triggers.configuration.load import load_configuration
from examples import generate_respondents
from scripts.demo.client import read_lines
from scripts.demo.expectation import expectations
from tests.support.environment import ROOT


def test_the_committed_input_is_what_the_script_makes():
    assert generate_respondents.TARGET.read_text(encoding="utf-8") == generate_respondents.rendered()


def test_the_input_holds_every_kind_of_trouble():
    lines = read_lines(generate_respondents.TARGET)
    sessions = {}
    for line in lines:
        sessions.setdefault(line["session"], []).append(line["trigger"])
    assert len(sessions) >= 12
    assert any(
        max(Counter(fired).values()) > 1 and fired.count("firstPageReceived") > 1
        for fired in sessions.values()
    )
    assert any(
        fired.index("questionnaireComplete") < fired.index("firstPageReceived") for fired in sessions.values()
    )
    assert any("embeddedDevice" in fired for fired in sessions.values())
    demands = expectations(lines)
    statuses = Counter(status for demand in demands.values() for status in demand.statuses.values())
    assert sum(statuses.values()) >= 60
    assert statuses["replayed"] == statuses["skipped"] == 1
    assert statuses["abandoned"] == 3


def test_the_dag_that_reports_a_survey_is_one_that_airflow_accepts():
    path = ROOT / "examples/survey_report/survey_report.py"
    dag = module_of(path).survey_report()
    serialized = DagSerialization.from_dict(DagSerialization.to_dict(dag))

    assert serialized.task_dict["wait_for_the_subject"].upstream_task_ids == {"send_pages"}
    questionnaire = load_configuration(ROOT / "dags/questionnaire.yaml")
    assert {"firstPageReceived", "questionnaireComplete"} == set(questionnaire["t_importSubject"].after)


def test_the_line_of_the_readme_fails_in_one_task_only(tmp_path, monkeypatch):
    """Its import is skipped with a cascade, which starts the task after it."""
    monkeypatch.setenv("QUESTIONNAIRE_RESULTS", str(tmp_path / "results.sqlite"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^echo '(.*)' > events\.jsonl$", readme, re.MULTILINE)
    tasks = module_of(ROOT / "dags/questionnaire_tasks.py")
    page = {"survey": "anes96", **json.loads(line)["kwargs"]}
    context = SimpleNamespace(session_uid="respondent-19", trigger_kwargs={"firstPageReceived": page})

    with pytest.raises(ValueError, match="fifty"):
        tasks.import_subject(context)
    tasks.import_browser_metadata(context)


def module_of(path):
    """The module of a DAG file, as Airflow imports it: under a name of its own."""
    spec = spec_from_file_location(path.stem, path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_expectation_of_one_session_by_hand():
    first = {"page": 1, "age": 30, "educ": 3, "income": 5, "popul": 1}
    last = {"page": 3, "selfLR": 2, "ClinLR": 3, "DoleLR": 6, "vote": 1}
    fired = [
        ("lastPageReceived", last),
        ("pageReceived", first),
        ("firstPageReceived", {**first, "userAgent": "x"}),
        ("pageReceived", first),
        ("questionnaireComplete", {}),
    ]
    demand = expectations([{"session": "s", "trigger": name, "kwargs": kwargs} for name, kwargs in fired])[
        "s"
    ]
    assert demand.statuses == {
        "t_importSubject#0": "finished",
        "t_importResponses#0": "finished",
        "t_importResponses#1": "finished",
        "t_importBrowserMetadata#0": "finished",
        "t_computeScore#0": "finished",
        "t_notify#0": "finished",
    }
    assert demand.subject == ("anes96", 30, 3, 5)
    assert demand.score == ("Clinton", "Dole")
    assert demand.answers == {(1, "age", 30), (1, "educ", 3), (1, "income", 5), (1, "popul", 1)}
