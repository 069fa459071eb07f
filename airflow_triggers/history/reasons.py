"""Answers "why has this instance not run?". Pure: values in, an :class:`Explanation` out; no database, no clock.

Neighbours: ``evidence.py`` gathers the facts from the session, ``gateway.waiting`` those from Airflow about a DAG run;
``run_reasons.py`` turns the latter into reasons.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches

from airflow_triggers.configuration import explain_task
from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.domain.disclosure import EVERYTHING, Disclosure, shown_event, shown_fire, shown_instance
from airflow_triggers.domain.events import Detail, EventKind, SessionEvent
from airflow_triggers.domain.failures import failure_in_short
from airflow_triggers.domain.fires import DelayedFire, Fire
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.metadata import CASCADE, PARENT, timestamps_of
from airflow_triggers.domain.runs import RunInAirflow, RunKey
from airflow_triggers.domain.states import Event
from airflow_triggers.history.run_reasons import Reason, reasons_of_run
from airflow_triggers.sentences import moment, sentence

LIKE_ENOUGH = 0.75
"""From this similarity on, a fired trigger that no task uses may be a misspelt missing one."""

_S = InstanceStatus


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """A trigger: an instance needs it, or it would abandon the instance.

    :param role: the directive that names it: ``after``, ``andEvery`` or ``unless``.
    :param arrived: whether the instance has taken it.
    :param fire: the fire with which it arrived. For a missing trigger: its latest fire, which was not taken.
    :param note: why it is missing though it fired, or another fact about it.
    :param expected: the fires for later of this trigger, the next first.
    :param similar: the latest fire of each trigger with a similar name which no task uses.
    """

    trigger: str
    role: str
    arrived: bool
    fire: Fire | None = None
    note: str | None = None
    expected: tuple[DelayedFire, ...] = ()
    similar: tuple[Fire, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The facts about an instance, or about a task without any.

    :param instances: by task name: the instances of each task for whose end it waits, at least the last instance.
    :param taken: by trigger: the fire with which the instance took it, if known.
    :param latest: by trigger: the latest fire of each missing trigger, and of each unused trigger with a similar name.
    :param unused: triggers which were fired lately, but which no task names.
    :param configuration: the name of the session's deployed configuration; None for rules of its own.
    :param is_removed: whether the task was removed from the session's rules.
    :param delayed: the next fires for later of the missing triggers.
    :param settled_by: the history's last entry about the instance's status.
    :param run_key: the instance's DAG run, if it has one.
    :param run: this run with what it waits for, if the instance is in flight.
    :param disclosure: which facts of Airflow may be shown.
    """

    task: TaskConfig
    instance: TaskInstance | None
    now: datetime
    instances: Mapping[str, tuple[TaskInstance, ...]] = field(default_factory=dict)
    taken: Mapping[str, Fire] = field(default_factory=dict)
    latest: Mapping[str, Fire] = field(default_factory=dict)
    unused: frozenset[str] = frozenset()
    configuration: str | None = None
    is_removed: bool = False
    delayed: tuple[DelayedFire, ...] = ()
    settled_by: SessionEvent | None = None
    run_key: RunKey | None = None
    run: RunInAirflow | None = None
    disclosure: Disclosure = EVERYTHING

    def for_reader(self) -> Evidence:
        """The evidence without the facts that may not be shown."""
        disclosure = self.disclosure
        dag_id = self.settled_by.details.get(Detail.DAG_ID) if self.settled_by else None
        return replace(
            self,
            instance=shown_instance(self.instance, dag_id, disclosure) if self.instance else None,
            taken={trigger: shown_fire(fire, disclosure) for trigger, fire in self.taken.items()},
            latest={trigger: shown_fire(fire, disclosure) for trigger, fire in self.latest.items()},
            settled_by=shown_event(self.settled_by, disclosure) if self.settled_by else None,
        )


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why an instance has not run, or what became of it.

    :param name: the instance's name; the task's when it has no instance.
    :param status: the instance's status; None when there is no instance.
    :param rule: the task's rule as a sentence.
    :param answer: the answer in one sentence.
    :param reasons: everything that stands in the way, or what settled it.
    :param requirements: the triggers in the task's rule, and whether each has arrived.
    :param dag_id: the DAG of its DAG run; None without a run. The same for ``run_id``.
    """

    name: str
    task: str
    status: InstanceStatus | None
    rule: str
    answer: str
    reasons: tuple[Reason, ...]
    requirements: tuple[Requirement, ...]
    dag_id: str | None = None
    run_id: str | None = None


def explain(evidence: Evidence) -> Explanation:
    """The answer to "why has it not run?", with only those facts of Airflow that may be shown."""
    evidence = evidence.for_reader()
    requirements = tuple(_requirements(evidence))
    instance = evidence.instance
    reasons = tuple(_reasons(evidence, requirements))
    name = instance.name if instance else evidence.task.name
    return Explanation(
        name=name,
        task=evidence.task.name,
        status=instance.status if instance else None,
        rule=explain_task(evidence.task),
        answer=f"{name} {_standing(evidence, requirements)}",
        reasons=reasons,
        requirements=requirements,
        dag_id=evidence.run_key.dag_id if evidence.run_key else None,
        run_id=evidence.run_key.run_id if evidence.run_key else None,
    )


def _standing(evidence: Evidence, requirements: tuple[Requirement, ...]) -> str:
    """The answer, without its subject."""
    instance = evidence.instance
    missing = [
        requirement.trigger
        for requirement in requirements
        if requirement.role != "unless" and not requirement.arrived
    ]
    if instance is None:
        return "has no instance yet: none of its triggers has fired since the session has this task."
    if instance.status is _S.UNSTARTED and missing:
        return f"waits for {_enumeration(missing)}."
    if instance.status is _S.REPLAYED:
        return f"failed and was replayed as {_clone(evidence)}, which speaks for it now."
    if _is_by_hand(evidence.settled_by) and instance.status in _STANDING_BY_HAND:
        return _STANDING_BY_HAND[instance.status]
    return _STANDING[instance.status]


_STANDING: Mapping[InstanceStatus, str] = {
    _S.UNSTARTED: "has all that it waits for, and is looked at by the next fire that concerns its task.",
    _S.SCHEDULED: "was handed to its runner and has not begun.",
    _S.RUNNING: "is running.",
    _S.FINISHED: "has run.",
    _S.FAILED: "failed, and waits for somebody to replay or skip it.",
    _S.SKIPPED: "was skipped.",
    _S.ABANDONED: "was abandoned: it never runs.",
}

_STANDING_BY_HAND: Mapping[InstanceStatus, str] = {
    _S.FINISHED: "was set to finished by hand.",
    _S.FAILED: "was set to failed by hand, and waits for somebody to replay or skip it.",
    _S.ABANDONED: "was set to abandoned by hand.",
}
"""The answers for a status whose usual answer says what happened. By hand, it may have happened otherwise."""


# -- the triggers -----------------------------------------------------------------------------------------------


def _requirements(evidence: Evidence) -> Iterator[Requirement]:
    task = evidence.task
    for trigger in dict.fromkeys((*task.after, *([task.and_every] if task.and_every else []))):
        role = "andEvery" if trigger == task.and_every else "after"
        yield _requirement(evidence, trigger, role)
    for trigger in task.unless:
        yield _requirement(evidence, trigger, "unless")


def _requirement(evidence: Evidence, trigger: str, role: str) -> Requirement:
    instance = evidence.instance
    holds = instance is not None and trigger in (
        instance.unless_seen if role == "unless" else instance.kwargs.keys()
    )
    if holds:
        fire = evidence.taken.get(trigger)
        note = None if fire else "it came with the instance (a replay's kwargs, or one made by hand)"
        return Requirement(trigger=trigger, role=role, arrived=True, fire=fire, note=note)
    fire = evidence.latest.get(trigger)
    return Requirement(
        trigger=trigger,
        role=role,
        arrived=False,
        fire=fire,
        note=_note_on_missing(evidence, trigger, role, fire),
        expected=tuple(
            delayed_fire for delayed_fire in evidence.delayed if delayed_fire.trigger_name == trigger
        ),
        similar=() if fire else _similar(evidence, trigger),
    )


def _note_on_missing(evidence: Evidence, trigger: str, role: str, fire: Fire | None) -> str | None:
    """Why a trigger is missing though it fired; or what the task is doing, when its end fires the trigger."""
    instance = evidence.instance
    if fire is not None and instance is None:
        return "it fired before the session had this task, and counts once another of its triggers fires"
    if fire is not None and instance is not None and instance.status is _S.UNSTARTED and role != "unless":
        return "it fired before the instance asked for it: its next fire counts"
    if fire is None and trigger in evidence.instances and role != "unless":
        return _note_on_task(trigger, evidence.instances[trigger])
    return None


def _note_on_task(task_name: str, instances: tuple[TaskInstance, ...]) -> str:
    """What a task is doing, when the instance waits for its end."""
    if not instances:
        return f"the task {task_name} fires it when it finishes, and has no instance yet"
    last = instances[-1]
    phrase_by_status = {
        _S.UNSTARTED: "waits for triggers itself",
        _S.FAILED: "failed: replay it, or skip it with a cascade",
        _S.SKIPPED: "was skipped without a cascade",
        _S.ABANDONED: "was abandoned, so it never fires",
        _S.REPLAYED: "was replayed",
    }
    progress = phrase_by_status.get(last.status, f"is {last.status.value}")
    return f"the task {task_name} fires it when it finishes; {last.name} {progress}"


def _similar(evidence: Evidence, trigger: str) -> tuple[Fire, ...]:
    """The latest fires of unused triggers with a similar name: somebody may have meant this trigger."""
    near = similar_names(trigger, evidence.unused)
    return tuple(evidence.latest[name] for name in near if name in evidence.latest)


def names_in_use(configuration: Configuration) -> frozenset[str]:
    """Every trigger name of the configuration, tasks' own names included: these are fired too."""
    return frozenset(configuration.tasks).union(*(task.triggers for task in configuration))


