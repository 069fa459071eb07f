"""A middleware of Airflow's own application: lets every path below our prefix reach ours.

Starlette's mounts match paths with a pattern in which ``.`` stands for anything but a newline, so that a
session UID with
``%0A`` would be answered by Airflow, and not by the gate. Neighbours: ``plugin.py`` hands it to Airflow;
``gate.py`` reads the
path as it was sent. Every request of the API server passes here, so nothing is imported and next to nothing done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]


class Reachable:
    """ASGI middleware.

    :param app: what it is wrapped around.
    :param prefix: where our application is mounted.
    """

    def __init__(self, app: Application, prefix: str) -> None:
        self.app = app
        self._below = f"{prefix}/"

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Route a path with a newline as one with another control character, which is as invalid."""
        if scope["type"] == "http" and "\n" in scope["path"] and self._below in scope["path"]:
            scope = {**scope, "path": scope["path"].replace("\n", "\r")}
        await self.app(scope, receive, send)
