"""The manifest: the DAG of a whole configuration. It carries the rules to the servers and draws them for people.

Its operators stand for triggers and tasks. They are never executed: Airflow ends empty operators by itself.
Neighbours: ``compile.py`` asks for the DAG, ``graph.py`` has the rules as a graph, ``explain.py`` writes the page,
``gateway/manifests.py`` reads the configuration from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Param
from airflow.sdk.definitions.param import ParamsDict

from airflow_triggers.configuration.explain import explain_configuration, explain_task
from airflow_triggers.configuration.graph import Directive, Edge, Graph, NodeKind
from airflow_triggers.configuration.review import review
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.names import DOUBTS, MANIFEST_TAG, configuration_tag, manifest_dag_id

MANIFEST_TASK_ID = "configuration"
"""The operator that carries the configuration as JSON."""

MAX_SHOWN_SOURCE = 2**20
"""The most characters of a YAML file that its manifest has as written. The rules of a larger one are there, too."""

_NOTHING = (
    "A run of this DAG does nothing: its tasks only draw the rules of the configuration. To run a trigger task, fire "
    "triggers into a session."
)

_LABELS = {Directive.AND_EVERY: "every", Directive.UNLESS: "unless"}
_WORDS = {Directive.AFTER: "after", Directive.AND_EVERY: "and every", Directive.UNLESS: "unless"}

MAX_TASK_ID_LENGTH = 250


class TriggerNode(EmptyOperator):
    """Stands for a trigger in the graph of a configuration. It is never executed."""

    ui_color = "#e6f2ff"
    custom_operator_name = "trigger"


class TriggerTaskNode(EmptyOperator):
    """Stands for a trigger task in the graph of a configuration. It is never executed; the task's own DAG is."""

    ui_color = "#e8f7e4"
    custom_operator_name = "trigger task"


class ConfigurationNode(EmptyOperator):
    """Carries the configuration to the servers."""

    custom_operator_name = "rules"


def manifest(configuration: Configuration, doubts: Mapping[str, str], *, source: str | None = None) -> DAG:
    """The DAG with the whole configuration for the servers; a run of it has no effect.

    :param configuration: a named, compiled configuration.
    :param doubts: by task, why the id of its DAG may be a slip, as a sentence.
    :param source: the YAML text, for people. A text longer than :data:`MAX_SHOWN_SOURCE` is left out.
    """
    name = str(configuration.name)
    drawing = Drawing.of(configuration)
    page = explain_configuration(
        configuration, doubts, [(finding.task or "", finding.text) for finding in review(configuration)]
    )
    dag = DAG(
        manifest_dag_id(name),
        schedule=None,
        catchup=False,
        is_paused_upon_creation=False,
        tags={MANIFEST_TAG, configuration_tag(name)},
        description="A configuration of triggers. To run its tasks, fire triggers into a session.",
        doc_md="\n\n".join([page, *drawing.notes()]),
        params={"note": Param(None, _NOTHING, type=["null", "string"], title="Nothing to run")},
    )
    content = {**configuration.to_dict(), **({DOUBTS: dict(doubts)} if doubts else {})}
    ConfigurationNode(
        task_id=MANIFEST_TASK_ID,
        task_display_name=f"rules of {name}",
        doc_json=json.dumps(content, ensure_ascii=False),
        doc_yaml=source if source and len(source) <= MAX_SHOWN_SOURCE else None,
        dag=dag,
    )
    _draw(drawing, configuration, dag)
    return dag


@dataclass(frozen=True)
class Drawing:
    """A configuration's graph without cycles, as Airflow's graph view needs it.

    :param edges: the edges that are drawn.
    :param cut_edges: the edges that would close a circle. They are named, and not drawn.
    """

    graph: Graph
    edges: tuple[Edge, ...]
    cut_edges: tuple[Edge, ...]

    @classmethod
    def of(cls, configuration: Configuration) -> Drawing:
        """The drawing of a configuration. An ``unless`` is cut rather than an ``after``."""
        graph = Graph.of(configuration)
        circles = _Circles()
        edges: list[Edge] = []
        cut_edges: list[Edge] = []
        for edge in sorted(graph.edges, key=lambda edge: edge.directive is Directive.UNLESS):
            (edges if circles.admits(edge) else cut_edges).append(edge)
        return cls(graph, tuple(edges), tuple(cut_edges))

    def notes(self) -> Iterator[str]:
        """What the drawing leaves out, as a part of the DAG's page in Markdown; nothing when it is complete."""
        if self.cut_edges:
            lines = [
                f"- **{edge.target}** has `{edge.directive.value}: {edge.source}`." for edge in self.cut_edges
            ]
            yield "\n".join(
                ["## Not drawn in the graph\n", "These rules lead back. A DAG cannot show circles.\n", *lines]
            )


@dataclass
class _Circles:
    """Edges so far, to tell whether another one would close a circle."""

    targets: dict[str, set[str]] = field(default_factory=dict)

    def admits(self, edge: Edge) -> bool:
        """Add the edge, unless it closes a circle."""
        if edge.source in self._reachable_from(edge.target):
            return False
        self.targets.setdefault(edge.source, set()).add(edge.target)
        return True

    def _reachable_from(self, name: str) -> set[str]:
        names, reachable = [name], {name}
        while names:
            for target in self.targets.get(names.pop(), ()):
                if target not in reachable:
                    reachable.add(target)
                    names.append(target)
        return reachable


def _draw(drawing: Drawing, configuration: Configuration, dag: DAG) -> None:
    """Add an operator for each node, and the edges between them."""
    task_ids = _task_ids(node.id for node in drawing.graph.nodes)
    operators: dict[str, EmptyOperator] = {}
    for node in drawing.graph.nodes:
        common: dict[str, Any] = {"task_id": task_ids[node.id], "dag": dag}
        if node.kind is NodeKind.TRIGGER:
            operators[node.id] = TriggerNode(task_display_name=node.id, **common)
        else:
            operators[node.id] = TriggerTaskNode(
                task_display_name=_display_name(node.id, drawing.cut_edges),
                doc_md=explain_task(configuration[node.id], markdown=True),
                **common,
            )
        # Each operator would carry a copy of the form.
        operators[node.id].params = ParamsDict()
    for edge in drawing.edges:
        operators[edge.source].set_downstream(operators[edge.target])
        if label := _LABELS.get(edge.directive):
            dag.set_edge_info(task_ids[edge.source], task_ids[edge.target], {"label": label})


def _display_name(name: str, cut_edges: Iterable[Edge]) -> str:
    """The task's name, with the rules that are not drawn: ``t_a (and after t_b)``."""
    notes = [f"{_WORDS[edge.directive]} {edge.source}" for edge in cut_edges if edge.target == name]
    return f"{name} (and {', '.join(notes)})" if notes else name


def _task_ids(names: Iterable[str]) -> dict[str, str]:
    """Airflow's task id for each node: its name, as far as Airflow's ids allow. Ids are unique."""
    task_ids: dict[str, str] = {}
    used_ids = {MANIFEST_TASK_ID}
    for name in names:
        plain = re.sub(r"[^\w.-]", "_", name)[: MAX_TASK_ID_LENGTH - 10]
        task_id, number = plain, 1
        while task_id in used_ids:
            number += 1
            task_id = f"{plain}-{number}"
        used_ids.add(task_id)
        task_ids[name] = task_id
    return task_ids
