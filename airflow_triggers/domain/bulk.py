"""Bulk acts: one act on many instances, kept in the database and worked off by the controllers. Pure.

Neighbours: ``acts.py`` has the acts, ``selection.py`` the filter; ``storages/bulk.py`` keeps both,
``sessions/bulk_acts.py`` makes and describes them, ``controller/bulk.py`` works them off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from airflow_triggers.domain.acts import InstanceAct, act_of
from airflow_triggers.domain.concerned_dags import EVERY_DAG, dag_ids_of_instance, dag_ids_to_read
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.selection import STUCK_AFTER, InstanceFilter
from airflow_triggers.domain.validation import excerpt
from airflow_triggers.errors import InvalidFilter, InvalidRate, UnreadableRow

MAX_ITEMS = 100_000
"""The most instances of one bulk act."""

MIN_RATE, MAX_RATE = 0.01, 1_000.0
"""Instances a second."""

MOST_AT_ONCE = 100
"""The most items of one bulk act that a controller takes in a pass."""

PORTION_SECONDS = 0.5
"""A controller takes the items of this many seconds at once, and one at least."""

CATCH_UP = timedelta(seconds=1)
"""After a pause, at most the items of this time are caught up."""

MAX_ATTEMPTS = 10
"""After this many failures in a row, an item is refused with the last reason."""


class BulkState(StrEnum):
    """Where a bulk act stands. The values are stored and part of the REST API."""

    PENDING = "pending"  #: no controller has begun it
    RUNNING = "running"  #: controllers work it off
    DONE = "done"  #: every item has an outcome
    CANCELLED = "cancelled"  #: somebody stopped it; what was done stays done

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be done."""
        return self in (BulkState.DONE, BulkState.CANCELLED)


class BulkOutcome(StrEnum):
    """What became of an item. The values are stored and part of the REST API."""

    DONE = "done"  #: the act was done
    UNCHANGED = "unchanged"  #: there was nothing to do: somebody had repaired the instance, say
    LEFT_OUT = "left_out"  #: meanwhile it comes under DAGs for which nobody checked the rights
    REFUSED = "refused"  #: it could not be done, or its maker may not do it
    CANCELLED = "cancelled"  #: the bulk act was cancelled before


@dataclass(frozen=True, kw_only=True)
class BulkRequest:
    """A bulk act to make.

    :param act: what to do.
    :param selection: to which instances.
    :param rate: how many a second, at most; None: as the setting ``[triggers] bulk_rate`` says.
    :raises InvalidRate: when the rate is no number from :data:`MIN_RATE` to :data:`MAX_RATE`.
    :raises InvalidFilter: when a condition that was given narrows nothing.
    """

    act: InstanceAct
    selection: InstanceFilter
    rate: float | None = None

    def __post_init__(self) -> None:
        if self.rate is not None:
            validate_rate(self.rate)
        # In a list it does no harm. Here somebody who meant a few instances would change all.
        if self.selection.session == "":
            raise InvalidFilter(
                "The filter's 'session' is '', expected the beginning of a UID. Leave it out for all sessions."
            )
        if self.selection.stuck is None and self.selection.stuck_after != STUCK_AFTER:
            raise InvalidFilter(
                f"The filter's 'stuck_after' is {self.selection.stuck_after:g}, expected 'stuck' beside it: it says "
                "when an instance is stuck."
            )


def validate_rate(rate: object) -> float:
    """Return the rate.

    :raises InvalidRate: when it is no number from :data:`MIN_RATE` to :data:`MAX_RATE`.
    """
    is_number = isinstance(rate, int | float) and not isinstance(rate, bool)
    if not is_number or not MIN_RATE <= rate <= MAX_RATE:  # type: ignore[operator]
        raise InvalidRate(
            f"The rate is {excerpt(rate)}, expected a number of instances a second from {MIN_RATE} to {MAX_RATE:.0f}."
        )
    return float(rate)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The DAGs for which the maker's rights were checked.

    :param read: the maker may read their runs and XComs.
    :param act: the maker has the rights that the act takes.
    """

    read: frozenset[str]
    act: frozenset[str]

    def covers(self, configuration: Configuration, task_name: str, run_dag_id: str | None) -> bool:
        """Whether the instance comes under these DAGs.

        :param configuration: its session's configuration now.
        :param run_dag_id: the DAG of its run; None when it has none.
        """
        return (
            dag_ids_to_read(configuration) <= self.read
            and dag_ids_of_instance(configuration, task_name, run_dag_id) <= self.act
        )

    def to_dict(self) -> dict[str, Any]:
        """The scope in JSON's types."""
        return {"read": sorted(self.read), "act": sorted(self.act)}

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> Scope:
        """The reverse of :meth:`to_dict`."""
        return cls(read=frozenset(entries["read"]), act=frozenset(entries["act"]))


