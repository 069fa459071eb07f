"""Routes of a module that is imported by the first request to one of its paths.

The plugin then takes a quarter less memory in an API server that only takes fires. Nothing else imports them: not a
request to another path, and not Airflow's own application, which reads the routes of those that it mounts. Neighbours:
``app.py`` says which modules are late; ``routers.py`` makes their routes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from importlib import import_module
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound, Route
from starlette.types import Receive, Scope, Send

CHOSEN = "airflow_triggers.late_route"
"""The scope's key for the module's own route that takes the request."""


class LateRoutes(BaseRoute):
    """Stands in the application's routes for those of a module.

    :param module: the dotted name of a module with a ``router``.
    :param paths: the paths of its routes.
    """

    path = ""
    """Tracers read a route's path; the module's own route, in the scope, has it."""

    def __init__(self, module: str, paths: Iterable[str]) -> None:
        self.module = module
        self.paths = tuple(paths)
        self._paths_to_match = tuple(Route(path, _only_for_its_path) for path in self.paths)

    @cached_property
    def routes(self) -> list[BaseRoute]:
        """The module's routes; the first use imports it."""
        routes: list[BaseRoute] = import_module(self.module).router.routes
        return routes

    def has_path(self, scope: Scope) -> bool:
        """Whether the scope's path is one of the module's, whatever the method."""
        return any(path.matches(scope)[0] is not Match.NONE for path in self._paths_to_match)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See :meth:`Route.matches`: the module's first route that takes the request, or else its path (405)."""
        if not self.has_path(scope):
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
        """See :meth:`BaseRoute.url_path_for`. There is none: links are made from the documented paths."""
        raise NoMatchFound(name, path_params)


def all_routes(entries: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """An application's routes, those of late modules included: it imports them all."""
    for entry in entries:
        if isinstance(entry, LateRoutes):
            yield from entry.routes
        else:
            yield entry


def routes_at(entries: Iterable[BaseRoute], scope: Scope) -> Iterator[BaseRoute]:
    """The same, without late modules that do not have the scope's path: these are not imported."""
    return all_routes(
        entry for entry in entries if not isinstance(entry, LateRoutes) or entry.has_path(scope)
    )


async def _only_for_its_path(request: Request) -> Response:
    raise NotImplementedError(request.url.path)
