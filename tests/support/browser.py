"""Debian's Chromium, driven by Playwright, as a user who is logged in to Airflow.

Neighbours: ``api_server.py`` starts the server; ``tests/e2e/ui`` uses both.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.support.api_server import ApiServer
from tests.support.environment import IN_CI, ROOT

AXE = ROOT / "ui/node_modules/axe-core/axe.min.js"
SCREENSHOTS = ROOT / ".test/screenshots"

ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
"""For a browser run by root in a container."""

TIMEOUT = 30_000
"""Milliseconds until a page must show what a test waits for."""

AIRFLOWS_OWN = [["img[src*='triggers/static/icon']"]]
"""Selectors of what axe passes over: Airflow gives the navigation's icons no text."""

ANIMATIONS_ENDED = """
() => Promise.allSettled(
    document.getAnimations()
        .filter(animation => animation.playState === "running")
        .filter(animation => animation.effect?.getComputedTiming().endTime !== Infinity)
        .map(animation => animation.finished)
)
"""
"""Waits for the animations that end by themselves. A spinner's does not."""

NOT_OURS = re.compile(r"favicon|pin_32|Download the React DevTools|/auth/token/login")
"""What Airflow's own pages print to the console."""


def chromium_program() -> str:
    """The path of the program. Without it the test is skipped; in CI it fails."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        reason = "Chromium is not installed (Debian and Ubuntu: 'apt-get install chromium')"
        if IN_CI:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return program


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, until the end."""
    program = chromium_program()
    with sync_playwright() as playwright:
        expect.set_options(timeout=TIMEOUT)
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


TRIES, TRY_TIMEOUT = 3, 3_000
"""So often, and so many milliseconds each time, a window is asked to show nothing."""

MESSAGE = "[data-scope=toast][data-part=root]"
"""The selector of our short messages."""

NOTHING = "plugin/triggers?view=session"
"""A page of ours that asks for nothing, and its text."""
NOTHING_TEXT = "No session"


@dataclass
class Visitor:
    """A user of Airflow with a browser window of their own.

    :param complaints: errors and warnings in the window's console, and errors of its scripts.
    :param is_loaded: whether the window shows Airflow.
    :param tolerated: texts of complaints that the test brings about.
    """

    server: ApiServer
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    is_loaded: bool = False
    tolerated: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(TIMEOUT)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._note)

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning") and not NOT_OURS.search(f"{message.text} {message.location}"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def visit(self, address: str, *, anew: bool = False) -> Page:
        """Open a page, by its address below Airflow's base path (``plugin/triggers?view=sessions``).

        :param anew: load Airflow, as in a new window. Else this is done once, and later its router goes there.
        """
        if self.is_loaded and not anew:
            return self.go_to(address)
        self.page.goto(f"{self.server.url}/{address}")
        self.is_loaded = True
        return self.page

    def go_to(self, address: str) -> Page:
        """Open another page of Airflow as a link does: by its router, without loading anew."""
        self.page.evaluate(
            "url => { history.pushState({}, '', url); dispatchEvent(new PopStateEvent('popstate')); }",
            f"{self.server.url}/{address}",
        )
        return self.page

    def turn(self, scheme: str) -> None:
        """Have the system's colours be ``light`` or ``dark``, and Airflow follow."""
        self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        if self.is_loaded:
            self.page.locator(f"html.{scheme}").wait_for()

    def leave(self) -> None:
        """Make the window ready for the next test: nothing is intercepted, and no dialog or message is open."""
        self.page.unroute_all(behavior="ignoreErrors")
        self.context.set_offline(False)
        # If the test has failed and left the window so that this does not work, the next one loads Airflow again.
        self.is_loaded = self.is_loaded and any(self._shows_nothing() for _ in range(TRIES))

    def _shows_nothing(self) -> bool:
        """Show nothing. A page of Airflow's own that is not complete may yet take its address back."""
        try:
            self.go_to(NOTHING)
            expect(self.page.get_by_text(NOTHING_TEXT, exact=True)).to_be_visible(timeout=TRY_TIMEOUT)
            self._close_messages()
        except (AssertionError, PlaywrightError):
            return False
        return True

    def _close_messages(self) -> None:
        self.page.evaluate(f"document.querySelectorAll('{MESSAGE} button').forEach(button => button.click())")
        expect(self.page.locator(MESSAGE)).to_have_count(0)

    def take_complaints(self) -> list[str]:
        """The complaints so far, but those that are tolerated. The next test begins without any."""
        complaints = [
            complaint
            for complaint in self.complaints
            if not any(text in complaint for text in self.tolerated)
        ]
        self.complaints.clear()
        self.tolerated.clear()
        return complaints

    def serious_faults(self, within: str = "body") -> list[str]:
        """What axe finds serious or critical in the page, outside of Airflow's own parts.

        :param within: a CSS selector of our part, on a page of Airflow's own.
        """
        # A part that is being faded in has less contrast than it will have.
        self.page.evaluate(ANIMATIONS_ENDED)
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        answer = self.page.evaluate(
            "([included, excluded]) =>"
            " axe.run({include: [[included]], exclude: excluded}, {resultTypes: ['violations']})",
            [within, AIRFLOWS_OWN],
        )
        return [
            f"{fault['id']}: {fault['help']}: {json.dumps([node['html'][:200] for node in fault['nodes']][:3])}"
            for fault in answer["violations"]
            if fault["impact"] in ("serious", "critical")
        ]

    def screenshot(self, name: str) -> Path:
        """Take a picture of the window, for people to look at."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path


@contextmanager
def login(
    browser: Browser,
    server: ApiServer,
    user: str,
    *,
    scheme: str = "light",
    time_zone: str = "UTC",
) -> Iterator[BrowserContext]:
    """A logged-in user's browser: its windows share their cache and storage, and are closed at the end.

    :param scheme: ``light`` or ``dark``.
    """
    context = browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": 1400, "height": 900},
        timezone_id=time_zone,
        locale="en-GB",
    )
    try:
        context.add_cookies([{"name": "_token", "value": server.token(user), "url": server.url}])
        yield context
    finally:
        context.close()


@contextmanager
def visitor(server: ApiServer, context: BrowserContext) -> Iterator[Visitor]:
    """A window of the user; it is closed at the end."""
    page = context.new_page()
    try:
        yield Visitor(server, context, page)
    finally:
        page.close()
