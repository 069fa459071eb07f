"""What a trigger task's code is given, and what calls it: in a worker the operator, elsewhere a runner."""

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
