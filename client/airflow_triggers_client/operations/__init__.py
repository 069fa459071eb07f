"""The operations of the API, each as one generator (see ``exchange.py``) for both clients."""

from airflow_triggers_client.operations import (
    batches,
    configurations,
    delayed_fires,
    fires,
    health,
    history,
    instances,
    sessions,
    waiting,
)

__all__ = [
    "batches",
    "configurations",
    "delayed_fires",
    "fires",
    "health",
    "history",
    "instances",
    "sessions",
    "waiting",
]
