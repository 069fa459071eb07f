"""The types in requests: UIDs, triggers, instances, ids, cursors. Each is checked, and documented by its form.

A database has more limits than JSON and URLs: PostgreSQL keeps no NUL, and no database keeps an unpaired surrogate or
an integer of any size. So no query, path or body has a bare ``str`` or ``int``. Neighbours: ``requests.py`` uses these
in requests, ``dependencies.py`` in paths; ``domain/validation.py`` has the checks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, ValidationError
from pydantic_core import InitErrorDetails

from airflow_triggers.domain.configuration import MAX_ID, MAX_KEY_LENGTH, MAX_NAME_LENGTH
from airflow_triggers.domain.instances import (
    MAX_INSTANCE_NAME_LENGTH,
    MAX_INSTANCE_NUMBER,
    parse_instance_name,
)
from airflow_triggers.domain.validation import DOT_SEGMENTS, JsonFlaw, json_object, validate_trigger_name
from airflow_triggers.errors import InvalidTrigger
from airflow_triggers.extensions.registry import Registry
from airflow_triggers.manager.manager import trigger_managers
from airflow_triggers.sessions.cursors import MAX_CURSOR_LENGTH
from airflow_triggers.storages import storage_backends

MAX_PAGE = 200

MAX_LIST = 1000
"""The most items of a page over all sessions: they are small."""

JsonSchema = dict[str, Any]


def _form(first_and_last: str) -> str:
    """The pattern of a text of these characters and inner blanks, without surrounding blanks.

    :param first_and_last: a character class of a regular expression.
    """
    return f"{first_and_last}(?:(?:{first_and_last}| )*{first_and_last})?"


_PRINTABLE = r"[^\p{C}\p{Z}]"
_NO_SLASH = r"[^\p{C}\p{Z}/]"
_CURSOR = r"[0-9]{1,19}\.[0-9]{1,19}\.[0-9]{1,19}"
_TASK = _form(r"[^\p{C}\p{Z}#]")
_NUMBER = rf"(?:0|[1-9][0-9]{{0,{len(str(MAX_INSTANCE_NUMBER)) - 1}}})"

TEXT: JsonSchema = {"pattern": rf"^(?:{_PRINTABLE}| )+$"}
"""Printable text, as a JSON Schema. ``\\p{…}`` is a Unicode property, as in ECMAScript's ``u`` patterns."""

ANY_TEXT: JsonSchema = {"pattern": r"^[\s\S]*$"}
"""Text of several lines, with any characters."""

PREFIX: JsonSchema = {"pattern": rf"^(?:{_PRINTABLE}| )*$"}

TRIGGER_NAME: JsonSchema = {
    "pattern": f"^{_form(_PRINTABLE)}$",
    "minLength": 1,
    "maxLength": MAX_NAME_LENGTH,
}

SESSION_UID: JsonSchema = {
    "pattern": f"^{_form(_NO_SLASH)}$",
    "minLength": 1,
    "maxLength": MAX_NAME_LENGTH,
    "not": {"enum": sorted(DOT_SEGMENTS)},
}

INSTANCE_NAME: JsonSchema = {
    "pattern": f"^{_TASK}#{_NUMBER}$",
    "minLength": 3,
    "maxLength": MAX_INSTANCE_NAME_LENGTH,
}

TASK_OR_INSTANCE_NAME: JsonSchema = {
    **INSTANCE_NAME,
    "pattern": f"^{_TASK}(?:#{_NUMBER})?$",
    "minLength": 1,
}

HISTORY_CURSOR: JsonSchema = {"pattern": f"^{_CURSOR}$", "minLength": 5, "maxLength": 59}


@dataclass(frozen=True, eq=False)
class Form:
    """What the OpenAPI document states of a string besides its type and lengths.

    It checks nothing: the annotation's other parts do.
    """

    schema: JsonSchema

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: GetJsonSchemaHandler) -> JsonSchema:
        """See pydantic's documentation of ``Annotated``."""
        return {**handler(core_schema), **self.schema}


