"""Repairs of failed instances, asked for by people over REST or on the command line. The audit log records each.

Neighbours: ``api/`` and ``cli/`` ask here; the manager repairs, ``audit.py`` keeps who asked.
"""

from __future__ import annotations

from airflow_triggers.domain.configuration import Kwargs, TriggerKwargs
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.sessions.audit import AuditEvent, note_act
from airflow_triggers.sessions.opening import open_session


def replay(
    uid: str,
    instance_name: str,
    replacement_kwargs: TriggerKwargs | None = None,
    *,
    cooldown: float | None = None,
    by: str,
) -> TaskInstance:
    """See :meth:`TriggerManager.replay_failed_instance`. :raises SessionNotFound: when there is no such session."""
    manager = open_session(uid)
    with manager.storage.acquire_lock():
        clone = manager.replay_failed_instance(instance_name, replacement_kwargs, cooldown=cooldown, by=by)
        note_act(
            manager.storage,
            AuditEvent.REPLAY,
            by=by,
            instance=instance_name,
            replay=clone.name,
            kwargs_replaced=replacement_kwargs is not None,
        )
    return clone


def skip(
    uid: str, instance_name: str, cascade: bool = False, result: Kwargs | None = None, *, by: str
) -> TaskInstance:
    """See :meth:`TriggerManager.skip_failed_instance`. :raises SessionNotFound: when there is no such session."""
    manager = open_session(uid)
    with manager.storage.acquire_lock():
        instance = manager.skip_failed_instance(instance_name, cascade, result, by=by)
        note_act(manager.storage, AuditEvent.SKIP, by=by, instance=instance_name, cascade=cascade)
    return instance
