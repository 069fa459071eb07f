"""The operations of the API, each as one generator (see ``exchange.py``) for both clients."""

from airflow_triggers_client.operations import (
    batches,
    bulk_acts,
    configurations,
    delayed_fires,
    fires,
    health,
    history,
    instances,
    parked,
    sessions,
    waiting,
)

__all__ = [
    "batches",
    "bulk_acts",
    "configurations",
    "delayed_fires",
    "fires",
    "health",
    "history",
    "instances",
    "parked",
    "sessions",
    "waiting",
]
