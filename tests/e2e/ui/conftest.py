"""A browser, and an Airflow with sessions to look at, below a base path as behind a proxy.

One Airflow serves most modules, and a window stays open from test to test: their start takes longest. A module names
the sessions that it needs: ``pytest.mark.usefixtures("orders")``.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache

import httpx
import pytest
from playwright.sync_api import Browser

from tests.support.api_server import ApiServer, running_api_server
from tests.support.browser import Visitor, chromium, chromium_program, login, visitor
from tests.support.databases import AirflowDatabase, copy_of
from tests.support.environment import ROOT
from tests.support.mornings import beat, make_morning
from tests.support.orders import make_orders
from tests.support.shipments import make_shipments

BASE_PATH = "/team/airflow"


@dataclass(frozen=True)
class Site:
    """An API server, and the database that it serves. A module enters the database."""

    database: AirflowDatabase
    server: ApiServer


@pytest.fixture(scope="session")
def packages() -> None:
    """npm's packages: axe is one of them."""
    subprocess.run([str(ROOT / "scripts/ci/ui"), "install"], check=True)


@pytest.fixture(scope="package")
def browser(packages: None) -> Iterator[Browser]:
    """The browser. Playwright's event loop runs meanwhile, so that other tests could not run theirs."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def site(
    packages: None, sqlite_airflow_database: AirflowDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The Airflow of most modules. It has the manager of ``tests/support/courier.py``."""
    chromium_program()
    folder = tmp_path_factory.mktemp("site")
    plugins = folder / "plugins"
    plugins.mkdir()
    shutil.copy(ROOT / "tests/support/courier.py", plugins)
    database = copy_of(sqlite_airflow_database, folder / "metadata.db")
    database.enter()
    database.empty()
    with running_api_server(folder, database.url, base_path=BASE_PATH, plugins=plugins) as server:
        yield Site(database, server)


@pytest.fixture(scope="package")
def morning(site: Site) -> None:
    """The sessions of ``tests/support/mornings.py``."""
    site.database.enter()
    make_morning()


@pytest.fixture(scope="package")
def orders(site: Site) -> None:
    """The sessions of ``tests/support/orders.py``."""
    site.database.enter()
    make_orders()


@pytest.fixture(scope="package")
def shipments(site: Site) -> None:
    """The sessions of ``tests/support/shipments.py``."""
    site.database.enter()
    make_shipments()


@pytest.fixture(scope="module")
def server(site: Site) -> ApiServer:
    """The module's API server; this process is connected to its database."""
    site.database.enter()
    return site.server


@pytest.fixture(scope="module")
def rest(server: ApiServer) -> httpx.Client:
    """REST, as an admin."""
    return server.client("admin")


@pytest.fixture(scope="package")
def windows(browser: Browser) -> Iterator[Callable[[ApiServer, str], Visitor]]:
    """The windows of logged-in users, one for each user of a server."""
    with ExitStack() as opened:

        @cache
        def window_of(server: ApiServer, user: str) -> Visitor:
            context = opened.enter_context(login(browser, server, user))
            return opened.enter_context(visitor(server, context))

        yield window_of


@pytest.fixture
def as_user(
    browser: Browser, server: ApiServer, windows: Callable[[ApiServer, str], Visitor]
) -> Iterator[Callable[..., Visitor]]:
    """The window of a user (``admin``, ``viewer``); after the test, nothing may be in its console.

    A controller has just given a sign of life. ``apart=True`` gives a new window, with its own cache and storage.
    """
    beat()
    visitors: list[Visitor] = []
    with ExitStack() as opened:

        def open_window(user: str = "admin", *, apart: bool = False, scheme: str = "light") -> Visitor:
            if apart:
                context = opened.enter_context(login(browser, server, user))
                window = opened.enter_context(visitor(server, context))
            else:
                window = windows(server, user)
            window.turn(scheme)
            visitors.append(window)
            return window

        yield open_window
        for window in visitors:
            window.leave()
    complaints = [complaint for window in visitors for complaint in window.take_complaints()]
    assert complaints == []
