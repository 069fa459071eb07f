"""The operations of the API, each as one generator (see ``exchange.py``) for both clients."""

from airflow_triggers_client.operations import (
    batches,
    delayed_fires,
    fires,
    history,
    instances,
    sessions,
    waiting,
)

__all__ = ["batches", "delayed_fires", "fires", "history", "instances", "sessions", "waiting"]
