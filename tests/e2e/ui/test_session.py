"""A session's page: every act by mouse and by keyboard, and each part; the effects are asked of REST and of Airflow."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from airflow_triggers.manager.manager import trigger_managers
from tests.support import shipments
from tests.support.browser import Visitor
from tests.support.courier import CourierManager, courier_file
from tests.support.hands import Hand, Keyboard, Mouse, hint_of
from tests.support.shipments import ASSEMBLY, STORY

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("shipments")]

LATER = timedelta(days=1800)

by_hand = pytest.mark.parametrize("hand", [Mouse(), Keyboard()], ids=["mouse", "keyboard"])


@pytest.fixture(autouse=True)
def courier_manager() -> None:
    """Tests forget what was registered."""
    trigger_managers.register(CourierManager.name, CourierManager)


@pytest.fixture
def courier() -> Iterator[Path]:
    """The file that a courier needs; it is not there."""
    yield courier_file()
    courier_file().unlink(missing_ok=True)


def address(uid: str, **params: str) -> str:
    """A session's page."""
    return f"plugin/triggers?{httpx.QueryParams({'view': 'session', 'session': uid, **params})}"


def answer(rest: httpx.Client, path: str) -> Any:
    """What REST answers about a session."""
    return rest.get(f"api/v1/sessions/{path.replace('#', '%23')}").raise_for_status().json()


def toast(page: Page, title: str) -> Locator:
    return page.get_by_role("status").filter(has_text=title)


def dialog_of(page: Page) -> Locator:
    return page.get_by_role("alertdialog")


# -- acts ------------------------------------------------------------------------------------------------------------


@by_hand
def test_a_trigger_is_fired_with_kwargs(
    hand: Hand, as_user: Callable[..., Visitor], rest: httpx.Client, request: pytest.FixtureRequest
) -> None:
    uid = f"fired-{request.node.callspec.id}"
    shipments.packed(uid)
    page = as_user().visit(address(uid))

    hand.press(page.get_by_role("button", name="Fire a trigger"))
    dialog = dialog_of(page)
    trigger = dialog.get_by_label("Trigger")
    offered = dialog.locator("datalist option").evaluate_all("options => options.map(({value}) => value)")
    hand.write(trigger, "parcelRedy")
    expect(dialog.get_by_text("No rule of this session uses this trigger.")).to_be_visible()
    hand.write(trigger, "parcelReady")
    editor = dialog.locator(".cm-content")
    hand.write(editor, '{"number": 7')
    expect(dialog.get_by_role("button", name="Fire")).to_be_disabled()
    hand.write(editor, '{"number": 7}')
    hand.press(dialog.get_by_role("button", name="Fire"))

    expect(toast(page, "parcelReady was fired. 1 instance was scheduled.")).to_be_visible()
    assert sorted(offered) == ["cancelled", "carrierArrived", "ordered", "parcelReady"]
    newest = answer(rest, f"{uid}/fires")["fires"][0]
    assert (newest["trigger"], newest["kwargs"], newest["fired_by"]) == (
        "parcelReady",
        {"number": 7},
        "admin",
    )
    assert answer(rest, f"{uid}/instances/t_label#0")["status"] == "scheduled"


@by_hand
def test_a_trigger_is_fired_for_later_and_cancelled(
    hand: Hand, as_user: Callable[..., Visitor], rest: httpx.Client, request: pytest.FixtureRequest
) -> None:
    uid = f"later-{request.node.callspec.id}"
    shipments.packed(uid)
    page = as_user().visit(address(uid, part="fires"))

    hand.press(page.get_by_role("button", name="Fire a trigger"))
    dialog = dialog_of(page)
    hand.write(dialog.get_by_label("Trigger"), "carrierArrived")
    hand.set_clock(dialog.get_by_label("Not before"), "05052031", "0800")
    hand.press(dialog.get_by_role("button", name="Fire"))
    expect(toast(page, "carrierArrived will be fired later")).to_be_visible()
    row = page.get_by_role("row", name="carrierArrived")
    expect(row.get_by_text("2031-05-05 08:00:00")).to_be_visible()
    (delayed_fire,) = answer(rest, f"{uid}/delayed-fires")["delayed_fires"]
    assert delayed_fire["fire_at"] == "2031-05-05T08:00:00Z"

    hand.press(row.get_by_role("button", name="Cancel carrierArrived"))
    hand.press(dialog.get_by_role("button", name="Cancel carrierArrived"))

    expect(page.get_by_text("No fires to come")).to_be_visible()
    assert answer(rest, f"{uid}/delayed-fires")["delayed_fires"] == []


