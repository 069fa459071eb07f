"""Makes the routers, each with all that its routes have in common: so each route is made once.

FastAPI's ``include_router`` makes every route again, and keeps both. Neighbours: ``routes/`` has the routers,
``app.py`` takes their routes; ``document.py`` states the body of errors.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from airflow_triggers.api.bodies import ExactRoute
from airflow_triggers.api.errors import AsciiJSONResponse

Responses = dict[int | str, dict[str, Any]]
"""By status, what is documented of an answer besides its model: an error's is always ``ErrorBody``."""

API = "/api/v1"

ERRORS: Responses = {
    401: {
        "description": "Without a token, or with one that is not valid.",
        "headers": {"WWW-Authenticate": {"schema": {"type": "string", "const": "Bearer"}}},
    },
    403: {
        "description": "Airflow would not let you do that; or a request with the login cookie came from another "
        "site's page."
    },
    413: {"description": "The body is larger than 1 MiB; that of a batch or a bulk act, than 8 MiB."},
    422: {"description": "The body, the query or the session's UID is not valid."},
    503: {
        "description": "The database is busy or not migrated, the cache that keeps the session failed, or the "
        "session's manager is not installed; `detail` says what to do.",
        "headers": {
            "Retry-After": {
                "description": "Seconds after which to send it again, where that helps.",
                "schema": {"type": "integer", "minimum": 1, "maximum": 60},
            }
        },
    },
}


def make_router(path: str, *, tag: str, responses: Responses | None = None) -> APIRouter:
    """A router for the routes below a path of the API. An application's ``dependency_overrides`` do not reach it.

    :param path: below :data:`API`; empty: the API's own.
    :param responses: documented answers of all its routes, besides :data:`ERRORS`.
    """
    return APIRouter(
        prefix=API + path,
        tags=[tag],
        route_class=ExactRoute,
        default_response_class=AsciiJSONResponse,
        generate_unique_id_function=operation_id,
        responses={**ERRORS, **(responses or {})},
    )


def operation_id(route: APIRoute) -> str:
    """The name of the route's function: short, and the same in every release. Generators name methods by it."""
    return route.name
