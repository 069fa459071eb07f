"""Compares the demanded state with the actual one. A difference has one kind: lost, duplicated, stuck or wrong content.

Neighbours: ``demand.py`` (demanded), ``evidence.py`` (actual). It shares no code with the product.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from scripts.chaos.demand import EXECUTED, Demand, DemandedTask, demands
from scripts.chaos.evidence import Evidence
from scripts.chaos.journal import Line

LOST, DUPLICATED, STUCK, WRONG = KINDS = ("lost", "duplicated", "stuck", "wrong")
Problem = tuple[str, str]
"""A kind, and a sentence."""

RUN_OF_STATUS = {"finished": "success", "skipped": "success", "replayed": "failed"}


@dataclass
class Verdict:
    """The counts of the compared objects, and every difference."""

    counts: dict[str, int]
    problems: list[Problem] = field(default_factory=list)

    @property
    def totals(self) -> dict[str, int]:
        """The number of differences of each kind."""
        counts = Counter(kind for kind, _ in self.problems)
        return {kind: counts[kind] for kind in KINDS}


def check(journal: list[Line], evidence: Evidence) -> Verdict:
    """Compare everything."""
    demands_by_session = demands(journal)
    instances = _by(evidence.instances, "session")
    fires = _by(evidence.fires, "session")
    problems: list[Problem] = []
    for session, demand in sorted(demands_by_session.items()):
        instance_lines = instances.get(session, [])
        fire_lines = fires.get(session, [])
        problems += _session_problems(session, _fires(demand, fire_lines, instance_lines))
        problems += _session_problems(session, _instances(demand, instance_lines))
    problems += [
        (WRONG, f"nobody made the session {uid}")
        for uid in sorted(instances.keys() - demands_by_session.keys())
    ]
    problems += [*_runs(evidence), *_effects(evidence), *_hooks(evidence), *_left_over(evidence)]
    return Verdict(_counts(journal, demands_by_session, evidence), problems)


def _session_problems(session: str, problems: Iterable[Problem]) -> Iterator[Problem]:
    return ((kind, f"{session}: {sentence}") for kind, sentence in problems)


def _by(lines: Iterable[Line], key: str) -> dict[str, list[Line]]:
    lines_by_value: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        lines_by_value[line[key]].append(line)
    return lines_by_value


def _frozen(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _differences(noun: str, demand: Iterable[Any], actual: Iterable[Any]) -> Iterator[Problem]:
    """The missing and the surplus contents of a multiset, compared with the required one."""
    required_counts, actual_counts = Counter(map(_frozen, demand)), Counter(map(_frozen, actual))
    for content, count in (required_counts - actual_counts).items():
        yield LOST, f"{count} times the {noun} {content}"
    for content, count in (actual_counts - required_counts).items():
        yield DUPLICATED, f"{count} times the {noun} {content}"


# -- fires and cascades ---------------------------------------------------------------------------------------


def _fires(demand: Demand, fires: list[Line], instances: list[Line]) -> Iterator[Problem]:
    """Each client fire once; one cascade for each completion, with its result; each fire of a task once."""
    client_fires = [
        {"key": key, "trigger": trigger, "kwargs": kwargs} for key, (trigger, kwargs) in demand.fires.items()
    ]
    by_clients = [
        {name: fire[name] for name in ("key", "trigger", "kwargs")} for fire in fires if fire["key"]
    ]
    yield from _differences("fire", client_fires, by_clients)
    handed_on = []
    for task, demanded_task in demand.tasks.items():
        completions = [
            instance
            for instance in instances
            if instance["task"] == task and instance["status"] in ("finished", "skipped")
        ]
        handed_on += [(task, instance["name"]) for instance in completions]
        kwargs = [fire["kwargs"] for fire in fires if fire["trigger"] == task]
        yield from _differences(f"cascade of {task} with", demanded_task.results or [], kwargs)
        for instance in completions:
            if (instance["metadata"].get("result") or {}) not in (demanded_task.results or []):
                yield WRONG, f"{instance['name']} has the result {instance['metadata'].get('result')}"
    cascades = [(fire["trigger"], fire["fired_by"]) for fire in fires if fire["trigger"] in demand.tasks]
    yield from _differences("cascade", handed_on, cascades)
    calls = [{"number": number} for number in range(demand.tasks["t_called"].count)]
    yield from _differences(
        "call of t_calls", calls, [fire["kwargs"] for fire in fires if fire["trigger"] == "called"]
    )
    triggers = {*demand.tasks, "called"}
    for fire in fires:
        if not fire["key"] and fire["trigger"] not in triggers:
            yield DUPLICATED, f"the fire {fire['trigger']} that nobody sent"


# -- instances ------------------------------------------------------------------------------------------------


def _instances(demand: Demand, instances: list[Line]) -> Iterator[Problem]:
    by_task = _by(instances, "task")
    for task, demanded_task in demand.tasks.items():
        yield from _task(task, demand, demanded_task, by_task.pop(task, []))
    for task in by_task:
        yield WRONG, f"instances of {task}, which the configuration does not have"


def _task(task: str, demand: Demand, demanded_task: DemandedTask, instances: list[Line]) -> Iterator[Problem]:
    if [instance["number"] for instance in instances] != list(range(len(instances))):
        yield WRONG, f"{task} has the numbers {[instance['number'] for instance in instances]}"
    heirs = {instance["metadata"].get("parent"): instance for instance in instances}
    roots = [instance for instance in instances if not instance["metadata"].get("parent")]
    if len(roots) != demanded_task.count:
        kind = LOST if len(roots) < demanded_task.count else DUPLICATED
        yield kind, f"{task} has {len(roots)} instances that are no replays, must have {demanded_task.count}"
    yield from _replays(demand, instances)
    for root in roots:
        last = root
        while last["status"] == "replayed" and last["name"] in heirs:
            last = heirs[last["name"]]
        if last["status"] == demanded_task.status:
            continue
        is_settled = last["status"] in ("finished", "skipped", "abandoned")
        yield (
            WRONG if is_settled else STUCK,
            f"{last['name']} is {last['status']}, must be {demanded_task.status}",
        )
    if (kwargs := demand.kwargs_of_roots.get(task)) is not None:
        yield from _differences(
            f"instance of {task} with", kwargs, [instance["kwargs"] for instance in roots]
        )


def _replays(demand: Demand, instances: list[Line]) -> Iterator[Problem]:
    """A replayed instance has exactly one clone, and somebody asked for the replay. Somebody asked for each skip."""
    heirs = Counter(instance["metadata"].get("parent") for instance in instances)
    for instance in instances:
        name, status = instance["name"], instance["status"]
        if heirs[name] != (status == "replayed"):
            kind = LOST if status == "replayed" and not heirs[name] else DUPLICATED
            yield kind, f"{name} is {status} and has {heirs[name]} replays"
        if status == "replayed" and name not in demand.replays:
            yield DUPLICATED, f"{name} was replayed, and nobody asked for it"
        if status == "skipped" and name not in demand.skips:
            yield WRONG, f"{name} was skipped, and nobody asked for it"


# -- runs -----------------------------------------------------------------------------------------------------


def _runs(evidence: Evidence) -> Iterator[Problem]:
    """One DAG run for each started instance, in the state of its status; no other run."""
    runs = {(run["dag_id"], run["run_id"]): run for run in evidence.runs}
    bindings = {(binding["dag_id"], binding["run_id"]): binding for binding in evidence.bindings}
    yield from (
        (DUPLICATED, f"the run {run_id} of {dag_id} belongs to no instance")
        for dag_id, run_id in runs.keys() - bindings.keys()
    )
    yield from (
        (LOST, f"the run {run_id} of {dag_id} is gone") for dag_id, run_id in bindings.keys() - runs.keys()
    )
    of_instance = Counter((run["session"], run["instance"]) for run in evidence.runs)
    state_of = {(run["session"], run["instance"]): run["state"] for run in evidence.runs}
    results = {(result["dag_id"], result["run_id"]): result["value"] for result in evidence.results}
    run_of = {
        (binding["session"], binding["instance"]): (binding["dag_id"], binding["run_id"])
        for binding in evidence.bindings
    }
    for instance in evidence.instances:
        key, subject = (instance["session"], instance["name"]), f"{instance['session']}: {instance['name']}"
        has_run = instance["status"] not in ("unstarted", "abandoned")
        if of_instance[key] != has_run:
            kind = LOST if has_run and not of_instance[key] else DUPLICATED
            yield kind, f"{subject} is {instance['status']} and has {of_instance[key]} DAG runs"
        elif has_run and RUN_OF_STATUS.get(instance["status"], state_of[key]) != state_of[key]:
            yield WRONG, f"{subject} is {instance['status']} and its run {state_of[key]}"
        if instance["status"] == "finished" and instance["task"] in EXECUTED:
            returned_value = results.get(run_of.get(key, ("", "")))
            if returned_value != instance["metadata"].get("result"):
                yield (
                    WRONG,
                    f"{subject} has the result {instance['metadata'].get('result')}, its run returned {returned_value}",
                )
    for run in evidence.runs:
        if run["partition_key"] != run["session"]:
            yield WRONG, f"the run {run['run_id']} has the partition key {run['partition_key']}"


# -- effects, hooks, and what is left over --------------------------------------------------------------------


def _effects(evidence: Evidence) -> Iterator[Problem]:
    """The function of a finished instance ran to its end, at least once; of an unstarted instance, never."""
    ends = {(effect["session"], effect["instance"]) for effect in evidence.effects if effect["step"] == "end"}
    beginnings = {(effect["session"], effect["instance"]) for effect in evidence.effects}
    statuses = {
        (instance["session"], instance["name"]): instance["status"] for instance in evidence.instances
    }
    for (session, name), status in statuses.items():
        has_body = name.split("#")[0] in EXECUTED
        if has_body and status == "finished" and (session, name) not in ends:
            yield LOST, f"{session}: {name} is finished, and its task did not run to the end"
    for session, name in sorted(beginnings):
        if statuses.get((session, name), "unstarted") == "unstarted":
            yield DUPLICATED, f"{session}: the task of {name} ran, which was not started"


def _hooks(evidence: Evidence) -> Iterator[Problem]:
    """After each fire, replay and skip its hook was called at least once."""
    required_calls = Counter(("fire", fire["session"], fire["trigger"]) for fire in evidence.fires)
    required_calls += Counter(
        ("replay", instance["session"], instance["name"])
        for instance in evidence.instances
        if instance["status"] == "replayed"
    )
    required_calls += Counter(
        ("skip", instance["session"], instance["name"])
        for instance in evidence.instances
        if instance["status"] == "skipped"
    )
    calls = Counter((call["hook"], call["session"], call["about"]) for call in evidence.hooks)
    for (hook, session, about), count in (required_calls - calls).items():
        yield LOST, f"{session}: {count} times the hook _post_{hook} of {about}"
    for hook, session, about in calls.keys() - required_calls.keys():
        yield DUPLICATED, f"{session}: the hook _post_{hook} of {about}, which did not happen"


def _left_over(evidence: Evidence) -> Iterator[Problem]:
    for hook in evidence.owed_hooks:
        yield (
            STUCK,
            f"{hook['session']}: a hook {hook['hook']} is owed, after {hook['attempts']} attempts: {hook['error']}",
        )
    for delayed_fire in evidence.delayed:
        yield (
            STUCK,
            f"{delayed_fire['session']}: the delayed fire {delayed_fire['trigger']}: {delayed_fire['error']}",
        )
    waiting_instances = {
        (instance["session"], instance["name"])
        for instance in evidence.instances
        if instance["status"] == "unstarted"
    }
    for wait in evidence.waits:
        if (wait["session"], wait["instance"]) not in waiting_instances:
            yield (
                WRONG,
                f"{wait['session']}: {wait['instance']} waits for {wait['trigger']}, and is past that",
            )


def _counts(journal: list[Line], demands_by_session: dict[str, Demand], evidence: Evidence) -> dict[str, int]:
    journal_counts = Counter((line["kind"], line.get("act")) for line in journal)
    completions = [
        instance for instance in evidence.instances if instance["status"] in ("finished", "skipped")
    ]
    beginnings = [effect for effect in evidence.effects if effect["step"] == "begin"]
    return {
        "sessions": len(demands_by_session),
        "fires sent": sum(len(demand.fires) for demand in demands_by_session.values()),
        "requests for them": journal_counts["intent", "fire"],
        "fires acknowledged": sum(len(demand.acknowledged_keys) for demand in demands_by_session.values()),
        "fires kept, cascades included": len(evidence.fires),
        "instances": len(evidence.instances),
        "DAG runs": len(evidence.runs),
        "completions": len(completions),
        "replays": sum(instance["status"] == "replayed" for instance in evidence.instances),
        "skips": sum(instance["status"] == "skipped" for instance in evidence.instances),
        "task bodies begun": len(beginnings),
        "task bodies begun again by Airflow": len(beginnings)
        - len({(effect["session"], effect["instance"]) for effect in beginnings}),
        "hooks called": len(evidence.hooks),
    }
