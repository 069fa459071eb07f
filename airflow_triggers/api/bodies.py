"""How bodies of requests are read: as JSON, and nothing is dropped in silence.

Neighbours: ``routers.py`` makes every router with :class:`BodyRoute`; ``domain/validation.py`` reads the text.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

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
