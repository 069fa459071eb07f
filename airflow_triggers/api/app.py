"""Makes the REST application: wiring, nothing else.

Neighbours: ``plugin.py`` mounts it at ``/triggers``; see ``api/__init__.py`` for the way of a request.
"""

from __future__ import annotations

from collections.abc import Mapping

from airflow.configuration import conf
from fastapi import FastAPI

from airflow_triggers import __version__
from airflow_triggers.api import bundle, routes
from airflow_triggers.api.document import DocumentedApi
from airflow_triggers.api.errors import install_error_handlers
from airflow_triggers.api.gate import Gate
from airflow_triggers.api.late_routes import LateRoutes
from airflow_triggers.api.reference import install_reference_pages
from airflow_triggers.api.routers import API
from airflow_triggers.api.routes import fires, sessions
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

**Queries:** a parameter that a path does not take is refused, and so is one that is sent twice and counts once.

**Methods:** a path takes the methods that stand here and no others. `HEAD` and `OPTIONS` are among the others: they are
answered with 405, and `Allow` names what the path takes.
"""

MODULES = (fires, sessions, bundle)
"""Modules whose routes are there from the start: what applications ask for all day. Fires, the most, come first."""

LATE_MODULES: Mapping[str, tuple[str, ...]] = {
    "batches": ("/fires",),
    "cloud_events": ("/cloudevents",),
    "instances": (
        "/sessions/{uid}/instances/{name}",
        "/sessions/{uid}/instances/{name}/metadata",
        "/sessions/{uid}/instances/{name}/replay",
        "/sessions/{uid}/instances/{name}/resolve-logs",
        "/sessions/{uid}/instances/{name}/skip",
        "/sessions/{uid}/instances/{name}/status",
    ),
    "updates": ("/sessions/{uid}/configuration",),
    "delayed_fires": (
        "/sessions/{uid}/delayed-fires",
        "/sessions/{uid}/delayed-fires/{delayed_fire_id}",
        "/sessions/{uid}/delayed-fires/{delayed_fire_id}/retry",
    ),
    "history": (
        "/fires",
        "/sessions/{uid}/history",
        "/sessions/{uid}/hooks/{hook_id}/call",
        "/sessions/{uid}/instances/{name}/why",
    ),
    "instance_lists": ("/instances", "/instances/counts"),
    "configurations": (
        "/configurations",
        "/configurations/validate",
        "/configurations/{name}",
        "/configurations/{name}/migrate",
    ),
    "bulk_acts": (
        "/bulk-acts",
        "/bulk-acts/{bulk_act_id}",
        "/bulk-acts/{bulk_act_id}/cancel",
        "/bulk-acts/{bulk_act_id}/outcomes",
    ),
    "parked": ("/asset-events", "/asset-events/{event_id}/retry", "/delayed-fires", "/hooks"),
    "health": ("/health",),
    "problems": ("/problems",),
    "extensions": ("/extensions",),
}
"""Modules of ``routes/`` that the first request to one of their paths imports."""


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
        redirect_slashes=False,
    )
    install_error_handlers(app)
    if conf.getboolean("api", "enable_swagger_ui", fallback=True):
        install_reference_pages(app)
    app.add_middleware(Gate)
    for module in MODULES:
        # Not by include_router: see routers.py.
        app.router.routes += module.router.routes
    for name, paths in LATE_MODULES.items():
        app.router.routes.append(LateRoutes(f"{routes.__name__}.{name}", [API + path for path in paths]))
    return app
