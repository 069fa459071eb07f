"""The forms of what users give: session UIDs, names, keys, kwargs, metadata; checked, and copied as JSON.

Neighbours: everything that takes something from outside calls these before it writes; ``types.py`` has the values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airflow_triggers.errors import InvalidMetadata, InvalidSessionUid, InvalidTrigger
from airflow_triggers.types import MAX_KEY_LENGTH, MAX_NAME_LENGTH, SEEN_RUN

KEPT_METADATA = frozenset({"depth", "parent", "retries", SEEN_RUN, "timestamps"})
"""Keys of an instance's metadata that only the framework writes."""

TYPED_METADATA: Mapping[str, type] = {"logLevel": int, "logsResolved": bool}
"""Keys of an instance's metadata that anybody may write, and that the framework reads."""

DOT_SEGMENTS = frozenset({".", ".."})
"""What a path may not name: clients resolve it as the folder itself, or the one above."""

_ENCODER = json.JSONEncoder(allow_nan=False)


def validate_session_uid(uid: object) -> str:
    """Return the UID if it is 1-200 printable characters without "/" and surrounding blanks, and not "." or "..".

    :raises InvalidSessionUid: otherwise, naming the UID and the reason.
    """
    expected = '1-200 printable characters without "/" and surrounding blanks'
    if not isinstance(uid, str):
        raise InvalidSessionUid(f"A session UID is a string ({expected}), not {type(uid).__name__}: {uid!r}.")
    if not 1 <= len(uid) <= MAX_NAME_LENGTH:
        raise InvalidSessionUid(f"A session UID has {expected}; {uid[:40]!r}… has {len(uid)} characters.")
    if uid != uid.strip() or "/" in uid or not uid.isprintable():
        raise InvalidSessionUid(f"A session UID has {expected}; found {uid!r}.")
    if uid in DOT_SEGMENTS:
        # RFC 3986 lets every client and proxy take them out of a path, percent-encoded or not.
        raise InvalidSessionUid(f"No URL can name a session {uid!r}; choose another UID.")
    return uid


def validate_trigger_name(trigger_name: object) -> str:
    """Return the trigger's name if it is 1-200 printable characters without surrounding blanks.

    :raises InvalidTrigger: otherwise.
    """
    expected = "1-200 printable characters without surrounding blanks"
    if not isinstance(trigger_name, str):
        raise InvalidTrigger(
            f"A trigger's name is a string ({expected}), not {type(trigger_name).__name__}: {trigger_name!r}."
        )
    fits = 1 <= len(trigger_name) <= MAX_NAME_LENGTH and trigger_name == trigger_name.strip()
    if not fits or not trigger_name.isprintable():
        raise InvalidTrigger(f"A trigger's name has {expected}; found {trigger_name[:60]!r}.")
    return trigger_name


def validate_idempotency_key(key: object) -> str:
    """Return the idempotency key if it is 1-250 printable characters.

    :raises InvalidTrigger: otherwise.
    """
    if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise InvalidTrigger(
            f"An idempotency key is a string of 1-{MAX_KEY_LENGTH} printable characters; found {str(key)[:60]!r}."
        )
    return key


def validate_fire_at(fire_at: object) -> datetime | None:
    """Return the moment in UTC; None stays None: at once.

    :raises InvalidTrigger: when it is no moment of a known timezone.
    """
    if fire_at is None:
        return None
    if not isinstance(fire_at, datetime) or fire_at.utcoffset() is None:
        raise InvalidTrigger(f"'fire_at' is a datetime with a timezone; found {fire_at!r}.")
    return fire_at.astimezone(UTC)


def caller_name(by: str | None) -> str | None:
    """Who caused something, as every database can keep it: at most 250 characters of text."""
    if by is None:
        return None
    return by.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()[:MAX_KEY_LENGTH]


def validate_trigger_kwargs(trigger_kwargs: object) -> dict[str, Any]:
    """Return the kwargs as a JSON object; None is an empty one.

    :raises InvalidTrigger: when they are no mapping, or hold what JSON cannot.
    """
    if trigger_kwargs is None:
        return {}
    text = _json_text(trigger_kwargs, what="Trigger kwargs", error_class=InvalidTrigger)
    copied: dict[str, Any] = json.loads(text)
    if "\\ud" in text:  # half of a character, perhaps without the other
        try:
            json.dumps(copied, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise InvalidTrigger(f"Trigger kwargs must be text that UTF-8 can hold: {error}.") from error
    return copied


def validate_replacement_kwargs(kwargs: object) -> dict[str, dict[str, Any]] | None:
    """Return ``{trigger: kwargs}`` as JSON objects; None stays None: the kwargs are not to be replaced.

    :raises InvalidTrigger: when it is no mapping, or a name or kwargs are outside the allowed form.
    """
    if kwargs is None:
        return None
    if not isinstance(kwargs, Mapping):
        raise InvalidTrigger(f"Replacement kwargs are a mapping of trigger to kwargs; found {kwargs!r}.")
    return {validate_trigger_name(name): validate_trigger_kwargs(value) for name, value in kwargs.items()}


def validate_metadata(metadata: object) -> dict[str, Any]:
    """Return a session's metadata as a JSON object; None is an empty one.

    :raises InvalidMetadata: when it is no mapping, or holds what JSON cannot.
    """
    if metadata is None:
        return {}
    copied: dict[str, Any] = json.loads(_json_text(metadata, what="Metadata", error_class=InvalidMetadata))
    return copied


def validate_instance_metadata(metadata: object) -> dict[str, Any]:
    """Return what a user attaches to an instance as a JSON object; None is an empty one.

    :raises InvalidMetadata: when it is no mapping, holds what JSON cannot, or sets a key that the framework keeps
        (:data:`KEPT_METADATA`) or whose values have a type (:data:`TYPED_METADATA`) to another.
    """
    attached = validate_metadata(metadata)
    for key in sorted(KEPT_METADATA & attached.keys()):
        raise InvalidMetadata(f"The metadata key {key!r} is kept by the framework; choose another name.")
    for key, expected in TYPED_METADATA.items():
        if key in attached and type(attached[key]) is not expected:
            found = attached[key]
            raise InvalidMetadata(f"The metadata key {key!r} takes {expected.__name__}; found {found!r}.")
    return attached


def _json_text(value: object, *, what: str, error_class: type[InvalidTrigger | InvalidMetadata]) -> str:
    """A mapping that JSON and every database can hold, written as JSON."""
    if not isinstance(value, Mapping):
        raise error_class(f"{what} must be a mapping (a JSON object), not {type(value).__name__}: {value!r}.")
    try:
        text = _ENCODER.encode(dict(value))
    except (TypeError, ValueError) as error:
        raise error_class(f"{what} must be JSON: {error}; found {value!r}.") from error
    if "\\u0000" in text and re.search(r"(?<!\\)(?:\\\\)*\\u0000", text):
        raise error_class(f"{what} must not contain the character NUL, which databases cannot keep.")
    return text
