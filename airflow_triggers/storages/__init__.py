"""Storage backends: where a session is kept. ``storage_backends.get("sql", uid=…)`` makes one by name."""

from __future__ import annotations

from airflow_triggers.extensions.registry import Registry
from airflow_triggers.storages.base import BaseStorageBackend

storage_backends: Registry[BaseStorageBackend] = Registry(
    "storage backend", "triggers.storages", base=BaseStorageBackend
)

__all__ = ["BaseStorageBackend", "storage_backends"]
