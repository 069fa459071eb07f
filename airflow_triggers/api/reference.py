"""The pages ``/docs`` (Swagger UI) and ``/redoc``. They need no internet.

Their scripts are files of the package ``fastapi-offline``, served behind the gate as everything else. Neighbours:
``app.py`` installs the pages unless Airflow's ``[api] enable_swagger_ui`` is off.
"""

from __future__ import annotations

from pathlib import Path

import fastapi_offline
from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

ASSETS = "/docs-assets"
"""Where the scripts and styles are, below the application's mount."""

HEADERS = {"Content-Security-Policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:"}
"""Of the pages: a browser loads nothing from elsewhere (Redoc's logo, say)."""

_files = StaticFiles(directory=Path(fastapi_offline.__file__).with_name("static"))


def install_reference_pages(app: FastAPI) -> None:
    """Add the pages and what they load."""
    app.add_route("/docs", _swagger_page, include_in_schema=False)
    app.add_route("/redoc", _redoc_page, include_in_schema=False)
    app.add_route(f"{ASSETS}/{{name}}", _asset, include_in_schema=False)


async def _asset(request: Request) -> Response:
    # A route and no mount: then the answer to another method is the same as everywhere.
    return await _files.get_response(request.path_params["name"], request.scope)


async def _swagger_page(request: Request) -> HTMLResponse:
    mount = request.scope["root_path"]
    page = get_swagger_ui_html(
        openapi_url=f"{mount}{request.app.openapi_url}",
        title=f"{request.app.title} API",
        swagger_js_url=f"{mount}{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{mount}{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{mount}{ASSETS}/favicon.png",
        # Swagger UI would ask a server of its maker whether the document is valid.
        swagger_ui_parameters={"validatorUrl": None, "docExpansion": "list", "filter": True},
    )
    page.headers.update(HEADERS)
    return page


async def _redoc_page(request: Request) -> HTMLResponse:
    mount = request.scope["root_path"]
    page = get_redoc_html(
        openapi_url=f"{mount}{request.app.openapi_url}",
        title=f"{request.app.title} API",
        redoc_js_url=f"{mount}{ASSETS}/redoc.standalone.js",
        redoc_favicon_url=f"{mount}{ASSETS}/favicon.png",
        with_google_fonts=False,
    )
    page.headers.update(HEADERS)
    return page
