"""The published JSON Schema: in step with the model, and of use to an editor."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from airflow_triggers.configuration.model import DIRECTIVES
from airflow_triggers.configuration.options import OPTIONS
from airflow_triggers.configuration.schema import SCHEMA_FILE, rendered
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
    assert set(directives["airflow"]["properties"]) == set(OPTIONS)


@pytest.mark.parametrize("path", sorted((ROOT / "dags").glob("*.yaml")), ids=lambda path: path.name)
def test_the_example_configurations_fit(path):
    VALIDATOR.validate(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "directives",
    [
        {"after": ["a"], "run": "etl"},
        {"after": [], "andEvery": "a", "run": "m:f", "airflow": {"retries": 1}, "forAManager": {"x": 1}},
        {"after": ["a"], "run": {"operator": "x.Y", "bash_command": "true"}, "withParams": {"a": {"n": 1}}},
    ],
)
def test_what_the_parser_takes_fits(directives):
    VALIDATOR.validate({"t_x": directives})


@pytest.mark.parametrize(
    "directives",
    [
        {"after": "a", "run": "etl"},
        {"run": "etl"},
        {"after": ["a"]},
        {"after": ["a"], "run": {"bash_command": "true"}},
        {"after": ["a"], "run": "m:f", "airflow": {"retry": 1}},
        {"after": ["a"], "run": "m:f", "airflow": {"retries": "1"}},
    ],
)
def test_an_editor_marks_what_the_parser_refuses(directives):
    assert not VALIDATOR.is_valid({"t_x": directives})
