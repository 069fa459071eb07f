"""What is well-formed in a configuration, and never works."""

from __future__ import annotations

import pytest

from airflow_triggers.configuration.compile import compile_configuration
from airflow_triggers.configuration.parse import parse_configuration
from airflow_triggers.configuration.review import Severity, review
from airflow_triggers.domain.configuration import Configuration, TaskConfig


def configuration(**tasks):
    return Configuration(
        {
            name: TaskConfig(
                name=name,
                run="etl",
                after=tuple(after.split()) if isinstance(after, str) else (),
                **({} if isinstance(after, str) else after),
            )
            for name, after in tasks.items()
        }
    )


def found(**tasks):
    return [(it.code, it.task, it.text) for it in review(configuration(**tasks))]


def codes(**tasks):
    return [(code, task) for code, task, _ in found(**tasks)]


@pytest.mark.parametrize(
    ("tasks", "cycle"),
    [
        ({"t_a": "t_a"}, [("t_a", "it waits for itself, so it never starts.")]),
        (
            {"t_a": "x t_b", "t_b": "t_a"},
            [("t_a", "it waits for 't_b', which waits for 't_a': none of them ever starts.")],
        ),
        (
            {"t_c": "t_a", "t_a": "t_b", "t_b": "t_a", "t_free": "x"},
            [("t_a", "it waits for 't_b', which waits for 't_a': none of them ever starts.")],
        ),
        (
            {"t_a": "t_b", "t_b": "t_c", "t_c": "t_a"},
            [
                (
                    "t_a",
                    "it waits for 't_b', which waits for 't_c', which waits for 't_a': none of them ever starts.",
                )
            ],
        ),
        ({"t_a": "t_b", "t_b": "t_c", "t_c": "x"}, []),
        ({"t_a": "x", "t_b": "t_a", "t_c": "t_a", "t_d": "t_b t_c"}, []),
        (
            {"t_a": {"and_every": "t_b"}, "t_b": {"and_every": "t_a"}},
            [("t_a", "it waits for 't_b', which waits for 't_a': none of them ever starts.")],
        ),
    ],
)
def test_a_cycle_is_found_once_at_its_first_task(tasks, cycle):
    assert [(task, text) for code, task, text in found(**tasks) if code == "cycle"] == cycle


def test_two_cycles_are_two_findings():
    assert codes(t_a="t_b", t_b="t_a", t_c="t_d", t_d="t_c") == [("cycle", "t_a"), ("cycle", "t_c")]


def test_tasks_that_exclude_each_other_are_no_cycle():
    excluded = {
        "t_a": {"and_every": "x", "unless": ("t_b",)},
        "t_b": {"and_every": "y", "unless": ("t_a",)},
    }
    assert found(**excluded) == []


def test_a_long_chain_is_no_cycle_and_costs_no_recursion():
    chain = {f"t_{number}x": f"t_{number + 1}x" for number in range(3_000)}
    assert codes(**chain, t_3000x="begin") == []
    assert [code for code, _ in codes(**chain, t_3000x="t_0x")] == ["cycle"]


def test_a_task_that_waits_for_all_of_its_unless_never_runs():
    (finding,) = review(configuration(t_a={"and_every": "x", "unless": ("x",)}))
    assert (finding.code, finding.severity) == ("never-runs", Severity.ERROR)
    assert "it waits for every trigger of its 'unless' ('x')" in finding.text


def test_a_part_of_unless_that_is_awaited_is_a_warning():
    (finding,) = review(configuration(t_a={"and_every": "x", "unless": ("x", "y")}))
    assert (finding.code, finding.severity) == ("unless-overlap", Severity.WARNING)


def test_a_task_that_is_missing_fires_nothing():
    (finding,) = review(configuration(t_a="t_elsewhere"))
    assert (finding.code, finding.severity) == ("unfired", Severity.WARNING)
    assert found(t_a="elsewhere") == []


def test_params_of_a_trigger_that_resembles_an_awaited_one_are_a_warning():
    misspelt = {"and_every": "pageReceived", "with_params": {"pageRecieved": {"n": 1}}}
    assert codes(t_a=misspelt) == [("unawaited", "t_a")]
    assert found(t_a={"and_every": "pageReceived", "with_params": {"settings": {"n": 1}}}) == []


def test_findings_and_unknown_modules_stand_on_the_manifests_page():
    tasks = {
        "t_a": {"after": ["t_b"], "run": "no_such_module.work"},
        "t_b": {"after": ["t_a"], "run": "etl"},
    }
    page = compile_configuration(parse_configuration(tasks, name="survey"))["survey"].doc_md
    slips = page.partition("## Possible slips")[2]
    assert "There is no module 'no_such_module', so this is taken for the id of a DAG." in slips
    assert "it waits for 't_b', which waits for 't_a': none of them ever starts." in slips
