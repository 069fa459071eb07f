"""The OpenAPI document: what FastAPI's own leaves out.

``make openapi`` writes the document into the docs. Neighbours: ``app.py`` makes the application; the models and routes
say the rest; ``examples.py`` and ``links.py`` have what is added here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.security import APIKeyCookie, HTTPBearer
from fastapi.security.base import SecurityBase

from airflow_triggers.api.datamodels import ErrorBody
from airflow_triggers.api.examples import example_of, problem_example
from airflow_triggers.api.late_routes import all_routes
from airflow_triggers.api.links import LINKS, NEXT_PAGE, next_page_link
from airflow_triggers.api.problems import PROBLEM_JSON

Operation = dict[str, Any]
"""An operation of the document."""

SECURITY_SCHEMES: Mapping[str, SecurityBase] = {
    "HTTPBearer": HTTPBearer(auto_error=False, description="A token of Airflow's `POST /auth/token`."),
    "APIKeyCookie": APIKeyCookie(
        name=COOKIE_NAME_JWT_TOKEN,
        auto_error=False,
        description="The cookie of a login in Airflow's pages; only they may use it to change anything.",
    ),
}
"""Every operation takes one of them. The gate checks them; a route would read them again in each request."""


REFERENCE = "#/components/schemas/{model}"

AFTER_SECURITY = frozenset({"parameters", "requestBody", "responses"})


class DocumentedApi(FastAPI):
    """FastAPI, whose document is exact about our answers."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document; made once."""
        if self.openapi_schema is None:
            document = self.openapi_schema = get_openapi(
                title=self.title,
                version=self.version,
                openapi_version=self.openapi_version,
                description=self.description,
                routes=list(all_routes(self.router.routes)),
            )
            schemas = document["components"]["schemas"] | _error_schemas()
            document["components"]["schemas"] = {name: schemas[name] for name in sorted(schemas)}
            document["components"]["securitySchemes"] = {
                name: scheme.model.model_dump(mode="json", by_alias=True, exclude_none=True)
                for name, scheme in SECURITY_SCHEMES.items()
            }
            for path, operation in _operations(document):
                _require_login(operation)
                _state_problem_json(operation["responses"])
                for parameter in operation.get("parameters", []):
                    _leave_out_null(parameter["schema"])
                _add_examples(path, operation, schemas)
            _add_links(document)
        return self.openapi_schema


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            yield path, operation


def _require_login(operation: Operation) -> None:
    """State that the operation takes one of the security schemes."""
    rest = {name: operation.pop(name) for name in list(operation) if name in AFTER_SECURITY}
    operation["security"] = [{name: []} for name in SECURITY_SCHEMES]
    operation.update(rest)


def _error_schemas() -> dict[str, Any]:
    """The schema of every error's body, and those that it refers to.

    The routes do not name it: each would keep a copy.
    """
    schema = ErrorBody.model_json_schema(ref_template=REFERENCE, mode="serialization")
    schemas: dict[str, Any] = {**schema.pop("$defs"), ErrorBody.__name__: schema}
    return {name: _without_nulls(content) for name, content in schemas.items()}


def _without_nulls(content: Any) -> Any:
    """The content without members that are null: FastAPI leaves them out of its own schemas."""
    if isinstance(content, dict):
        return {name: _without_nulls(value) for name, value in content.items() if value is not None}
    return [_without_nulls(value) for value in content] if isinstance(content, list) else content


def _state_problem_json(responses: dict[str, Any]) -> None:
    """State the body of errors."""
    schema = {"$ref": REFERENCE.format(model=ErrorBody.__name__)}
    for status, response in responses.items():
        if int(status) >= HTTPStatus.BAD_REQUEST:
            response["content"] = {PROBLEM_JSON: {"schema": schema}}


def _leave_out_null(schema: dict[str, Any]) -> None:
    """A query or a header has no null: who means it leaves the parameter out."""
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        del schema["anyOf"]
        schema.update({**choices[0], **schema})


def _add_examples(path: str, operation: Operation, schemas: Mapping[str, Any]) -> None:
    """Give each body and each answer an example."""
    contents = list(operation.get("requestBody", {}).get("content", {}).values())
    for status, response in operation["responses"].items():
        for media_type, content in response.get("content", {}).items():
            if media_type == PROBLEM_JSON:
                content.setdefault("example", problem_example(int(status), path))
            else:
                contents.append(content)
    for content in contents:
        if not content.keys() & {"example", "examples"}:
            content["example"] = example_of(content["schema"], schemas)


def _add_links(document: Mapping[str, Any]) -> None:
    by_id = {operation["operationId"]: operation for _, operation in _operations(document)}
    for link in LINKS:
        response = by_id[link.source]["responses"][str(link.status)]
        response.setdefault("links", {})[link.target] = {
            "operationId": link.target,
            "parameters": link.parameters,
        }
    for operation in by_id.values():
        next_page = next_page_link(operation, document["components"]["schemas"])
        if next_page is not None:
            operation["responses"]["200"].setdefault("links", {})[NEXT_PAGE] = next_page
