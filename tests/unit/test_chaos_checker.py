"""The account after chaos: what is right passes, and each thing that can go wrong is found and called by its kind."""

from __future__ import annotations

from dataclasses import fields

import pytest

from scripts.chaos.checker import check
from scripts.chaos.evidence import Evidence
from scripts.chaos.plan import scripts

OPENED, PAGE = {"n": 1, "seconds": 0}, {"page": 0}
OPEN_RESULT = {"double": 2}
ENDED = {"t_open": OPEN_RESULT, "t_page": {}, "t_count": {}, "t_device": {}}
KWARGS = {
    "t_open": {"opened": OPENED},
    "t_page": {"page": PAGE, "t_open": OPEN_RESULT},
    "t_count": {"t_page": {}},
    "t_device": {"opened": OPENED, "t_open": OPEN_RESULT},
    "t_calls": {"t_open": OPEN_RESULT},
    "t_safe": {"t_open": OPEN_RESULT},
}


def journal():
    sent = {"opened": ("opened", OPENED), "page-0": ("page", PAGE)}
    return [
        {"kind": kind, "act": "fire", "session": "s", "key": key, "trigger": trigger, "kwargs": kwargs}
        for key, (trigger, kwargs) in sent.items()
        for kind in ("intent", "intent", "ack")
    ]


def instance(task, number=0, **more):
    status = "finished" if task in ENDED else "unstarted"
    metadata = {"result": ENDED[task] or None} if task in ENDED else {}
    one = {"session": "s", "task": task, "number": number, "name": f"{task}#{number}", "status": status}
    return {**one, "kwargs": KWARGS[task], "metadata": metadata, **more}


def fire(trigger, kwargs, *, key=None, by=None):
    return {"session": "s", "trigger": trigger, "kwargs": kwargs, "key": key, "fired_by": by}


def run(task, number=0, *, state="success"):
    name = f"{task}#{number}"
    known = {"session": "s", "instance": name, "dag_id": f"chaos.{task}", "run_id": f"run-{name}"}
    return {**known, "state": state, "partition_key": "s"}


def evidence():
    found = {field.name: [] for field in fields(Evidence)}
    found["instances"] = [instance(task) for task in KWARGS]
    cascades = [fire(task, result, by=f"{task}#0") for task, result in ENDED.items()]
    found["fires"] = [
        fire("opened", OPENED, key="opened"),
        fire("page", PAGE, key="page-0"),
        *cascades,
    ]
    found["runs"] = [run(task) for task in ENDED]
    found["bindings"] = [run(task) for task in ENDED]
    found["results"] = [{"dag_id": "chaos.t_open", "run_id": "run-t_open#0", "value": OPEN_RESULT}]
    steps = ("begin", "end")
    found["effects"] = [{"effect": "1", "step": it, "session": "s", "instance": "t_open#0"} for it in steps]
    found["hooks"] = [{"hook": "fire", "session": "s", "about": it["trigger"]} for it in found["fires"]]
    return found


def problems(found):
    return check(journal(), Evidence(**found)).problems


def named(found, name):
    return next(one for one in found["instances"] if one["name"] == name)


def test_what_is_right_passes_and_is_counted():
    verdict = check(journal(), Evidence(**evidence()))
    assert verdict.problems == []
    assert set(verdict.totals.values()) == {0}
    assert verdict.counts["requests for them"] == 4
    assert (verdict.counts["fires acknowledged"], verdict.counts["instances"]) == (2, 6)


def drop(what, index=0):
    return lambda found: found[what].pop(index)


def double(what, index=0):
    return lambda found: found[what].append(found[what][index])


def become(name, **values):
    return lambda found: named(found, name).update(values)


