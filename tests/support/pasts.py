"""A session in memory, by the package's own rules, with a possible past before its rules change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from airflow_triggers.domain.configuration import TaskConfig
from airflow_triggers.domain.fires import Fire
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.states import (
    Event,
    FireView,
    clone_of,
    new_instance,
    plan_fire,
    schedule,
    transition,
)

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
S = InstanceStatus


class PastSession:
    def __init__(self, tasks):
        self.fires, self.instances, self.latest = [], [], {}
        self.tasks = []
        self.configure(tasks)

    def configure(self, tasks):
        self.tasks += [TaskConfig.from_directives(name, task) for name, task in tasks.items()]

    def fire(self, trigger, kwargs, by=None):
        concerned = tuple(task for task in self.tasks if trigger in task.triggers)
        view = FireView(
            tasks=concerned,
            waiting=tuple(
                one
                for one in self.instances
                if one.can_schedule and (trigger in one.lacks or one.can_run or one.can_abandon)
            ),
            counts={task.name: self.count(task.name) for task in concerned},
            latest=self.latest,
        )
        plan = plan_fire(view, trigger, kwargs, now=LONG_AGO)
        for before, after in plan.changed:
            self.replace(before, after)
        self.instances += plan.created
        self.latest[trigger] = kwargs
        self.fires.append(
            Fire(
                fire_id=len(self.fires) + 1,
                trigger_name=trigger,
                kwargs=kwargs,
                fired_at=LONG_AGO,
                fired_by=by,
                touched=plan.touched,
                created=tuple(instance.name for instance in plan.created),
            )
        )

    def count(self, task_name):
        return sum(instance.task.name == task_name for instance in self.instances)

    def replace(self, before, after):
        self.instances[self.instances.index(before)] = after

    def in_status(self, *statuses):
        return [instance for instance in self.instances if instance.status in statuses]

    def act(self, name, choice):
        """Do the act to one of the instances in a suitable status; nothing if there is none."""
        statuses = {
            "finish": (S.SCHEDULED,),
            "fail": (S.SCHEDULED,),
            "replay": (S.FAILED,),
            "clone": tuple(S),
        }
        if name == "make":
            self.make(choice)
            return
        candidates = self.in_status(*statuses[name])
        if candidates:
            getattr(self, name)(candidates[choice % len(candidates)])

    def finish(self, instance):
        self.replace(instance, transition(instance, Event.FINISH, now=LONG_AGO))
        self.fire(instance.task.name, {}, by=instance.name)

    def fail(self, instance):
        self.replace(instance, transition(instance, Event.FAIL, now=LONG_AGO))

    def replay(self, instance):
        self.replace(instance, transition(instance, Event.REPLAY, now=LONG_AGO))
        clone = clone_of(instance, self.count(instance.task.name), now=LONG_AGO)
        self.instances.append(schedule(clone, now=LONG_AGO))

    def clone(self, instance):
        self.instances.append(clone_of(instance, self.count(instance.task.name), now=LONG_AGO))

    def make(self, choice):
        """Make an instance by hand, as ``storage.create_instance`` does."""
        if self.tasks:
            task = self.tasks[choice % len(self.tasks)]
            self.instances.append(new_instance(task, self.count(task.name), now=LONG_AGO))

    def under(self, tasks):
        """The instances of these tasks, each with its task from ``tasks``."""
        by_name = {task.name: task for task in tasks}
        return [
            replace(instance, task=by_name[instance.task.name])
            for instance in self.instances
            if instance.task.name in by_name
        ]
