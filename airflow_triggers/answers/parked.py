"""Answers about what waits or is parked, over all sessions: hooks, fires to come, asset events.

Neighbours: ``hooks.py`` and ``fires.py`` have the same for one session; ``history/parked.py`` reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airflow_triggers.answers.fires import DelayedFireAnswer
from airflow_triggers.answers.hooks import HookAnswer
from airflow_triggers.domain.disclosure import Disclosure, shown_delayed_fire, shown_source
from airflow_triggers.history.parked import FailedAssetEvent, ParkedHook
from airflow_triggers.sessions.delayed_fires import SessionDelayedFire


@dataclass(frozen=True, kw_only=True)
class SessionHookAnswer(HookAnswer):
    """A hook that raised, of any session."""

    session_uid: str

    @classmethod
    def of_session(cls, parked_hook: ParkedHook) -> SessionHookAnswer:
        """The answer for a hook and its session."""
        return cls(session_uid=parked_hook.uid, **vars(HookAnswer.of(parked_hook.hook)))


@dataclass(frozen=True, kw_only=True)
class SessionDelayedFireAnswer(DelayedFireAnswer):
    """A fire to come, of any session."""

    session_uid: str

    @classmethod
    def of_session(cls, delayed_fire: SessionDelayedFire, disclosure: Disclosure) -> SessionDelayedFireAnswer:
        """The answer for a fire to come and its session."""
        fire = shown_delayed_fire(delayed_fire.fire, disclosure)
        return cls(session_uid=delayed_fire.uid, **vars(DelayedFireAnswer.of(fire)))


@dataclass(frozen=True, kw_only=True)
class AssetEventAnswer:
    """An asset event that could not be fired.

    :param asset: the URI of its asset; None when Airflow no longer has the event. The same for the keys after it.
    :param due: when it is tried again; None when it is parked.
    """

    id: int
    asset: str | None
    session_uid: str | None
    created_at: datetime | None
    source: str | None
    attempts: int
    error: str
    due: datetime | None
    parked: bool

    @classmethod
    def of(cls, failed: FailedAssetEvent, disclosure: Disclosure) -> AssetEventAnswer:
        """The answer for a failed event."""
        event = failed.event
        return cls(
            id=failed.event_id,
            asset=event.uri if event else None,
            session_uid=failed.session_uid,
            created_at=event.created_at if event else None,
            source=shown_source(failed.source, disclosure),
            attempts=failed.attempts,
            error=failed.error,
            due=failed.due,
            parked=failed.due is None,
        )