def test_a_moment_for_later_is_in_the_zone_chosen_in_airflow(
    as_user: Callable[..., Visitor], rest: httpx.Client
) -> None:
    shipments.packed("later-in-kolkata")
    window = as_user(apart=True)
    window.context.add_init_script("localStorage.setItem('timezone', JSON.stringify('Asia/Kolkata'))")
    page = window.visit(address("later-in-kolkata", part="fires"))

    page.get_by_role("button", name="Fire a trigger").click()
    dialog = dialog_of(page)
    expect(dialog.get_by_text("In the time zone Asia/Kolkata")).to_be_visible()
    dialog.get_by_label("Trigger").fill("carrierArrived")
    dialog.get_by_label("Not before").fill("2031-05-17T08:00")
    dialog.get_by_role("button", name="Fire").click()

    expect(page.get_by_role("row", name="carrierArrived").get_by_text("2031-05-17 08:00:00")).to_be_visible()
    page.get_by_role("tab", name="Story").click()
    happened = page.get_by_role("list", name="What has happened")
    expect(happened.get_by_text("carrierArrived is to be fired at 2031-05-17 08:00:00.")).to_be_visible()
    (delayed_fire,) = answer(rest, "later-in-kolkata/delayed-fires")["delayed_fires"]
    assert delayed_fire["fire_at"] == "2031-05-17T02:30:00Z"


@by_hand
def test_an_instance_is_replayed(
    hand: Hand, as_user: Callable[..., Visitor], rest: httpx.Client, request: pytest.FixtureRequest
) -> None:
    uid = f"replayed-{request.node.callspec.id}"
    shipments.failed_label(uid)
    page = as_user().visit(address(uid, part="instances"))

    hand.press(page.get_by_role("link", name="t_label#0"))
    hand.press(page.get_by_role("button", name=f"Replay t_label#0 of {uid}"))
    dialog = dialog_of(page)
    expect(dialog.get_by_text("1 of 1 will be replayed.")).to_be_visible()
    hand.press(dialog.get_by_role("button", name="Replay"))

    expect(toast(page, "Replayed")).to_be_visible()
    drawer = page.get_by_role("dialog", name="t_label#0")
    expect(drawer.get_by_role("link", name="t_label#1")).to_be_visible()
    replayed, replay = (answer(rest, f"{uid}/instances/t_label#{number}") for number in (0, 1))
    assert (replayed["status"], replay["status"]) == ("replayed", "scheduled")
    assert replay["kwargs"] == replayed["kwargs"]


@by_hand
def test_an_instance_is_replayed_with_other_kwargs(
    hand: Hand, as_user: Callable[..., Visitor], rest: httpx.Client, request: pytest.FixtureRequest
) -> None:
    uid = f"corrected-{request.node.callspec.id}"
    shipments.failed_label(uid)
    page = as_user().visit(address(uid, part="instances", instance="t_label#0"))

    hand.press(page.get_by_role("button", name=f"Replay t_label#0 of {uid}"))
    dialog = dialog_of(page)
    hand.tick(dialog.get_by_role("checkbox", name="With other kwargs"))
    editor = dialog.locator(".cm-content")
    expect(editor).to_contain_text('"number": 2')
    hand.write(editor, '{"parcelReady": {"number": 3}}')
    hand.press(dialog.get_by_role("button", name="Replay"))

    expect(toast(page, "Replayed")).to_be_visible()
    assert answer(rest, f"{uid}/instances/t_label#1")["kwargs"] == {"parcelReady": {"number": 3}}


