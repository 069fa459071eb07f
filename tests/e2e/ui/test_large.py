"""A session of 5,000 instances and a list over 100,000 sessions: they scroll smoothly."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.ui.conftest import BASE_PATH
from tests.support.api_server import ApiServer, running_api_server
from tests.support.browser import Visitor
from tests.support.databases import AirflowDatabase
from tests.support.multitudes import multiply_instances, multiply_session
from tests.support.orders import FAILED, WAITING, deploy_orders, fail, fire
from tests.support.smoothness import Scroller

pytestmark = pytest.mark.timeout(300)

INSTANCES, SESSIONS = 5_000, 100_000

LONG_TASK = 100
"""Milliseconds that no task may take."""

PASSES = 5
"""The best of them counts: a task that is long in itself is long in each."""

WINDOW = {"width": 1920, "height": 1080}
"""Pixels: the size of most screens."""

WHEEL, PAGE = 150, 900
"""Pixels of a step: by the mouse's wheel, and by the key Page Down."""


@pytest.fixture(scope="module")
def server(
    sqlite_airflow_database: AirflowDatabase, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ApiServer]:
    """An API server with the large session ``order-failed``, and the sessions ``order-waiting-000001`` and so on."""
    sqlite_airflow_database.enter()
    sqlite_airflow_database.empty()
    deploy_orders()
    fail(FAILED, {"exceptionType": "ValueError", "exceptionMessage": "the amount 'x' is no number"})
    multiply_instances(sqlite_airflow_database, FAILED, "t_pay", count=INSTANCES)
    fire(WAITING, "packed")
    multiply_session(sqlite_airflow_database, WAITING, count=SESSIONS)
    folder = tmp_path_factory.mktemp("server")
    with running_api_server(folder, sqlite_airflow_database.url, base_path=BASE_PATH) as server:
        yield server


def scroll_smoothly(scroller: Scroller, *, pixels: int) -> None:
    """Scroll a table by so many pixels a step, until no task of a pass was long."""
    longest: list[float] = []
    while len(longest) < PASSES and (not longest or longest[-1] > LONG_TASK):
        longest.append(scroller.longest_task(steps=40, pixels=pixels))
    assert min(longest) <= LONG_TASK, longest


def test_a_session_of_5000_instances_scrolls_smoothly(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(f"plugin/triggers?view=session&session={FAILED}&part=instances")
    page.set_viewport_size(WINDOW)
    rows = page.get_by_role("region", name="Instances").get_by_role("row")
    expect(rows.filter(has_text="t_pay#")).not_to_have_count(0)
    scroller = Scroller(page, "Instances")

    scroll_smoothly(scroller, pixels=WHEEL)
    scroll_smoothly(scroller, pixels=PAGE)

    assert scroller.position() > 10_000
    assert rows.count() < 60


def test_a_list_of_100000_sessions_scrolls_smoothly(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit("plugin/triggers?view=sessions")
    page.set_viewport_size(WINDOW)
    expect(page.get_by_role("link", name=f"{WAITING}-000001")).to_be_visible()
    scroller = Scroller(page, "Sessions")

    scroll_smoothly(scroller, pixels=WHEEL)
    scroll_smoothly(scroller, pixels=PAGE)

    assert scroller.position() > 10_000
    assert page.get_by_role("region", name="Sessions").get_by_role("row").count() < 60


def test_one_of_100000_sessions_is_found_by_a_part_of_its_name(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit("plugin/triggers?view=sessions")

    page.get_by_label("Search for a session").fill("-054321")

    links = page.get_by_role("region", name="Sessions").get_by_role("link", name=re.compile(WAITING))
    expect(links).to_have_text([f"{WAITING}-054321"])
