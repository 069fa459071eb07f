"""The view of fires: unheard ones, fires to come, what is parked. Acts by mouse and by keyboard, checked over REST."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.api_server import ApiServer
from tests.support.browser import Visitor
from tests.support.hands import hint_of
from tests.support.mornings import fire, park_asset_event, park_delayed_fire, park_hook

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("morning")]

FIRES = "plugin/triggers?view=fires"
UPCOMING, PARKED = f"{FIRES}&part=upcoming", f"{FIRES}&part=parked"


def answer(server: ApiServer, path: str) -> dict[str, Any]:
    """What REST answers to an admin."""
    body: dict[str, Any] = server.client("admin").get(f"api/v1/{path}").raise_for_status().json()
    return body


def fires_to_come(server: ApiServer, uid: str) -> list[dict[str, Any]]:
    fires: list[dict[str, Any]] = answer(server, f"sessions/{uid}/delayed-fires")["delayed_fires"]
    return fires


def delay(uid: str, trigger: str = "lastPageReceived") -> None:
    """Make a session with a fire to come."""
    fire(uid, trigger, {"vote": 1}, fire_at=datetime.now(UTC) + timedelta(days=1))


def row_of(page: Page, uid: str) -> Locator:
    """The item of a list that names the session."""
    return page.locator("tr, li", has=page.get_by_role("link", name=uid, exact=True))


# -- unheard ------------------------------------------------------------------------------------------------------


def test_misspelt_triggers_stand_apart_from_repeats(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(FIRES)

    misspelt = page.get_by_role("region", name="No rule uses these triggers")
    expect(misspelt.locator("summary", has_text="pageRecieved")).to_contain_text("3 times")
    expect(misspelt).to_contain_text("Did you mean embeddedDevice?")
    repeats = page.get_by_role("region", name=re.compile("^Repeats"))
    expect(repeats).to_contain_text("firstPageReceived")
    expect(repeats).not_to_contain_text("Did you mean")


def test_the_fires_of_a_trigger_are_opened_by_the_keyboard_and_lead_to_their_sessions(
    as_user: Callable[..., Visitor],
) -> None:
    page = as_user("viewer").visit(FIRES)
    group = page.locator("summary", has_text="pageRecieved")
    group.focus()
    page.keyboard.press("Enter")

    table = page.get_by_role("table", name="Fires of pageRecieved that touched nothing")
    expect(table.get_by_role("row")).to_have_count(3)
    table.get_by_role("link", name="respondent-07").first.click()

    expect(page).to_have_url(re.compile("view=session&part=story&session=respondent-07"))


def test_the_part_is_kept_by_reload_and_the_back_button(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(FIRES)
    page.get_by_role("tab", name="Unheard").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="To come")).to_have_attribute("aria-selected", "true")

    page.reload()
    expect(page.get_by_role("tab", name="To come")).to_have_attribute("aria-selected", "true")
    page.get_by_role("link", name="respondent-07").click()
    expect(page).to_have_url(re.compile("view=session&"))
    page.go_back()
    expect(page.get_by_role("tab", name="To come")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.get_by_role("tab", name="Unheard")).to_have_attribute("aria-selected", "true")


# -- fires to come ------------------------------------------------------------------------------------------------


def test_a_fire_to_come_is_cancelled_by_the_mouse(as_user: Callable[..., Visitor], server: ApiServer) -> None:
    delay("later-1")
    page = as_user().visit(UPCOMING)

    row_of(page, "later-1").get_by_role("button", name="Cancel lastPageReceived").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("Its idempotency key stays used.")
    dialog.get_by_role("button", name=re.compile("^Cancel ")).click()

    expect(page.get_by_text("lastPageReceived will not be fired")).to_be_visible()
    expect(row_of(page, "later-1")).to_have_count(0)
    assert fires_to_come(server, "later-1") == []


def test_a_fire_to_come_is_cancelled_by_the_keyboard_and_escape_leaves_it(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    delay("later-2")
    page = as_user().visit(UPCOMING)
    button = row_of(page, "later-2").get_by_role("button", name="Cancel lastPageReceived")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alertdialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("alertdialog")).to_have_count(0)
    assert len(fires_to_come(server, "later-2")) == 1

    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    confirm = page.get_by_role("alertdialog").get_by_role("button", name=re.compile("^Cancel "))
    confirm.focus()
    page.keyboard.press("Enter")

    expect(row_of(page, "later-2")).to_have_count(0)
    assert fires_to_come(server, "later-2") == []


def test_a_parked_fire_is_tried_again_by_the_keyboard(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    park_delayed_fire("parked-1")
    page = as_user().visit(UPCOMING)
    row = row_of(page, "parked-1")
    expect(row).to_contain_text("The session's manager 'survey' is not installed.")
    row.get_by_role("button", name="Try again: lastPageReceived").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text("lastPageReceived will be fired later")).to_be_visible()
    expect(row.get_by_text("parked", exact=True)).to_have_count(0)
    (retried,) = fires_to_come(server, "parked-1")
    assert (retried["parked"], retried["attempts"], retried["error"]) == (False, 0, None)


def test_the_servers_sentence_is_shown_when_an_act_is_refused(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    delay("later-3")
    window = as_user()
    page = window.visit(UPCOMING)
    row_of(page, "later-3").get_by_role("button", name="Cancel lastPageReceived").click()
    (delayed,) = fires_to_come(server, "later-3")
    answer = server.client("admin").delete(f"api/v1/sessions/later-3/delayed-fires/{delayed['id']}")
    assert answer.is_success
    page.get_by_role("alertdialog").get_by_role("button", name=re.compile("^Cancel ")).click()

    expect(page.get_by_text("The fire could not be cancelled")).to_be_visible()
    sentence = server.client("admin").delete(f"api/v1/sessions/later-3/delayed-fires/{delayed['id']}").json()
    expect(page.get_by_text(sentence["detail"])).to_be_visible()
    assert len(window.complaints) == 1
    assert "/later-3/delayed-fires/" in window.complaints.pop()


# -- parked -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("means", ["mouse", "keyboard"])
def test_a_parked_hook_is_called_again(
    means: str, as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    uid = f"hook-{means}"
    fire(uid, "firstPageReceived", {"age": 41})
    park_hook(uid)
    page = as_user().visit(PARKED)
    item = row_of(page, uid)
    expect(item).to_contain_text("ConnectionError: the mail server does not answer")

    press(page, item.get_by_role("button", name="Call _post_fire now"), means)

    expect(page.get_by_text("The hook has ended")).to_be_visible()
    expect(item).to_have_count(0)
    assert answer(server, f"sessions/{uid}/hooks")["hooks"] == []


def test_a_hook_that_raises_again_is_told_with_its_error(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    fire("hook-broken", "firstPageReceived", {"age": 41})
    park_hook("hook-broken", {"trigger_name": "firstPageReceived"})
    page = as_user().visit(PARKED)

    row_of(page, "hook-broken").get_by_role("button", name="Call _post_fire now").click()

    expect(page.get_by_text("The hook raised again")).to_be_visible()
    (hook,) = answer(server, "sessions/hook-broken/hooks")["hooks"]
    error = hook["error"].strip().splitlines()[-1]
    expect(page.get_by_text(error).first).to_be_visible()


@pytest.mark.parametrize("means", ["mouse", "keyboard"])
def test_a_parked_asset_event_is_tried_again(
    means: str, as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    event_id = park_asset_event("respondent-09")
    page = as_user().visit(PARKED)

    press(page, page.get_by_role("button", name=f"Try again: asset event {event_id}", exact=True), means)

    expect(page.get_by_text(f"Asset event {event_id} will be tried again")).to_be_visible()
    expect(page.get_by_text(f"Asset event {event_id}", exact=True)).to_have_count(0)
    events = {event["id"]: event for event in answer(server, "asset-events")["asset_events"]}
    assert events[event_id]["parked"] is False


def press(page: Page, button: Locator, means: str) -> None:
    """Press a button by the mouse or by the keyboard."""
    if means == "mouse":
        button.click()
    else:
        button.focus()
        page.keyboard.press("Enter")


# -- rights, and what goes wrong ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (UPCOMING, "Cancel questionnaireComplete"),
        (UPCOMING, "Try again: lastPageReceived"),
        (PARKED, "Call _post_fire now"),
        (PARKED, re.compile("Try again: asset event")),
    ],
)
def test_a_viewer_may_do_nothing_and_hears_why(
    address: str, name: str | re.Pattern[str], as_user: Callable[..., Visitor]
) -> None:
    page = as_user("viewer").visit(address)

    button = page.get_by_role("button", name=name).first
    expect(button).to_have_attribute("aria-disabled", "true")
    assert "Ask an administrator of Airflow." in hint_of(button)
    button.click(force=True)
    expect(page.get_by_role("alertdialog")).to_have_count(0)


def test_a_list_that_cannot_be_read_says_so_and_is_read_again_on_request(
    as_user: Callable[..., Visitor],
) -> None:
    window = as_user()
    page = window.visit(UPCOMING)
    expect(page.get_by_role("table", name="To come")).to_be_visible()
    window.context.set_offline(True)
    page.get_by_role("tab", name="Unheard").click()
    expect(page.get_by_text("The server does not answer.")).to_be_visible()
    window.screenshot("failed-light")

    window.context.set_offline(False)
    page.get_by_role("button", name="Try again").first.click()

    expect(page.get_by_role("region", name="No rule uses these triggers")).to_be_visible()
    assert all("ERR_INTERNET_DISCONNECTED" in complaint for complaint in window.complaints)
    window.complaints.clear()