@by_hand
def test_an_instance_is_skipped_with_a_cascade_and_its_run_says_so(
    hand: Hand, as_user: Callable[..., Visitor], rest: httpx.Client, request: pytest.FixtureRequest
) -> None:
    uid = f"skipped-{request.node.callspec.id}"
    shipments.failed_label(uid)
    page = as_user().visit(address(uid, part="instances", instance="t_label#0"))

    hand.press(page.get_by_role("button", name=f"Skip t_label#0 of {uid}"))
    dialog = dialog_of(page)
    hand.tick(dialog.get_by_role("checkbox", name=re.compile("cascade")))
    hand.write(dialog.locator(".cm-content"), json.dumps({"label": "none"}))
    hand.press(dialog.get_by_role("button", name="Skip"))

    expect(toast(page, "Skipped")).to_be_visible()
    skipped = answer(rest, f"{uid}/instances/t_label#0")
    assert (skipped["status"], skipped["metadata"]["result"]) == ("skipped", {"label": "none"})
    shipments.fire(uid, "carrierArrived")
    assert answer(rest, f"{uid}/instances/t_handOver#0")["kwargs"]["t_label"] == {"label": "none"}

    hand.press(page.get_by_role("dialog").get_by_role("link", name=skipped["dag_run_id"]))
    expect(page).to_have_url(re.compile(re.escape(f"/dags/shipment.t_label/runs/{skipped['dag_run_id']}")))
    expect(page.get_by_text("Success").first).to_be_visible()


@by_hand
def test_a_status_is_set(
    hand: Hand, as_user: Callable[..., Visitor], rest: httpx.Client, request: pytest.FixtureRequest
) -> None:
    uid = f"set-{request.node.callspec.id}"
    shipments.failed_label(uid)
    page = as_user().visit(address(uid, part="instances", instance="t_label#0"))

    hand.press(page.get_by_role("button", name="Set status"))
    dialog = dialog_of(page)
    hand.choose(dialog.get_by_label("Status"), "abandoned")
    expect(dialog.get_by_text("1 of 1 will get the status.")).to_be_visible()
    expect(dialog.get_by_role("checkbox", name=re.compile("cascade"))).to_have_count(0)
    hand.press(dialog.get_by_role("button", name="Set the status"))

    expect(toast(page, "t_label#0 is abandoned")).to_be_visible()
    expect(page.get_by_role("dialog", name="t_label#0").get_by_text("abandoned", exact=True)).to_be_visible()
    assert answer(rest, f"{uid}/instances/t_label#0")["status"] == "abandoned"


@by_hand
def test_a_status_is_set_with_a_cascade_and_metadata(
    hand: Hand, as_user: Callable[..., Visitor], rest: httpx.Client, request: pytest.FixtureRequest
) -> None:
    uid = f"set-finished-{request.node.callspec.id}"
    shipments.failed_label(uid)
    page = as_user().visit(address(uid, part="instances", instance="t_label#0"))

    hand.press(page.get_by_role("button", name="Set status"))
    dialog = dialog_of(page)
    hand.choose(dialog.get_by_label("Status"), "finished")
    hand.tick(dialog.get_by_role("checkbox", name=re.compile("cascade")))
    hand.write(dialog.get_by_role("textbox", name="Result"), '{"label"')
    expect(dialog.get_by_role("button", name="Set the status")).to_be_disabled()
    hand.write(dialog.get_by_role("textbox", name="Result"), '{"label": "by hand"}')
    hand.tick(dialog.get_by_role("checkbox", name="Attach metadata"))
    hand.write(dialog.get_by_role("textbox", name="Metadata"), '{"ticket": "OPS-17"}')
    hand.press(dialog.get_by_role("button", name="Set the status"))

    expect(toast(page, "t_label#0 is finished")).to_be_visible()
    finished = answer(rest, f"{uid}/instances/t_label#0")
    assert (finished["status"], finished["metadata"]["ticket"]) == ("finished", "OPS-17")
    assert finished["metadata"]["result"] == {"label": "by hand"}
    shipments.fire(uid, "carrierArrived")
    assert answer(rest, f"{uid}/instances/t_handOver#0")["kwargs"]["t_label"] == {"label": "by hand"}


