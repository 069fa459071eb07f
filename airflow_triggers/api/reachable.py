"""A middleware of Airflow's own application: lets every path below our prefix reach ours.

Starlette's mounts match paths with a pattern, and its ``.`` matches anything but a newline. So Airflow, and not the
gate, would answer a session UID with ``%0A``. Every request of the API server passes here: the module imports almost
nothing and does very little. Neighbours: ``plugin.py`` hands it to Airflow; ``gate.py`` reads the path as it was sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]


class Reachable:
    """ASGI middleware.

    :param app: the application inside.
    :param prefix: where our application is mounted.
    """

    def __init__(self, app: Application, prefix: str) -> None:
        self.app = app
        self._below = f"{prefix}/"

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Replace a newline in our paths by another control character: it is as invalid, but a mount matches it."""
        if scope["type"] == "http" and "\n" in scope["path"] and self._below in scope["path"]:
            scope = {**scope, "path": scope["path"].replace("\n", "\r")}
        await self.app(scope, receive, send)