def similar_names(name: str, among: Collection[str]) -> tuple[str, ...]:
    """The names most similar to the given one, whatever their case; at most three.

    >>> similar_names("PageRecieved", ["pageReceived", "paid"])
    ('pageReceived',)
    """
    names_by_casefold = {candidate.casefold(): candidate for candidate in sorted(among)}
    return tuple(
        names_by_casefold[folded_name]
        for folded_name in get_close_matches(name.casefold(), names_by_casefold, n=3, cutoff=LIKE_ENOUGH)
    )


# -- the reasons ------------------------------------------------------------------------------------------------


def _reasons(evidence: Evidence, requirements: tuple[Requirement, ...]) -> Iterator[Reason]:
    instance = evidence.instance
    if evidence.is_removed and instance is not None and not instance.is_resolved:
        yield Reason(
            "removed_task",
            f"The session's rules do not have the task {evidence.task.name} any more: no fire reaches it.",
        )
    if instance is None or instance.status is _S.UNSTARTED:
        yield from _missing_triggers(evidence, requirements)
    elif instance.status in (_S.SCHEDULED, _S.RUNNING):
        yield from _at_its_runner(evidence, instance)
    else:
        yield from _settled_instance(evidence, instance)


def _missing_triggers(evidence: Evidence, requirements: tuple[Requirement, ...]) -> Iterator[Reason]:
    for requirement in requirements:
        if requirement.arrived or requirement.role == "unless":
            continue
        yield Reason(
            "missing_trigger", sentence(f"{requirement.trigger!r} is missing", requirement.note or "")
        )
        if requirement.fire is not None and _came_before_rule(evidence):
            yield Reason("fire_before_rule", _how_to_apply(evidence, requirement.fire))
        for fire in requirement.similar:
            yield Reason(
                "similar_trigger",
                f"{fire.trigger_name!r}, which no task uses, was fired {fire_phrase(fire)}. "
                f"Was {requirement.trigger!r} meant?",
            )
        for delayed_fire in requirement.expected:
            failure = "; it could not be fired" if delayed_fire.error else ""
            failure += " and is parked (have it tried again, or cancel it)" if delayed_fire.parked else ""
            yield Reason(
                "delayed_fire",
                sentence(
                    f"{requirement.trigger!r} is to be fired at {moment(delayed_fire.fire_at)}{failure}",
                    delayed_fire.error or "",
                ),
            )