@by_hand
def test_a_log_is_marked_as_resolved(
    hand: Hand, as_user: Callable[..., Visitor], rest: httpx.Client, request: pytest.FixtureRequest
) -> None:
    uid = f"logged-{request.node.callspec.id}"
    shipments.packed(uid).update_instance_metadata("t_pack#0", {"logLevel": 40})
    page = as_user().visit(address(uid, part="instances", instance="t_pack#0"))
    expect(page.get_by_text("Highest log level ERROR")).to_be_visible()

    hand.press(page.get_by_role("button", name="Mark its log as resolved"))

    expect(toast(page, "The log of t_pack#0 is marked as resolved")).to_be_visible()
    expect(page.get_by_role("button", name="Mark its log as resolved")).to_have_count(0)
    assert answer(rest, f"{uid}/instances/t_pack#0")["metadata"]["logsResolved"] is True


@by_hand
def test_a_hook_is_called_again(
    hand: Hand,
    as_user: Callable[..., Visitor],
    rest: httpx.Client,
    courier: Path,
    request: pytest.FixtureRequest,
) -> None:
    uid = f"courier-{request.node.callspec.id}"
    shipments.with_hook(uid)
    page = as_user().visit(address(uid, part="fires"))
    call = page.get_by_role("button", name="Call _post_fire now")

    hand.press(call)
    expect(toast(page, "The hook raised again")).to_contain_text("no courier for ordered")
    expect(page.get_by_text("called 2 times")).to_be_visible()
    courier.touch()
    hand.press(call)

    expect(toast(page, "The hook has ended")).to_be_visible()
    expect(page.get_by_text("No hooks to call")).to_be_visible()
    assert answer(rest, f"{uid}/hooks")["hooks"] == []


def test_a_refused_act_shows_the_sentence_of_the_server(
    as_user: Callable[..., Visitor], rest: httpx.Client
) -> None:
    manager = shipments.failed_label("refused")
    window = as_user()
    page = window.visit(address("refused", part="instances", instance="t_label#0"))
    page.get_by_role("button", name="Replay t_label#0 of refused").click()
    dialog = dialog_of(page)
    expect(dialog.get_by_text("1 of 1 will be replayed.")).to_be_visible()

    manager.skip_failed_instance("t_label#0")
    dialog.get_by_role("button", name="Replay").click()

    expect(toast(page, "The replay was refused")).to_contain_text("t_label#0")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog", name="t_label#0").get_by_text("skipped", exact=True)).to_be_visible()
    names = {instance["name"] for instance in answer(rest, "refused/instances")["instances"]}
    assert "t_label#1" not in names
    assert all("409" in complaint for complaint in window.complaints)
    window.complaints.clear()


def test_a_viewer_may_do_nothing_and_hears_why(as_user: Callable[..., Visitor]) -> None:
    manager = shipments.failed_label("watched")
    manager.update_instance_metadata("t_label#0", {"logLevel": 40})
    shipments.fire("watched", "carrierArrived", later=LATER)
    shipments.with_hook("watched-hook")
    window = as_user("viewer")
    pages: list[tuple[str, str, list[str]]] = [
        ("watched", "fires", ["Fire a trigger", "Cancel carrierArrived"]),
        ("watched-hook", "fires", ["Call _post_fire now"]),
        (
            "watched",
            "instances&instance=t_label%230",
            ["Replay t_label#0", "Skip t_label#0", "Set status", "Mark its log"],
        ),
    ]

    for uid, part, names in pages:
        page = window.visit(f"{address(uid)}&part={part}")
        for name in names:
            button = page.get_by_role("button", name=name)
            expect(button).to_have_attribute("aria-disabled", "true")
            assert re.search(r"\w+ \w+", hint_of(button))
            button.click(force=True)
            expect(dialog_of(page)).to_have_count(0)


# -- parts -----------------------------------------------------------------------------------------------------------


def node_of(page: Page, name: str) -> Locator:
    return (
        page.locator(".react-flow__node").filter(has=page.get_by_text(name, exact=True)).get_by_role("button")
    )


