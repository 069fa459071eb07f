"""A browser, and an Airflow with sessions to look at, below a base path as behind a proxy."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.support.api_server import ApiServer, running_api_server
from tests.support.browser import Visitor, chromium, chromium_program, login, visitor
from tests.support.databases import AirflowDatabase, copy_of
from tests.support.environment import ROOT
from tests.support.mornings import Morning, make_morning
from tests.support.orders import make_orders

BASE_PATH = "/team/airflow"


@pytest.fixture(scope="session")
def packages() -> None:
    """npm's packages: axe is one of them."""
    subprocess.run([str(ROOT / "scripts/ci/ui"), "install"], check=True)


@pytest.fixture(scope="module")
def browser(packages: None) -> Iterator[Browser]:
    """The browser. Playwright's event loop runs meanwhile, so that other tests could not run theirs."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(
    sqlite_airflow_database: AirflowDatabase, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ApiServer]:
    """An API server whose sessions are those of ``tests/support/orders.py``."""
    sqlite_airflow_database.enter()
    sqlite_airflow_database.empty()
    make_orders()
    folder = tmp_path_factory.mktemp("server")
    with running_api_server(folder, sqlite_airflow_database.url, base_path=BASE_PATH) as server:
        yield server


@pytest.fixture(scope="module")
def rest(server: ApiServer) -> httpx.Client:
    """REST, as an admin."""
    return server.client("admin")


@pytest.fixture(scope="module")
def logins(browser: Browser, server: ApiServer) -> Iterator[Callable[..., BrowserContext]]:
    """The browsers of logged-in users, one for each user and look: an Airflow in the cache is soon there again."""
    with ExitStack() as contexts:

        @cache
        def context_of(user: str, **options: str) -> BrowserContext:
            return contexts.enter_context(login(browser, server, user, **options))

        yield context_of


@pytest.fixture(scope="package")
def morning(
    packages: None, sqlite_airflow_database: AirflowDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Morning]:
    """A server with the sessions of ``tests/support/mornings.py``, one for all modules: its start takes longest.

    It has a database of its own. A module enters it.
    """
    chromium_program()
    folder = tmp_path_factory.mktemp("morning")
    database = copy_of(sqlite_airflow_database, folder / "metadata.db")
    database.enter()
    database.empty()
    parked_asset_event = make_morning()
    with running_api_server(folder, database.url, base_path=BASE_PATH) as server:
        yield Morning(database, server, parked_asset_event)


@pytest.fixture
def as_user(
    browser: Browser, server: ApiServer, logins: Callable[..., BrowserContext]
) -> Iterator[Callable[..., Visitor]]:
    """Opens a window as a user (``admin``, ``viewer``); after the test, nothing may be in its console.

    ``apart=True`` gives the window a cache and a storage of its own.
    """
    visitors: list[Visitor] = []
    with ExitStack() as windows:

        def open_window(user: str = "admin", *, apart: bool = False, **options: str) -> Visitor:
            context = (
                windows.enter_context(login(browser, server, user, **options))
                if apart
                else logins(user, **options)
            )
            visitors.append(windows.enter_context(visitor(server, context)))
            return visitors[-1]

        yield open_window
    assert [complaint for each in visitors for complaint in each.complaints] == []
