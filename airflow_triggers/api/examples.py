"""Examples for the OpenAPI document: one for each body and each answer, made of the examples of their fields.

So a new route has examples as soon as its fields have. Neighbours: ``document.py`` puts them into the document;
``tests/unit/test_api_document.py`` compares them with their schemas.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_triggers.api.problem_types import problem_types
from airflow_triggers.api.problems import PROBLEM_TYPES_PATH

MOMENT = "2026-05-17T08:00:00Z"

_MOUNT = "/triggers"

_REASONS = {
    401: (
        "NotAuthenticated",
        "Not authenticated. Send a token of Airflow's POST /auth/token as 'Authorization: …'.",
    ),
    403: (
        "Forbidden",
        "You lack the right in Airflow to create runs of the DAG 'questionnaire.t_importSubject'.",
    ),
    404: ("SessionNotFound", "There is no session 'respondent-17'."),
    409: (
        "InvalidTransition",
        "Cannot replay t_importSubject#0: it is running, and only failed instances can be.",
    ),
    412: (
        "PreconditionFailed",
        "Session 'respondent-17' has changed since you read it. Nothing was changed.",
    ),
    413: ("TooLarge", "A body has 1048576 bytes at most here."),
    422: ("InvalidBody", "The body is not valid. trigger: this is required, found nothing."),
    503: (
        "LockTimeout",
        "Session 'respondent-17' is locked by somebody else; nothing was changed. Try again.",
    ),
}
"""The reason and the sentence of the example for each status."""


def example_of(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    """A value of the schema.

    :param components: the document's schemas by name, for references.
    """
    if "$ref" in schema:
        return example_of(components[str(schema["$ref"]).rpartition("/")[2]], components)
    if schema.get("examples"):
        return schema["examples"][0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return _example_of_choice(schema[key], components)
    return _example_of_type(schema, components)


def _example_of_choice(choices: list[Mapping[str, Any]], components: Mapping[str, Any]) -> Any:
    """Null where it is allowed: the description says when there is a value."""
    is_optional = {"type": "null"} in choices
    return None if is_optional else example_of(choices[0], components)


def _example_of_type(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    match schema.get("type"):
        case "object":
            return {name: example_of(part, components) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [example_of(schema["items"], components)]
        case "string":
            return MOMENT if schema.get("format") == "date-time" else "text"
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
    return {}


def problem_example(status: int, path: str) -> dict[str, Any]:
    """The body of an error with this status.

    :param path: the path of the operation in the document.
    """
    reason, detail = _REASONS.get(status) or next(
        (kind.reason, kind.description) for kind in problem_types() if kind.status == status
    )
    kind = next(kind for kind in problem_types() if kind.reason == reason)
    problem: dict[str, Any] = {
        "type": f"{_MOUNT}{PROBLEM_TYPES_PATH}#{reason}",
        "title": kind.title,
        "status": status,
        "detail": detail,
        "instance": _MOUNT + _named(path),
        "reason": reason,
    }
    if reason == "InvalidBody":
        place = {"in": "body", "field": "trigger", "problem": "this is required", "found": "nothing"}
        problem["errors"] = [{**place, "pointer": "#/trigger"}]
    return problem


def _named(path: str) -> str:
    """The path with names in place of its parameters."""
    names = {"uid": "respondent-17", "name": "t_importSubject%230"}
    for parameter, name in names.items():
        path = path.replace(f"{{{parameter}}}", name)
    return path.replace("{", "").replace("}", "")
