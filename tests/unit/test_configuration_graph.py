"""A configuration as a graph: its nodes and edges, its cycles, and how it is drawn."""

from __future__ import annotations

import pytest

from airflow_triggers.configuration import parse_configuration
from airflow_triggers.configuration.graph import Directive, Graph, NodeKind


def graph(**tasks):
    return Graph.of(parse_configuration({name: {"run": "etl", **task} for name, task in tasks.items()}))


SURVEY = {
    "t_import": {"after": ["firstPage"], "andEvery": "page"},
    "t_score": {"after": ["t_import", "complete"], "unless": ["embedded"]},
}


def test_a_task_is_also_the_trigger_that_its_end_fires():
    drawn = graph(**SURVEY)
    assert [(node.id, node.kind) for node in drawn.nodes] == [
        ("firstPage", NodeKind.TRIGGER),
        ("page", NodeKind.TRIGGER),
        ("complete", NodeKind.TRIGGER),
        ("embedded", NodeKind.TRIGGER),
        ("t_import", NodeKind.TASK),
        ("t_score", NodeKind.TASK),
    ]
    assert [(edge.source, edge.target, edge.directive) for edge in drawn.edges] == [
        ("firstPage", "t_import", Directive.AFTER),
        ("page", "t_import", Directive.AND_EVERY),
        ("t_import", "t_score", Directive.AFTER),
        ("complete", "t_score", Directive.AFTER),
        ("embedded", "t_score", Directive.UNLESS),
    ]
    assert drawn.cycles == ()


def test_a_trigger_of_after_and_and_every_is_one_edge():
    (edge,) = graph(t_a={"after": ["page"], "andEvery": "page"}).edges
    assert edge.directive is Directive.AND_EVERY


@pytest.mark.parametrize(
    ("tasks", "cycles"),
    [
        ({"t_a": {"after": ["t_a"]}}, [("t_a",)]),
        ({"t_a": {"after": ["x", "t_b"]}, "t_b": {"after": ["t_a"]}}, [("t_a", "t_b")]),
        ({"t_a": {"after": ["x"], "unless": ["t_a"]}}, []),
        (
            {name: {"after": [other]} for name, other in zip("abcd", "badc", strict=True)},
            [("a", "b"), ("c", "d")],
        ),
    ],
)
def test_tasks_that_wait_for_each_other_are_a_cycle(tasks, cycles):
    assert list(graph(**tasks).cycles) == cycles


def test_mermaid_gets_a_shape_for_each_kind_and_an_arrow_for_each_directive():
    assert graph(**SURVEY).to_mermaid() == (
        "flowchart LR\n"
        '    n0(["firstPage"])\n'
        '    n1(["page"])\n'
        '    n2(["complete"])\n'
        '    n3(["embedded"])\n'
        '    n4["t_import"]\n'
        '    n5["t_score"]\n'
        "    n0 --> n4\n"
        "    n1 -->|every| n4\n"
        "    n4 --> n5\n"
        "    n2 --> n5\n"
        "    n3 -.->|unless| n5\n"
    )


def test_no_name_is_syntax_for_mermaid():
    mermaid = graph(t_a={"after": ['"]; click n0 "javascript:alert(1)']}).to_mermaid()
    assert '(["#34;#93;#59; click n0 #34;javascript#58;alert#40;1#41;"])' in mermaid


def test_mermaid_marks_the_tasks_of_a_cycle():
    mermaid = graph(t_a={"after": ["t_b"]}, t_b={"after": ["t_a"]}, t_c={"after": ["t_b"]}).to_mermaid()
    assert mermaid.endswith("    class n0,n1 cycle\n")


def test_the_text_is_a_tree_from_the_triggers_down():
    assert graph(**SURVEY, t_end={"after": ["t_score"]}).to_text().splitlines() == [
        "firstPage",
        "└─ → t_import",
        "   └─ → t_score",
        "      └─ → t_end",
        "page",
        "└─ every → t_import (above)",
        "complete",
        "└─ → t_score (above)",
        "embedded",
        "└─ unless → t_score (above)",
    ]


def test_the_text_has_the_tasks_to_which_only_a_cycle_leads():
    assert graph(
        t_a={"after": ["t_b"]}, t_b={"after": ["t_a"]}, t_c={"after": ["x", "t_b"]}
    ).to_text().splitlines() == [
        "x",
        "└─ → t_c",
        "t_a (cycle)",
        "└─ → t_b (cycle)",
        "   ├─ → t_a (cycle) (above)",
        "   └─ → t_c",
    ]


def test_a_chain_of_any_length_can_be_drawn():
    chain = {f"t_{number}": {"after": [f"t_{number - 1}" if number else "start"]} for number in range(3000)}
    drawn = graph(**chain)
    assert len(drawn.to_text().splitlines()) == 3001
    assert drawn.cycles == ()
