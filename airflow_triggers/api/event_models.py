"""What the OpenAPI document says of CloudEvents: FastAPI reads them from no model.

Neighbours: ``cloud_events.py`` reads the events; ``routes/cloud_events.py`` takes them.
"""

from __future__ import annotations

from typing import Any

from airflow_triggers.api.cloud_events import BATCH, MAX_ATTRIBUTE_LENGTH, STRUCTURED
from airflow_triggers.api.fields import SESSION_UID, TEXT, TRIGGER_NAME
from airflow_triggers.api.requests import KWARGS_EXAMPLE, MAX_BATCH
from airflow_triggers.domain.configuration import MAX_KEY_LENGTH

_EXAMPLE = {
    "specversion": "1.0",
    "id": "page-1",
    "source": "https://shop.example/survey",
    "type": "firstPageReceived",
    "subject": "respondent-17",
    "configuration": "questionnaire",
    "datacontenttype": "application/json",
    "data": KWARGS_EXAMPLE,
}

_ATTRIBUTE = {"type": "string", **TEXT, "minLength": 1, "maxLength": MAX_ATTRIBUTE_LENGTH}
_NAME = {"type": "string", **TEXT, "minLength": 1, "maxLength": MAX_KEY_LENGTH}
_MOMENT = {"type": "string", "format": "date-time"}
_MEDIA_TYPE = {"type": "string", "pattern": r"^(application|text)/([a-zA-Z0-9.-]+\+)?json(;.*)?$"}


def _optional(schema: dict[str, Any], description: str) -> dict[str, Any]:
    """In CloudEvents' JSON, null is the same as an absent attribute."""
    return {"anyOf": [schema, {"type": "null"}], "description": description}


EVENT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "CloudEvent",
    "description": "An event of CloudEvents 1.0, with a trigger's kwargs as data. It may have further extension "
    "attributes; they are ignored.",
    "properties": {
        "specversion": {"type": "string", "const": "1.0"},
        "id": {**_ATTRIBUTE, "description": "With `source` it identifies the event, which counts once."},
        "source": _ATTRIBUTE,
        "type": {"type": "string", **TRIGGER_NAME, "description": "The trigger's name."},
        "subject": {"type": "string", **SESSION_UID, "description": "The session's UID."},
        "configuration": _optional(
            _NAME, "A deployed configuration's name: a first event makes the session."
        ),
        "fireat": _optional(_MOMENT, "Not before this moment."),
        "time": _optional(_MOMENT, "When it happened; not used."),
        "datacontenttype": _optional(_MEDIA_TYPE, "That of JSON."),
        "dataschema": _optional(_ATTRIBUTE, "Not used."),
        "data": _optional({"type": "object"}, "The trigger's kwargs."),
    },
    "required": ["specversion", "id", "source", "type", "subject"],
    "propertyNames": {"pattern": "^([a-z0-9]+|data_base64)$"},
    "additionalProperties": True,
}

EVENT_SCHEMAS: dict[str, Any] = {
    STRUCTURED: {"schema": EVENT_SCHEMA, "examples": {"event": {"value": _EXAMPLE}}},
    BATCH: {
        "schema": {"type": "array", "items": EVENT_SCHEMA, "minItems": 1, "maxItems": MAX_BATCH},
        "examples": {"events": {"value": [_EXAMPLE]}},
    },
    "application/json": {
        "schema": {"type": "object", "description": "Binary mode: the data. The attributes are headers."},
        "examples": {"data": {"value": KWARGS_EXAMPLE}},
    },
}
"""The contents of a request's body."""


def _header(attribute: str) -> dict[str, Any]:
    return {
        "name": f"ce-{attribute}",
        "in": "header",
        "required": False,
        "description": f"Binary mode: the event's `{attribute}`, percent-encoded.",
        "schema": {
            "type": "string",
            "pattern": r"^[\x21\x23\x24\x26-\x7e]+$",
            "maxLength": MAX_ATTRIBUTE_LENGTH,
        },
        "example": _EXAMPLE[attribute],
    }


EVENT_HEADERS = [
    _header(name) for name in ("specversion", "id", "source", "type", "subject", "configuration")
]
"""The headers of binary mode."""