def test_the_graph_shows_what_has_fired_and_what_waits(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(address(STORY))

    for name, text in (
        ("ordered", "has fired"),
        ("carrierArrived", "not fired yet"),
        ("t_pack", "1 finished"),
        ("t_label", "1 failed, 1 running, 1 scheduled, 1 finished, 1 replayed"),
        ("t_handOver", "1 unstarted"),
    ):
        expect(node_of(page, name)).to_have_accessible_name(re.compile(rf"{name}\s*: {text}"))
    for name, style in (("ordered", "solid"), ("carrierArrived", "dashed"), ("t_handOver", "dashed")):
        expect(node_of(page, name)).to_have_css("border-top-style", style)
    every = page.locator(".react-flow__edge").filter(has_text="every")
    expect(every).to_have_count(1)


@by_hand
def test_a_node_says_why(hand: Hand, as_user: Callable[..., Visitor]) -> None:
    page = as_user().visit(address(STORY))

    hand.press(node_of(page, "t_handOver"))
    reason = page.get_by_role("region", name="t_handOver")
    expect(reason.get_by_text("t_handOver#0 waits for carrierArrived.")).to_be_visible()
    hand.press(node_of(page, "parcelReady"))
    trigger = page.get_by_role("region", name="parcelReady")
    expect(trigger.get_by_text("every time parcelReady fires")).to_be_visible()

    hand.press(trigger.get_by_role("button", name="Fire a trigger"))
    expect(dialog_of(page).get_by_label("Trigger")).to_have_value("parcelReady")
    expect(dialog_of(page).locator(".cm-content")).to_contain_text('"number": 4')
    page.keyboard.press("Escape")
    expect(dialog_of(page)).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_sixty_nodes_are_read_at_once(scheme: str, as_user: Callable[..., Visitor]) -> None:
    window = as_user("admin", scheme=scheme)
    page = window.visit(address(ASSEMBLY))
    expect(page.locator(".react-flow__node")).to_have_count(60)
    expect(node_of(page, "part0")).to_be_in_viewport()
    expect(node_of(page, "part12")).to_be_in_viewport()

    frame = page.get_by_role("group", name=f"The triggers and tasks of {ASSEMBLY}").bounding_box()
    boxes = page.locator(".react-flow__node").evaluate_all(
        "nodes => nodes.map(node => node.getBoundingClientRect().toJSON())"
    )
    letters = page.get_by_text("t_ship", exact=True).evaluate(
        "text => text.getBoundingClientRect().height / text.offsetHeight * parseFloat(getComputedStyle(text).fontSize)"
    )
    window.screenshot(f"session-60-nodes-{scheme}")
    assert frame is not None
    assert letters >= 8
    assert all(
        frame["x"] <= box["left"]
        and box["right"] <= frame["x"] + frame["width"]
        and frame["y"] <= box["top"]
        and box["bottom"] <= frame["y"] + frame["height"]
        for box in boxes
    )
    assert window.serious_faults() == []


def test_the_instances_are_filtered_and_one_is_shown_beside_them(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(address(STORY, part="instances"))
    table = page.get_by_role("table", name="Instances")
    expect(table).to_have_attribute("aria-rowcount", "10")

    page.get_by_label("Task").select_option("t_label")
    expect(table.get_by_role("link", name="t_pack#0")).to_have_count(0)
    page.get_by_label("Status").select_option("failed")
    expect(table).to_have_attribute("aria-rowcount", "2")
    row = table.get_by_role("row", name="t_label#2")
    expect(row).to_contain_text("ValueError: parcel 2 has no address")
    expect(row.get_by_role("link", name="Log")).to_have_attribute(
        "href", re.compile("/dags/shipment.t_label/runs/")
    )
    row.get_by_role("link", name="t_label#2").click()

    drawer = page.get_by_role("dialog", name="t_label#2")
    expect(drawer.get_by_text("waits for somebody to replay or skip it")).to_be_visible()
    drawer.get_by_text("Traceback", exact=True).click()
    expect(drawer.get_by_role("region", name="Traceback")).to_contain_text("shipment_tasks.py")
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(table).to_have_attribute("aria-rowcount", "2")


def test_a_replay_and_what_it_replays_lead_to_each_other(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(address(STORY, part="instances", instance="t_label#4"))

    page.get_by_role("dialog", name="t_label#4").get_by_role("link", name="t_label#1").click()

    replayed = page.get_by_role("dialog", name="t_label#1")
    expect(replayed.get_by_role("link", name="t_label#4")).to_be_visible()


def test_the_story_has_points_bars_and_a_list_with_who_did_what(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(address(STORY, part="story"))

    bars = page.get_by_role("list", name="Fires and instances over time")
    expect(bars.get_by_role("listitem")).to_have_count(9)
    expect(page.get_by_role("img", name=re.compile("^parcelReady 20"))).to_have_count(4)
    expect(
        bars.get_by_role("listitem").filter(has_text="t_refund#0").get_by_title("waiting for")
    ).to_be_visible()
    expect(
        bars.get_by_role("listitem").filter(has_text="t_label#3").get_by_title("running for")
    ).to_be_visible()

    happened = page.get_by_role("list", name="What has happened")
    expect(happened.get_by_text("t_label#1 was replayed as t_label#4. by admin")).to_be_visible()
    expect(happened.get_by_text("parcelRedy was fired: touched nothing. by shop")).to_be_visible()
    lines = happened.get_by_role("listitem")
    folded = lines.count()
    page.get_by_role("button", name="Show 1 end of a task that touched nothing").click()
    expect(lines).to_have_count(folded + 1)
    expect(happened.get_by_text("t_remind was fired: touched nothing.")).to_be_visible()

    happened.get_by_role("link", name="t_label#1").first.click()
    expect(page.get_by_role("dialog", name="t_label#1")).to_be_visible()


def test_reload_and_the_back_button_keep_the_view(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(address(STORY))
    page.get_by_role("tab", name="Instances").click()
    page.get_by_label("Status").select_option("failed")
    page.get_by_role("link", name="t_label#2").click()
    drawer = page.get_by_role("dialog", name="t_label#2")
    expect(drawer).to_be_visible()

    page.reload()
    expect(drawer).to_be_visible()
    page.go_back()
    expect(drawer).to_have_count(0)
    expect(page.get_by_label("Status")).to_have_value("failed")
    page.go_back()
    expect(page.get_by_label("Status")).to_have_value("")
    page.go_back()
    expect(page.get_by_role("tab", name="Rules")).to_have_attribute("aria-selected", "true")


def test_what_somebody_else_does_is_shown_without_a_reload(as_user: Callable[..., Visitor]) -> None:
    manager = shipments.failed_label("refreshed")
    page = as_user("viewer").visit(address("refreshed", part="instances"))
    row = page.get_by_role("row", name="t_label#0")
    expect(row.get_by_text("failed", exact=True)).to_be_visible()

    manager.skip_failed_instance("t_label#0")

    expect(row.get_by_text("skipped", exact=True)).to_be_visible()


def test_a_session_that_does_not_exist_is_told(as_user: Callable[..., Visitor]) -> None:
    window = as_user("viewer")
    page = window.visit(address("nobody"))

    expect(page.get_by_role("alert").filter(has_text="nobody")).to_be_visible()
    assert all("404" in complaint for complaint in window.complaints)
    window.complaints.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_part_has_a_serious_fault_for_people_with_aids(
    scheme: str, as_user: Callable[..., Visitor]
) -> None:
    window = as_user("admin", scheme=scheme)
    page = window.visit(address(STORY, node="t_handOver"))
    signs = {
        "Rules": page.get_by_text("t_handOver#0 waits for carrierArrived."),
        "Story": page.get_by_text("parcelRedy was fired"),
        "Fires to come and hooks": page.get_by_role("row", name="carrierArrived"),
        "Instances": page.get_by_role("link", name="t_label#2"),
    }
    faults: dict[str, list[str]] = {}

    def look_at(name: str) -> None:
        window.screenshot(f"session-{name}-{scheme}")
        faults[name] = window.serious_faults()

    for tab, sign in signs.items():
        page.get_by_role("tab", name=tab).click()
        expect(sign).to_be_visible()
        look_at(tab.split()[0].lower())
    page.get_by_role("link", name="t_label#2").click()
    expect(page.get_by_text("waits for somebody to replay or skip it")).to_be_visible()
    look_at("instance")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Fire a trigger").click()
    expect(dialog_of(page).locator(".cm-content")).to_be_visible()
    look_at("fire")
    assert {name: found for name, found in faults.items() if found} == {}