def _came_before_rule(evidence: Evidence) -> bool:
    """Whether a missing trigger's fire came before the rule. Not so for a clone: it has its original's triggers."""
    return not evidence.is_removed and (evidence.instance is None or PARENT not in evidence.instance.metadata)


def _how_to_apply(evidence: Evidence, fire: Fire) -> str:
    name = evidence.configuration
    migrations = (
        f"airflow triggers sessions migrate --configuration {name} --history apply; or POST "
        f'/configurations/{name}/migrate with {{"history": "apply"}}; or, for one task in Python, '
        if name
        else ""
    )
    return (
        f"{fire.trigger_name!r} was fired {fire_phrase(fire)}, before the rule that needs it. To have the fires of the "
        f"past count, give the session the rule with {migrations}"
        f"update_configuration({{{evidence.task.name!r}: …}}, history='apply')."
    )


def _at_its_runner(evidence: Evidence, instance: TaskInstance) -> Iterator[Reason]:
    if evidence.run is not None:
        yield from reasons_of_run(
            evidence.run, instance.status, now=evidence.now, disclosure=evidence.disclosure
        )
    else:
        runner = f"the runner {evidence.task.using!r}" if evidence.task.using else "its runner"
        yield Reason("no_run", f"It has no DAG run: {runner} has it.")


