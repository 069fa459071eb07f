"""The forms and limits of values from outside: UIDs, names, keys, moments, cooldowns, JSON. It checks and copies them.

Every way in (REST, CLI, Python, asset events, reports of tasks, configuration files) calls these before it writes.
Neighbours: the other files of this room have the values, ``errors.py`` the errors.
"""

from __future__ import annotations

import json
import math
import re
import reprlib
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from airflow_triggers.domain.configuration import MAX_KEY_LENGTH, MAX_NAME_LENGTH
from airflow_triggers.domain.metadata import (
    APPLIED_FIRES,
    DEPTH,
    LOG_LEVEL,
    LOGS_RESOLVED,
    PARENT,
    RETRIES,
    SEEN_RUN,
    TIMESTAMPS,
    UNREADABLE,
    WITHDRAWN,
)
from airflow_triggers.errors import (
    InvalidCooldown,
    InvalidFilter,
    InvalidMaxRetries,
    InvalidMetadata,
    InvalidSessionUid,
    InvalidTrigger,
)
from airflow_triggers.sentences import sentence

KEPT_METADATA = frozenset(
    {APPLIED_FIRES, DEPTH, PARENT, RETRIES, SEEN_RUN, TIMESTAMPS, UNREADABLE, WITHDRAWN}
)
"""Only the framework writes these keys of an instance's metadata."""

TYPED_METADATA: Mapping[str, tuple[type, str]] = {
    LOG_LEVEL: (int, "an integer"),
    LOGS_RESOLVED: (bool, "true or false"),
}
"""Anybody may write these keys of an instance's metadata; the framework reads them."""

DOT_SEGMENTS = frozenset({".", ".."})
"""Forbidden in paths: clients resolve them as the folder itself, or the folder above."""

MAX_DEPTH = 100
"""The most levels of nested objects and arrays in JSON. The outermost one counts."""

MAX_JSON_BYTES = 1024 * 1024
"""The most bytes (UTF-8) in the JSON text of kwargs, a result or metadata. A REST request's body has the same limit."""

MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1
"""The integers of MessagePack. Airflow uses MessagePack to talk to the task's process."""

MAX_RETRIES = 2**31 - 1
"""The most often that a task may ask for another run: the largest number in a column of 32 bits."""

MAX_COOLDOWN = 366 * 24 * 3600
"""The longest cooldown before a replay, in seconds: a year."""

