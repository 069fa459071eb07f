"""For tasks that talk to a deployment of this package over REST: the hook of the connection type ``triggers``."""

from airflow_triggers.hooks.connection import CONN_TYPE, DEFAULT_CONN_ID
from airflow_triggers.hooks.hook import TriggersHook

__all__ = ["CONN_TYPE", "DEFAULT_CONN_ID", "TriggersHook"]