@dataclass(frozen=True, eq=False)
class InstalledNames:
    """A name in a registry. The OpenAPI document lists the installed names."""

    registry: Registry[Any]

    def check(self, name: str) -> str:
        """The name.

        :raises ValueError: when nothing with this name is installed; it lists the installed names.
        """
        names = self.registry.names()
        if name not in names:
            hint = self.registry.hint(name).strip()
            raise ValueError(
                f"must be a {self.registry.kind} that is installed: {', '.join(names)}{hint and f' ({hint})'}"
            )
        return name

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: GetJsonSchemaHandler) -> JsonSchema:
        """See pydantic's documentation of ``Annotated``."""
        return {**handler(core_schema), "enum": self.registry.names()}


def _json_number(value: object) -> object:
    """A number of JSON. In JSON Schema 5.0 is an integer, too; pydantic's strict integers refuse it."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("must be a number")
    return value


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be printable characters")
    return text


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be text without half of a surrogate pair") from None
    return text


def _trigger_name(name: str) -> str:
    try:
        return validate_trigger_name(name)
    except InvalidTrigger:
        raise ValueError(
            f"must be 1-{MAX_NAME_LENGTH} printable characters without surrounding blanks"
        ) from None


def _instance_name(name: str) -> str:
    try:
        parse_instance_name(name)
    except ValueError:
        raise ValueError("must be the name of a task instance, such as 't_import#0'") from None
    return name


def located_json_object(value: object) -> dict[str, Any]:
    """The value as :func:`json_object` returns it.

    :raises ValidationError: for a flaw; its ``loc`` leads to the place inside the value, unless the names on the way
        are too long for an answer.
    """
    try:
        return json_object(value)
    except JsonFlaw as flaw:
        is_short = sum(map(len, flaw.path)) <= MAX_NAME_LENGTH
        place = tuple(reversed(flaw.path)) if is_short else ()
        details = InitErrorDetails(type="value_error", loc=place, input=value, ctx={"error": flaw})
        raise ValidationError.from_exception_data("JSON object", [details]) from flaw


def _history_cursor(cursor: str) -> str:
    if not re.fullmatch(_CURSOR, cursor):
        raise ValueError("must be the 'next' of another page")
    return cursor


_managers, _storages = InstalledNames(trigger_managers), InstalledNames(storage_backends)

SessionUidText = Annotated[str, Form(SESSION_UID)]
"""Only the form in the OpenAPI document. The gate validates UIDs in paths, the route UIDs in bodies."""

FiredTriggerName = Annotated[str, Form(TRIGGER_NAME)]
"""A name in a body. The :class:`FireRequest` made from the body validates it."""

TriggerName = Annotated[str, Form(TRIGGER_NAME), AfterValidator(_trigger_name)]
InstanceName = Annotated[str, Form(INSTANCE_NAME), AfterValidator(_instance_name)]
KeptName = Annotated[
    str, Field(min_length=1, max_length=MAX_KEY_LENGTH), Form(TEXT), AfterValidator(_printable)
]
TaskName = Annotated[
    str, Field(min_length=1, max_length=MAX_NAME_LENGTH), Form(TEXT), AfterValidator(_printable)
]
Prefix = Annotated[str, Field(max_length=MAX_NAME_LENGTH), Form(PREFIX), AfterValidator(_printable)]
HistoryCursor = Annotated[str, Form(HISTORY_CURSOR), AfterValidator(_history_cursor)]
ManagerName = Annotated[str, _managers, AfterValidator(_managers.check)]
StorageName = Annotated[str, _storages, AfterValidator(_storages.check)]
Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE)]
LimitInBody = Annotated[Limit, BeforeValidator(_json_number)]
"""Outside a body every value is a text."""

ListLimit = Annotated[int, Field(ge=1, le=MAX_LIST)]
Cursor = Annotated[str, Field(min_length=1, max_length=MAX_CURSOR_LENGTH, pattern=r"^[A-Za-z0-9_-]+$")]
AnyText = Annotated[str, Form(ANY_TEXT), AfterValidator(_text)]
"""Text of several lines, for a parser that has limits of its own."""
