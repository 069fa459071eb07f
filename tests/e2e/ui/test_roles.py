"""Roles of FAB's auth manager with rights on some DAGs: their users see and do only what these rights cover."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.ui.conftest import BASE_PATH
from tests.support.api_server import ApiServer, running_api_server
from tests.support.auth_managers import FAB, Permission, insert_fab_users
from tests.support.browser import Visitor
from tests.support.databases import AirflowDatabase, copy_of
from tests.support.hands import hint_of
from tests.support.mornings import beat, make_morning
from tests.support.orders import make_orders

pytestmark = pytest.mark.timeout(300)

PAGE = "plugin/triggers?view="

TASKS = ("importSubject", "importResponses", "importBrowserMetadata", "computeScore", "notify")
QUESTIONNAIRE = ("questionnaire", *(f"questionnaire.t_{task}" for task in TASKS))
ORDER = ("order", "order.t_pay", "order.t_ship", "order.t_remind")

READING: list[Permission] = [
    ("can_read", "Website"),
    ("can_read", "Plugins"),
    ("can_read", "DAG Runs"),
    ("can_read", "Task Instances"),
    ("can_read", "XComs"),
]
ACTING: list[Permission] = [
    ("can_create", "DAG Runs"),
    ("can_edit", "DAG Runs"),
    ("can_edit", "Task Instances"),
]
OTHERS_RIGHTS = re.compile(r"status of 403 .*/team/airflow/(ui|api/v2)/")
"""In the console: what Airflow's own pages ask for and the role does not cover."""


def on(dag_ids: tuple[str, ...], *actions: str) -> list[Permission]:
    """These permissions on each DAG."""
    return [(action, f"DAG:{dag_id}") for dag_id in dag_ids for action in actions]


ROLES = {
    "Surveyor": [*READING, *ACTING, *on(QUESTIONNAIRE, "can_read", "can_edit")],
    "Reader": [*READING, *on(QUESTIONNAIRE, "can_read")],
    "Shopkeeper": [*READING, *ACTING, *on(ORDER, "can_read", "can_edit")],
}
USERS = {role.lower(): role for role in ROLES}


@pytest.fixture(scope="module")
def server(
    sqlite_airflow_database: AirflowDatabase, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ApiServer]:
    """An API server with FAB's auth manager and the sessions of two configurations."""
    folder = tmp_path_factory.mktemp("roles")
    database = copy_of(sqlite_airflow_database, folder / "metadata.db")
    database.enter()
    database.empty()
    make_morning()
    make_orders()
    insert_fab_users(ROLES, USERS)
    with running_api_server(folder, database.url, base_path=BASE_PATH, auth_manager=FAB) as server:
        yield server


@pytest.fixture
def as_user(
    server: ApiServer, windows: Callable[[ApiServer, str], Visitor]
) -> Iterator[Callable[[str], Visitor]]:
    beat()
    visitors: list[Visitor] = []

    def open_window(user: str) -> Visitor:
        visitors.append(windows(server, user))
        return visitors[-1]

    yield open_window
    for window in visitors:
        window.leave()
    complaints = [complaint for window in visitors for complaint in window.take_complaints()]
    assert [complaint for complaint in complaints if not OTHERS_RIGHTS.search(complaint)] == []


def instance(server: ApiServer, user: str, uid: str) -> dict[str, Any]:
    answer = server.client(user).get(f"api/v1/sessions/{uid}/instances/t_importSubject%230")
    body: dict[str, Any] = answer.raise_for_status().json()
    return body


def test_every_view_has_only_the_sessions_of_the_users_dags(as_user: Callable[[str], Visitor]) -> None:
    window = as_user("surveyor")
    page = window.visit(f"{PAGE}sessions")
    expect(page.get_by_text("9 sessions")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^order-"))).to_have_count(0)

    window.go_to("plugin/triggers")
    expect(page.get_by_role("button", name=re.compile("^3 ?ValueError invalid literal"))).to_be_visible()
    expect(page.get_by_text("the amount 'x' is no number")).to_have_count(0)

    window.go_to(f"{PAGE}configuration")
    table = page.get_by_role("table", name="Configurations")
    expect(table.get_by_role("row")).to_have_count(2)
    expect(table.get_by_role("link", name="questionnaire")).to_be_visible()

    window.go_to(f"{PAGE}fires")
    expect(page.get_by_text("Did you mean embeddedDevice?")).to_be_visible()


def test_a_session_of_other_dags_is_not_there(as_user: Callable[[str], Visitor]) -> None:
    window = as_user("surveyor")
    page = window.visit(f"{PAGE}session&session=order-failed")

    expect(page.get_by_text("order-failed").first).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Fire a trigger"))).to_have_count(0)
    expect(page.get_by_text(re.compile("amount"))).to_have_count(0)
    window.complaints[:] = [text for text in window.complaints if "/sessions/order-failed" not in text]


def test_the_user_repairs_what_their_rights_cover(
    as_user: Callable[[str], Visitor], server: ApiServer
) -> None:
    page = as_user("surveyor").visit(
        "dags/questionnaire.t_importSubject/runs/triggers__respondent-06~t_importSubject~0/plugin/triggers-dag_run"
    )
    page.get_by_role("button", name="Replay t_importSubject#0 of respondent-06").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog.get_by_text("1 of 1 will be replayed.")).to_be_visible()
    dialog.get_by_role("button", name="Replay").click()

    expect(page.get_by_text("Replayed", exact=True)).to_be_visible()
    assert instance(server, "surveyor", "respondent-06")["status"] == "replayed"


def test_a_reader_sees_it_all_and_has_no_button_that_acts(as_user: Callable[[str], Visitor]) -> None:
    window = as_user("reader")
    page = window.visit(f"{PAGE}configuration&configuration=questionnaire&part=versions")
    places = [
        "Move open sessions to the deployed rules",
        "Cancel questionnaireComplete",
        "Call _post_fire now",
    ]
    addresses = [None, f"{PAGE}fires&part=upcoming", f"{PAGE}fires&part=parked"]
    for name, address in zip(places, addresses, strict=True):
        if address is not None:
            window.go_to(address)
        button = page.get_by_role("button", name=re.compile(f"^{name}"))
        expect(button).to_have_attribute("aria-disabled", "true")
        assert "You may not create runs of" in hint_of(button)