WRONGS = {
    "a client's fire is gone": (drop("fires"), "lost", "1 times the fire"),
    "a client's fire counted twice": (double("fires"), "duplicated", "1 times the fire"),
    "a cascade is gone": (drop("fires", 3), "lost", "1 times the cascade of t_page"),
    "a cascade counted twice": (double("fires", 3), "duplicated", "1 times the cascade of t_page"),
    "a cascade has another result": (
        lambda found: found["fires"][2].update(kwargs={"double": 3}),
        "lost",
        '1 times the cascade of t_open with {"double": 2}',
    ),
    "somebody fired": (lambda found: found["fires"].append(fire("x", {})), "duplicated", "nobody sent"),
    "an instance is gone": (drop("instances", 1), "lost", "t_page has 0 instances"),
    "an instance is there twice": (
        lambda found: found["instances"].append(instance("t_page", 1)),
        "duplicated",
        "t_page has 2 instances",
    ),
    "an instance took another kwargs": (become("t_page#0", kwargs={}), "lost", "instance of t_page with"),
    "an instance goes on for ever": (become("t_page#0", status="running"), "stuck", "t_page#0 is running"),
    "an instance was not scheduled": (
        become("t_page#0", status="unstarted"),
        "stuck",
        "t_page#0 is unstarted",
    ),
    "an instance ran that had to wait": (
        become("t_safe#0", status="finished"),
        "wrong",
        "t_safe#0 is finished",
    ),
    "a replay nobody asked for": (become("t_page#0", status="replayed"), "duplicated", "nobody asked for it"),
    "a replay without an heir": (become("t_page#0", status="replayed"), "lost", "has 0 replays"),
    "a run is gone": (drop("runs"), "lost", "run run-t_open#0 of chaos.t_open is gone"),
    "a run is nobody's": (drop("bindings"), "duplicated", "belongs to no instance"),
    "an instance has two runs": (double("runs"), "duplicated", "t_open#0 is finished and has 2 DAG runs"),
    "a run failed": (lambda found: found["runs"][1].update(state="failed"), "wrong", "and its run failed"),
    "a run returned something else": (
        lambda found: found["results"][0].update(value={"double": 3}),
        "wrong",
        "its run returned {'double': 3}",
    ),
    "a body did not run": (lambda found: found["effects"].clear(), "lost", "did not run to the end"),
    "a body ran that was not started": (
        lambda found: found["effects"].append({**found["effects"][0], "instance": "t_calls#0"}),
        "duplicated",
        "t_calls#0 ran, which was not started",
    ),
    "a hook was not called": (drop("hooks"), "lost", "the hook _post_fire of opened"),
    "a hook was called for nothing": (
        lambda found: found["hooks"].append({**found["hooks"][0], "about": "x"}),
        "duplicated",
        "which did not happen",
    ),
    "a hook is owed": (
        lambda found: found["owed_hooks"].append(
            {"session": "s", "hook": "_post_fire", "attempts": 0, "error": None}
        ),
        "stuck",
        "a hook _post_fire is owed",
    ),
    "a delayed fire stays": (
        lambda found: found["delayed"].append({"session": "s", "trigger": "reminder", "error": None}),
        "stuck",
        "the delayed fire reminder",
    ),
    "something waits that is past": (
        lambda found: found["waits"].append({"session": "s", "instance": "t_page#0", "trigger": "page"}),
        "wrong",
        "and is past that",
    ),
    "a session of nobody": (
        lambda found: found["instances"].append({**instance("t_page"), "session": "x"}),
        "wrong",
        "nobody made the session x",
    ),
}


@pytest.mark.parametrize("wrong", WRONGS)
def test_each_thing_that_can_go_wrong_is_found(wrong):
    do, kind, words = WRONGS[wrong]
    found = evidence()
    do(found)
    assert any(one == kind and words in sentence for one, sentence in problems(found)), problems(found)


def test_the_plan_is_the_same_for_the_same_seed_and_has_everything_in_it():
    assert scripts(1, 30) == scripts(1, 30)
    assert scripts(1, 30) != scripts(2, 30)
    fires = [fire for script in scripts(1, 30) for fire in script.fires]
    assert {"opened", "page", "asked", "risk", "reminder", "embedded"} == {fire.trigger for fire in fires}
    repairs = {fire.kwargs["repair"] for fire in fires if fire.trigger == "risk" and fire.kwargs["fails"]}
    assert repairs == {"replay", "skip"}
