"""The views of configurations: how each stands, its rules, its versions, and moving sessions to the deployed rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.api_server import ApiServer
from tests.support.browser import Visitor
from tests.support.hands import hint_of
from tests.support.mornings import PARCEL, beat, deploy_parcel, let_controllers_die

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("morning", "parcels")]

LIST = "plugin/triggers?view=configuration"
QUESTIONNAIRE = f"{LIST}&configuration=questionnaire"
VERSIONS = f"{LIST}&configuration={PARCEL}&part=versions"
SESSIONS = ("parcel-1", "parcel-2", "parcel-3", "parcel-4")


@pytest.fixture(scope="module")
def parcels(server: ApiServer) -> None:
    """Sessions with other rules than the deployed ones."""
    deploy_parcel(SESSIONS, own_rules="parcel-own")


def session(server: ApiServer, uid: str) -> dict[str, Any]:
    """The session, as REST answers it to an admin."""
    answer = server.client("admin").get(f"api/v1/sessions/{uid}")
    body: dict[str, Any] = answer.raise_for_status().json()
    return body


def counts(server: ApiServer, query: str) -> int:
    """How many instances match, as REST answers it to an admin."""
    answer = server.client("admin").get(f"api/v1/instances/counts?{query}")
    total: int = answer.raise_for_status().json()["total"]
    return total


def tasks(server: ApiServer, uid: str) -> set[str]:
    return set(session(server, uid)["tasks"])


# -- the list -----------------------------------------------------------------------------------------------------


def test_the_list_says_how_each_configuration_stands(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    failed = counts(server, "status=failed&configuration=questionnaire")
    page = as_user("viewer").visit(LIST)
    table = page.get_by_role("table", name="Configurations")

    questionnaire = table.get_by_role("row", name=re.compile("^questionnaire"))
    expect(questionnaire.get_by_role("cell").nth(4)).to_have_text(str(failed))
    invoice = table.get_by_role("row", name=re.compile("^invoice"))
    expect(invoice).to_contain_text("import error")
    expect(invoice).to_contain_text("1 warning")

    questionnaire.get_by_role("link", name=str(failed), exact=True).click()
    expect(page).to_have_url(re.compile("view=attention&configuration=questionnaire"))
    page.go_back()
    questionnaire.get_by_role("link", name="questionnaire").click()
    expect(page.get_by_role("heading", name="questionnaire")).to_be_visible()


# -- a configuration ----------------------------------------------------------------------------------------------


def test_a_click_on_a_node_tells_its_rule_and_reload_keeps_it(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(QUESTIONNAIRE)
    page.get_by_role("button", name=re.compile("^t_importSubject")).click()

    note = page.get_by_role("region", name="t_importSubject")
    expect(note).to_contain_text("After firstPageReceived and questionnaireComplete have fired")
    expect(note.get_by_role("link", name="3 failed")).to_be_visible()
    page.reload()
    expect(note).to_be_visible()
    note.get_by_role("link", name="questionnaire.t_importSubject").click()
    expect(page).to_have_url(re.compile(re.escape("/team/airflow/dags/questionnaire.t_importSubject")))


def test_a_node_is_chosen_by_the_keyboard(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(QUESTIONNAIRE)
    node = page.get_by_role("button", name=re.compile("^embeddedDevice"))
    node.focus()
    page.keyboard.press("Enter")

    note = page.get_by_role("region", name="embeddedDevice")
    note.get_by_role("link", name="Sessions that wait for it").focus()
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("view=sessions&.*waiting_for=embeddedDevice"))


def test_the_parts_are_walked_through_by_the_arrow_keys(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(QUESTIONNAIRE)
    page.get_by_role("tab", name="Graph").focus()

    for key, name, part in (
        ("ArrowRight", "Sentences", "rules"),
        ("ArrowRight", "YAML", "yaml"),
        ("End", "Versions", "versions"),
        ("ArrowRight", "Graph", "graph"),
        ("ArrowLeft", "Versions", "versions"),
        ("Home", "Graph", "graph"),
        ("ArrowRight", "Sentences", "rules"),
    ):
        page.keyboard.press(key)
        tab = page.get_by_role("tab", name=name)
        expect(tab).to_be_focused()
        expect(tab).to_have_attribute("aria-selected", "true")
        expect(page).to_have_url(re.compile(f"part={part}"))
        expect(page.get_by_role("tabpanel", name=name)).to_be_visible()

    page.keyboard.press("Tab")
    expect(page.get_by_role("tab", name="Sentences")).not_to_be_focused()
    expect(page.get_by_role("tabpanel").get_by_text("and every time").first).to_be_visible()


def test_an_import_error_a_warning_and_a_circle_are_told(as_user: Callable[..., Visitor]) -> None:
    page = as_user().visit(f"{LIST}&configuration=invoice")

    expect(page.get_by_text("line 7: task 't_bill': 'aftr' is not a directive.")).to_be_visible()
    expect(page.get_by_text("it waits for 't_dun', which waits for 't_remind'")).to_be_visible()
    page.get_by_role("button", name=re.compile("^t_dun")).click()
    expect(page.get_by_text("It waits in a circle: t_remind → t_dun → t_remind.")).to_be_visible()


def test_a_configuration_that_does_not_exist_is_told(as_user: Callable[..., Visitor]) -> None:
    window = as_user("viewer")
    page = window.visit(f"{LIST}&configuration=nope")

    expect(page.get_by_role("alert")).to_contain_text("nope")
    assert all("/configurations/nope" in complaint for complaint in window.complaints)
    window.complaints.clear()


def test_a_dead_controller_is_told_below_the_view_and_pushes_nothing(as_user: Callable[..., Visitor]) -> None:
    let_controllers_die()
    window = as_user("viewer", apart=True)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    window.page.route("**/triggers/api/v1/health", hold)
    with window.page.expect_request("**/triggers/api/v1/health"):
        page = window.visit(LIST)
    link = page.get_by_role("link", name="questionnaire", exact=True)
    expect(link).to_be_visible()
    place = link.bounding_box()

    for route in held:
        route.continue_()
    window.page.unroute_all()

    expect(page.get_by_role("alert")).to_contain_text("The triggers controller is not well.")
    expect(page.get_by_role("alert")).to_contain_text("airflow triggers controller")
    expect(page.get_by_role("alert")).to_be_in_viewport(ratio=0.9)
    assert link.bounding_box() == place
    window.screenshot("controller-dead-light")
    assert window.serious_faults() == []
    beat()
    expect(page.get_by_role("alert")).to_have_count(0)


# -- migrate ------------------------------------------------------------------------------------------------------


def open_migration(page: Page) -> None:
    expect(
        page.get_by_text(re.compile("open sessions have other rules than the deployed ones"))
    ).to_be_visible()
    page.get_by_role("button", name="Move open sessions to the deployed rules").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_preview_writes_nothing(scheme: str, as_user: Callable[..., Visitor], server: ApiServer) -> None:
    window = as_user(scheme=scheme)
    page = window.visit(VERSIONS)
    open_migration(page)
    dialog = page.get_by_role("alertdialog")
    dialog.get_by_role("button", name="Preview").click()

    expect(dialog.get_by_text("4 sessions would be moved")).to_be_visible()
    expect(dialog.get_by_text("1 session would be refused")).to_be_visible()
    outcomes = dialog.get_by_role("table", name="What becomes of each session")
    expect(outcomes.get_by_role("row").first).to_contain_text("parcel-own")
    expect(outcomes.get_by_role("row").first).to_contain_text("t_pack")
    window.screenshot(f"migrate-{scheme}")
    assert window.serious_faults() == []
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert all(tasks(server, uid) == {"t_pack", "t_ship"} for uid in SESSIONS)


def test_the_past_counts_in_a_preview_when_it_is_asked_for(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    page = as_user().visit(VERSIONS)
    open_migration(page)
    dialog = page.get_by_role("alertdialog")
    past = dialog.get_by_role("checkbox", name=re.compile("fires of the past"))
    past.focus()
    page.keyboard.press("Space")
    dialog.get_by_role("button", name="Preview").focus()
    page.keyboard.press("Enter")

    expect(dialog.get_by_text(re.compile("Instances would be: 4 created, 4 scheduled"))).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert tasks(server, "parcel-1") == {"t_pack", "t_ship"}


def test_sessions_are_moved_by_the_keyboard_after_the_preview(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    page = as_user().visit(VERSIONS)
    expect(page.get_by_text(re.compile("open sessions have other rules"))).to_be_visible()
    page.get_by_role("button", name="Move open sessions to the deployed rules").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("alertdialog")
    dialog.get_by_role("button", name="Preview").focus()
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("4 sessions would be moved")).to_be_visible()
    dialog.get_by_role("button", name="Move them").focus()
    page.keyboard.press("Enter")

    expect(dialog.get_by_text("4 sessions were moved")).to_be_visible()
    expect(dialog.get_by_text("1 session was refused")).to_be_visible()
    dialog.get_by_role("button", name="Close").last.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 open session has other rules than the deployed ones.")).to_be_visible()
    assert all(tasks(server, uid) >= {"t_pack", "t_send"} for uid in SESSIONS)
    assert "t_send" not in tasks(server, "parcel-own")


def test_sessions_that_were_moved_get_their_past_later_by_the_mouse(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    page = as_user().visit(VERSIONS)
    page.get_by_role("button", name="Move open sessions to the deployed rules").click()
    dialog = page.get_by_role("alertdialog")
    dialog.get_by_text("Let the fires of the past count").click()
    dialog.get_by_role("button", name="Preview").click()
    dialog.get_by_role("button", name="Move them").click()

    expect(dialog.get_by_text("4 sessions were moved")).to_be_visible()
    instances = server.client("admin").get("api/v1/sessions/parcel-1/instances?task=t_send").json()
    assert [instance["name"] for instance in instances["instances"]] == ["t_send#0"]


def test_a_viewer_may_not_migrate_and_hears_why(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(VERSIONS)

    button = page.get_by_role("button", name="Move open sessions to the deployed rules")
    expect(button).to_have_attribute("aria-disabled", "true")
    assert "You may not" in hint_of(button)
    button.click(force=True)
    expect(page.get_by_role("alertdialog")).to_have_count(0)
