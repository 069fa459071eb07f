"""The published JSON Schema: in step with the model, and of use to an editor."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from airflow_triggers.configuration import parse_configuration
from airflow_triggers.configuration.model import DIRECTIVES
from airflow_triggers.configuration.options import OPTIONS
from airflow_triggers.configuration.schema import SCHEMA_FILE, rendered
from airflow_triggers.errors import ConfigurationError
from tests.support.environment import ROOT

SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_the_file_is_what_the_model_says():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == rendered(), (
        "run: python -m airflow_triggers.configuration.schema > airflow_triggers/configuration/schema.json"
    )


def test_it_is_a_json_schema_that_describes_every_directive_and_option():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    directives = SCHEMA["$defs"]["TriggerTask"]["properties"]
    assert set(directives) == set(DIRECTIVES)
    assert all(it["description"] for it in directives.values())
    (options,) = (form for form in directives["airflow"]["anyOf"] if form["type"] == "object")
    assert set(options["properties"]) == set(OPTIONS)


@pytest.mark.parametrize("path", sorted((ROOT / "dags").glob("*.yaml")), ids=lambda path: path.name)
def test_the_example_configurations_fit(path):
    VALIDATOR.validate(yaml.safe_load(path.read_text(encoding="utf-8")))


VALUES = {
    "after": [
        *([], ["a"], ["a", "a"], ["a", 1], "a", None, {"a": 1}, ["x" * 200], ["x" * 201], ...),
        *([""], [" a"], ["a "], ["a\n"], ["a b"], ["größe"], ["\x00"]),
    ],
    "andEvery": ["b", None, "", " b", ["b"], 1, True],
    "unless": [["u"], ["u", "u"], [], None, "u", [None], ["u\n"]],
    "withParams": [{}, None, {"a": {}}, {"a": {"n": [1, {"m": None}]}}, {"a": 1}, {"a": None}, [], "a"],
    "using": [None, "", 1, ["airflow"]],
    "run": [
        *(
            "etl",
            "a.b-c_1",
            "größe",
            "m:f",
            "p.m:f",
            "a b",
            "http://x/y",
            "m:",
            ":f",
            "m:f:g",
            "m-n:f",
            "a/b",
            "a,b",
        ),
        *("", "x" * 250, "x" * 251, 7, None, [], "etl\n", ...),
        *({"operator": "x.Y"}, {"operator": "x.Y", "retries": 1}, {"operator": "Y"}, {"operator": 1}, {}),
    ],
    "forAManager": [None, 1, {"x": [1]}, "x"],
    "airflow": [{}, None, [], "retries", {"retry": 1}],
}

OPTION_VALUES = [
    *(None, True, 0, 1, -1, 2.0, 1.5, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 10**11, 1_000_001, 1e300),
    *("", "x", "x" * 101, "x" * 257, "x" * 501, "x" * 2001),
    *([], ["x"], ["x" * 101], [1], "x", {}, {"x": "y"}, {"x": ""}, {"": "x"}, {"x": "y" * 501}, {"x": 1}),
    *({"Admin": ["can_read"]}, {"Admin": {"DAGs": ["can_read"]}}, {"Admin": {"DAGs": "can_read"}}),
]


def accepted(content):
    try:
        parse_configuration(content)
    except ConfigurationError:
        return False
    return True


def disagreements(*tasks):
    return [task for task in tasks if VALIDATOR.is_valid({"t_x": task}) != accepted({"t_x": task})]


@pytest.mark.parametrize("directive", VALUES)
def test_an_editor_marks_what_the_parser_refuses_and_nothing_else(directive):
    tasks = [{"after": ["a"], "run": "m:f", directive: value} for value in VALUES[directive]]
    assert not disagreements(
        *({key: value for key, value in task.items() if value is not ...} for task in tasks)
    )


@pytest.mark.parametrize("after", [{"after": []}, {"after": None}, {}])
def test_after_may_be_left_out_beside_a_trigger_that_makes_instances_and_for_an_editor_too(after):
    task = {**after, "andEvery": "a", "run": "m:f"}
    assert accepted({"t_x": task})
    assert not disagreements(task, {**task, "andEvery": None}, {**after, "run": "m:f"})


@pytest.mark.parametrize("option", OPTIONS)
def test_an_editor_marks_the_options_that_the_parser_refuses_and_no_others(option):
    assert not disagreements(
        *({"after": ["a"], "run": "m:f", "airflow": {option: value}} for value in OPTION_VALUES)
    )


@pytest.mark.parametrize(
    "name", ["t_x", "t x", "größe", "x" * 200, "x" * 201, "", " t", "t ", "a#b", "#", "a\nb", "a\n"]
)
def test_an_editor_marks_a_tasks_name_that_the_parser_refuses(name):
    content = {name: {"after": ["a"], "run": "m:f"}}
    assert VALIDATOR.is_valid(content) == accepted(content)
