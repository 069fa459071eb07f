"""A second implementation of the framework, from its semantics alone and as simple as possible, for comparison.

It shares no code with the package. It stores a session in lists and looks at everything, every time. Neighbours:
``agreement.py`` compares a real session with it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

RESOLVED = ("finished", "skipped", "replayed", "abandoned")

LOGS_PAST = ("skipped", "replayed", "abandoned")
ERROR = 40

REFUSING = "refusing"
"""The runner that can start nothing."""

FAILURE = ("exceptionType",)


class Refused(Exception):
    """The act is not allowed; nothing was changed."""


@dataclass
class Instance:
    """``metadata`` is without timestamps; ``reached`` has their names."""

    task: str
    number: int
    status: str = "unstarted"
    kwargs: dict = field(default_factory=dict)
    unless_seen: set = field(default_factory=set)
    metadata: dict = field(default_factory=dict)
    reached: set = field(default_factory=lambda: {"created", "lastModified"})

    def __post_init__(self):
        self.become(self.status)

    @property
    def name(self):
        return f"{self.task}#{self.number}"

    @property
    def depth(self):
        return self.metadata.get("depth", 0)

    def become(self, status, **metadata):
        self.status = status
        self.reached.add(status)
        self.metadata |= metadata


@dataclass
class Effect:
    """The effects of a fire, by instance name."""

    touched: set = field(default_factory=set)
    created: set = field(default_factory=set)
    scheduled: set = field(default_factory=set)
    abandoned: set = field(default_factory=set)


class Model:
    """``started`` has the instances handed to a runner, ``hooks`` the hooks called after each act, both in order."""

    def __init__(self):
        self.tasks, self.instances, self.latest = {}, [], {}
        self.fires, self.started, self.hooks = [], [], []

    # -- looking ---------------------------------------------------------------------------------------------

    def required(self, task):
        directives = self.tasks[task]
        every = directives.get("andEvery")
        return {*directives["after"], *([every] if every else [])}

    def unless(self, task):
        return set(self.tasks[task].get("unless", ()))

    def of(self, task):
        return [one for one in self.instances if one.task == task]

    def get(self, name):
        return next(one for one in self.instances if one.name == name)

    def in_status(self, *statuses):
        return sorted(one.name for one in self.instances if one.status in statuses)

    def missing(self, one):
        return self.required(one.task) - one.kwargs.keys()

    def can_abandon(self, one):
        unless = self.unless(one.task)
        return one.status == "unstarted" and bool(unless) and unless <= one.unless_seen

    def can_run(self, one):
        return one.status == "unstarted" and not self.missing(one) and not self.can_abandon(one)

    def logs_resolved(self, one):
        harmless = one.metadata.get("logLevel", 0) < ERROR
        return one.metadata.get("logsResolved", False) or harmless or one.status in LOGS_PAST

    @property
    def unresolved_instances(self):
        return {one.name for one in self.instances if one.status not in RESOLVED}

    @property
    def unresolved_tasks(self):
        return {
            task
            for task in self.tasks
            if not self.of(task) or any(one.status not in RESOLVED for one in self.of(task))
        }

    # -- configuring -----------------------------------------------------------------------------------------

    def configure(self, tasks):
        self.tasks |= tasks

    # -- firing ----------------------------------------------------------------------------------------------

    def fire(self, trigger, kwargs, key=None, by=None):
        """The effect, and whether the fire repeats an earlier one."""
        for fire in self.fires:
            if key is not None and fire["key"] == key:
                if (fire["trigger"], fire["kwargs"]) != (trigger, kwargs):
                    raise Refused(key)
                return fire["effect"], True
        effect, started = Effect(), []
        for task in [it for it in self.tasks if trigger in self.required(it) | self.unless(it)]:
            if not self.of(task) or not self.take_all(task, trigger, kwargs, effect):
                one = self.new(task, trigger)
                effect.created.add(one.name)
                self.take(one, trigger, kwargs, effect)
                effect.touched.add(one.name)
            started += self.settle(task, effect)
        self.latest.pop(trigger, None)
        self.latest[trigger] = kwargs
        self.fires.append({"trigger": trigger, "kwargs": kwargs, "key": key, "by": by, "effect": effect})
        for one in started:
            self.start(one)
        self.hooks.append(("fire", trigger, sorted(effect.scheduled)))
        return effect, False

    def take(self, one, trigger, kwargs, effect):
        """Let an instance take a trigger once in each of its roles for the task; returns whether it did now."""
        required = trigger in self.missing(one)
        unless = trigger in self.unless(one.task) - one.unless_seen
        if required:
            one.kwargs[trigger] = kwargs
        if unless:
            one.unless_seen.add(trigger)
        if required or unless:
            effect.touched.add(one.name)
        return required or unless

    def take_all(self, task, trigger, kwargs, effect):
        """Apply the trigger to the task's unstarted instances; returns whether no new instance is needed."""
        waiting = [one for one in self.of(task) if one.status == "unstarted"]
        takers = [one for one in waiting if self.take(one, trigger, kwargs, effect)]
        return bool(takers) or trigger != self.tasks[task].get("andEvery")

    def new(self, task, trigger):
        one = Instance(task, len(self.of(task)))
        for other, kwargs in self.latest.items():
            if other != trigger:
                self.take(one, other, kwargs, Effect())
        self.instances.append(one)
        return one

    def settle(self, task, effect):
        scheduled = []
        for one in self.of(task):
            if self.can_abandon(one):
                one.become("abandoned")
                effect.abandoned.add(one.name)
            elif self.can_run(one):
                one.become("scheduled", actualKwargs=self.merged(one))
                effect.scheduled.add(one.name)
                scheduled.append(one)
        return scheduled

    def merged(self, one):
        return merge(self.tasks[one.task].get("withParams", {}), one.kwargs)

    def start(self, one):
        if self.tasks[one.task].get("using") == REFUSING:
            one.become("failed", exceptionType="airflow_triggers.errors.RunnerError")
            one.metadata.pop("result", None)
        else:
            self.started.append((one.name, self.merged(one)))

    # -- what comes of instances -----------------------------------------------------------------------------

    def begin(self, name):
        self.get(name).become("running")

    def finish(self, name, result, fires=(), **metadata):
        """Finish an instance. The triggers fired by the task, as (trigger, kwargs, key), come before its cascade."""
        before = copy.deepcopy(vars(self))
        one = self.get(name)
        one.become("finished", result=result, **metadata)
        for key in FAILURE:
            one.metadata.pop(key, None)
        try:
            for trigger, kwargs, key in [*fires, (one.task, result, None)]:
                self.fire(trigger, kwargs, key, by=name)
        except Refused:
            vars(self).update(before)
            self.fail(name, "airflow_triggers.errors.IdempotencyConflict", **metadata)

    def fail(self, name, exception, **metadata):
        one = self.get(name)
        one.metadata.pop("result", None)
        one.become("failed", exceptionType=exception, **metadata)

    def waive(self, name, **metadata):
        self.get(name).become("skipped", **metadata)

    # -- repairing -------------------------------------------------------------------------------------------

    def replay(self, name, kwargs, **metadata):
        failed = self.failed(name)
        failed.become("replayed")
        clone = self.clone(name, kwargs, **metadata)
        clone.become("scheduled", actualKwargs=self.merged(clone))
        self.start(clone)
        self.hooks.append(("replay", clone.name, "replayed"))
        return clone

    def clone(self, name, kwargs, **metadata):
        original = self.get(name)
        clone = Instance(
            original.task,
            len(self.of(original.task)),
            "unstarted",
            copy.deepcopy(original.kwargs) if kwargs is None else kwargs,
            set(original.unless_seen),
            {**metadata, "parent": original.name, "depth": original.depth + 1},
        )
        self.instances.append(clone)
        return clone

    def skip(self, name, cascade, result):
        one = self.failed(name)
        one.become("skipped", cascade=cascade, result=result)
        if cascade:
            self.fire(one.task, result or {}, by=name)
        self.hooks.append(("skip", name, cascade))

    def failed(self, name):
        one = self.get(name)
        if one.status != "failed":
            raise Refused(name)
        return one

    def set_status(self, name, status, cascade=False, kwargs=None, **metadata):
        one = self.get(name)
        one.become(status, **metadata)
        if cascade:
            self.fire(one.task, kwargs or {}, by=name)

    def set_metadata(self, name, **metadata):
        self.get(name).metadata |= metadata


def merge(under, over):
    """Merge two mappings, key by key; any other value above hides the value below."""
    if not (isinstance(under, dict) and isinstance(over, dict)):
        return over
    both = {key: merge(under[key], over[key]) for key in under.keys() & over.keys()}
    return under | over | both
