"""Compares a real session with the model, in everything readable.

Neighbours: ``model.py`` is the model; the contract and the concurrency tests compare.
"""

from __future__ import annotations

VARYING = {"timestamps", "exceptionInfo", "exceptionMessage", "exceptionContext"}
"""Metadata whose values the semantics leave open."""

EFFECTS = ("touched", "created", "scheduled", "abandoned")


def assert_agree(storage, model):
    """Compare the present state of the session with the model."""
    found = storage.instances
    assert {name: _told(one) for name, one in found.items()} == {
        one.name: (one.status, one.kwargs, one.unless_seen, one.metadata, one.reached, model.missing(one))
        for one in model.instances
    }
    assert {name: _capabilities(one) for name, one in found.items()} == {
        one.name: (
            one.status == "unstarted",
            model.can_abandon(one),
            model.can_run(one),
            model.logs_resolved(one),
        )
        for one in model.instances
    }
    place = {task: at for at, task in enumerate(model.tasks)}
    ordered = sorted(model.instances, key=lambda one: (place[one.task], one.number))
    assert list(found) == [one.name for one in ordered]
    assert {name: one.depth for name, one in found.items()} == {one.name: one.depth for one in ordered}
    assert {task.name for task in storage.get_unresolved_tasks()} == model.unresolved_tasks
    assert {one.name for one in storage.get_unresolved_instances()} == model.unresolved_instances
    assert list(storage.latest_kwargs.items()) == list(model.latest.items())
    assert _written(storage.tasks) == {name: _without_empty(task) for name, task in model.tasks.items()}
    assert list(storage.tasks) == list(model.tasks)


def assert_same_unresolved_logs(storage, model):
    """Compare the instances with unresolved error logs."""
    unresolved = {one.name for one in model.instances if not model.logs_resolved(one)}
    assert {instance.name for instance in storage.get_instances_with_unresolved_logs()} == unresolved


def assert_same_history(storage, model):
    """Compare the fires, in order: triggers, kwargs, who fired, effects."""
    fires = storage.fires()[::-1]
    assert [fire.fire_id for fire in fires] == sorted({fire.fire_id for fire in fires})
    assert [
        (fire.trigger_name, fire.kwargs, fire.idempotency_key, fire.fired_by, effect_of(fire))
        for fire in fires
    ] == [
        (fire["trigger"], fire["kwargs"], fire["key"], fire["by"], effect_of(fire["effect"]))
        for fire in model.fires
    ]


def effect_of(fired):
    """The effects of a fire: of a result, of a fire in the history, or of the model."""
    return {name: set(getattr(fired, name)) for name in EFFECTS}


def _told(one):
    metadata = {key: value for key, value in one.metadata.items() if key not in VARYING}
    reached = set(one.metadata["timestamps"])
    return one.status.value, one.kwargs, set(one.unless_seen), metadata, reached, set(one.missing)


def _capabilities(instance):
    return instance.can_schedule, instance.can_abandon, instance.can_run, instance.logs_resolved


def _written(tasks):
    return {name: _without_empty(task.to_directives()) for name, task in tasks.items()}


def _without_empty(directives):
    return {key: value for key, value in directives.items() if value or key == "after"}
