"""What each view shows instead of its content: no rights, nothing there, loading, failed; and a dead controller.

The server's answers are made up: no user of a test's server has all views in one of these states.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.support.browser import Visitor
from tests.support.orders import FAILED

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("orders")]

OURS = "**/triggers/api/v1/**"
PAGE = "plugin/triggers?view="
SESSION = f"{PAGE}session&session={FAILED}"
RUN = f"dags/order.t_pay/runs/triggers__{FAILED}~t_pay~0/plugin/triggers-dag_run"

EMPTY = {
    "asset_events": [],
    "bulk_acts": [],
    "configurations": [],
    "delayed_fires": [],
    "entries": [],
    "fires": [],
    "groups": [],
    "hooks": [],
    "instances": [],
    "is_complete": True,
    "next": None,
    "sessions": [],
    "total": 0,
}
"""An answer of each list, when there is nothing."""

SENTENCE = "The survey is a secret."


@dataclass(frozen=True)
class View:
    """A view, by its address.

    :param empty: what it says when there is nothing; None: it is about one thing, which is there or not.
    :param within: the part that is ours.
    :param ready: the end of addresses that are answered in each state: the view's own requests follow from these.
    """

    address: str
    empty: str | None = None
    within: str = "body"
    ready: str | None = None

    def of(self, page: Page) -> Locator:
        return page.locator(self.within)


TAB = "section[aria-label='Triggers']"

VIEWS = [
    View("plugin/triggers", "Nothing needs attention"),
    View("plugin/triggers?session_prefix=nobody", "Nothing matches"),
    View(f"{PAGE}sessions", "No sessions yet"),
    View(f"{PAGE}sessions&contains=nobody", "No session matches"),
    View(SESSION),
    View(f"{SESSION}&part=instances", "No instances", ready=f"/sessions/{FAILED}"),
    View(f"{SESSION}&part=story", "Nothing has happened yet", ready=f"/sessions/{FAILED}"),
    View(f"{SESSION}&instance=t_pay%230", within="[role=dialog]", ready=f"/sessions/{FAILED}"),
    View(f"{PAGE}configuration", "No configurations"),
    View(f"{PAGE}configuration&configuration=order"),
    View(f"{PAGE}fires", "Every fire was heard"),
    View(f"{PAGE}fires&part=upcoming", "No fires to come"),
    View(f"{PAGE}fires&part=parked", "No parked hooks"),
    View(f"{PAGE}fires&part=parked", "No parked asset events"),
    View("plugin/triggers?bulk=1", within="[role=dialog]", ready="/instances/counts"),
    View("dags/order/plugin/triggers-dag", within=TAB),
    View("dags/order.t_remind/plugin/triggers-dag", "–", within=TAB, ready="/configurations/order"),
    View(RUN, within=TAB),
]

PAGES = [view for view in VIEWS if view.within == "body"]
"""Those of the page "Triggers", without a drawer."""

CARD = View("", within=TAB)


def is_ready(url: str, ready: str | None) -> bool:
    path = url.partition("?")[0]
    return path.endswith("/health") or (ready is not None and path.endswith(ready))


def answer(window: Visitor, status: HTTPStatus, body: object, *, ready: str | None = None) -> None:
    """Have the server answer so to whatever is not ready."""
    content_type = "application/json" if status == HTTPStatus.OK else "application/problem+json"

    def fulfil(route: Route) -> None:
        if is_ready(route.request.url, ready):
            route.continue_()
        else:
            route.fulfill(status=status, content_type=content_type, body=json.dumps(body))

    window.page.unroute_all()
    window.page.route(OURS, fulfil)


def holder_but_of(ready: str | None) -> Callable[[Route], None]:
    """Lets whatever is not ready wait for ever."""

    def hold(route: Route) -> None:
        if is_ready(route.request.url, ready):
            route.continue_()

    return hold


def refuse(window: Visitor, status: HTTPStatus, *, ready: str | None = None) -> None:
    """Have the server refuse whatever is not ready. The browser notes it in its console."""
    problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": SENTENCE}
    answer(window, status, problem, ready=ready)
    window.tolerated.append(f"status of {status.value}")


def refused_views(window: Visitor, status: HTTPStatus) -> Iterator[Locator]:
    """Each view and the card, once the server has refused what they ask for."""
    for view in [*VIEWS, CARD]:
        window.leave()
        refuse(window, status, ready=view.ready)
        yield view.of(window.visit(view.address))


def test_who_has_no_right_is_told_so_by_each_view(as_user: Callable[..., Visitor]) -> None:
    window = as_user("viewer", apart=True)
    for view in refused_views(window, HTTPStatus.FORBIDDEN):
        notice = view.get_by_role("status").filter(has_text="You may not see this.").first
        expect(notice).to_contain_text(SENTENCE)
    window.screenshot("no-rights-light")
    assert window.serious_faults(CARD.within) == []


def test_each_view_says_what_could_not_be_read_in_the_servers_sentence(
    as_user: Callable[..., Visitor],
) -> None:
    window = as_user("viewer", apart=True)
    for view in refused_views(window, HTTPStatus.CONFLICT):
        notice = view.get_by_role("alert").filter(has_text="This could not be read.").first
        expect(notice).to_contain_text(SENTENCE)


def test_each_list_says_that_it_is_empty(as_user: Callable[..., Visitor]) -> None:
    window = as_user("viewer", apart=True)
    for view in VIEWS:
        if view.empty is not None:
            window.leave()
            answer(window, HTTPStatus.OK, EMPTY, ready=view.ready)
            page = window.visit(view.address)
            expect(view.of(page).get_by_text(view.empty, exact=True).first).to_be_visible()
            expect(view.of(page).get_by_text("Loading")).to_have_count(0)


def test_each_view_says_that_it_is_loading(as_user: Callable[..., Visitor]) -> None:
    window = as_user("viewer", apart=True)
    for view in VIEWS:
        window.leave()
        # What waits is asked for when the view is left. There may be no such bulk act.
        window.tolerated.append("/bulk-acts/1")
        window.page.route(OURS, holder_but_of(view.ready))
        # The answers may come before the view is gone. The next view would show them at once.
        page = window.visit(view.address, anew=True)
        expect(view.of(page).get_by_role("status").filter(has_text="Loading").first).to_be_visible()


def test_each_view_says_that_the_controller_is_dead(as_user: Callable[..., Visitor]) -> None:
    window = as_user("viewer", apart=True)
    health = {"status": "unhealthy", "reason": "No controller is alive since 2031-05-17T08:00:00+00:00."}
    window.page.route(
        "**/triggers/api/v1/health",
        lambda route: route.fulfill(status=HTTPStatus.OK, body=json.dumps(health)),
    )
    for view in PAGES:
        banner = window.visit(view.address).get_by_role("alert").filter(has_text="is not well")
        expect(banner).to_contain_text("No controller is alive since 2031-05-17 08:00:00.")
        expect(banner).to_be_in_viewport(ratio=0.9)


def test_what_was_refused_is_not_asked_again_and_again(as_user: Callable[..., Visitor]) -> None:
    window = as_user("viewer", apart=True)
    window.page.clock.install()
    urls: list[str] = []
    window.page.on("request", lambda request: urls.append(request.url))
    for view in VIEWS:
        window.leave()
        refuse(window, HTTPStatus.NOT_FOUND, ready=view.ready)
        urls.clear()
        page = window.visit(view.address)
        expect(view.of(page).get_by_text(SENTENCE).first).to_be_visible()
        refused = {url for url in urls if "/triggers/api/v1/" in url and not is_ready(url, view.ready)}
        urls.clear()

        # The time to the next question begins with an answer, which may still be on its way.
        for _ in range(20):
            page.clock.run_for(10_000)
            with page.expect_request("**/triggers/api/v1/problems"):
                page.evaluate("void fetch('/team/airflow/triggers/api/v1/problems')")
            is_health_asked = any(url.endswith("/health") for url in urls)
            if view not in PAGES or is_health_asked:
                break

        assert refused, view.address
        assert not refused & set(urls), view.address
        # What is not refused is asked again.
        assert view not in PAGES or is_health_asked


def test_a_session_that_is_deleted_meanwhile_is_not_shown_any_more(as_user: Callable[..., Visitor]) -> None:
    window = as_user("viewer")
    page = window.visit(SESSION)
    expect(page.get_by_role("heading", name=FAILED)).to_be_visible()

    refuse(window, HTTPStatus.NOT_FOUND)

    expect(page.get_by_role("alert").filter(has_text=SENTENCE)).to_be_visible()
    expect(page.get_by_role("heading", name=FAILED)).to_have_count(0)


def test_what_was_read_stays_in_sight_while_the_server_is_away(as_user: Callable[..., Visitor]) -> None:
    window = as_user("viewer", apart=True)
    window.page.clock.install()
    page = window.visit(SESSION)
    expect(page.get_by_role("heading", name=FAILED)).to_be_visible()

    refuse(window, HTTPStatus.SERVICE_UNAVAILABLE)
    for _ in range(5):
        with page.expect_response(lambda response: response.status == HTTPStatus.SERVICE_UNAVAILABLE):
            page.clock.run_for(5_000)

    expect(page.get_by_role("heading", name=FAILED)).to_be_visible()
    expect(page.get_by_text(SENTENCE)).to_have_count(0)
