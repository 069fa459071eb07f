"""How requests are read: bodies as JSON, and nothing of a body or a query is dropped in silence.

Neighbours: ``routers.py`` makes every router with :class:`ExactRoute`; ``domain/validation.py`` reads the text.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from functools import cached_property
from http import HTTPStatus
from typing import Any, get_args, get_origin

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel

from airflow_triggers.api.errors import RequestRefused
from airflow_triggers.domain.validation import JsonFlaw, parse_json


class BodyRequest(Request):
    """A request. It refuses a body from which ``json.loads`` would keep only a part."""

    async def json(self) -> Any:
        """The body's content.

        :raises RequestRefused: 422 for a duplicate key, or for content nested too deep.
        """
        try:
            return parse_json(await self.body())
        except JsonFlaw as flaw:
            raise RequestRefused(
                HTTPStatus.UNPROCESSABLE_ENTITY, "InvalidBody", f"The body {flaw}."
            ) from flaw


class BodyRoute(APIRoute):
    """A route that gets its body from :class:`BodyRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See :meth:`APIRoute.get_route_handler`."""
        handle = super().get_route_handler()

        async def handle_body(request: Request) -> Response:
            return await handle(BodyRequest(request.scope, request.receive))

        return handle_body


class ExactRoute(BodyRoute):
    """A route that also refuses a query of which it would read only a part."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See :meth:`APIRoute.get_route_handler`."""
        handle = super().get_route_handler()

        async def handle_exactly(request: Request) -> Response:
            if request.scope["query_string"]:
                self._check_query(request)
            return await handle(request)

        return handle_exactly

    def _check_query(self, request: Request) -> None:
        """:raises RequestValidationError: for a parameter that the route does not have, or has only once."""
        values_by_name: dict[str, list[str]] = {}
        for name, value in request.query_params.multi_items():
            values_by_name.setdefault(name, []).append(value)
        flaws = []
        for name, values in values_by_name.items():
            if name not in self._query_fields:
                flaws.append({"type": "extra_forbidden", "loc": ("query", name), "input": values[0]})
            elif len(values) > 1 and not _takes_many(self._query_fields[name]):
                # FastAPI would take the last one.
                problem = {"type": "repeated", "msg": "expected it once"}
                flaws.append({**problem, "loc": ("query", name), "input": values})
        if flaws:
            raise RequestValidationError(flaws)

    @cached_property
    def _query_fields(self) -> dict[str, Any]:
        """The types of the route's query parameters, by name."""
        return dict(_query_fields_of(self.dependant))


def _query_fields_of(dependant: Dependant) -> Iterator[tuple[str, Any]]:
    for parameter in dependant.query_params:
        annotation: Any = parameter.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            fields = annotation.model_fields.items()
            yield from ((field.alias or name, field.annotation) for name, field in fields)
        else:
            yield parameter.alias, annotation
    for dependency in dependant.dependencies:
        yield from _query_fields_of(dependency)


def _takes_many(annotation: Any) -> bool:
    """Whether a parameter of this type is a list, or may be one."""
    return get_origin(annotation) is list or any(map(_takes_many, get_args(annotation)))
