"""What an asset event asks to fire: its asset's URI, its partition key and its extra, checked. Pure.

Neighbours: ``assets.py`` fires, ``asset_rights.py`` says who may; ``operators/`` make such events in tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from airflow_triggers.domain.asset_uris import trigger_of
from airflow_triggers.domain.configuration import Kwargs
from airflow_triggers.domain.fires import SessionFireRequest
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.domain.validation import excerpt, parse_moment
from airflow_triggers.errors import InvalidAssetEvent
from airflow_triggers.gateway.asset_events import AssetEventRow

KEYS = ("trigger", "session_uid", "kwargs", "configuration", "idempotency_key", "fire_at")
"""The keys allowed in an event's extra."""

MARKS = ("from_rest_api", "from_trigger", "payload")
"""Keys set by Airflow in the extra of events without a task. They decide nothing here."""

_NULLABLE = ("configuration", "idempotency_key", "fire_at")
"""Keys that may be null, as over REST. Null counts as missing."""


@dataclass(frozen=True, kw_only=True)
class AssetFire:
    """The fire requested by an asset event, as the event's author wrote it.

    :meth:`to_request` checks the UID, the trigger, the kwargs and the key. Until then they may be invalid: the history
    names the session and the trigger of an invalid fire, too.

    :param idempotency_key: the event's own, else one made of its id.
    """

    session_uid: str
    trigger_name: str
    kwargs: Kwargs
    configuration: str | None
    idempotency_key: str
    fire_at: datetime | None

    def to_request(self) -> SessionFireRequest:
        """The request to fire it. :raises InvalidSessionUid, InvalidTrigger: when one of its values is invalid."""
        return SessionFireRequest(
            session_uid=SessionUid(self.session_uid),
            trigger_name=self.trigger_name,
            trigger_kwargs=self.kwargs,
            configuration=self.configuration,
            idempotency_key=self.idempotency_key,
            fire_at=self.fire_at,
        )


def fire_of(event: AssetEventRow) -> AssetFire:
    """The fire requested by the event.

    :raises InvalidAssetEvent: when the event names no trigger or no session; when its extra has an unknown key, a value
        of another type, or another trigger or configuration than its asset.
    :raises InvalidTrigger: when its ``fire_at`` is no moment.
    """
    _check_keys(event)
    trigger, configuration = trigger_of(event.uri)
    return AssetFire(
        session_uid=_session_uid(event),
        trigger_name=_trigger(event, trigger),
        kwargs=_kwargs(event),
        configuration=_asset_or_extra(event, "configuration", configuration),
        idempotency_key=_text(event, "idempotency_key") or f"asset-event-{event.event_id}",
        fire_at=_fire_at(event),
    )


def _check_keys(event: AssetEventRow) -> None:
    if not isinstance(event.extra, Mapping):
        raise InvalidAssetEvent(event.event_id, f"has the extra {excerpt(event.extra)}, expected a mapping")
    for key in event.extra:
        if key not in KEYS and key not in MARKS:
            near = get_close_matches(str(key), KEYS, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            keys = ", ".join(KEYS)
            raise InvalidAssetEvent(
                event.event_id, f"has the unknown key {excerpt(key)} in extra{hint}; the keys are {keys}"
            )


def _trigger(event: AssetEventRow, from_asset: str | None) -> str:
    trigger = _asset_or_extra(event, "trigger", from_asset)
    if trigger is None:
        raise InvalidAssetEvent(event.event_id, "names no trigger: its extra has no 'trigger'")
    return trigger


def _session_uid(event: AssetEventRow) -> str:
    uid = _text(event, "session_uid") or event.partition_key
    if uid is None:
        raise InvalidAssetEvent(
            event.event_id,
            "names no session: give its UID as the partition key, or as 'session_uid' in extra",
        )
    return uid


def _kwargs(event: AssetEventRow) -> Kwargs:
    kwargs = event.extra.get("kwargs", {})
    if not isinstance(kwargs, Mapping):
        raise _wrong_type(event, "kwargs", "a mapping")
    return kwargs


def _fire_at(event: AssetEventRow) -> datetime | None:
    text = event.extra.get("fire_at")
    return None if text is None else parse_moment(text)


def _asset_or_extra(event: AssetEventRow, key: str, from_asset: str | None) -> str | None:
    """The asset's value, else the extra's. If both give one, they must be equal."""
    from_extra = _text(event, key)
    if from_asset is not None and from_extra not in (None, from_asset):
        raise InvalidAssetEvent(
            event.event_id,
            f"has the {key!r} {excerpt(from_extra)} in extra, and its asset stands for {from_asset!r}; leave it out",
        )
    return from_extra if from_asset is None else from_asset


def _text(event: AssetEventRow, key: str) -> str | None:
    value: Any = event.extra.get(key)
    if key not in event.extra or (value is None and key in _NULLABLE):
        return None
    if not isinstance(value, str) or not value:
        raise _wrong_type(event, key, "a string that is not empty")
    return value


def _wrong_type(event: AssetEventRow, key: str, form: str) -> InvalidAssetEvent:
    actual = excerpt(event.extra[key])
    return InvalidAssetEvent(event.event_id, f"has the {key!r} {actual} in extra, expected {form}")