EARLIEST_MOMENT = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
LATEST_MOMENT = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
"""Python can express the moments within these limits in every time zone. A database may return any time zone."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d(:?[0-5]\d)?)", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")

_MAX_SHOWN = 80


def validate_session_uid(uid: object) -> str:
    """Return the UID if it is 1-200 printable characters without "/" and surrounding blanks, and not "." or "..".

    :raises InvalidSessionUid: otherwise, naming the UID and the reason.
    """
    form = '1-200 printable characters without "/" and surrounding blanks'
    if not isinstance(uid, str):
        raise InvalidSessionUid(
            f"A session UID is a string ({form}), not {type(uid).__name__}: {excerpt(uid)}."
        )
    if not 1 <= len(uid) <= MAX_NAME_LENGTH:
        raise InvalidSessionUid(f"A session UID has {form}; found {_shown_name(uid)}.")
    if uid != uid.strip() or "/" in uid or not uid.isprintable():
        raise InvalidSessionUid(f"A session UID has {form}; found {uid!r}.")
    if uid in DOT_SEGMENTS:
        # RFC 3986 lets every client and proxy take them out of a path, percent-encoded or not.
        raise InvalidSessionUid(f"No URL can name a session {uid!r}; choose another UID.")
    return _plain(uid)


def validate_trigger_name(trigger_name: object) -> str:
    """Return the trigger's name if it is 1-200 printable characters without surrounding blanks.

    :raises InvalidTrigger: otherwise.
    """
    form = "1-200 printable characters without surrounding blanks"
    if not isinstance(trigger_name, str):
        raise InvalidTrigger(
            f"A trigger's name is a string ({form}), not {type(trigger_name).__name__}: {excerpt(trigger_name)}."
        )
    fits = 1 <= len(trigger_name) <= MAX_NAME_LENGTH and trigger_name == trigger_name.strip()
    if not fits or not trigger_name.isprintable():
        raise InvalidTrigger(f"A trigger's name has {form}; found {_shown_name(trigger_name)}.")
    return _plain(trigger_name)


def _shown_name(name: str) -> str:
    """The name; of a long one its beginning and its length."""
    return repr(_plain(name)) if len(name) <= MAX_NAME_LENGTH else f"{name[:40]!r}… of {len(name)} characters"


def validate_idempotency_key(key: object) -> str:
    """Return the idempotency key if it is 1-250 printable characters.

    :raises InvalidTrigger: otherwise.
    """
    if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise InvalidTrigger(
            f"An idempotency key is a string of 1-{MAX_KEY_LENGTH} printable characters; found {excerpt(key)}."
        )
    return _plain(key)


def validate_fire_at(fire_at: object, *, name: str = "fire_at") -> datetime | None:
    """Return the moment in UTC; None stays None: at once.

    :param name: what the caller calls it.
    :raises InvalidTrigger: when it is no moment with a timezone, or outside the range of some database.
    """
    if fire_at is None:
        return None
    if not isinstance(fire_at, datetime) or fire_at.utcoffset() is None:
        raise InvalidTrigger(f"{name!r} is a datetime with a timezone; found {excerpt(fire_at)}.")
    if not EARLIEST_MOMENT <= fire_at <= LATEST_MOMENT:
        raise InvalidTrigger(
            f"{name!r} lies between {EARLIEST_MOMENT.date()} and {LATEST_MOMENT.date()} in UTC; "
            f"found {fire_at.isoformat()}."
        )
    return fire_at.astimezone(UTC)


def parse_moment(text: object, *, name: str = "fire_at") -> datetime:
    """Read a moment in the form of a request: ISO 8601 with a time and an offset from UTC. Return it in UTC.

    :param name: what the caller calls it.
    :raises InvalidTrigger: when it is written otherwise, or outside the allowed moments.
    """
    form = "a string, a moment in ISO 8601 with its offset from UTC, such as '2031-05-17T08:00:00Z'"
    moment_text = text.upper() if isinstance(text, str) and len(text) <= _MAX_SHOWN else ""
    try:
        if not _MOMENT.fullmatch(moment_text):
            raise ValueError(excerpt(text))
        moment = datetime.fromisoformat(moment_text)
    except ValueError as error:
        raise InvalidTrigger(sentence(f"{name!r} is {form}; found {error}")) from None
    in_utc = validate_fire_at(moment, name=name)
    assert in_utc is not None
    return in_utc


def validate_cooldown(cooldown: object) -> float | None:
    """Return the seconds to wait before a replay; None stays None: at once.

    :raises InvalidCooldown: when it is no number from 0 to :data:`MAX_COOLDOWN`. A boolean or a string is none.
    """
    if cooldown is None:
        return None
    if (
        isinstance(cooldown, (int, float))
        and not isinstance(cooldown, bool)
        and 0 <= cooldown <= MAX_COOLDOWN
    ):
        return cooldown
    raise InvalidCooldown(
        f"A cooldown is a number of seconds from 0 to {MAX_COOLDOWN} (a year); found {excerpt(cooldown)}."
    )


def validate_max_retries(max_retries: object) -> int:
    """Return how often a task may ask to be run again.

    :raises InvalidMaxRetries: when it is no whole number from 0 to :data:`MAX_RETRIES`.
    """
    if type(max_retries) is int and 0 <= max_retries <= MAX_RETRIES:
        return max_retries
    raise InvalidMaxRetries(
        f"'max_retries' is {excerpt(max_retries)}, expected a whole number from 0 to {MAX_RETRIES}."
    )


def validate_filter(name: str, value: object) -> None:
    """Make sure a database can look for the text. None looks for nothing.

    :param name: the kind of text, for the message ("trigger").
    :raises InvalidFilter: when it is not at most 250 printable characters.
    """
    if value is None or (isinstance(value, str) and len(value) <= MAX_KEY_LENGTH and value.isprintable()):
        return
    raise InvalidFilter(
        f"The {name} to look for has at most {MAX_KEY_LENGTH} printable characters; found {str(value)[:60]!r}."
    )


def caller_name(by: str | None) -> str | None:
    """The name of a caller as every database can keep it: at most 250 characters of text."""
    if by is None:
        return None
    return by.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()[:MAX_KEY_LENGTH]


def validate_trigger_kwargs(trigger_kwargs: object) -> dict[str, Any]:
    """Return the kwargs as a JSON object; None is an empty one.

    :raises InvalidTrigger: when they are no mapping, or outside the limits of :func:`json_object`.
    """
    if trigger_kwargs is None:
        return {}
    return _checked_object(trigger_kwargs, subject="Trigger kwargs", error_class=InvalidTrigger)


def validate_replacement_kwargs(kwargs: object) -> dict[str, dict[str, Any]] | None:
    """Return ``{trigger: kwargs}`` as JSON objects; None stays None: the kwargs are not replaced.

    :raises InvalidTrigger: when it is no mapping, or a name or kwargs are outside the allowed form.
    """
    if kwargs is None:
        return None
    if not isinstance(kwargs, Mapping):
        raise InvalidTrigger(
            f"Replacement kwargs are a mapping of trigger to kwargs; found {excerpt(kwargs)}."
        )
    return {validate_trigger_name(name): validate_trigger_kwargs(value) for name, value in kwargs.items()}


def validate_metadata(metadata: object) -> dict[str, Any]:
    """Return a session's metadata as a JSON object; None is an empty one.

    :raises InvalidMetadata: when it is no mapping, or outside the limits of :func:`json_object`.
    """
    if metadata is None:
        return {}
    return _checked_object(metadata, subject="Metadata", error_class=InvalidMetadata)


def validate_instance_metadata(metadata: object) -> dict[str, Any]:
    """Return a user's metadata for an instance as a JSON object; None is an empty one.

    :raises InvalidMetadata: when it is no mapping, holds a value outside JSON, sets a key of the framework
        (:data:`KEPT_METADATA`), or gives a typed key (:data:`TYPED_METADATA`) a value of another type.
    """
    instance_metadata = validate_metadata(metadata)
    for key in sorted(KEPT_METADATA & instance_metadata.keys()):
        raise InvalidMetadata(f"The metadata key {key!r} is kept by the framework; choose another name.")
    for key, (value_type, expected) in TYPED_METADATA.items():
        if key in instance_metadata and type(instance_metadata[key]) is not value_type:
            value = instance_metadata[key]
            raise InvalidMetadata(f"The metadata key {key!r} takes {expected}; found {excerpt(value)}.")
    return instance_metadata


# -- JSON -----------------------------------------------------------------------------------------------------


class JsonFlaw(ValueError):
    """A value outside the JSON that every database, every worker and every page can take.

    :param rule: what must be, as a sentence without its subject.
    :param actual: what was found instead.
    """

    def __init__(self, rule: str, actual: str) -> None:
        super().__init__(rule, actual)
        self.rule, self.actual = rule, actual
        self.path: list[str] = []

    def __str__(self) -> str:
        path = ".".join(reversed(self.path))
        where = f" at {excerpt(path)}" if self.path else ""
        return f"{self.rule}; found {self.actual}{where}"


def json_object(value: object) -> dict[str, Any]:
    """An exact copy of a mapping in JSON's own types: key order, -0.0 and all.

    :raises JsonFlaw: when a key is no string, a value is outside JSON, or a limit is passed: :data:`MAX_DEPTH`,
        :data:`MAX_JSON_BYTES`, :data:`MIN_INTEGER` and :data:`MAX_INTEGER`, finite numbers, no NUL and no half
        of a surrogate pair.
    """
    if not isinstance(value, Mapping):
        raise JsonFlaw("must be a mapping (a JSON object)", f"{type(value).__name__} {excerpt(value)}")
    copy = _mapping(value, 1)
    size = len(json_text(copy).encode())
    if size > MAX_JSON_BYTES:
        raise JsonFlaw(
            f"must have {MAX_JSON_BYTES} bytes at most, written as JSON (keep large content elsewhere, and give its "
            "address)",
            f"{size} bytes",
        )
    return copy


def json_text(value: object) -> str:
    """A JSON value as text, short and with all characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parse_json(text: str | bytes) -> Any:
    """Read JSON text as ``json.loads`` does, but refuse a key that stands twice, which ``json.loads`` silently takes.

    :raises json.JSONDecodeError: when it is no JSON.
    :raises JsonFlaw: when a key stands twice, or it is nested too deep, or has a number of thousands of digits.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise JsonFlaw(f"must not be nested more than {MAX_DEPTH} levels deep", "more") from None
    except (json.JSONDecodeError, UnicodeDecodeError, JsonFlaw):
        raise
    except ValueError:
        _refuse_integer("one of thousands of digits")


def excerpt(value: object) -> str:
    """A value's ``repr``, shortened; the type of a value without a working ``repr``. For messages."""
    if isinstance(value, str):
        text = _plain(value)
        return repr(text) if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]!r}…"
    if isinstance(value, int) and value.bit_length() > 256:
        return f"an integer of about {round(value.bit_length() * math.log10(2))} digits"
    try:
        text = reprlib.repr(value)
    # A user's class, or a nested integer too long to be shown.
    except Exception:  # noqa: BLE001
        return f"({type(value).__name__})"
    return text if len(text) <= 3 * _MAX_SHOWN else f"{text[: 3 * _MAX_SHOWN]}…"


