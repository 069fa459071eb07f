"""How rules read as English sentences."""

from __future__ import annotations

import pytest

from airflow_triggers.configuration import explain_configuration, explain_task, parse_configuration
from airflow_triggers.configuration.explain import explain_in_full
from airflow_triggers.domain.configuration import TaskConfig


@pytest.mark.parametrize(
    ("directives", "sentence"),
    [
        ({"after": ("a",)}, "After a has fired, run the DAG etl once."),
        ({"after": ("a", "b")}, "After a and b have fired, run the DAG etl once."),
        ({"after": ("a", "b", "c")}, "After a, b and c have fired, run the DAG etl once."),
        ({"and_every": "pageReceived"}, "Every time pageReceived fires, run the DAG etl."),
        (
            {"after": ("t_a",), "and_every": "pageReceived"},
            "After t_a has fired, and every time pageReceived fires, run the DAG etl.",
        ),
        (
            {"after": ("pageReceived",), "and_every": "pageReceived"},
            "Every time pageReceived fires, run the DAG etl.",
        ),
        (
            {"after": ("a",), "unless": ("u",)},
            "After a has fired, run the DAG etl once, unless u has fired before that.",
        ),
        (
            {"after": ("a",), "unless": ("u", "v")},
            "After a has fired, run the DAG etl once, unless u and v have all fired before that.",
        ),
        (
            {"after": ("a",), "run": "tasks:import_subject"},
            "After a has fired, run tasks:import_subject once.",
        ),
        (
            {"after": ("a",), "run": {"operator": "x.BashOperator"}},
            "After a has fired, run a BashOperator once.",
        ),
        (
            {"after": ("a",), "run": {"operator": "x.EmptyOperator"}},
            "After a has fired, run an EmptyOperator once.",
        ),
    ],
)
def test_a_rule_is_one_sentence(directives, sentence):
    assert explain_task(TaskConfig(**{"name": "t_x", "run": "etl"} | directives)) == sentence


def test_in_markdown_triggers_are_bold_and_what_runs_is_code():
    task = TaskConfig(name="t_x", after=("first_page", "t_a"), unless=("u",), run="tasks:f")
    assert explain_task(task, markdown=True) == (
        "After **first_page** and **t_a** have fired, run `tasks:f` once, unless **u** has fired before that."
    )


def test_names_that_hold_markdown_are_shown_as_they_are():
    task = TaskConfig(name="t_x", after=("2*3", "<b>", "_a_"), run="etl")
    assert r"**2\*3**, **\<b\>** and **\_a\_**" in explain_task(task, markdown=True)


def test_a_configuration_is_a_list_of_sentences():
    configuration = parse_configuration(
        {"t_a": {"after": ["x"], "run": "etl"}, "t_b": {"after": ["t_a"], "run": "etl"}}, name="survey"
    )
    assert explain_configuration(configuration) == (
        "# survey\n\n"
        "- **t_a**: After **x** has fired, run the DAG `etl` once.\n"
        "- **t_b**: After **t_a** has fired, run the DAG `etl` once."
    )


def test_a_tasks_page_says_what_follows_and_shows_the_directives():
    configuration = parse_configuration(
        {
            "t_a": {"after": ["x"], "run": "m:f", "airflow": {"retries": 2}},
            "t_b": {"after": ["t_a"], "run": "etl"},
            "t_c": {"after": ["x"], "unless": ["t_a"], "run": "etl"},
        },
        name="survey",
    )
    page = explain_in_full(configuration, configuration["t_a"])
    assert page.startswith("After **x** has fired, run `m:f` once.\n")
    assert "which concerns **t_b** and **t_c**." in page
    assert page.endswith("```yaml\nt_a:\n  after:\n  - x\n  run: m:f\n  airflow:\n    retries: 2\n```\n")
    assert "no task of this configuration waits for that" in explain_in_full(
        configuration, configuration["t_b"]
    )
