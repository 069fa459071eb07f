"""A request's path as it was sent: its segments, and the methods of its routes.

A server decodes a path before it routes. An encoded slash then looks like a separator: ``a%2Ffires`` becomes
``a/fires``. Here a segment stays one segment: :data:`SLASH` stands for an encoded slash. Neighbours: ``gate.py`` checks
the segments and gives the path to the routing; ``dependencies.py`` reads names from it; ``errors.py`` asks for the
methods.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote, unquote_to_bytes

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from airflow_triggers.api.late_routes import routes_at

SLASH = "\ufdd0"
"""Stands for an encoded slash while a path is routed. No name can contain this noncharacter."""


def segments_of(scope: Scope) -> list[bytes] | None:
    """The decoded segments of the path below the application's mount; None when the path, as sent, is not below it."""
    raw_path: bytes = scope.get("raw_path") or quote(scope["path"]).encode("ascii")
    segments = [unquote_to_bytes(segment) for segment in raw_path.partition(b"?")[0].split(b"/")]
    mount = _mount_of(scope).encode().split(b"/")
    return segments[len(mount) :] if segments[: len(mount)] == mount else None


def _mount_of(scope: Scope) -> str:
    """The beginning of the scope's path, which routing leaves out."""
    mount: str = scope.get("root_path", "")
    return mount if scope["path"].startswith(f"{mount}/") else ""


def with_segments(scope: Scope, segments: Sequence[bytes]) -> Scope:
    """The scope with a path made of these segments, for the router."""
    if not any(b"/" in segment for segment in segments):
        return scope
    return {**scope, "path": "/".join([_mount_of(scope), *map(_routed_segment, segments)])}


def _routed_segment(segment: bytes) -> str:
    # A route's pattern ends with ``$``, and this also matches before a newline: ``fires%0A`` would be ``fires``.
    return segment.decode(errors="replace").replace("/", SLASH).replace("\n", "\r")


def decoded_name(name: str) -> str:
    """A name from a routed path, with its slashes."""
    return name.replace(SLASH, "/")


def allowed_methods(routes: Iterable[BaseRoute], scope: Scope) -> list[str]:
    """Every method that a route takes at the scope's path. A path that is a route's own is not taken for a name."""
    matching = [
        route
        for route in routes_at(routes, scope)
        if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE
    ]
    literal = [route for route in matching if not route.param_convertors]
    return sorted(set[str]().union(*(route.methods or set() for route in literal or matching)))
