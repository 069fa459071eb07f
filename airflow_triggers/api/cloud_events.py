"""CloudEvents 1.0 over HTTP, read as fires: the three content modes, and the strict form of the events.

The SDK ``cloudevents`` knows the specification. It is lenient about JSON and about missing attributes; this file is
not. Neighbours: ``event_mapping.py`` says which fire an event asks for; ``routes/cloud_events.py`` fires.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from starlette.datastructures import Headers

from airflow_triggers.api.header_values import unquoted
from airflow_triggers.api.problems import Problem, pointer_of
from airflow_triggers.domain.validation import JsonFlaw, excerpt, parse_json, parse_moment
from airflow_triggers.errors import InvalidTrigger

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
PREFIX = "ce-"

REASON = "InvalidEvent"

MAX_ATTRIBUTE_LENGTH = 1000
"""For the attributes of the specification. A trigger's name and a UID are shorter."""

_REQUIRED_ATTRIBUTES = ("specversion", "id", "source", "type")
_TEXTS = ("id", "source", "type", "subject", "dataschema")
_STRINGS = (*_TEXTS, "datacontenttype")


class InvalidEvent(ValueError):
    """An attribute of an event, or its data, is not valid.

    :param attribute: its name; empty: the whole event.
    :param expected: what was expected, as a phrase.
    :param found: the value found, shortened; None: nothing.
    """

    def __init__(self, attribute: str, expected: str, found: str | None = None) -> None:
        self.attribute, self.expected, self.found = attribute, expected, found or "nothing"
        super().__init__(f"{attribute or 'event'}: {expected}, found {self.found}")

    @classmethod
    def from_check(cls, attribute: str, message: object, found: str) -> InvalidEvent:
        """The error for the message of a check.

        :param message: what was expected. If it also says what was found, this is more exact than ``found``.
        """
        expected, _, exact = str(message).removeprefix("Value error, ").rstrip(".").partition("; found ")
        return cls(attribute, expected, exact or found)

    def problem(self, *, in_headers: bool) -> Problem:
        """The problem for an answer.

        :param in_headers: whether the event's attributes were sent as headers.
        """
        is_header = in_headers and self.attribute not in ("", "data")
        name = f"{PREFIX}{self.attribute}" if is_header else self.attribute or "body"
        if is_header and self.attribute == "datacontenttype":
            name = "content-type"
        place = {
            "in": "header" if is_header else "body",
            "field": name,
            "problem": self.expected,
            "found": self.found,
        }
        if not is_header:
            place["pointer"] = pointer_of([] if in_headers or not self.attribute else [self.attribute])
        return Problem(
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            reason=REASON,
            documented_reason=REASON,
            detail=f"The CloudEvent is not valid. {self}.",
            places=[place],
        )


def content_mode(headers: Headers) -> str:
    """The media type of an event, or of a batch; empty for an event in binary mode.

    :raises InvalidEvent: when the headers announce no CloudEvent in JSON.
    """
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type in (STRUCTURED, BATCH):
        return media_type
    if not media_type.startswith("application/cloudevents") and f"{PREFIX}specversion" in headers:
        return ""
    raise InvalidEvent(
        "",
        f"expected an event as {STRUCTURED}, several as {BATCH}, or attributes as headers (ce-specversion, ce-id, …)",
        f"the content type {excerpt(media_type)} without ce-specversion",
    )


def event_of_headers(headers: Headers, body: bytes) -> CloudEvent:
    """The event in binary mode. :raises InvalidEvent: when it is not valid."""
    texts = {name.removeprefix(PREFIX): text for name, text in headers.items() if name.startswith(PREFIX)}
    attributes: dict[str, Any] = {name: _decoded(name, text) for name, text in texts.items()}
    if "time" in attributes:
        attributes["time"] = _moment(attributes["time"])
    if "content-type" in headers:
        attributes["datacontenttype"] = headers["content-type"]
    return _strict_event(attributes, _data_of(body, attributes.get("datacontenttype")))


