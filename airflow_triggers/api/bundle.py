"""The files of the pages in Airflow's UI, at ``/static``: what ``make ui`` builds from the repository's folder ``ui``.

The gate stands before them, as before everything. Neighbours: ``app.py`` takes the route; ``plugin.py`` names
``main.js`` to Airflow.
"""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from airflow_triggers.api.bodies import BodyRoute

BUNDLE = Path(__file__).parents[1] / "ui"

CONTENT_TYPES = {".js": "text/javascript", ".svg": "image/svg+xml"}
"""By file suffix. A browser runs a module only when it is sent as JavaScript; the machine's own table may differ."""

HASHED = "assets"
"""The folder of the files whose names contain a hash of their content."""

NEVER_CHANGES = "private, max-age=31536000, immutable"
ASK_AGAIN = "private, no-cache"
"""A browser keeps the file, and asks each time whether it has changed."""


class Bundle(StaticFiles):
    """The built files, with their content types, and with how long a browser may keep them."""

    def __init__(self) -> None:
        super().__init__(directory=BUNDLE, check_dir=False)

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Starlette's, for the kinds of file that a bundle has; ``("", None)`` when there is no such file."""
        return super().lookup_path(path) if Path(path).suffix in CONTENT_TYPES else ("", None)

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Starlette's answer (200, or 304 when the browser has the file) with our headers."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        path = Path(full_path)
        response.headers["Cache-Control"] = NEVER_CHANGES if path.parent.name == HASHED else ASK_AGAIN
        response.headers["X-Content-Type-Options"] = "nosniff"
        if "content-type" in response.headers:
            response.headers["Content-Type"] = CONTENT_TYPES[path.suffix]
        return response


_bundle = Bundle()

router = APIRouter(prefix="/static", include_in_schema=False, route_class=BodyRoute)


@router.get("/{path:path}")
async def read_file(path: str, request: Request) -> Response:
    """A file of the bundle.

    :raises HTTPException: 404 when there is none.
    """
    return await _bundle.get_response(path, request.scope)
