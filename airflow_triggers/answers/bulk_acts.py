"""Answers about bulk acts: one as it stands, the outcomes of its instances, and what one would do.

Neighbours: ``domain/bulk.py`` has the values; ``sessions/bulk_acts.py`` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_triggers.domain.bulk import BulkAct, BulkItem, BulkOutcome, BulkState
from airflow_triggers.sessions.bulk_making import BulkPreview


@dataclass(frozen=True, kw_only=True)
class BulkActAnswer:
    """A bulk act.

    :param filter: the conditions for its instances; None when it was made of a list.
    :param counts: how many of its instances have each outcome.
    :param pending: how many have none yet.
    """

    id: int
    act: str
    arguments: Mapping[str, Any]
    filter: Mapping[str, Any] | None
    state: BulkState
    total: int
    pending: int
    counts: Mapping[BulkOutcome, int]
    rate: float
    by: str | None
    created: datetime
    ended: datetime | None
    cancelled_by: str | None

    @classmethod
    def of(cls, bulk_act: BulkAct) -> BulkActAnswer:
        """The answer for a bulk act."""
        selection = bulk_act.selection if isinstance(bulk_act.selection, Mapping) else {}
        return cls(
            id=bulk_act.bulk_act_id,
            act=bulk_act.kind,
            arguments=bulk_act.arguments,
            filter=None if "instances" in selection else selection,
            state=bulk_act.state,
            total=bulk_act.total,
            pending=bulk_act.pending,
            counts=bulk_act.counts,
            rate=bulk_act.rate,
            by=bulk_act.by,
            created=bulk_act.created,
            ended=bulk_act.ended,
            cancelled_by=bulk_act.cancelled_by,
        )


@dataclass(frozen=True, kw_only=True)
class OutcomeAnswer:
    """An instance of a bulk act, and what became of it.

    :param outcome: None until something has become of it.
    :param reason: why it was not done, as a sentence; of an instance that failed and is tried again, the last failure.
    :param replay: the name of the new instance, after a replay.
    :param attempts: how often it failed.
    """

    session_uid: str
    name: str
    outcome: BulkOutcome | None
    reason: str | None
    replay: str | None
    attempts: int
    ended: datetime | None

    @classmethod
    def of(cls, item: BulkItem) -> OutcomeAnswer:
        """The answer for an item."""
        return cls(
            session_uid=item.session_uid,
            name=item.name,
            outcome=item.outcome,
            reason=item.reason,
            replay=item.replay,
            attempts=item.attempts,
            ended=item.ended,
        )


@dataclass(frozen=True, kw_only=True)
class SampleAnswer:
    """An instance, and what a bulk act would do to it."""

    session_uid: str
    name: str
    outcome: BulkOutcome
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class BulkPreviewAnswer:
    """What a bulk act would do, in numbers and with some instances."""

    total: int
    allowed: int
    unchanged: int
    refused: int
    sample: tuple[SampleAnswer, ...]

    @classmethod
    def of(cls, preview: BulkPreview) -> BulkPreviewAnswer:
        """The answer for a preview."""
        return cls(
            total=preview.total,
            allowed=preview.allowed,
            unchanged=preview.unchanged,
            refused=preview.refused,
            sample=tuple(
                SampleAnswer(
                    session_uid=item.session_uid,
                    name=item.name,
                    outcome=item.outcome or BulkOutcome.DONE,
                    reason=item.reason,
                )
                for item in preview.sample
            ),
        )