def _decoded(name: str, text: str) -> str:
    """The attribute in a header. The SDK would replace bytes that are not UTF-8: two ids could become one."""
    try:
        return unquote(unquoted(text), errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidEvent(name, "must be percent-encoded UTF-8", excerpt(text)) from error


def event_of_json(body: bytes) -> CloudEvent:
    """The event in structured mode. :raises InvalidEvent: when it is not valid."""
    return event_of_members(_parsed(body, ""))


def members_of_batch(body: bytes, *, most: int) -> list[Any]:
    """The events of a batch, not read yet.

    :raises InvalidEvent: when the body is no array of 1 to ``most`` elements.
    """
    content = _parsed(body, "")
    if not isinstance(content, list) or not 1 <= len(content) <= most:
        content_text = f"{len(content)} events" if isinstance(content, list) else excerpt(content)
        raise InvalidEvent("", f"expected a JSON array of 1 to {most} events", content_text)
    return content


def event_of_members(content: Any) -> CloudEvent:
    """The event of a JSON object. :raises InvalidEvent: when it is not valid."""
    if not isinstance(content, Mapping):
        raise InvalidEvent("", "expected a JSON object", excerpt(content))
    attributes = {name: value for name, value in content.items() if name not in ("data", "data_base64")}
    # In the JSON format, null is the same as an absent attribute.
    attributes = {name: value for name, value in attributes.items() if value is not None}
    if "time" in attributes:
        attributes["time"] = _moment(attributes["time"])
    if "data_base64" not in content:
        _require_json(attributes.get("datacontenttype"))
        return _strict_event(attributes, content.get("data"))
    if "data" in content:
        raise InvalidEvent("data_base64", "must not stand beside 'data'", excerpt(content["data_base64"]))
    try:
        data = base64.b64decode(content["data_base64"], validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise InvalidEvent("data_base64", "must be base64", excerpt(content["data_base64"])) from error
    return _strict_event(attributes, _data_of(data, attributes.get("datacontenttype")))


def _data_of(body: bytes, datacontenttype: Any) -> Any:
    """The data in JSON, read as REST reads every body; None without a body."""
    if not body:
        return None
    _require_json(datacontenttype)
    return _parsed(body, "data")


def _require_json(datacontenttype: Any) -> None:
    if isinstance(datacontenttype, str) and not re.match(
        JSONFormat.JSON_CONTENT_TYPE_PATTERN, datacontenttype.strip().lower()
    ):
        raise InvalidEvent("datacontenttype", "must be that of JSON, or left out", excerpt(datacontenttype))


def _strict_event(attributes: dict[str, Any], data: Any) -> CloudEvent:
    """The event. The SDK would invent an id for one without."""
    for name in _REQUIRED_ATTRIBUTES:
        if name not in attributes:
            raise InvalidEvent(name, "this attribute is required")
    for name in _STRINGS:
        if name in attributes and not isinstance(attributes[name], str):
            raise InvalidEvent(name, "must be a string", excerpt(attributes[name]))
    for name in _TEXTS:
        text = attributes.get(name, "absent")
        if not (text.isprintable() and 1 <= len(text) <= MAX_ATTRIBUTE_LENGTH):
            raise InvalidEvent(name, f"must be 1-{MAX_ATTRIBUTE_LENGTH} printable characters", excerpt(text))
    try:
        return CloudEvent(attributes, data)
    except CloudEventValidationError as error:
        name, problems = next(iter(error.errors.items()))
        raise InvalidEvent(name, str(problems[-1]).rstrip("."), excerpt(attributes.get(name))) from error


def _parsed(body: bytes, attribute: str) -> Any:
    try:
        return parse_json(body)
    except JsonFlaw as flaw:
        raise InvalidEvent.from_check(attribute, flaw, excerpt(body.decode(errors="replace"))) from flaw
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InvalidEvent(
            attribute, f"must be JSON ({error})", excerpt(body.decode(errors="replace"))
        ) from error


def _moment(value: Any) -> datetime:
    try:
        return parse_moment(value)
    except InvalidTrigger as error:
        raise InvalidEvent("time", "must be a moment of RFC 3339", excerpt(value)) from error
