"""The framework once more, from its semantics alone and as plainly as can be: what the real one is compared with.

Shares no code with the package. It keeps a session in lists and looks at everything, every time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

RESOLVED = ("finished", "skipped", "replayed", "abandoned")


@dataclass
class Instance:
    task: str
    number: int
    status: str = "unstarted"
    kwargs: dict = field(default_factory=dict)
    unless_seen: set = field(default_factory=set)
    parent: str | None = None
    depth: int = 0

    @property
    def name(self):
        return f"{self.task}#{self.number}"


class Model:
    def __init__(self):
        self.tasks, self.instances, self.latest, self.scheduled = {}, [], {}, []

    def configure(self, tasks):
        self.tasks |= tasks

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

    def take(self, one, trigger, kwargs):
        if trigger in self.required(one.task):
            one.kwargs.setdefault(trigger, kwargs)
        if trigger in self.unless(one.task):
            one.unless_seen.add(trigger)

    def new(self, task, trigger):
        one = Instance(task, len(self.of(task)))
        for other, kwargs in self.latest.items():
            if other != trigger:
                self.take(one, other, kwargs)
        self.instances.append(one)
        return one

    def fire(self, trigger, kwargs):
        for task in [it for it in self.tasks if trigger in self.required(it) | self.unless(it)]:
            if not self.of(task) or not self.take_all(task, trigger, kwargs):
                self.take(self.new(task, trigger), trigger, kwargs)
            self.settle(task)
        self.latest[trigger] = kwargs

    def take_all(self, task, trigger, kwargs):
        """Apply the trigger to the task's unstarted instances; whether no new one is needed."""
        took = trigger != self.tasks[task].get("andEvery")
        for one in self.of(task):
            if one.status == "unstarted":
                took = took or trigger not in one.kwargs
                self.take(one, trigger, kwargs)
        return took

    def settle(self, task):
        for one in self.of(task):
            if one.status == "unstarted" and self.unless(task) and one.unless_seen >= self.unless(task):
                one.status = "abandoned"
            elif one.status == "unstarted" and one.kwargs.keys() >= self.required(task):
                one.status = "scheduled"
                self.scheduled.append(one.name)

    def finish(self, name, result):
        self.get(name).status = "finished"
        self.fire(self.get(name).task, result)

    def replay(self, name, kwargs):
        failed = self.get(name)
        failed.status = "replayed"
        clone = Instance(
            failed.task,
            len(self.of(failed.task)),
            "scheduled",
            dict(failed.kwargs) if kwargs is None else kwargs,
            set(failed.unless_seen),
            failed.name,
            failed.depth + 1,
        )
        self.instances.append(clone)
        self.scheduled.append(clone.name)

    def skip(self, name, cascade, result):
        self.get(name).status = "skipped"
        if cascade:
            self.fire(self.get(name).task, result)

    @property
    def unresolved_tasks(self):
        return {
            task
            for task in self.tasks
            if not self.of(task) or any(one.status not in RESOLVED for one in self.of(task))
        }
