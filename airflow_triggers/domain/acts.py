"""Acts: what people do to one instance, as values. A request for one instance makes one; a bulk act keeps one.

Neighbours: ``sessions/repairs.py`` carries them out, ``states.py`` has the transitions of the framework
itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from airflow_triggers.domain.configuration import Kwargs, TriggerKwargs
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.domain.metadata import RESULT
from airflow_triggers.domain.validation import (
    excerpt,
    validate_cooldown,
    validate_instance_metadata,
    validate_replacement_kwargs,
    validate_trigger_kwargs,
)
from airflow_triggers.errors import InvalidMetadata, InvalidStatus, InvalidTransition

STATUSES_BY_HAND = (
    InstanceStatus.UNSTARTED,
    InstanceStatus.FINISHED,
    InstanceStatus.FAILED,
    InstanceStatus.SKIPPED,
    InstanceStatus.ABANDONED,
)
"""The statuses that people may set. The others belong to work that a runner or a replay has begun."""

CASCADING_STATUSES = (InstanceStatus.FINISHED, InstanceStatus.SKIPPED)
"""The statuses that a cascade may follow."""


class ActKind(StrEnum):
    """The names of the acts. The values are stored and part of the REST API."""

    REPLAY = "replay"  #: run a failed instance again, as a clone
    SKIP = "skip"  #: waive a failed instance
    SET_STATUS = "set_status"  #: set the status by hand
    SET_METADATA = "set_metadata"  #: merge metadata into the instance's
    RESOLVE_LOGS = "resolve_logs"  #: mark the log messages as dealt with


class Need(StrEnum):
    """What an act takes a right for, on the instance's DAG."""

    CREATE_RUNS = "create_runs"
    EDIT_TASK_INSTANCES = "edit_task_instances"


