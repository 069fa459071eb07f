"""The graph of a configuration: which trigger leads to which task (pure). It is drawn as Mermaid and as text.

Neighbours: ``review.py`` reports cycles as findings; ``api/`` and ``cli/`` show graphs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from airflow_triggers.domain.configuration import Configuration, TaskConfig


class NodeKind(StrEnum):
    """What a node stands for."""

    TRIGGER = "trigger"  #: a trigger that no task of the configuration fires
    TASK = "task"  #: a task; its end fires its name


class Directive(StrEnum):
    """The directive that makes an edge."""

    AFTER = "after"
    AND_EVERY = "andEvery"
    UNLESS = "unless"


@dataclass(frozen=True, kw_only=True)
class Node:
    """A trigger or a task. Ids are unique: a task's name is also the trigger that its end fires."""

    id: str
    kind: NodeKind


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A task's directive names a trigger.

    :param source: the trigger's node, or that of the task whose end fires it.
    :param target: the task's node.
    """

    source: str
    target: str
    directive: Directive


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A configuration as a graph.

    :param nodes: the triggers in order of first use, then the tasks in their order.
    :param edges: in the order of their target tasks.
    :param cycles: tasks that wait for each other, so none of them ever starts; each waits for the next one, and the
        last one for the first. A task that waits for itself is alone.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    cycles: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, configuration: Configuration) -> Graph:
        """The graph of a configuration."""
        edges = tuple(edge for task in configuration for edge in _edges_to(task))
        triggers = dict.fromkeys(edge.source for edge in edges if edge.source not in configuration.tasks)
        return cls(
            nodes=(
                *(Node(id=name, kind=NodeKind.TRIGGER) for name in triggers),
                *(Node(id=name, kind=NodeKind.TASK) for name in configuration.tasks),
            ),
            edges=edges,
            cycles=tuple(cycles_of(configuration)),
        )

    def to_mermaid(self) -> str:
        """The graph as a Mermaid flowchart. Tasks of a cycle have the class ``cycle``."""
        ids = {node.id: f"n{place}" for place, node in enumerate(self.nodes)}
        lines = ["flowchart LR", *(f"    {_mermaid_node(node, ids[node.id])}" for node in self.nodes)]
        lines += [
            f"    {ids[edge.source]} {_MERMAID_ARROWS[edge.directive]} {ids[edge.target]}"
            for edge in self.edges
        ]
        if stuck := [ids[name] for cycle in self.cycles for name in cycle]:
            lines += [
                "    classDef cycle stroke:#c00,stroke-width:3px",
                f"    class {','.join(stuck)} cycle",
            ]
        return "\n".join(lines) + "\n"

    def to_text(self) -> str:
        """The graph as a tree of lines for a terminal, from the triggers down.

        A task reached a second time is not opened again: ``(above)`` stands behind it.
        """
        return "".join(f"{line}\n" for line in _Drawing(self).lines())


def _edges_to(task: TaskConfig) -> Iterator[Edge]:
    for trigger in task.after:
        if trigger != task.and_every:
            yield Edge(source=trigger, target=task.name, directive=Directive.AFTER)
    if task.and_every is not None:
        yield Edge(source=task.and_every, target=task.name, directive=Directive.AND_EVERY)
    for trigger in task.unless:
        yield Edge(source=trigger, target=task.name, directive=Directive.UNLESS)


# -- cycles -----------------------------------------------------------------------------------------------------


def cycles_of(configuration: Configuration) -> Iterator[tuple[str, ...]]:
    """The tasks that wait for each other, one cycle for each knot of them; see :attr:`Graph.cycles`."""
    required_tasks = {
        task.name: [name for name in sorted(task.required) if name in configuration.tasks]
        for task in configuration
    }
    # A task is on no cycle if it waits for no task, or only for tasks that can start.
    cyclic_tasks = {name: set(names) for name, names in required_tasks.items()}
    _free(cyclic_tasks)
    order = {name: position for position, name in enumerate(required_tasks)}
    while cyclic_tasks:
        cycle = _cycle_from(min(cyclic_tasks, key=order.__getitem__), cyclic_tasks)
        place = cycle.index(min(cycle, key=order.__getitem__))
        yield (*cycle[place:], *cycle[:place])
        # Tasks that wait only for this cycle are on none of their own.
        for name in cycle:
            del cyclic_tasks[name]
        _free(cyclic_tasks)


def _free(cyclic_tasks: dict[str, set[str]]) -> None:
    """Remove the tasks that wait for none of the others, until none is left."""
    while free_names := [name for name, names in cyclic_tasks.items() if not names & cyclic_tasks.keys()]:
        for name in free_names:
            del cyclic_tasks[name]


def _cycle_from(start: str, cyclic_tasks: Mapping[str, set[str]]) -> list[str]:
    path: list[str] = []
    name = start
    while name not in path:
        path.append(name)
        name = min(cyclic_tasks[name] & cyclic_tasks.keys())
    return path[path.index(name) :]


# -- Mermaid ----------------------------------------------------------------------------------------------------

_MERMAID_ARROWS: Mapping[Directive, str] = {
    Directive.AFTER: "-->",
    Directive.AND_EVERY: "-->|every|",
    Directive.UNLESS: "-.->|unless|",
}


_MERMAID_PLAIN = frozenset("_-. ")


def _mermaid_node(node: Node, mermaid_id: str) -> str:
    # Applications choose the names. Mermaid reads "#35;" in a label as a character, and most signs as syntax.
    label = "".join(
        sign if sign.isalnum() or sign in _MERMAID_PLAIN else f"#{ord(sign)};" for sign in node.id
    )
    return f'{mermaid_id}["{label}"]' if node.kind is NodeKind.TASK else f'{mermaid_id}(["{label}"])'


# -- text -------------------------------------------------------------------------------------------------------

_TEXT_VERBS: Mapping[Directive, str] = {
    Directive.AFTER: "→",
    Directive.AND_EVERY: "every →",
    Directive.UNLESS: "unless →",
}


class _Drawing:
    """One drawing of a graph as text."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._edges_from: dict[str, list[Edge]] = {}
        for edge in graph.edges:
            self._edges_from.setdefault(edge.source, []).append(edge)
        self._stuck = {name for cycle in graph.cycles for name in cycle}
        self._drawn: set[str] = set()

    def lines(self) -> Iterator[str]:
        """The lines, without line feeds."""
        roots = [node.id for node in self._graph.nodes if node.kind is NodeKind.TRIGGER]
        for root in roots:
            yield from self._tree(root)
        # Tasks that only a cycle leads to hang below no trigger.
        for node in self._graph.nodes:
            if node.kind is NodeKind.TASK and node.id not in self._drawn:
                yield from self._tree(node.id)

    def _tree(self, root: str) -> Iterator[str]:
        """The lines of a root and of everything below. A list stands for the stack: chains may be long."""
        if root not in self._drawn and root in self._stuck:
            yield f"{root} (cycle)"
        else:
            yield root
        self._drawn.add(root)
        stack = [(edge, "", place == 0) for place, edge in enumerate(reversed(self._below(root)))]
        while stack:
            edge, indent, is_last = stack.pop()
            branch = "└─" if is_last else "├─"
            is_drawn = edge.target in self._drawn
            mark = " (cycle)" if edge.target in self._stuck else ""
            mark += " (above)" if is_drawn and self._below(edge.target) else ""
            yield f"{indent}{branch} {_TEXT_VERBS[edge.directive]} {edge.target}{mark}"
            if is_drawn:
                continue
            self._drawn.add(edge.target)
            below = indent + ("   " if is_last else "│  ")
            stack += [
                (child, below, place == 0) for place, child in enumerate(reversed(self._below(edge.target)))
            ]

    def _below(self, name: str) -> list[Edge]:
        return self._edges_from.get(name, [])
