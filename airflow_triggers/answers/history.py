"""Answers about what happened, and why something has not: histories, explanations, fires that touched nothing.

Neighbours: ``history/`` reads and explains what these answers say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_triggers.answers.fires import FireAnswer, fields_of
from airflow_triggers.domain.events import SessionEvent
from airflow_triggers.domain.fires import DelayedFire, Fire
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.history.pages import Entry, HistoryPage
from airflow_triggers.history.reasons import Explanation, Requirement
from airflow_triggers.history.run_reasons import Reason
from airflow_triggers.history.sentences import sentence_of
from airflow_triggers.history.unheard import VainFire

FIRE_KIND = "fire"
"""The ``kind`` of a fire's entry. Other entries have a :class:`airflow_triggers.domain.events.EventKind`."""


@dataclass(frozen=True, kw_only=True)
class FireEntryAnswer(FireAnswer):
    """A fire in a session's history.

    :param text: what happened, as a sentence.
    """

    kind: str
    at: datetime
    by: str | None
    text: str

    @classmethod
    def of_entry(cls, fire: Fire) -> FireEntryAnswer:
        """The answer for a fire."""
        return cls(
            **fields_of(fire), kind=FIRE_KIND, at=fire.fired_at, by=fire.fired_by, text=sentence_of(fire)
        )


@dataclass(frozen=True, kw_only=True)
class EventEntryAnswer:
    """Something else in a session's history: a change of status, a repair, a hook that raised, …

    :param details: what else is known; the keys depend on the kind.
    :param text: what happened, as a sentence.
    """

    kind: str
    event_id: int
    at: datetime
    by: str | None
    instance: str | None
    details: Mapping[str, Any]
    text: str

    @classmethod
    def of_entry(cls, event: SessionEvent) -> EventEntryAnswer:
        """The answer for an event."""
        return cls(
            kind=event.kind,
            event_id=event.event_id,
            at=event.at,
            by=event.by,
            instance=event.instance,
            details=event.details,
            text=sentence_of(event),
        )


EntryAnswer = FireEntryAnswer | EventEntryAnswer


def answer_of_entry(entry: Entry) -> EntryAnswer:
    """The answer for an entry."""
    return FireEntryAnswer.of_entry(entry) if isinstance(entry, Fire) else EventEntryAnswer.of_entry(entry)


@dataclass(frozen=True, kw_only=True)
class HistoryPageAnswer:
    """A session's history, newest first. ``next`` is the cursor of the next page; None on the last one."""

    entries: tuple[EntryAnswer, ...]
    next: str | None

    @classmethod
    def of(cls, page: HistoryPage) -> HistoryPageAnswer:
        """The answer for a page."""
        return cls(entries=tuple(map(answer_of_entry, page.entries)), next=page.next)


@dataclass(frozen=True, kw_only=True)
class ReasonAnswer:
    """What stands in the way, or what settled it: a word for programs, and a sentence."""

    code: str
    text: str

    @classmethod
    def of(cls, reason: Reason) -> ReasonAnswer:
        """The answer for a reason."""
        return cls(code=reason.code, text=reason.text)


@dataclass(frozen=True, kw_only=True)
class ArrivalAnswer:
    """A fire, in short."""

    fire_id: int
    trigger: str
    at: datetime
    by: str | None

    @classmethod
    def of(cls, fire: Fire) -> ArrivalAnswer:
        """The answer for a fire."""
        return cls(fire_id=fire.fire_id, trigger=fire.trigger_name, at=fire.fired_at, by=fire.fired_by)


@dataclass(frozen=True, kw_only=True)
class ExpectedFireAnswer:
    """A delayed fire, in short."""

    at: datetime
    error: str | None

    @classmethod
    def of(cls, fire: DelayedFire) -> ExpectedFireAnswer:
        """The answer for a delayed fire."""
        return cls(at=fire.fire_at, error=fire.error)


@dataclass(frozen=True, kw_only=True)
class RequirementAnswer:
    """A trigger: the instance needs it, or it abandons the instance. See :class:`Requirement`."""

    trigger: str
    directive: str
    arrived: bool
    fire: ArrivalAnswer | None
    note: str | None
    expected: tuple[ExpectedFireAnswer, ...]
    similar: tuple[ArrivalAnswer, ...]

    @classmethod
    def of(cls, requirement: Requirement) -> RequirementAnswer:
        """The answer for a requirement."""
        return cls(
            trigger=requirement.trigger,
            directive=requirement.role,
            arrived=requirement.arrived,
            fire=ArrivalAnswer.of(requirement.fire) if requirement.fire else None,
            note=requirement.note,
            expected=tuple(map(ExpectedFireAnswer.of, requirement.expected)),
            similar=tuple(map(ArrivalAnswer.of, requirement.similar)),
        )


@dataclass(frozen=True, kw_only=True)
class ExplanationAnswer:
    """Why an instance has not run, or what became of it. See :class:`Explanation`."""

    name: str
    task: str
    status: InstanceStatus | None
    rule: str
    answer: str
    reasons: tuple[ReasonAnswer, ...]
    requirements: tuple[RequirementAnswer, ...]
    dag_id: str | None
    dag_run_id: str | None

    @classmethod
    def of(cls, explanation: Explanation) -> ExplanationAnswer:
        """The answer for an explanation."""
        return cls(
            name=explanation.name,
            task=explanation.task,
            status=explanation.status,
            rule=explanation.rule,
            answer=explanation.answer,
            reasons=tuple(map(ReasonAnswer.of, explanation.reasons)),
            requirements=tuple(map(RequirementAnswer.of, explanation.requirements)),
            dag_id=explanation.dag_id,
            dag_run_id=explanation.run_id,
        )


@dataclass(frozen=True, kw_only=True)
class VainFireAnswer:
    """A fire without effect, in any session. See :class:`VainFire`."""

    session_uid: str
    fire_id: int
    trigger: str
    kwargs: Mapping[str, Any]
    fired_at: datetime
    fired_by: str | None
    used_by: tuple[str, ...]
    similar: tuple[str, ...]

    @classmethod
    def of(cls, vain_fire: VainFire) -> VainFireAnswer:
        """The answer for a fire without effect."""
        fire = vain_fire.fire
        return cls(
            session_uid=vain_fire.uid,
            fire_id=fire.fire_id,
            trigger=fire.trigger_name,
            kwargs=fire.kwargs,
            fired_at=fire.fired_at,
            fired_by=fire.fired_by,
            used_by=vain_fire.used_by,
            similar=vain_fire.similar,
        )
