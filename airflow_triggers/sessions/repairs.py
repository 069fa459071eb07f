"""Acts of people on one instance, asked for over REST or on the command line. The audit log records each.

Neighbours: ``api/`` and ``cli/`` ask here; ``domain/acts.py`` has the acts, the manager carries them out, ``audit.py``
keeps who asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_triggers.domain.acts import InstanceAct, Replay, ResolveLogs, SetMetadata, SetStatus, Skip
from airflow_triggers.domain.configuration import Kwargs, TriggerKwargs
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.sessions.audit import AuditEvent, note_act
from airflow_triggers.sessions.opening import open_session
from airflow_triggers.sessions.preconditions import Precondition


def replay(
    uid: str,
    instance_name: str,
    replacement_kwargs: TriggerKwargs | None = None,
    *,
    cooldown: float | None = None,
    by: str,
) -> TaskInstance:
    """See :meth:`TriggerManager.replay_failed_instance`. :raises SessionNotFound: when there is no such session."""
    return act_on(uid, instance_name, Replay(kwargs=replacement_kwargs, cooldown=cooldown), by=by)


def skip(
    uid: str, instance_name: str, cascade: bool = False, result: Kwargs | None = None, *, by: str
) -> TaskInstance:
    """See :meth:`TriggerManager.skip_failed_instance`. :raises SessionNotFound: when there is no such session."""
    return act_on(uid, instance_name, Skip(cascade=cascade, result=result), by=by)


def set_status(
    uid: str,
    instance_name: str,
    status: InstanceStatus | str,
    *,
    metadata: Mapping[str, Any] | None = None,
    cascade: bool = False,
    result: Kwargs | None = None,
    by: str,
) -> TaskInstance:
    """Set an instance's status by hand; see :class:`SetStatus` for the parameters and for what is refused.

    :returns: the instance afterwards.
    :raises SessionNotFound: when there is no such session.
    :raises InvalidStatus: when people cannot set the status, or no cascade can follow it.
    :raises InvalidTransition: when the instance has the status already, or could never run with it.
    """
    # Another text than a status is refused by the act itself, with the choices.
    act = SetStatus(
        status=status,  # type: ignore[arg-type]
        metadata=metadata or {},
        cascade=cascade,
        result=result,
    )
    return act_on(uid, instance_name, act, by=by)


def set_metadata(uid: str, instance_name: str, metadata: Mapping[str, Any], *, by: str) -> TaskInstance:
    """See :meth:`TriggerManager.update_instance_metadata`.

    :returns: the instance afterwards.
    :raises SessionNotFound: when there is no such session.
    :raises InvalidMetadata: when it is empty, or outside the allowed form.
    """
    return act_on(uid, instance_name, SetMetadata(metadata=metadata), by=by)


def resolve_logs(uid: str, instance_name: str, *, by: str) -> TaskInstance:
    """See :meth:`TriggerManager.mark_instance_logs_resolved`.

    :returns: the instance afterwards.
    :raises SessionNotFound: when there is no such session.
    """
    return act_on(uid, instance_name, ResolveLogs(), by=by)


def act_on(
    uid: str, instance_name: str, act: InstanceAct, *, by: str, if_match: Precondition | None = None
) -> TaskInstance:
    """Do the act to the instance.

    :param if_match: the versions that the instance may have; None: any.
    :returns: the instance afterwards; for a replay, the new instance.
    :raises SessionNotFound: when there is no such session.
    :raises PreconditionFailed: when the instance has another version.
    :raises InvalidTransition: when the instance's status does not allow the act.
    """
    manager = open_session(uid)
    with manager.storage.acquire_lock():
        if if_match is not None:
            if_match.check_instance(manager.storage, instance_name)
        return carry_out(manager, instance_name, act, by=by)


def carry_out(
    manager: TriggerManager, instance_name: str, act: InstanceAct, *, by: str | None, **details: Any
) -> TaskInstance:
    """Do the act, and put it into the audit log. The caller holds the session's lock.

    :param details: more details for the audit log.
    :returns: the instance afterwards; for a replay, the new instance.
    :raises InvalidTransition: when the instance's status does not allow the act.
    """
    match act:
        case Replay():
            instance = manager.replay_failed_instance(instance_name, act.kwargs, cooldown=act.cooldown, by=by)
            event = AuditEvent.REPLAY
            details |= {"replay": instance.name, "kwargs_replaced": act.kwargs is not None}
        case Skip():
            instance = manager.skip_failed_instance(instance_name, act.cascade, act.result, by=by)
            event = AuditEvent.SKIP
            details |= {"cascade": act.cascade}
        case SetStatus():
            before, instance = _set_status(manager, instance_name, act, by=by)
            event = AuditEvent.SET_STATUS
            details |= {"from": before.status.value, "to": act.status.value, "cascade": act.cascade}
        case SetMetadata():
            instance = manager.update_instance_metadata(instance_name, act.metadata, by=by)
            event = AuditEvent.SET_METADATA
            details |= {"keys": sorted(act.metadata)}
        case ResolveLogs():
            instance = manager.mark_instance_logs_resolved(instance_name, by=by)
            event = AuditEvent.RESOLVE_LOGS
        case _:
            raise TypeError(f"There is no act {act!r}.")
    note_act(manager.storage, event, by=by, instance=instance_name, **details)
    return instance


def _set_status(
    manager: TriggerManager, instance_name: str, act: SetStatus, *, by: str | None
) -> tuple[TaskInstance, TaskInstance]:
    before = manager.storage[instance_name]
    act.check(before, is_removed=before.task.name in manager.storage.configuration.removed)
    after = manager.update_instance_status(
        before, act.status, act.instance_metadata, act.cascade, act.result, by=by
    )
    return before, after
