"""Needs attention: failures are repaired by mouse and by keyboard; what was done is asked of REST."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from airflow_triggers.controller.loop import Controller
from tests.support.api_server import ApiServer
from tests.support.browser import Visitor
from tests.support.hands import Hand, Keyboard, Mouse, hint_of
from tests.support.orders import KEY_ERROR, VALUE_ERROR, fail

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("orders")]

ATTENTION = "plugin/triggers"


def instance(server: ApiServer, uid: str, name: str = "t_pay#0") -> dict[str, Any]:
    """The instance, as REST answers it to an admin."""
    answer = server.client("admin").get(f"api/v1/sessions/{uid}/instances/{name.replace('#', '%23')}")
    assert answer.is_success, answer.text
    body: dict[str, Any] = answer.json()
    return body


def open_group(page: Page, error: str) -> None:
    """Show the instances of the group with this error."""
    button = page.get_by_role("button", name=re.compile(error))
    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")


def test_failures_are_grouped_by_configuration_task_and_error(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(ATTENTION)

    failed = page.get_by_role("region", name="Failed")

    expect(failed.get_by_role("link", name="order", exact=True)).to_be_visible()
    expect(
        failed.get_by_role("button", name=re.compile("ValueError the amount 'x' is no number$"))
    ).to_be_visible()
    expect(failed.get_by_role("button", name=re.compile("KeyError 'address'"))).to_be_visible()


def test_an_open_group_and_the_filters_are_part_of_the_address(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(ATTENTION)
    page.get_by_label("Time of the last change").select_option("24h")
    page.get_by_label("Session begins with").fill("order-fail")
    expect(page.get_by_role("button", name=re.compile("KeyError"))).to_have_count(0)
    open_group(page, "ValueError")
    expect(page.get_by_role("link", name="order-failed")).to_be_visible()

    page.reload()

    expect(page.get_by_role("link", name="order-failed")).to_be_visible()
    expect(page.get_by_label("Time of the last change")).to_have_value("24h")
    page.get_by_role("button", name="Clear filters").click()
    expect(page.get_by_role("button", name=re.compile("KeyError 'address'"))).to_be_visible()


def test_one_instance_is_replayed_by_the_mouse(as_user: Callable[..., Visitor], server: ApiServer) -> None:
    fail("replay-1", VALUE_ERROR)
    page = as_user().visit(f"{ATTENTION}?session_prefix=replay-1")
    open_group(page, "ValueError")

    page.get_by_role("button", name="Replay t_pay#0 of replay-1").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog.get_by_text("1 of 1 will be replayed.")).to_be_visible()
    dialog.get_by_role("button", name="Replay").click()

    expect(page.get_by_text("Replayed", exact=True)).to_be_visible()
    # Its replay is stuck instead: these DAGs are paused.
    expect(page.get_by_role("region", name="Failed")).to_have_count(0)
    assert instance(server, "replay-1")["status"] == "replayed"
    assert instance(server, "replay-1", "t_pay#1")["kwargs"] == {"ordered": {"amount": "x"}}


def test_one_instance_is_replayed_with_other_kwargs(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    fail("replay-2", VALUE_ERROR)
    page = as_user().visit(f"{ATTENTION}?session_prefix=replay-2")
    open_group(page, "ValueError")

    page.get_by_role("button", name="Replay t_pay#0 of replay-2").click()
    dialog = page.get_by_role("alertdialog")
    dialog.get_by_text("With other kwargs").click()
    editor = dialog.get_by_role("textbox", name="Kwargs")
    expect(editor).to_contain_text('"amount": "x"')
    editor.fill('{"ordered": {"amount": 7')
    expect(dialog.get_by_role("button", name="Replay")).to_be_disabled()
    editor.fill('{"ordered": {"amount": 7}}')
    dialog.get_by_role("button", name="Replay").click()

    expect(page.get_by_text("Replayed", exact=True)).to_be_visible()
    assert instance(server, "replay-2", "t_pay#1")["kwargs"] == {"ordered": {"amount": 7}}


def test_one_instance_is_skipped_with_a_cascade_by_the_keyboard(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    fail("skip-1", KEY_ERROR)
    page = as_user().visit(f"{ATTENTION}?session_prefix=skip-1")
    group = page.get_by_role("button", name=re.compile("KeyError"))
    group.focus()
    page.keyboard.press("Enter")
    skip = page.get_by_role("button", name="Skip t_pay#0 of skip-1")
    skip.focus()
    page.keyboard.press("Enter")

    dialog = page.get_by_role("alertdialog")
    cascade = dialog.get_by_role("checkbox", name=re.compile("cascade"))
    cascade.focus()
    page.keyboard.press("Space")
    editor = dialog.get_by_role("textbox", name="Result")
    editor.focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(json.dumps({"paid": True}))
    dialog.get_by_role("button", name="Skip").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text("Skipped", exact=True)).to_be_visible()
    skipped = instance(server, "skip-1")
    assert (skipped["status"], skipped["metadata"]["result"]) == ("skipped", {"paid": True})
    assert instance(server, "skip-1", "t_ship#0")["kwargs"] == {"t_pay": {"paid": True}}


def test_escape_closes_the_question_and_nothing_happens(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    fail("kept-1", VALUE_ERROR)
    page = as_user().visit(f"{ATTENTION}?session_prefix=kept-1")
    open_group(page, "ValueError")

    page.get_by_role("button", name="Replay t_pay#0 of kept-1").click()
    expect(page.get_by_role("alertdialog")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("alertdialog")).to_have_count(0)
    assert instance(server, "kept-1")["status"] == "failed"


def test_a_selection_is_replayed_with_a_result_for_each_row(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    for number in range(3):
        fail(f"many-{number}", VALUE_ERROR)
    page = as_user().visit(f"{ATTENTION}?session_prefix=many-")
    open_group(page, "ValueError")
    place = page.get_by_role("link", name="many-2").bounding_box()
    for number in range(2):
        page.get_by_role("checkbox", name=f"Select many-{number} t_pay#0").check(force=True)

    selected = page.get_by_role("region", name="Selected instances")
    expect(selected.get_by_text("2 selected")).to_be_visible()
    assert page.get_by_role("link", name="many-2").bounding_box() == place
    selected.get_by_role("button", name="Replay 2").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog.get_by_text("2 of 2 will be replayed.")).to_be_visible()
    dialog.get_by_role("button", name="Replay").click()
    progress = page.get_by_role("dialog")
    expect(progress.get_by_text("0 of 2, waiting for the controller")).to_be_visible()
    Controller().run_once()

    expect(progress.get_by_text("2 of 2, done")).to_be_visible()
    expect(progress.get_by_text("replayed as t_pay#1")).to_have_count(2)
    assert [instance(server, f"many-{number}")["status"] for number in range(3)] == [
        "replayed",
        "replayed",
        "failed",
    ]
    page.reload()
    expect(page.get_by_role("dialog").get_by_text("2 of 2, done")).to_be_visible()


def test_a_bulk_act_under_way_is_there_again_for_whoever_comes_back(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    for number in range(2):
        fail(f"back-{number}", VALUE_ERROR)
    instances = [{"session_uid": f"back-{number}", "name": "t_pay#0"} for number in range(2)]
    body = {"act": "replay", "instances": instances}
    server.client("admin").post("api/v1/bulk-acts", json=body).raise_for_status()

    page = as_user().visit(ATTENTION)
    running = page.get_by_role("region", name="Bulk act under way")
    expect(running.get_by_text("0 of 2, waiting for the controller")).to_be_visible()
    running.get_by_role("link", name="Replay 2 instances").click()
    expect(page.get_by_role("dialog").get_by_text("0 of 2, waiting for the controller")).to_be_visible()
    page.keyboard.press("Escape")
    Controller().run_once()

    expect(running).to_have_count(0)
    row = page.get_by_role("table", name="Bulk acts").get_by_role("row", name="Replay 2 instances").first
    expect(row.get_by_text("2 of 2, done")).to_be_visible()
    expect(row.get_by_text("2 done")).to_be_visible()


@pytest.mark.parametrize("hand", [Mouse(), Keyboard()], ids=["mouse", "keyboard"])
def test_a_bulk_act_is_stopped_by_those_who_may(
    hand: Hand, as_user: Callable[..., Visitor], server: ApiServer, request: pytest.FixtureRequest
) -> None:
    uid = f"stopped-{request.node.callspec.id}"
    fail(uid, VALUE_ERROR)
    body = {"act": "skip", "instances": [{"session_uid": uid, "name": "t_pay#0"}]}
    client = server.client("admin")
    bulk_act = client.post("api/v1/bulk-acts", json=body).raise_for_status().json()

    stop = as_user("viewer").visit(f"{ATTENTION}?bulk={bulk_act['id']}").get_by_role("button", name="Stop")
    expect(stop).to_have_attribute("aria-disabled", "true")
    assert "You may not edit the task instances of all its DAGs." in hint_of(stop)
    stop.click(force=True)
    assert client.get(f"api/v1/bulk-acts/{bulk_act['id']}").json()["state"] == "pending"

    page = as_user().visit(f"{ATTENTION}?bulk={bulk_act['id']}")
    hand.press(page.get_by_role("button", name="Stop"))
    expect(page.get_by_text("Stopped. What was done stays done.")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_text("1 of 1, stopped")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    assert client.get(f"api/v1/bulk-acts/{bulk_act['id']}").json()["cancelled_by"] == "admin"
    assert instance(server, uid)["status"] == "failed"


def test_all_of_a_group_are_skipped(as_user: Callable[..., Visitor], server: ApiServer) -> None:
    for number in range(3):
        fail(f"group-{number}", KEY_ERROR)
    page = as_user().visit(f"{ATTENTION}?session_prefix=group-")
    open_group(page, "KeyError")

    page.get_by_role("region", name="Failed").get_by_role("button", name="Skip 3").last.click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog.get_by_text("3 of 3 will be skipped.")).to_be_visible()
    dialog.get_by_role("button", name="Skip").click()
    expect(page.get_by_role("dialog").get_by_text(re.compile("0 of 3"))).to_be_visible()
    Controller().run_once()

    expect(page.get_by_role("dialog").get_by_text("3 of 3, done")).to_be_visible()
    assert {instance(server, f"group-{number}")["status"] for number in range(3)} == {"skipped"}


def test_why_an_instance_failed_is_told_beside_it(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(f"{ATTENTION}?session_prefix=order-failed")
    open_group(page, "ValueError")

    page.get_by_role("button", name="Why: t_pay#0").click()

    expect(page.get_by_role("dialog").get_by_text("waits for somebody to replay or skip it")).to_be_visible()


def test_a_viewer_may_do_nothing_and_hears_why(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(f"{ATTENTION}?session_prefix=order-failed")
    open_group(page, "ValueError")

    replay = page.get_by_role("button", name="Replay t_pay#0 of order-failed")
    expect(replay).to_have_attribute("aria-disabled", "true")
    assert re.search(r"\w", hint_of(replay))
    replay.click(force=True)
    expect(page.get_by_role("alertdialog")).to_have_count(0)


def test_a_link_leads_to_the_run_in_airflow(as_user: Callable[..., Visitor], server: ApiServer) -> None:
    page = as_user("viewer").visit(f"{ATTENTION}?session_prefix=order-failed")
    open_group(page, "ValueError")
    run_id = instance(server, "order-failed")["dag_run_id"]

    page.get_by_role("link", name="run", exact=True).click()

    expect(page).to_have_url(re.compile(re.escape(f"/team/airflow/dags/order.t_pay/runs/{run_id}")))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_and_its_dialogs_have_no_serious_fault(scheme: str, as_user: Callable[..., Visitor]) -> None:
    window = as_user("admin", scheme=scheme)
    page = window.visit(f"{ATTENTION}?session_prefix=order-")
    open_group(page, "ValueError")
    expect(page.get_by_role("link", name="order-failed")).to_be_visible()
    window.screenshot(f"attention-{scheme}")
    assert window.serious_faults() == []

    page.get_by_role("button", name="Replay t_pay#0 of order-failed").click()
    page.get_by_role("alertdialog").get_by_text("With other kwargs").click()
    expect(page.get_by_role("textbox", name="Kwargs")).to_contain_text('"amount"')
    window.screenshot(f"replay-{scheme}")
    assert window.serious_faults() == []


def test_the_card_on_the_start_page_counts_and_links(as_user: Callable[..., Visitor]) -> None:
    window = as_user("viewer")
    page = window.visit("")
    card = page.get_by_role("region", name="Triggers")
    expect(card.get_by_role("link", name=re.compile(r"^[1-9]\d* ?Failed instances"))).to_be_visible()
    window.screenshot("dashboard-light")

    card.get_by_role("link", name=re.compile("Failed instances")).click()

    expect(page.get_by_role("region", name="Failed")).to_be_visible()
