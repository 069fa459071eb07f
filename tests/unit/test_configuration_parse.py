"""What users write in a configuration: what is understood, and what they are told when it is not."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from airflow_triggers.configuration import explain_configuration, explain_task, parse_configuration
from airflow_triggers.configuration.load import configuration_files, load_configuration
from airflow_triggers.configuration.schema import SCHEMA_FILE, configuration_schema, rendered
from airflow_triggers.errors import ConfigurationError
from airflow_triggers.types import Configuration, TaskConfig

WHOLE = """
t_whole:
  after: [x, y]
  andEvery: z
  unless: [u]
  run: {operator: some.module.Operator, argument: 1}
  withParams: {x: {deep: {er: 1}}}
  using: airflow
  airflow: {retries: 2, retry_delay: 30, tags: [a]}
  colour: blue
"""


def parse(text):
    return parse_configuration(yaml.safe_load(text), name="survey", source="survey.yaml")


def problems(text):
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    assert caught.value.source == "survey.yaml"
    return caught.value.problems


def test_every_directive_is_read():
    configuration = parse(WHOLE)
    assert configuration.name == "survey"
    assert configuration["t_whole"] == TaskConfig(
        name="t_whole",
        after=("x", "y"),
        and_every="z",
        unless=("u",),
        run={"operator": "some.module.Operator", "argument": 1},
        with_params={"x": {"deep": {"er": 1}}},
        using="airflow",
        airflow={"retries": 2, "retry_delay": 30, "tags": ["a"]},
        extra={"colour": "blue"},
    )
    assert Configuration.from_dict(json.loads(json.dumps(configuration.to_dict()))) == configuration


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "found None, expected a mapping of task name to directives."),
        ("[a]", "found ['a'], expected a mapping of task name to directives."),
        ("t_x: 7", "task 't_x': found 7, expected a mapping of directives (after, run, andEvery, unless, "),
        (
            "'t#x': {after: [a], run: d}",
            "task 't#x': expected a name of 1-200 printable characters without '#'",
        ),
        ("7: {after: [a], run: d}", "task 7: expected a name"),
        ("t_x: {run: d}", "task 't_x': 'after' is missing, expected a list of trigger names"),
        ("t_x: {after: [a]}", "task 't_x': 'run' is missing, expected a DAG id, a callable"),
        (
            "t_x: {after: a, run: d}",
            "task 't_x': 'after' is 'a', expected a list of trigger names (it may be empty",
        ),
        ("t_x: {after: a, run: d}", "Write [a]."),
        ("t_x: {after: [1], run: d}", "task 't_x': 'after' is [1], expected a list of trigger names"),
        ("t_x: {after: [], run: d}", "task 't_x': 'after' is empty and there is no 'andEvery'"),
        (
            "t_x: {after: [a, a], run: d}",
            "task 't_x': 'after' names 'a' 2 times, expected each trigger once.",
        ),
        (
            "t_x: {after: [a], run: d, unless: u}",
            "'unless' is 'u', expected a list of trigger names. Write [u].",
        ),
        ("t_x: {after: [a], run: d, andEvery: [z]}", "'andEvery' is ['z'], expected one trigger name."),
        ("t_x: {after: [a], run: {bash_command: x}}", "'run' is {'bash_command': 'x'}, expected a DAG id"),
        ("t_x: {after: [a], run: ''}", "'run' is '', expected a DAG id"),
        (
            "t_x: {after: [a], run: d, withParams: {a: 1}}",
            "'withParams' is {'a': 1}, expected a mapping of mappings",
        ),
        ("t_x: {after: [a], run: d, using: 3}", "'using' is 3, expected the name of a runner."),
        ("t_x: {after: [a], runn: d}", "task 't_x': there is no directive 'runn'. Did you mean 'run'?"),
        ("t_x: {after: [a], run: d, unles: [u]}", "there is no directive 'unles'. Did you mean 'unless'?"),
        (
            "t_x: {after: [a], run: d, and_every: z}",
            "there is no directive 'and_every'. Did you mean 'andEvery'?",
        ),
        ("t_x: {after: [a], run: d, with_params: {}}", "Did you mean 'withParams'?"),
        ("t_x: {after: [' a'], run: d}", "task 't_x': A trigger's name has 1-200 printable characters"),
        ("t_x: {after: [a], run: d, since: 2026-01-01}", "only what JSON can hold is expected"),
        (
            "t_x: {after: [a], run: d, airflow: {retrys: 1}}",
            "the option 'retrys', which is unknown. Did you mean 'retries'?",
        ),
        (
            "t_x: {after: [a], run: d, airflow: {retry_delay: 5m}}",
            "'retry_delay' '5m', expected a number of seconds.",
        ),
    ],
)
def test_a_problem_names_task_directive_what_was_found_and_what_was_expected(text, problem):
    assert any(problem in one for one in problems(text)), problems(text)


def test_all_problems_are_told_at_once():
    found = problems("{t_a: {after: a, runn: d}, t_b: {after: [b]}}")
    assert len(found) == 3
    with pytest.raises(
        ConfigurationError, match=r"survey.yaml: 3 problems in the configuration:\n  - task 't_a'"
    ):
        parse("{t_a: {after: a, runn: d}, t_b: {after: [b]}}")


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("t_importSubjct", "t_importSubject"),
        ("firstPageRecieved", "firstPageReceived"),
        ("firstpageReceived", "firstPageReceived"),
    ],
)
def test_a_misspelt_trigger_is_told_with_what_was_meant(wrong, meant):
    text = f"""
    t_importSubject: {{after: [firstPageReceived], run: d}}
    t_other: {{after: [firstPageReceived], run: d}}
    t_next: {{after: [{wrong}], run: d}}
    """
    assert f"the trigger '{wrong}'. Did you mean '{meant}'?" in problems(text)[0]


@pytest.mark.parametrize(
    "pair", [("page1", "page2"), ("pageReceived", "pagesReceived"), ("orderPaid", "orderPacked")]
)
def test_triggers_that_merely_resemble_each_other_are_accepted(pair):
    assert parse_configuration({"t_x": {"after": list(pair), "run": "d"}}).tasks


def test_a_t_trigger_that_resembles_no_task_is_the_applications_own():
    assert parse_configuration({"t_x": {"after": ["t_fromElsewhere"], "run": "d"}}).tasks


@pytest.mark.parametrize(
    ("directives", "sentence"),
    [
        ({"after": ["a"], "run": "etl"}, "After a has fired, run the DAG etl once."),
        ({"after": ["a", "b"], "run": "m:f"}, "After a and b have fired, run m:f once."),
        (
            {"after": ["a", "b", "c"], "run": "m:f", "unless": ["u"]},
            "After a, b and c have fired, run m:f once, unless u has fired before that.",
        ),
        (
            {"after": [], "andEvery": "z", "run": {"operator": "x.EmptyOperator"}, "unless": ["u", "v"]},
            "Every time z fires, run an EmptyOperator, unless u and v have all fired before that.",
        ),
        (
            {"after": ["a", "z"], "andEvery": "z", "run": {"operator": "x.BashOperator"}},
            "After a has fired, and every time z fires, run a BashOperator.",
        ),
    ],
)
def test_a_rule_reads_as_a_sentence(directives, sentence):
    task = TaskConfig.from_directives("t_x", directives)
    assert explain_task(task) == sentence
    assert explain_configuration(Configuration({"t_x": task}, "survey")).startswith("# survey\n\n- **t_x**: ")


def test_the_published_schema_is_in_step_with_the_model():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == rendered()


def test_the_schema_accepts_what_is_accepted_and_refuses_what_is_refused():
    schema = configuration_schema()
    jsonschema.validate(yaml.safe_load(WHOLE), schema)
    for wrong in ("t_x: {run: d}", "t_x: {after: a, run: d}", "t_x: {after: [a], run: {no: operator}}"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(yaml.safe_load(wrong), schema)


def test_a_file_is_named_in_its_problems_with_the_line(tmp_path):
    for name, text, problem in (
        (
            "twice.yaml",
            "t_x:\n  after: [a]\n  after: [b]\n",
            r"twice.yaml: line 3: the key 'after' stands twice",
        ),
        ("syntax.yaml", "t_x: {after: [a]\n", r"syntax.yaml: line 2: .*expected YAML"),
        (
            "unsafe.yaml",
            "t_x: !!python/object/apply:os.getcwd []\n",
            r"unsafe.yaml: line 1: could not determine",
        ),
        ("form.yaml", "t_x: {after: [a]}\n", r"form.yaml: task 't_x': 'run' is missing"),
    ):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigurationError, match=problem):
            load_configuration(path)
    assert [path.name for path in configuration_files(tmp_path)] == [
        "form.yaml",
        "syntax.yaml",
        "twice.yaml",
        "unsafe.yaml",
    ]
