"""For DAGs that know nothing of trigger tasks and want to fire: an operator, and assets that stand for triggers."""

from airflow_triggers.operators.assets import trigger_asset
from airflow_triggers.operators.fire import FireTriggerOperator

__all__ = ["FireTriggerOperator", "trigger_asset"]
