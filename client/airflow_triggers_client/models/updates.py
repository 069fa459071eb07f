"""Updates of a session's rules as types."""

from __future__ import annotations

from airflow_triggers_client.models.base import Result


class ConfigurationUpdate(Result):
    """What an update did, or would do, to the session's instances, by name."""

    preview: bool
    """Nothing was written."""
    version: str
    """The hash of the session's rules afterwards."""
    tasks: list[str]
    """All tasks of the session afterwards."""
    created: list[str]
    scheduled: list[str]
    """Instances that start, new ones included."""
    changed: list[str]
    """Waiting instances that took fires of the past, and still wait."""
    abandoned: list[str]
    """Waiting instances that never run."""