def _checked_object(
    value: object, *, subject: str, error_class: type[InvalidTrigger | InvalidMetadata]
) -> dict[str, Any]:
    try:
        return json_object(value)
    except JsonFlaw as flaw:
        raise error_class(f"{subject} {flaw}.") from flaw


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise JsonFlaw("must not have a key twice in one object", f"the key {excerpt(twice)} twice")
    return content


def _mapping(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    """The copy of an object. Its items are read once: a user's class may return others each time."""
    _refuse_depth(depth)
    items = list(value.items())
    for key, _ in items:
        if not isinstance(key, str):
            raise JsonFlaw("must be JSON, whose keys are strings", f"the key {excerpt(key)}")
        _refuse_characters(key)
    copy: dict[str, Any] = {}
    key = ""
    try:
        for key, part in items:
            copy[_plain(key)] = _json(part, depth + 1)
    except JsonFlaw as flaw:
        flaw.path.append(key)
        raise
    return copy


def _array(value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
    _refuse_depth(depth)
    copy: list[Any] = []
    try:
        copy.extend(_json(part, depth + 1) for part in value)
    except JsonFlaw as flaw:
        flaw.path.append(str(len(copy)))
        raise
    return copy


def _json(value: Any, depth: int) -> Any:
    """The copy of a value. A subclass of a JSON type, such as an enumeration's member, becomes the plain value."""
    if isinstance(value, str):
        _refuse_characters(value)
        return _plain(value)
    if value is None or isinstance(value, (bool, int, float)):
        return _scalar(value)
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    if isinstance(value, (list, tuple)):
        return _array(value, depth)
    raise JsonFlaw(
        "must be JSON: objects, arrays, strings, numbers, booleans and null",
        f"{type(value).__name__} {excerpt(value)}",
    )


def _scalar(value: Any) -> Any:
    if value is None or value is True or value is False:
        return value
    if isinstance(value, int):
        integer = int.__int__(value)
        if not MIN_INTEGER <= integer <= MAX_INTEGER:
            _refuse_integer(excerpt(integer))
        return integer
    number = float.__float__(value)
    if not math.isfinite(number):
        rule = "must be JSON, which has no NaN, no Infinity and no number beyond 1.8e308"
        raise JsonFlaw(rule, excerpt(number))
    return number


def _plain(text: str) -> str:
    """A subclass's text as plain text. A subclass may show itself otherwise: an enumeration's member as its name."""
    return text if type(text) is str else str.__str__(text)


def _refuse_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise JsonFlaw(f"must not be nested more than {MAX_DEPTH} levels deep", "more")


def _refuse_characters(text: str) -> None:
    if "\0" in text:
        raise JsonFlaw("must not contain the character NUL, which databases cannot keep", excerpt(text))
    if not text.isascii() and _SURROGATE.search(text):
        raise JsonFlaw("must not contain unpaired surrogates, which UTF-8 cannot hold", excerpt(text))


def _refuse_integer(description: str) -> NoReturn:
    raise JsonFlaw(
        "must not contain integers outside -2^63 to 2^64-1, which Airflow cannot send to workers", description
    )
