"""Makes the REST application: wiring, nothing else.

Neighbours: ``plugin.py`` mounts it at ``/triggers``; see ``api/__init__.py`` for the way of a request.
"""

from __future__ import annotations

from typing import Any

from airflow.configuration import conf
from fastapi import FastAPI

from airflow_triggers import __version__
from airflow_triggers.api import bundle
from airflow_triggers.api.datamodels import ErrorBody
from airflow_triggers.api.document import DocumentedApi, operation_id
from airflow_triggers.api.errors import AsciiJSONResponse, install_error_handlers
from airflow_triggers.api.gate import Gate
from airflow_triggers.api.reference import install_reference_pages
from airflow_triggers.api.routes import (
    batches,
    bulk_acts,
    cloud_events,
    configurations,
    delayed_fires,
    extensions,
    fires,
    health,
    history,
    instance_lists,
    instances,
    parked,
    problems,
    sessions,
    updates,
)
from airflow_triggers.manager.installed import check_extensions

DESCRIPTION = """
Fire named triggers into sessions; Airflow runs what their configuration says. Every answer is about what you may see
and do in Airflow itself: **reading** a session takes the right to read runs and XComs of all its DAGs, **firing** and
**replaying** to create runs of the DAGs concerned, **skipping** to edit their task instances. What you may do nothing
with is answered as what does not exist.

**Errors** are problem details (RFC 9457), sent as `application/problem+json`. `reason` is a word for programs, `detail`
a sentence for people. `GET /api/v1/problems` lists the reasons.

**Names** in a path are percent-encoded, a slash too: `t_importSubject#0` is `t_importSubject%230`.

**Bodies** are JSON, sent as `application/json`; a body of another type is answered with 422.

**JSON objects** (kwargs, results, metadata) are kept as they are sent: at most 100 levels deep, integers from -2^63 to
2^64-1, no NUL and no half of a surrogate pair.

**Methods:** a path takes the methods that stand here and no others. `HEAD` and `OPTIONS` are among the others: they are
answered with 405, and `Allow` names what the path takes.
"""

ERRORS: dict[int | str, dict[str, Any]] = {
    401: {
        "description": "Without a token, or with one that is not valid.",
        "headers": {"WWW-Authenticate": {"schema": {"type": "string", "const": "Bearer"}}},
    },
    403: {
        "description": "Airflow would not let you do that; or a request with the login cookie came from another "
        "site's page."
    },
    413: {"description": "The body is larger than 1 MiB; that of a batch, than 8 MiB."},
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


def create_app() -> FastAPI:
    """The application for Airflow's API server to mount. This logs the problems of installed extensions.

    Its documentation is at ``/docs`` and ``/redoc``, unless ``[api] enable_swagger_ui`` of Airflow is off.
    """
    check_extensions()
    app = DocumentedApi(
        title="Triggers",
        description=DESCRIPTION,
        version=__version__,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=operation_id,
        redirect_slashes=False,
        default_response_class=AsciiJSONResponse,
        responses={status: {**error, "model": ErrorBody} for status, error in ERRORS.items()},
    )
    install_error_handlers(app)
    if conf.getboolean("api", "enable_swagger_ui", fallback=True):
        install_reference_pages(app)
    app.add_middleware(Gate)
    for module in (sessions, fires, delayed_fires, instances, updates):
        app.include_router(module.router, prefix="/api/v1/sessions")
    app.include_router(configurations.router, prefix="/api/v1/configurations")
    app.include_router(instance_lists.router, prefix="/api/v1/instances")
    for module in (history, health, parked, bulk_acts, problems, extensions):
        app.include_router(module.router, prefix="/api/v1")
    app.include_router(batches.router, prefix="/api/v1/fires")
    app.include_router(cloud_events.router, prefix="/api/v1/cloudevents")
    app.include_router(bundle.router, prefix="/static")
    return app
