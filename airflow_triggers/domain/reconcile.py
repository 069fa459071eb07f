"""How fires of the past affect tasks with changed rules. Pure: no database, no clock.

The recorded fires are replayed in their order, as if the rules had been there from the start. Cascades are recorded
fires, too. Nothing is run again, recalled or revived. Only waiting instances made by fires change.

Neighbours: ``states.py`` has the rules of one fire; ``manager/configuring.py`` reads the fires and keeps the result.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.domain.fires import Fire
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.metadata import (
    APPLIED_FIRES,
    CREATED,
    LAST_MODIFIED,
    PARENT,
    WITHDRAWN,
    timestamps_of,
)
from airflow_triggers.domain.states import (
    Event,
    FireView,
    new_instance,
    plan_fire,
    settle,
    transition,
    with_metadata,
)

_WAITING_MOMENTS = frozenset({CREATED, LAST_MODIFIED, InstanceStatus.UNSTARTED.value})
"""The timestamps of an instance that has only waited. No run, no repair and no person has changed it."""


@dataclass(frozen=True, kw_only=True)
class InstanceChange:
    """An instance before and after its task's rules changed."""

    before: TaskInstance
    after: TaskInstance


@dataclass(frozen=True, kw_only=True)
class Diff:
    """The effect of a change of rules on a session's instances.

    :param create: new instances as they are afterwards: waiting, scheduled or abandoned.
    :param schedule: waiting instances that have everything now, and start.
    :param change: waiting instances with other fires than before; they still wait.
    :param abandon: waiting instances; they will never run.
    :param keep: unchanged instances.
    """

    create: tuple[TaskInstance, ...] = ()
    schedule: tuple[InstanceChange, ...] = ()
    change: tuple[InstanceChange, ...] = ()
    abandon: tuple[InstanceChange, ...] = ()
    keep: tuple[TaskInstance, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no instance is made or changed."""
        return not (self.create or self.schedule or self.change or self.abandon)

    @property
    def changes(self) -> tuple[InstanceChange, ...]:
        """Every change of an existing instance."""
        return (*self.schedule, *self.change, *self.abandon)

    @property
    def starting(self) -> tuple[TaskInstance, ...]:
        """The instances to hand to their runners: scheduled ones, and new ones without a missing trigger."""
        new_instances = (instance for instance in self.create if instance.status is InstanceStatus.SCHEDULED)
        return (*(change.after for change in self.schedule), *new_instances)

    @staticmethod
    def of(changes: Iterable[InstanceChange], *, create: Iterable[TaskInstance] = ()) -> Diff:
        """The difference from these changes. An unchanged instance counts as kept."""
        keep: list[TaskInstance] = []
        by_status: dict[InstanceStatus, list[InstanceChange]] = {}
        for change in changes:
            if change.after is change.before:
                keep.append(change.before)
            else:
                by_status.setdefault(change.after.status, []).append(change)
        return Diff(
            create=tuple(create),
            schedule=tuple(by_status.get(InstanceStatus.SCHEDULED, ())),
            change=tuple(by_status.get(InstanceStatus.UNSTARTED, ())),
            abandon=tuple(by_status.get(InstanceStatus.ABANDONED, ())),
            keep=tuple(keep),
        )


@dataclass(frozen=True, kw_only=True)
class Preview(Diff):
    """The effect of new rules on a session. Nothing was written.

    :param configuration: the session's configuration afterwards.
    :param history: whether the fires of the past count: ``apply`` or ``ignore``.
    :param session_version: the version of the previewed session. After another change the preview is outdated.
    """

    configuration: Configuration
    history: str
    session_version: str


def retire(instances: Iterable[TaskInstance], *, now: datetime) -> Diff:
    """What becomes of the instances of removed tasks: waiting ones are abandoned, the others stay unchanged."""
    return Diff.of(
        InstanceChange(
            before=instance,
            after=_withdrawn_instance(instance, now=now) if instance.can_schedule else instance,
        )
        for instance in instances
    )


def reconcile(
    tasks: Iterable[TaskConfig], fires: Iterable[Fire], instances: Iterable[TaskInstance], *, now: datetime
) -> Diff:
    """The effect of the session's past on the tasks.

    :param tasks: the tasks with changed rules, as they are now.
    :param fires: all recorded fires of the session, oldest first.
    :param instances: the session's instances of these tasks, each with its task as it is now.
    :param now: the moment of the change, for the timestamps.
    :returns: the difference. It is empty if it was applied before, or if the rules were there from the start
        (idempotent).
    """
    past_fires = _Past(tuple(fires))
    instances_by_task: dict[str, list[TaskInstance]] = {}
    for instance in sorted(instances, key=lambda instance: instance.number):
        instances_by_task.setdefault(instance.task.name, []).append(instance)
    changes: list[InstanceChange] = []
    create: list[TaskInstance] = []
    for task in tasks:
        past_of_task = _Task.of(task, past_fires, instances_by_task.get(task.name, []), now)
        past_of_task.collect(changes, create)
    return Diff.of(changes, create=create)


@dataclass
class _Slot:
    """An instance as the rules would have made it from the start.

    :param fires: by trigger, the id of the fire taken.
    """

    instance: TaskInstance
    fires: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Past:
    """The session's fires, oldest first, with look-ups."""

    fires: Sequence[Fire]
    by_trigger: dict[str, list[Fire]] = field(default_factory=dict)
    made_by: dict[str, Fire] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for fire in self.fires:
            self.by_trigger.setdefault(fire.trigger_name, []).append(fire)
            self.made_by.update(dict.fromkeys(fire.created, fire))

    def concerning(self, task: TaskConfig) -> list[Fire]:
        """The fires of the task's triggers, oldest first."""
        fires = chain.from_iterable(self.by_trigger.get(trigger, ()) for trigger in task.triggers)
        return sorted(fires, key=lambda fire: fire.fire_id)

    def touching(self, trigger_name: str) -> dict[str, int]:
        """By instance name, the first fire of the trigger taken by the instance."""
        touching: dict[str, int] = {}
        for fire in self.by_trigger.get(trigger_name, ()):
            for instance_name in fire.touched:
                touching.setdefault(instance_name, fire.fire_id)
        return touching

    def latest_before(self, trigger_name: str, fire: Fire) -> int | None:
        """The id of the trigger's last fire before the other one."""
        fires = self.by_trigger.get(trigger_name, [])
        place = bisect_left(fires, fire.fire_id, key=lambda earlier: earlier.fire_id)
        return fires[place - 1].fire_id if place else None


def _slots(task: TaskConfig, fires: Iterable[Fire]) -> list[_Slot]:
    """The task's instances after these fires, oldest first, in an empty session.

    A scheduled instance stays scheduled: nothing runs.
    """
    slots: list[_Slot] = []
    # By trigger, the numbers of the waiting instances without it. A scan of all of them per fire would be quadratic.
    lacking: dict[str, set[int]] = {trigger: set() for trigger in task.triggers}
    latest: dict[str, Fire] = {}
    for fire in fires:
        trigger_name = fire.trigger_name
        view = FireView(
            tasks=(task,),
            waiting=tuple(slots[number].instance for number in sorted(lacking[trigger_name])),
            counts={task.name: len(slots)},
            latest={name: earlier.kwargs for name, earlier in latest.items()},
        )
        plan = plan_fire(view, trigger_name, fire.kwargs, now=fire.fired_at)
        for before, after in plan.changed:
            slots[after.number].instance = after
            slots[after.number].fires[trigger_name] = fire.fire_id
            _note_lacking(lacking, before, after)
        for instance in plan.created:
            slots.append(_Slot(instance, _fires_taken(instance, {**latest, trigger_name: fire})))
            _note_lacking(lacking, None, instance)
        latest[trigger_name] = fire
    return slots


def _note_lacking(lacking: dict[str, set[int]], before: TaskInstance | None, after: TaskInstance) -> None:
    for trigger_name in before.lacks if before else ():
        lacking[trigger_name].discard(after.number)
    for trigger_name in after.lacks if after.can_schedule else ():
        lacking[trigger_name].add(after.number)


def _fires_taken(instance: TaskInstance, latest: Mapping[str, Fire]) -> dict[str, int]:
    names = instance.kwargs.keys() | instance.unless_seen
    return {name: fire.fire_id for name, fire in latest.items() if name in names}


@dataclass(frozen=True)
class _Task:
    """A task with changed rules, with the session's instances of it by number.

    :param withdrawn: instances abandoned by earlier changes of rules. They stay, and count for the numbers only.
    """

    task: TaskConfig
    past_fires: _Past
    instances: list[TaskInstance]
    withdrawn: list[TaskInstance]
    now: datetime

    @staticmethod
    def of(task: TaskConfig, past_fires: _Past, instances: Iterable[TaskInstance], now: datetime) -> _Task:
        """The task, with its withdrawn instances apart from the others."""
        by_withdrawal: dict[bool, list[TaskInstance]] = {False: [], True: []}
        for instance in instances:
            by_withdrawal[is_withdrawn(instance)].append(instance)
        return _Task(task, past_fires, by_withdrawal[False], by_withdrawal[True], now)

    def collect(self, changes: list[InstanceChange], create: list[TaskInstance]) -> None:
        """Add the effect of the past on the task."""
        slots = _slots(self.task, self.past_fires.concerning(self.task))
        pairs = dict(self._pairs(slots))
        unpaired_slots = [slot for place, slot in enumerate(slots) if place not in pairs]
        counterparts = {pairs[place].name: slot for place, slot in enumerate(slots) if place in pairs}
        waiting = [
            instance
            for instance in self.instances
            if self._is_movable(instance) and instance.name not in counterparts
        ]
        if self.task.and_every is None and self.instances:
            unpaired_slots = []
        if not slots and waiting and not any(map(self._has_run, self.instances)):
            # If it were abandoned, it would count as the task's first instance, and a later fire would make no other.
            counterparts[waiting[0].name] = _Slot(new_instance(self.task, waiting[0].number, now=self.now))
            waiting = waiting[1:]
        if not slots and self.withdrawn and not self.instances:
            # A fire counts withdrawn instances too, and would make no first instance.
            unpaired_slots = [_Slot(new_instance(self.task, 0, now=self.now))]
        changes += self._changes(counterparts, {instance.name for instance in waiting})
        create += self._new_instances(unpaired_slots)

    # -- which instance is which -------------------------------------------------------------------------------

    def _pairs(self, slots: list[_Slot]) -> Iterator[tuple[int, TaskInstance]]:
        """The places of slots, each with its existing instance."""
        if self.task.and_every is None:
            yield from self._pair_of_one_shot(slots)
            return
        by_fire = self._by_every_fire(self.task.and_every)
        fire_ids = [slot.fires.get(self.task.and_every) for slot in slots]
        pairs = {place: by_fire[fire_id] for place, fire_id in enumerate(fire_ids) if fire_id in by_fire}
        taken_names = {instance.name for instance in by_fire.values()}
        other_instances = [instance for instance in self.instances if instance.name not in taken_names]
        if None in fire_ids and self.instances:
            # The first instance of a task can be without 'andEvery'. Where another one exists, fires make no such one.
            place = fire_ids.index(None)
            pairs[place] = self._pair_without_every(slots[place], other_instances) or self.instances[0]
        paired_names = {instance.name for instance in pairs.values()}
        waiting = [
            instance
            for instance in self.instances
            if instance.name not in paired_names and self._is_movable(instance)
        ]
        open_places = [place for place in range(len(slots)) if place not in pairs]
        yield from pairs.items()
        yield from zip(open_places, waiting, strict=False)

    def _pair_without_every(self, slot: _Slot, other_instances: list[TaskInstance]) -> TaskInstance | None:
        """The slot's instance, among instances without ``andEvery``."""
        settled_instances = filter(self._is_settled, other_instances)
        movable_instances = filter(self._is_movable, other_instances)
        if slot.instance.can_schedule:
            return next(movable_instances, None) or next(settled_instances, None)
        return next(settled_instances, None) or next(movable_instances, None)

    def _pair_of_one_shot(self, slots: list[_Slot]) -> Iterator[tuple[int, TaskInstance]]:
        """The pair of a task without ``andEvery``: an instance that has run, else a waiting, else an abandoned one."""
        for is_same in (self._has_run, self._is_movable, self._is_settled):
            first = next(filter(is_same, self.instances), None)
            if slots and first is not None:
                yield 0, first
                return

    def _by_every_fire(self, and_every: str) -> dict[int | None, TaskInstance]:
        """The existing instances by their fire of ``andEvery``. Among several, originals come before clones."""
        touching = self.past_fires.touching(and_every)
        by_fire: dict[int | None, TaskInstance] = {}
        for instance in sorted(self.instances, key=lambda instance: PARENT in instance.metadata):
            fire_id = self._every_fire(instance, and_every, touching)
            if fire_id is not None and (and_every in instance.kwargs or self._is_movable(instance)):
                by_fire.setdefault(fire_id, instance)
        return by_fire

    def _every_fire(self, instance: TaskInstance, and_every: str, touching: Mapping[str, int]) -> int | None:
        applied_fire_id = instance.metadata.get(APPLIED_FIRES, {}).get(and_every)
        if applied_fire_id is not None:
            return int(applied_fire_id)
        if instance.name in touching:
            return touching[instance.name]
        made_by = self.past_fires.made_by.get(instance.name)
        holds_earlier = made_by is not None and and_every in instance.kwargs
        return self.past_fires.latest_before(and_every, made_by) if made_by and holds_earlier else None

    def _is_made_by_fires(self, instance: TaskInstance) -> bool:
        """Whether fires have made it: it is no clone, and nobody made it by hand."""
        return PARENT not in instance.metadata and (
            instance.name in self.past_fires.made_by or APPLIED_FIRES in instance.metadata
        )

    def _is_movable(self, instance: TaskInstance) -> bool:
        """Whether fires have made it, and it has only waited since."""
        moments = timestamps_of(instance.metadata).keys()
        return instance.can_schedule and moments <= _WAITING_MOMENTS and self._is_made_by_fires(instance)

    def _is_settled(self, instance: TaskInstance) -> bool:
        """Whether fires have made it, and it has left its first status since."""
        return self._is_made_by_fires(instance) and not self._is_movable(instance)

    def _has_run(self, instance: TaskInstance) -> bool:
        """Whether it is settled, and not abandoned."""
        return self._is_settled(instance) and instance.status is not InstanceStatus.ABANDONED

    # -- what becomes of each ----------------------------------------------------------------------------------

    def _changes(self, counterparts: Mapping[str, _Slot], surplus: set[str]) -> Iterator[InstanceChange]:
        """What becomes of the existing instances."""
        for instance in self.withdrawn:
            yield InstanceChange(before=instance, after=instance)
        for instance in self.instances:
            after = instance
            if instance.name in surplus:
                after = _withdrawn_instance(instance, now=self.now)
            elif instance.name in counterparts and self._is_movable(instance):
                after = self._counterpart_of(instance, counterparts[instance.name])
            yield InstanceChange(before=instance, after=after)

    def _counterpart_of(self, instance: TaskInstance, slot: _Slot) -> TaskInstance:
        """The waiting instance with the slot's triggers."""
        kwargs, unless_seen = slot.instance.kwargs, slot.instance.unless_seen
        if (instance.kwargs, instance.unless_seen) != (kwargs, unless_seen):
            counterpart = replace(instance, kwargs=kwargs, unless_seen=unless_seen)
            instance = with_metadata(counterpart, {APPLIED_FIRES: slot.fires}, now=self.now)
        return settle(instance, now=self.now)

    def _new_instances(self, slots: list[_Slot]) -> Iterator[TaskInstance]:
        numbers = (instance.number for instance in chain(self.instances, self.withdrawn))
        first_number = max(numbers, default=-1) + 1
        for number, slot in enumerate(slots, start=first_number):
            fresh = new_instance(self.task, number, now=self.now, metadata={APPLIED_FIRES: slot.fires})
            instance = replace(fresh, kwargs=slot.instance.kwargs, unless_seen=slot.instance.unless_seen)
            yield settle(instance, now=self.now)


def _withdrawn_instance(instance: TaskInstance, *, now: datetime) -> TaskInstance:
    return with_metadata(transition(instance, Event.ABANDON, now=now), {WITHDRAWN: True}, now=now)


def is_withdrawn(instance: TaskInstance) -> bool:
    """Whether changed rules abandoned the instance. It no longer counts as its task's instance."""
    return instance.status is InstanceStatus.ABANDONED and bool(instance.metadata.get(WITHDRAWN))
