"""The context for a trigger task's code, and its callers: the operator in a worker, a runner elsewhere."""

from airflow_triggers.task.calling import TriggerCallable, call, load_callable
from airflow_triggers.task.context import TaskContext
from airflow_triggers.task.operator import TriggerTaskOperator
from airflow_triggers.task.signals import RetryInstance, SkipInstance

__all__ = [
    "RetryInstance",
    "SkipInstance",
    "TaskContext",
    "TriggerCallable",
    "TriggerTaskOperator",
    "call",
    "load_callable",
]
