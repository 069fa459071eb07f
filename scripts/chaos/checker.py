"""Compares what must be with what is. Each difference is of one kind: lost, duplicated, stuck, or wrong in content.

Neighbours: ``demand.py`` (must), ``evidence.py`` (is). Shares no code with the product.
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
    """What was compared, counted; and every difference."""

    counts: dict[str, int]
    problems: list[Problem] = field(default_factory=list)

    @property
    def totals(self) -> dict[str, int]:
        """How many differences of each kind."""
        found = Counter(kind for kind, _ in self.problems)
        return {kind: found[kind] for kind in KINDS}


def check(journal: list[Line], evidence: Evidence) -> Verdict:
    """Compare everything."""
    demanded = demands(journal)
    instances = _by(evidence.instances, "session")
    fires = _by(evidence.fires, "session")
    problems: list[Problem] = []
    for session, demand in sorted(demanded.items()):
        found = instances.get(session, [])
        fired = fires.get(session, [])
        problems += _prefixed(session, _fires(demand, fired, found))
        problems += _prefixed(session, _instances(demand, found))
    problems += [
        (WRONG, f"nobody made the session {uid}") for uid in sorted(instances.keys() - demanded.keys())
    ]
    problems += [*_runs(evidence), *_effects(evidence), *_hooks(evidence), *_left_over(evidence)]
    return Verdict(_counts(journal, demanded, evidence), problems)


def _prefixed(session: str, problems: Iterable[Problem]) -> Iterator[Problem]:
    return ((kind, f"{session}: {sentence}") for kind, sentence in problems)


def _by(lines: Iterable[Line], key: str) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[line[key]].append(line)
    return found


def _frozen(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _differences(what: str, must: Iterable[Any], found: Iterable[Any]) -> Iterator[Problem]:
    """What is missing in one of two bags, and what is too much."""
    expected, actual = Counter(map(_frozen, must)), Counter(map(_frozen, found))
    for one, count in (expected - actual).items():
        yield LOST, f"{count} times the {what} {one}"
    for one, count in (actual - expected).items():
        yield DUPLICATED, f"{count} times the {what} {one}"


# -- fires and cascades ---------------------------------------------------------------------------------------


def _fires(demand: Demand, fired: list[Line], instances: list[Line]) -> Iterator[Problem]:
    """Each fire of a client once; one cascade for each completion, with its result; what tasks fire, once."""
    sent = [
        {"key": key, "trigger": trigger, "kwargs": kwargs} for key, (trigger, kwargs) in demand.fires.items()
    ]
    by_clients = [{name: one[name] for name in ("key", "trigger", "kwargs")} for one in fired if one["key"]]
    yield from _differences("fire", sent, by_clients)
    handed_on = []
    for task, demanded in demand.tasks.items():
        ended = [one for one in instances if one["task"] == task and one["status"] in ("finished", "skipped")]
        handed_on += [(task, one["name"]) for one in ended]
        kwargs = [one["kwargs"] for one in fired if one["trigger"] == task]
        yield from _differences(f"cascade of {task} with", demanded.results or [], kwargs)
        for one in ended:
            if (one["metadata"].get("result") or {}) not in (demanded.results or []):
                yield WRONG, f"{one['name']} has the result {one['metadata'].get('result')}"
    cascades = [(one["trigger"], one["fired_by"]) for one in fired if one["trigger"] in demand.tasks]
    yield from _differences("cascade", handed_on, cascades)
    called = [{"number": number} for number in range(demand.tasks["t_called"].count)]
    yield from _differences(
        "call of t_calls", called, [it["kwargs"] for it in fired if it["trigger"] == "called"]
    )
    known = {*demand.tasks, "called"}
    for one in fired:
        if not one["key"] and one["trigger"] not in known:
            yield DUPLICATED, f"the fire {one['trigger']} that nobody sent"


# -- instances ------------------------------------------------------------------------------------------------


def _instances(demand: Demand, found: list[Line]) -> Iterator[Problem]:
    by_task = _by(found, "task")
    for task, demanded in demand.tasks.items():
        yield from _task(task, demand, demanded, by_task.pop(task, []))
    for task in by_task:
        yield WRONG, f"instances of {task}, which the configuration does not have"


def _task(task: str, demand: Demand, demanded: DemandedTask, found: list[Line]) -> Iterator[Problem]:
    if [one["number"] for one in found] != list(range(len(found))):
        yield WRONG, f"{task} has the numbers {[one['number'] for one in found]}"
    heirs = {one["metadata"].get("parent"): one for one in found}
    roots = [one for one in found if not one["metadata"].get("parent")]
    if len(roots) != demanded.count:
        kind = LOST if len(roots) < demanded.count else DUPLICATED
        yield kind, f"{task} has {len(roots)} instances that are no replays, must have {demanded.count}"
    yield from _replays(demand, found)
    for root in roots:
        last = root
        while last["status"] == "replayed" and last["name"] in heirs:
            last = heirs[last["name"]]
        if last["status"] == demanded.status:
            continue
        settled = last["status"] in ("finished", "skipped", "abandoned")
        yield WRONG if settled else STUCK, f"{last['name']} is {last['status']}, must be {demanded.status}"
    if (kwargs := demand.kwargs_of_roots.get(task)) is not None:
        yield from _differences(f"instance of {task} with", kwargs, [one["kwargs"] for one in roots])


def _replays(demand: Demand, found: list[Line]) -> Iterator[Problem]:
    """What was replayed has exactly one heir, and somebody asked for it; so with what was skipped."""
    heirs = Counter(one["metadata"].get("parent") for one in found)
    for one in found:
        name, status = one["name"], one["status"]
        if heirs[name] != (status == "replayed"):
            kind = LOST if status == "replayed" and not heirs[name] else DUPLICATED
            yield kind, f"{name} is {status} and has {heirs[name]} replays"
        if status == "replayed" and name not in demand.replays:
            yield DUPLICATED, f"{name} was replayed, and nobody asked for it"
        if status == "skipped" and name not in demand.skips:
            yield WRONG, f"{name} was skipped, and nobody asked for it"


# -- runs -----------------------------------------------------------------------------------------------------


def _runs(evidence: Evidence) -> Iterator[Problem]:
    """One DAG run for each instance that was started, in the state that its status says; no run besides."""
    runs = {(one["dag_id"], one["run_id"]): one for one in evidence.runs}
    bound = {(one["dag_id"], one["run_id"]): one for one in evidence.bindings}
    yield from (
        (DUPLICATED, f"the run {run_id} of {dag_id} belongs to no instance")
        for dag_id, run_id in runs.keys() - bound.keys()
    )
    yield from (
        (LOST, f"the run {run_id} of {dag_id} is gone") for dag_id, run_id in bound.keys() - runs.keys()
    )
    of_instance = Counter((one["session"], one["instance"]) for one in evidence.runs)
    state_of = {(one["session"], one["instance"]): one["state"] for one in evidence.runs}
    results = {(one["dag_id"], one["run_id"]): one["value"] for one in evidence.results}
    run_of = {(one["session"], one["instance"]): (one["dag_id"], one["run_id"]) for one in evidence.bindings}
    for one in evidence.instances:
        key, what = (one["session"], one["name"]), f"{one['session']}: {one['name']}"
        must = one["status"] not in ("unstarted", "abandoned")
        if of_instance[key] != must:
            kind = LOST if must and not of_instance[key] else DUPLICATED
            yield kind, f"{what} is {one['status']} and has {of_instance[key]} DAG runs"
        elif must and RUN_OF_STATUS.get(one["status"], state_of[key]) != state_of[key]:
            yield WRONG, f"{what} is {one['status']} and its run {state_of[key]}"
        if one["status"] == "finished" and one["task"] in EXECUTED:
            pushed = results.get(run_of.get(key, ("", "")))
            if pushed != one["metadata"].get("result"):
                yield (
                    WRONG,
                    f"{what} has the result {one['metadata'].get('result')}, its run returned {pushed}",
                )
    for one in evidence.runs:
        if one["partition_key"] != one["session"]:
            yield WRONG, f"the run {one['run_id']} has the partition key {one['partition_key']}"


# -- effects, hooks, and what is left over --------------------------------------------------------------------


def _effects(evidence: Evidence) -> Iterator[Problem]:
    """The body of what finished ran to its end (Airflow may run it again); of what was never started, not at all."""
    ended = {(one["session"], one["instance"]) for one in evidence.effects if one["step"] == "end"}
    begun = {(one["session"], one["instance"]) for one in evidence.effects}
    known = {(one["session"], one["name"]): one["status"] for one in evidence.instances}
    for (session, name), status in known.items():
        executed = name.split("#")[0] in EXECUTED
        if executed and status == "finished" and (session, name) not in ended:
            yield LOST, f"{session}: {name} is finished, and its task did not run to the end"
    for session, name in sorted(begun):
        if known.get((session, name), "unstarted") == "unstarted":
            yield DUPLICATED, f"{session}: the task of {name} ran, which was not started"


def _hooks(evidence: Evidence) -> Iterator[Problem]:
    """Each fire, replay and skip was followed by a call of its hook, at least one."""
    must = Counter(("fire", one["session"], one["trigger"]) for one in evidence.fires)
    must += Counter(
        ("replay", one["session"], one["name"]) for one in evidence.instances if one["status"] == "replayed"
    )
    must += Counter(
        ("skip", one["session"], one["name"]) for one in evidence.instances if one["status"] == "skipped"
    )
    called = Counter((one["hook"], one["session"], one["about"]) for one in evidence.hooks)
    for (hook, session, about), count in (must - called).items():
        yield LOST, f"{session}: {count} times the hook _post_{hook} of {about}"
    for hook, session, about in called.keys() - must.keys():
        yield DUPLICATED, f"{session}: the hook _post_{hook} of {about}, which did not happen"


def _left_over(evidence: Evidence) -> Iterator[Problem]:
    for one in evidence.owed_hooks:
        yield (
            STUCK,
            f"{one['session']}: a hook {one['hook']} is owed, after {one['attempts']} attempts: {one['error']}",
        )
    for one in evidence.delayed:
        yield STUCK, f"{one['session']}: the delayed fire {one['trigger']}: {one['error']}"
    unstarted = {(one["session"], one["name"]) for one in evidence.instances if one["status"] == "unstarted"}
    for one in evidence.waits:
        if (one["session"], one["instance"]) not in unstarted:
            yield WRONG, f"{one['session']}: {one['instance']} waits for {one['trigger']}, and is past that"


def _counts(journal: list[Line], demanded: dict[str, Demand], evidence: Evidence) -> dict[str, int]:
    sent = Counter((line["kind"], line.get("act")) for line in journal)
    ended = [one for one in evidence.instances if one["status"] in ("finished", "skipped")]
    executed = [one for one in evidence.effects if one["step"] == "begin"]
    return {
        "sessions": len(demanded),
        "fires sent": sum(len(demand.fires) for demand in demanded.values()),
        "requests for them": sent["intent", "fire"],
        "fires acknowledged": sum(len(demand.acknowledged) for demand in demanded.values()),
        "fires kept, cascades included": len(evidence.fires),
        "instances": len(evidence.instances),
        "DAG runs": len(evidence.runs),
        "completions": len(ended),
        "replays": sum(one["status"] == "replayed" for one in evidence.instances),
        "skips": sum(one["status"] == "skipped" for one in evidence.instances),
        "task bodies begun": len(executed),
        "task bodies begun again by Airflow": len(executed)
        - len({(it["session"], it["instance"]) for it in executed}),
        "hooks called": len(evidence.hooks),
    }