@dataclass(frozen=True, kw_only=True)
class InstanceAct:
    """An act on an instance. :meth:`refusal` says why it is not possible now."""

    kind: ClassVar[ActKind]

    @property
    def needs(self) -> frozenset[Need]:
        """The rights that it takes on the instance's DAG."""
        return frozenset({Need.EDIT_TASK_INSTANCES})

    @property
    def statuses(self) -> frozenset[InstanceStatus] | None:
        """The statuses in which it changes something; None: in any."""
        return None

    def changes(self, instance: TaskInstance) -> bool:
        """Whether the instance is one that it changes."""
        return self.statuses is None or instance.status in self.statuses

    def to_arguments(self) -> dict[str, Any]:
        """Its arguments in JSON's types, for :func:`act_of`."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Replay(InstanceAct):
    """Run a failed instance again. See :meth:`TriggerManager.replay_failed_instance`.

    :param kwargs: ``{trigger: kwargs}`` in place of all kwargs; None: the same again.
    :param cooldown: seconds until the clone runs; None: at once.
    :raises InvalidTrigger, InvalidCooldown: when one of them is outside the allowed form.
    """

    kind = ActKind.REPLAY
    kwargs: TriggerKwargs | None = None
    cooldown: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kwargs", validate_replacement_kwargs(self.kwargs))
        validate_cooldown(self.cooldown)

    @property
    def needs(self) -> frozenset[Need]:
        """See :attr:`InstanceAct.needs`."""
        return frozenset({Need.CREATE_RUNS})

    @property
    def statuses(self) -> frozenset[InstanceStatus]:
        """See :attr:`InstanceAct.statuses`."""
        return frozenset({InstanceStatus.FAILED})


@dataclass(frozen=True, kw_only=True)
class Skip(InstanceAct):
    """Waive a failed instance. See :meth:`TriggerManager.skip_failed_instance`.

    :param cascade: fire the task's name, as if it had finished.
    :param result: the kwargs of the cascade; None: none.
    :raises InvalidTrigger: when the result is outside the allowed form.
    """

    kind = ActKind.SKIP
    cascade: bool = False
    result: Kwargs | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "result", _optional_kwargs(self.result))

    @property
    def needs(self) -> frozenset[Need]:
        """See :attr:`InstanceAct.needs`."""
        cascade = {Need.CREATE_RUNS} if self.cascade else set[Need]()
        return frozenset({Need.EDIT_TASK_INSTANCES}) | cascade

    @property
    def statuses(self) -> frozenset[InstanceStatus]:
        """See :attr:`InstanceAct.statuses`."""
        return frozenset({InstanceStatus.FAILED})


@dataclass(frozen=True, kw_only=True)
class SetStatus(InstanceAct):
    """Set an instance's status by hand. See :meth:`TriggerManager.update_instance_status`.

    :param status: one of :data:`STATUSES_BY_HAND`.
    :param metadata: merged into the instance's.
    :param cascade: also fire the task's name; only with :data:`CASCADING_STATUSES`.
    :param result: the kwargs of the cascade, also saved in the metadata; None: none.
    :raises InvalidStatus: when people cannot set the status, or no cascade can follow it.
    :raises InvalidMetadata, InvalidTrigger: when the metadata or the result are outside the allowed form.
    """

    kind = ActKind.SET_STATUS
    status: InstanceStatus
    metadata: Mapping[str, Any] = field(default_factory=dict)
    cascade: bool = False
    result: Kwargs | None = None

    def __post_init__(self) -> None:
        if self.status not in STATUSES_BY_HAND:
            choices = ", ".join(STATUSES_BY_HAND)
            raise InvalidStatus(
                f"The status to set is {excerpt(self.status)}, expected one of: {choices}. Only a runner makes an "
                "instance scheduled or running, and only a replay makes it replayed."
            )
        object.__setattr__(self, "status", InstanceStatus(self.status))
        if self.cascade and self.status not in CASCADING_STATUSES:
            raise InvalidStatus(
                f"'cascade' is true with the status {self.status.value!r}, expected {' or '.join(CASCADING_STATUSES)}. "
                "Leave out 'cascade', or fire the task's name afterwards."
            )
        object.__setattr__(self, "metadata", validate_instance_metadata(self.metadata))
        object.__setattr__(self, "result", _optional_kwargs(self.result))

    @property
    def needs(self) -> frozenset[Need]:
        """See :attr:`InstanceAct.needs`. An unstarted instance gets another run."""
        makes_runs = self.cascade or self.status is InstanceStatus.UNSTARTED
        return frozenset({Need.EDIT_TASK_INSTANCES}) | ({Need.CREATE_RUNS} if makes_runs else set())

    @property
    def statuses(self) -> frozenset[InstanceStatus]:
        """See :attr:`InstanceAct.statuses`."""
        return frozenset(InstanceStatus) - {self.status}

    @property
    def instance_metadata(self) -> dict[str, Any]:
        """The metadata to merge, the result included."""
        return {**self.metadata, **({} if self.result is None else {RESULT: self.result})}

    def check(self, instance: TaskInstance, *, is_removed: bool) -> None:
        """Check that the instance can get the status.

        :param is_removed: whether the rules of the session do not have its task any more.
        :raises InvalidTransition: when it has the status already; or when it could never run with it.
        """
        event = f"give the status {self.status.value!r} to"
        if instance.status is self.status:
            expected_statuses = tuple(status.value for status in InstanceStatus if status is not self.status)
            raise InvalidTransition(event, instance.name, instance.status.value, expected_statuses)
        if is_removed and self.status is InstanceStatus.UNSTARTED:
            status = "an instance of a removed task, which no fire would start"
            raise InvalidTransition(event, instance.name, status, ("instances of present tasks",))


@dataclass(frozen=True, kw_only=True)
class SetMetadata(InstanceAct):
    """Merge metadata into an instance's. See :meth:`TriggerManager.update_instance_metadata`.

    :raises InvalidMetadata: when it is empty, or outside the allowed form.
    """

    kind = ActKind.SET_METADATA
    metadata: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "metadata", validate_instance_metadata(self.metadata))
        if not self.metadata:
            raise InvalidMetadata("The metadata to merge is empty, expected at least one key.")

    def changes(self, instance: TaskInstance) -> bool:
        """See :meth:`InstanceAct.changes`."""
        return any(
            key not in instance.metadata or instance.metadata[key] != value
            for key, value in self.metadata.items()
        )


@dataclass(frozen=True, kw_only=True)
class ResolveLogs(InstanceAct):
    """Mark an instance's log messages as dealt with. See :meth:`TriggerManager.mark_instance_logs_resolved`."""

    kind = ActKind.RESOLVE_LOGS

    def changes(self, instance: TaskInstance) -> bool:
        """See :meth:`InstanceAct.changes`."""
        return not instance.logs_resolved


ACTS: Mapping[ActKind, type[InstanceAct]] = {
    act.kind: act for act in (Replay, Skip, SetStatus, SetMetadata, ResolveLogs)
}


def act_of(kind: str, arguments: Mapping[str, Any]) -> InstanceAct:
    """The act with these arguments.

    :param kind: a value of :class:`ActKind`.
    :param arguments: as :meth:`InstanceAct.to_arguments` returns them.
    """
    return ACTS[ActKind(kind)](**arguments)


def _optional_kwargs(kwargs: Kwargs | None) -> dict[str, Any] | None:
    return None if kwargs is None else validate_trigger_kwargs(kwargs)
