"""A configuration's text is checked where nothing can be imported and no file may be read."""

from __future__ import annotations

import pytest

from airflow_triggers.configuration.posted import check_text


def found(text, *, name="orders", dag_ids=("etl",)):
    return [
        (
            posted.line,
            posted.finding.task,
            posted.directive,
            posted.finding.severity.value,
            posted.finding.code,
        )
        for posted in check_text(text, name=name, dag_ids=dag_ids)
    ]


def test_a_configuration_without_slips_has_no_findings():
    assert found("t_a:\n  after: [a]\n  run: etl\nt_b:\n  andEvery: t_a\n  run: tasks.load\n") == []


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("t_a: {after: [a", [(1, None, None, "error", "invalid")]),
        ("t_a:\n  after: a\n  run: etl\n", [(2, "t_a", "after", "error", "invalid")]),
        ("t_a:\n  run: etl\n", [(1, "t_a", "after", "error", "invalid")]),
        ("t_a:\n  after: [t_a]\n  run: etl\n", [(1, "t_a", None, "error", "cycle")]),
        ("t_a:\n  after: [a]\n  unless: [a]\n  run: etl\n", [(3, "t_a", "unless", "error", "never-runs")]),
        ("t_a:\n  after: [a]\n  run: elt\n", [(3, "t_a", "run", "warning", "unknown-run")]),
        ("- t_a\n", [(None, None, None, "error", "invalid")]),
        ("", [(None, None, None, "error", "invalid")]),
    ],
)
def test_a_finding_has_its_line_its_task_and_its_directive(text, findings):
    assert found(text) == findings


def test_a_run_that_may_be_a_function_is_no_finding_and_an_unknown_dag_gets_the_similar_one():
    (posted,) = check_text("t_a: {after: [a], run: elt}", name=None, dag_ids=["etl"])
    assert posted.finding.text == "'run' is 'elt', which is no deployed DAG that you may read."
    (posted,) = check_text("t_a: {after: [a], run: load_order}", name=None, dag_ids=["load_orders"])
    assert posted.finding.text.endswith("Did you mean 'load_orders'?")


def test_a_text_with_too_many_names_to_compare_is_not_compared():
    triggers = ", ".join(f"t_{number}" for number in range(2000))
    text = "".join(f"task_{number}: {{after: [{triggers}], run: etl}}\n" for number in range(20))
    assert [code for *_, code in found(text)] == ["too-large"]
