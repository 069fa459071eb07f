"""The list of sessions, and what holds for every page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser import Visitor
from tests.support.contrast import contrast_in
from tests.support.orders import FAILED, FINISHED, WAITING

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("orders")]

LEAST_CONTRAST = 3
"""Of graphics, by the Web Content Accessibility Guidelines."""

SESSIONS = "plugin/triggers?view=sessions&contains=order-"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_button_in_the_navigation_opens_the_pages(scheme: str, as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer", scheme=scheme).visit("dags")
    button = page.get_by_role("link", name="Triggers", exact=True)
    expect(button).not_to_have_attribute("aria-current", "page")
    assert contrast_in(page, button.locator("img").screenshot(animations="disabled")) >= LEAST_CONTRAST

    button.click()

    expect(page).to_have_url(re.compile("/team/airflow/plugin/triggers"))
    expect(page.get_by_role("heading", name="Triggers", level=1)).to_be_visible()
    expect(button).to_have_attribute("aria-current", "page")
    page.mouse.move(0, 0)
    assert contrast_in(page, button.locator("img").screenshot(animations="disabled")) >= LEAST_CONTRAST


def test_the_list_shows_the_sessions_with_their_configurations(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(SESSIONS)

    table = page.get_by_role("table", name="Sessions")

    expect(table.get_by_role("link", name=FAILED)).to_be_visible()
    expect(table.get_by_role("link", name="order", exact=True)).to_have_count(5)


def test_reload_and_the_back_button_keep_the_view(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(SESSIONS)
    page.get_by_label("Search for a session").fill("wait")
    expect(page.get_by_role("link", name=FAILED)).to_have_count(0)

    page.reload()
    expect(page.get_by_label("Search for a session")).to_have_value("wait")
    expect(page.get_by_role("link", name=WAITING)).to_be_visible()
    expect(page.get_by_role("link", name=FAILED)).to_have_count(0)

    page.get_by_role("link", name=WAITING).click()
    expect(page).to_have_url(re.compile("view=session&"))
    page.go_back()
    expect(page.get_by_label("Search for a session")).to_have_value("wait")


def test_filters_narrow_the_list_and_can_be_cleared(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(SESSIONS)

    page.get_by_text("With failures").click()
    expect(page.get_by_role("link", name=FAILED)).to_be_visible()
    expect(page.get_by_role("link", name=FINISHED)).to_have_count(0)

    page.get_by_text("With failures").click()
    expect(page.get_by_role("link", name=FINISHED)).to_be_visible()

    page.get_by_role("button", name="Clear filters").click()
    expect(page.get_by_label("Search for a session")).to_have_value("")
    expect(page.get_by_role("button", name="Clear filters")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("contains"))


def test_moments_are_in_the_zone_chosen_in_airflow(as_user: Callable[..., Visitor]) -> None:
    window = as_user("viewer", apart=True)
    window.context.add_init_script("localStorage.setItem('timezone', JSON.stringify('Asia/Kolkata'))")
    page = window.visit(SESSIONS)

    moment = page.get_by_role("row", name=FAILED).locator("time").first
    in_utc, shown = moment.get_attribute("datetime"), moment.inner_text()

    assert in_utc is not None
    expected = page.evaluate(
        "moment => new Date(Date.parse(moment) + 5.5 * 3600e3).toISOString().slice(0, 19).replace('T', ' ')",
        in_utc,
    )
    assert shown == expected


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_have_no_serious_fault_for_people_with_aids(
    scheme: str, as_user: Callable[..., Visitor]
) -> None:
    window = as_user("admin", scheme=scheme)
    page = window.visit(SESSIONS)
    expect(page.get_by_role("link", name=FAILED)).to_be_visible()

    window.screenshot(f"sessions-{scheme}")
    assert window.serious_faults() == []


@pytest.mark.parametrize(
    ("view", "content"),
    [
        ("attention", "the amount 'x' is no number"),
        ("sessions&contains=order-", FAILED),
        (f"session&session={FAILED}", "t_remind"),
        (f"session&session={FAILED}&part=instances", "t_pay#0"),
        (f"session&session={FAILED}&part=story", "t_pay#0 became failed, from running."),
        (f"session&session={FAILED}&part=fires", "No hooks to call"),
        (f"session&session={FAILED}&instance=t_pay%230", "second line"),
        (f"session&session={FAILED}&part=instances&instance=t_pay%230", "second line"),
        (f"session&session={FAILED}&part=story&instance=t_pay%230", "second line"),
        (f"session&session={FAILED}&node=t_pay&instance=t_pay%230", "second line"),
        ("configuration", "order"),
        ("configuration&configuration=order", "t_remind"),
        ("fires", "Did you mean"),
    ],
)
@pytest.mark.usefixtures("morning")
def test_the_first_view_takes_two_requests_at_most(
    view: str, content: str, as_user: Callable[..., Visitor]
) -> None:
    assert_shown_by_two_requests(as_user("viewer"), f"plugin/triggers?view={view}", content)


@pytest.mark.parametrize(
    ("address", "content"),
    [
        ("", r"^\s*[1-9]\d*\s*Stuck instances"),
        ("dags/order.t_pay/plugin/triggers-dag", "After ordered has fired"),
        ("dags/order/plugin/triggers-dag", "t_remind"),
        (f"dags/order.t_pay/runs/triggers__{FAILED}~t_pay~0/plugin/triggers-dag_run", "second line"),
    ],
)
@pytest.mark.usefixtures("morning")
def test_our_part_of_airflows_pages_is_shown_by_two_requests_at_most(
    address: str, content: str, as_user: Callable[..., Visitor]
) -> None:
    assert_shown_by_two_requests(as_user("viewer"), address, content)


def assert_shown_by_two_requests(window: Visitor, address: str, content: str) -> None:
    requests: list[str] = []

    def let_two_through(route: Route) -> None:
        """The others wait: what one sees first needs none of them."""
        requests.append(route.request.url)
        if len(requests) <= 2:
            route.continue_()

    # What the window shows now asks for nothing any more.
    window.page.goto("about:blank")
    window.page.route("**/triggers/api/v1/**", let_two_through)
    page = window.visit(address, anew=True)

    expect(page.get_by_text(re.compile(content)).first).to_be_visible()
    assert requests
    # The others wait for ever.
    window.is_loaded = False


def test_a_session_can_be_reached_by_the_keyboard(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(SESSIONS)
    link = page.get_by_role("link", name=FAILED)
    expect(link).to_be_visible()
    page.get_by_label("Search for a session").focus()

    for _ in range(40):
        page.keyboard.press("Tab")
        if link.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(f"session={FAILED}"))