def _settled_instance(evidence: Evidence, instance: TaskInstance) -> Iterator[Reason]:
    event = evidence.settled_by
    by = f" by {event.by}" if event and event.by else ""
    at = _status_moment(instance)
    by_hand = f"Its status was set to {instance.status.value}{by} at {at}." if _is_by_hand(event) else None
    match instance.status:
        case _S.FAILED:
            yield Reason("failed", by_hand or _failure(evidence, instance))
            yield Reason("repair", "Replay it to run it again, with other kwargs if need be; or skip it.")
        case _S.ABANDONED:
            yield Reason("abandoned", by_hand or _abandonment(evidence, instance))
        case _S.SKIPPED:
            subject = "All of its work was skipped" if _is_waived(event) else f"It was skipped{by}"
            cascade_note = "" if instance.metadata.get(CASCADE) else ", and its name was not fired"
            yield Reason("skipped", f"{subject} at {at}{cascade_note}.")
        case _S.REPLAYED:
            yield Reason("replayed", f"It was replayed{by} at {at} as {_clone(evidence)}.")
        case _:
            yield Reason("finished", by_hand or f"It finished at {at}.")


def _failure(evidence: Evidence, instance: TaskInstance) -> str:
    event = evidence.settled_by
    failure = failure_in_short(instance.metadata) or "no exception is known"
    cause = f" ({event.details[Detail.CAUSE]})" if event and event.details.get(Detail.CAUSE) else ""
    return sentence(f"It failed at {_status_moment(instance)}{cause}", failure)


def _abandonment(evidence: Evidence, instance: TaskInstance) -> str:
    event = evidence.settled_by
    at = _status_moment(instance)
    if event is not None and event.details.get(Detail.EFFECT) == "abandon":
        by = f" by {event.by}" if event.by else ""
        return sentence(f"It was abandoned{by} at {at}", event.details.get(Detail.CAUSE) or "")
    trigger_names = _enumeration(sorted(instance.unless_seen))
    return f"Before it was scheduled, {trigger_names} had fired (at {at})."


def _is_by_hand(event: SessionEvent | None) -> bool:
    return event is not None and event.kind == EventKind.STATUS


def _is_waived(event: SessionEvent | None) -> bool:
    return event is not None and event.details.get(Detail.EVENT) == Event.WAIVE.value


def _clone(evidence: Evidence) -> str:
    event = evidence.settled_by
    clone_name = event.details.get(Detail.REPLAY) if event else None
    return str(clone_name) if clone_name else "another instance"


def _status_moment(instance: TaskInstance) -> str:
    """When it reached its status."""
    at = timestamps_of(instance.metadata).get(instance.status.value)
    return moment(datetime.fromisoformat(at)) if at else "an unknown moment"


def fire_phrase(fire: Fire) -> str:
    """When, by whom and as which fire."""
    by = f" by {fire.fired_by}" if fire.fired_by else ""
    return f"at {moment(fire.fired_at)}{by} (fire {fire.fire_id})"


def _enumeration(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "nothing"
