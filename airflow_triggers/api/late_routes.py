"""Routes of a module that is imported by the first request to one of its paths.

An API server that only takes fires then needs a quarter less memory for us. Neighbours: ``app.py`` says which modules
are late; ``routers.py`` makes their routes.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from importlib import import_module
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from airflow_triggers.api.routers import API

CHOSEN = "airflow_triggers.late_route"
"""The scope's key for the module's own route that takes the request."""


class LateRoutes(BaseRoute):
    """Stands in the application's routes for those of a module.

    :param module: the dotted name of a module with a ``router``.
    :param paths: the paths of its routes, below :data:`API`.
    """

    def __init__(self, module: str, paths: Iterable[str]) -> None:
        self.module = module
        self.paths = tuple(API + path for path in paths)
        self._places = tuple(Route(path, _only_for_its_path) for path in self.paths)

    @cached_property
    def routes(self) -> list[BaseRoute]:
        """The module's routes; the first use imports it."""
        routes: list[BaseRoute] = import_module(self.module).router.routes
        return routes

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See :meth:`Route.matches`: the first of the module's routes that takes the request, else the path."""
        if all(place.matches(scope)[0] is Match.NONE for place in self._places):
            return Match.NONE, {}
        best: tuple[Match, Scope] = (Match.NONE, {})
        for route in self.routes:
            match, child_scope = route.matches(scope)
            if match.value > best[0].value:
                best = match, {**child_scope, CHOSEN: route}
            if match is Match.FULL:
                break
        return best

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to the route that was chosen."""
        route: BaseRoute = scope[CHOSEN]
        await route.handle(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        """See :meth:`BaseRoute.url_path_for`. Nobody asks: links are made from the documented paths."""
        raise NotImplementedError(name)


async def _only_for_its_path(request: Request) -> Response:
    raise NotImplementedError(request.url.path)
