"""For ordinary DAGs which want to fire: an operator, and the assets of triggers."""

from airflow_triggers.operators.assets import trigger_asset
from airflow_triggers.operators.fire import FireTriggerOperator

__all__ = ["FireTriggerOperator", "trigger_asset"]
