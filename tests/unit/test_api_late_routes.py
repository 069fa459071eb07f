"""Routes that are imported by the first request to one of their paths."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from starlette.routing import NoMatchFound

from airflow_triggers.api import routes
from airflow_triggers.api.app import LATE_MODULES, create_app
from airflow_triggers.api.late_routes import LateRoutes
from airflow_triggers.api.paths import allowed_methods
from airflow_triggers.api.routers import API

MODULE = "late_module_of_a_test"


@pytest.fixture
def late_module(monkeypatch):
    """A module with two methods of one path, and one path more."""
    router = APIRouter(prefix=API)

    @router.get("/things/{name}")
    def read(name: str) -> str:
        return f"read {name}"

    @router.post("/things/{name}")
    def change(name: str) -> str:
        return f"changed {name}"

    @router.get("/things")
    def things() -> list[str]:
        return ["a"]

    module = type(sys)(MODULE)
    module.router = router
    monkeypatch.setitem(sys.modules, MODULE, module)
    return module


@pytest.fixture
def client(late_module):
    app = FastAPI()
    app.router.routes.append(LateRoutes(MODULE, (f"{API}/things", f"{API}/things/{{name}}")))
    return TestClient(app)


def test_a_request_gets_to_the_route_of_its_path_and_method(client):
    assert client.get(f"{API}/things/b").json() == "read b"
    assert client.post(f"{API}/things/b").json() == "changed b"
    assert client.get(f"{API}/things").json() == ["a"]


def test_a_method_that_the_path_does_not_take_is_refused(client):
    assert client.delete(f"{API}/things").status_code == 405


def test_another_path_is_not_there(client):
    assert client.get(f"{API}/things/b/c").status_code == 404


def test_a_request_to_another_path_imports_nothing():
    app = FastAPI()
    app.router.routes.append(LateRoutes("no_such_module_at_all", (f"{API}/things",)))
    assert TestClient(app).get(f"{API}/others").status_code == 404


def late_entries():
    return [entry for entry in create_app().router.routes if isinstance(entry, LateRoutes)]


@pytest.mark.parametrize("entry", late_entries(), ids=lambda entry: entry.module)
def test_the_paths_are_those_of_the_module(entry):
    assert sorted(entry.paths) == sorted({route.path for route in entry.routes})


def test_a_module_that_cannot_be_imported_spoils_only_its_own_paths(client):
    client.app.router.routes.append(LateRoutes("no_such_module_at_all", ("/broken",)))
    assert allowed_methods(client.app.router.routes, scope_of(f"{API}/things/b")) == ["GET", "POST"]
    assert client.delete(f"{API}/things").status_code == 405
    with pytest.raises(ModuleNotFoundError):
        client.get("/broken")


def scope_of(path):
    return {"type": "http", "method": "DELETE", "path": path, "root_path": "", "headers": []}


def test_whoever_looks_for_a_name_hears_that_there_is_none(client):
    # Airflow's own pages do, in each application that it mounts.
    with pytest.raises(NoMatchFound):
        client.app.url_path_for("no_such_name")


def test_no_late_module_is_imported_before_it_is_asked_for():
    late = [f"{routes.__name__}.{name}" for name in LATE_MODULES]
    program = (
        "import json, sys\n"
        "from airflow_triggers.api.app import create_app\n"
        "app = create_app()\n"
        "app.routes\n"
        "from airflow_triggers.api.paths import allowed_methods\n"
        "scope = {'type': 'http', 'method': 'HEAD', 'path': '/static/main.js', 'headers': []}\n"
        "assert allowed_methods(app.router.routes, scope) == ['GET']\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    imported = json.loads(output.splitlines()[-1])
    assert f"{routes.__name__}.fires" in imported
    assert set(late).isdisjoint(imported)
