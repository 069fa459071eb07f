"""The built pages: their sizes, and how they are served."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from airflow.api_fastapi.app import purge_cached_app

from airflow_triggers.api.bundle import ASK_AGAIN, BUNDLE, CONTENT_TYPES, NEVER_CHANGES
from airflow_triggers.plugin import URL_PREFIX, TriggersPlugin
from tests.support.api import mounted_api

ENTRY = BUNDLE / "main.js"
MAX_ENTRY_BYTES = 120 * 1024
MAX_BYTES = 600 * 1024
"""Both as sent: compressed by gzip."""

IMPORT = re.compile(r'(?:^|[;}])\s*(?:import|export)\s*(?:[^"\';()]*?from)?\s*["\'](\./[^"\']+)["\']')


def sent_bytes(paths):
    return sum(len(gzip.compress(path.read_bytes())) for path in paths)


def imported_at_once(path: Path, seen: set[Path]) -> set[Path]:
    """The file and what it imports before it runs, but not what it imports later by ``import()``."""
    if path not in seen:
        seen.add(path)
        for name in IMPORT.findall(path.read_text(encoding="utf-8")):
            imported_at_once((path.parent / name).resolve(), seen)
    return seen


@pytest.fixture
def api(monkeypatch):
    yield mounted_api(monkeypatch)
    purge_cached_app()


def test_what_every_page_loads_is_small():
    at_once = imported_at_once(ENTRY.resolve(), set())

    assert len(at_once) > 1, "the entry imports nothing: is its text read rightly?"
    assert sent_bytes(at_once) <= MAX_ENTRY_BYTES


def test_all_of_the_pages_together_are_small():
    assert sent_bytes(path for path in BUNDLE.rglob("*") if path.is_file()) <= MAX_BYTES


def test_every_file_is_of_a_kind_that_is_served():
    assert {path.suffix for path in BUNDLE.rglob("*") if path.is_file()} == CONTENT_TYPES.keys()


@pytest.mark.parametrize("app", TriggersPlugin.react_apps, ids=lambda app: app["destination"])
def test_airflow_is_given_addresses_of_files_that_exist(app, api):
    for key in {"bundle_url", "icon", "icon_dark_mode"} & app.keys():
        assert not app[key].startswith("/"), "an absolute address misses the base path"
        assert api.client("viewer").get(app[key].removeprefix("triggers/")).is_success


@pytest.mark.parametrize("app", TriggersPlugin.react_apps, ids=lambda app: app["destination"])
def test_the_bundle_leaves_each_app_under_its_name(app):
    chunks = imported_at_once(ENTRY.resolve(), set())

    assert any(app["name"] in chunk.read_text(encoding="utf-8") for chunk in chunks)


@pytest.mark.parametrize("path", ["static/main.js", "static/no-such-file.js", "static/"])
def test_nobody_gets_a_file_without_a_login(path, api):
    assert api.client().get(path).status_code == 401


@pytest.mark.parametrize(
    ("pattern", "content_type", "cache_control"),
    [
        ("main.js", "text/javascript", ASK_AGAIN),
        ("icon.svg", "image/svg+xml", ASK_AGAIN),
        ("assets/*.js", "text/javascript", NEVER_CHANGES),
    ],
)
def test_a_browser_is_told_what_a_file_is_and_how_long_to_keep_it(pattern, content_type, cache_control, api):
    path = next(BUNDLE.glob(pattern))
    client = api.client("viewer")

    answer = client.get(f"static/{path.relative_to(BUNDLE)}")
    again = client.get(
        f"static/{path.relative_to(BUNDLE)}", headers={"If-None-Match": answer.headers["etag"]}
    )

    assert answer.content == path.read_bytes()
    assert answer.headers["content-type"].partition(";")[0] == content_type
    assert answer.headers["cache-control"] == again.headers["cache-control"] == cache_control
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "static",
        "static/",
        "static/assets",
        "static/no-such-file.js",
        "static/../plugin.py",
        "static/%2e%2e/plugin.py",
        "static/..%2Fplugin.py",
        "static/%2e%2e/configuration/schema.json",
        "static/assets%2F..%2F..%2F__init__.py",
        "static/%00.js",
        "static/" + "a" * 300 + ".js",
    ],
)
def test_nothing_else_is_served(path, api):
    answer = api.client("viewer").get(path)

    assert answer.status_code == 404
    assert answer.json().keys() >= {"detail"}


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "DELETE"])
def test_files_are_only_read(method, api):
    answer = api.client("viewer").request(method, "static/main.js")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_the_mount_is_no_prefix_that_airflow_refuses():
    refused = ("/ui", "/api/v2", "/auth", "/execution", "/pluginsv2")

    assert not URL_PREFIX.startswith(refused)
