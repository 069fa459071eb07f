"""The manifest DAG: it carries the configuration, and draws its rules in Airflow's graph view."""

from __future__ import annotations

import json

import pytest
from airflow.serialization.serialized_objects import DagSerialization

from airflow_triggers.configuration import parse_configuration
from airflow_triggers.configuration.compile import compile_configuration
from airflow_triggers.configuration.manifest import MANIFEST_TASK_ID, manifest
from airflow_triggers.domain.configuration import Configuration


def drawn(**tasks):
    configuration = parse_configuration(
        {name: {"run": "etl"} | rules for name, rules in tasks.items()}, name="conf"
    )
    return compile_configuration(configuration)["conf"]


def edges_of(dag):
    return {(task.task_id, downstream) for task in dag.tasks for downstream in task.downstream_task_ids}


def labels_of(dag):
    return {
        (source, target): edge["label"]
        for source, edges in dag.edge_info.items()
        for target, edge in edges.items()
    }


def test_triggers_and_tasks_are_operators_and_rules_are_edges():
    dag = drawn(t_a={"after": ["x", "y"]}, t_b={"after": ["t_a"], "andEvery": "page", "unless": ["stop"]})

    assert set(dag.task_ids) == {MANIFEST_TASK_ID, "x", "y", "page", "stop", "t_a", "t_b"}
    assert edges_of(dag) == {
        ("x", "t_a"), ("y", "t_a"), ("t_a", "t_b"), ("page", "t_b"), ("stop", "t_b")
    }  # fmt: skip
    assert labels_of(dag) == {("page", "t_b"): "every", ("stop", "t_b"): "unless"}
    assert dag.get_task("t_b").doc_md.startswith("After **t_a** has fired, and every time **page** fires")


def test_no_operator_is_ever_executed():
    serialized = DagSerialization.to_dict(drawn(t_a={"after": ["x"]}))
    dag = DagSerialization.from_dict(serialized)
    assert all(task.inherits_from_empty_operator for task in dag.tasks)


def test_a_circle_is_cut_and_named():
    dag = drawn(t_a={"after": ["x", "t_b"]}, t_b={"after": ["t_a"]})

    (edge,) = edges_of(dag) - {("x", "t_a")}
    cut_source, cut_target = edge[::-1]
    assert dag.get_task(cut_target).task_display_name == f"{cut_target} (and after {cut_source})"
    assert f"- **{cut_target}** has `after: {cut_source}`." in dag.doc_md
    assert DagSerialization.to_dict(dag)


def test_an_unless_that_leads_back_is_cut_and_not_an_after():
    dag = drawn(t_a={"after": ["x"], "unless": ["t_b"]}, t_b={"after": ["t_a"]})

    assert edges_of(dag) == {("x", "t_a"), ("t_a", "t_b")}
    assert dag.get_task("t_a").task_display_name == "t_a (and unless t_b)"


def test_a_task_that_waits_for_itself_is_cut():
    assert edges_of(drawn(t_a={"after": ["t_a", "x"]})) == {("x", "t_a")}


@pytest.mark.parametrize(
    ("trigger", "task_id"),
    [
        ("page received", "page_received"),
        ("größe", "größe"),
        ("configuration", "configuration-2"),
        ("a/b", "a_b"),
    ],
)
def test_a_trigger_that_is_no_task_id_of_airflow_keeps_its_name_on_the_page(trigger, task_id):
    dag = drawn(t_a={"after": [trigger]})
    assert dag.get_task(task_id).task_display_name == trigger
    assert DagSerialization.to_dict(dag)


def test_triggers_with_the_same_task_id_are_told_apart():
    dag = drawn(t_a={"after": ["a/b", "a b"]})
    assert {dag.get_task(task_id).task_display_name for task_id in ("a_b", "a_b-2")} == {"a/b", "a b"}


def test_its_form_says_that_a_run_does_nothing():
    dag = drawn(t_a={"after": ["x"]})
    assert dag.params.get_param("note").description.startswith("A run of this DAG does nothing")
    assert not any(task.params for task in dag.tasks if task.task_id != MANIFEST_TASK_ID)


def test_it_carries_the_configuration():
    configuration = parse_configuration({"t_a": {"after": ["x"], "run": "etl"}}, name="conf")
    document = json.loads(manifest(configuration, {}).get_task(MANIFEST_TASK_ID).doc_json)
    assert Configuration.from_dict(document) == configuration
