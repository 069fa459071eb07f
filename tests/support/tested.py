"""Trigger tasks and a manager for the tests of the tester."""

from __future__ import annotations

from airflow_triggers.manager.manager import TriggerManager


class FinalizingManager(TriggerManager):
    """Fires ``sessionFinalized`` once nothing else is left."""

    name = "finalizing"

    def _post_fire(self, trigger_name, tasks_scheduled):
        waiting = [
            task for task in self.storage.get_unresolved_tasks() if "sessionFinalized" not in task.required
        ]
        if not waiting and "sessionFinalized" not in self.storage.latest_kwargs:
            self.fire("sessionFinalized", idempotency_key="sessionFinalized")


class BrokenHooks(TriggerManager):
    """Raises in its hook."""

    name = "broken-hooks"

    def _post_replay(self, task_instance):
        raise LookupError(f"no room for {task_instance.name}")


class BrokenFireHooks(TriggerManager):
    """Raises in its hook of fires."""

    name = "broken-fire-hooks"

    def _post_fire(self, trigger_name, tasks_scheduled):
        raise LookupError(f"no room for {trigger_name}")


def echo(context):
    return dict(context.trigger_kwargs)


def count_page(context):
    page = context.filter_kwargs({"page": {"number": int}})["page"]
    return {"number": page["number"]}


def again(context):
    """Runs again until it has run again twice."""
    if context.metadata.get("retries", 0) < 2:
        raise context.retry(ValueError("not yet"), cooldown=60)
    return {"tries": 3}


def leave_out(context):
    raise context.skip({"why": "embedded"})


def look(context):
    return {"status": context.task_instance.status.value, "manager": type(context.manager).__name__}