@dataclass(frozen=True, kw_only=True)
class BulkAct:
    """A bulk act as it is kept. What its row says is read when it is needed: an unreadable row can still be shown.

    :param kind: a value of :class:`ActKind`; ``arguments``: those of the act.
    :param selection: the filter, as a JSON object.
    :param scope: the DAGs that it may touch, as a JSON object; None: all DAGs (it was made in a shell).
    :param total: how many items it has.
    :param rate: how many items a second, at most.
    :param by: who made it.
    :param next_at: when the next items may be taken.
    :param counts: how many items have each outcome.
    :param configuration_hashes: the configurations of the sessions that it covered when it was made; None: unreadable.
    """

    bulk_act_id: int
    kind: str
    arguments: Mapping[str, Any]
    state: BulkState
    total: int
    rate: float
    created: datetime
    next_at: datetime
    selection: Any = None
    scope: Any = None
    by: str | None = None
    ended: datetime | None = None
    cancelled_by: str | None = None
    counts: Mapping[BulkOutcome, int] = field(default_factory=dict)
    configuration_hashes: frozenset[str | None] | None = frozenset()

    @property
    def pending(self) -> int:
        """How many items have no outcome yet."""
        return self.total - sum(self.counts.values())

    @property
    def instance_act(self) -> InstanceAct:
        """What it does to each instance.

        :raises UnreadableRow: when its row cannot be read.
        """
        try:
            return act_of(self.kind, self.arguments)
        except (TypeError, ValueError) as error:
            raise UnreadableRow(f"the bulk act {self.bulk_act_id}", f"its act is unknown: {error}") from error

    @property
    def checked_scope(self) -> Scope | None:
        """The DAGs that it may touch; None: all.

        :raises UnreadableRow: when its row cannot be read.
        """
        try:
            return None if self.scope is None else Scope.from_dict(self.scope)
        except (KeyError, TypeError) as error:
            raise UnreadableRow(f"the bulk act {self.bulk_act_id}", f"its scope is {self.scope!r}") from error

    @property
    def touched_dag_ids(self) -> frozenset[str]:
        """The DAGs for which its act takes a right.

        :raises UnreadableRow: when its row cannot be read.
        """
        scope = self.checked_scope
        return frozenset({EVERY_DAG}) if scope is None else scope.act


@dataclass(frozen=True, kw_only=True)
class BulkItem:
    """One instance of a bulk act.

    :param position: its place in the bulk act, from 1.
    :param outcome: None until something has become of it.
    :param reason: why it was not done, as a sentence.
    :param replay: the name of the new instance, after a replay.
    :param attempts: how often it failed.
    :param ended: when it got its outcome.
    """

    position: int
    session_uid: str
    name: str
    outcome: BulkOutcome | None = None
    reason: str | None = None
    replay: str | None = None
    attempts: int = 0
    ended: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Portion:
    """How many items to take now, and when to take the next ones."""

    size: int
    next_at: datetime


def portion(rate: float, *, next_at: datetime, now: datetime) -> Portion:
    """The items that a controller takes at once from a bulk act that is due.

    The moments add up: a late pass is caught up, for :data:`CATCH_UP` at most.

    >>> from datetime import UTC
    >>> noon = datetime(2031, 5, 17, 12, tzinfo=UTC)
    >>> portion(100, next_at=noon, now=noon)
    Portion(size=50, next_at=datetime.datetime(2031, 5, 17, 12, 0, 0, 500000, tzinfo=datetime.timezone.utc))
    """
    size = max(1, min(MOST_AT_ONCE, math.floor(rate * PORTION_SECONDS)))
    return Portion(size=size, next_at=max(next_at, now - CATCH_UP) + timedelta(seconds=size / rate))
