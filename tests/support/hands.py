"""The two ways in which people use a page: by the mouse, and by the keyboard alone.

Neighbours: ``browser.py`` opens the pages; ``tests/e2e/ui`` does each act in both ways.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

from playwright.sync_api import Locator, Page, TimeoutError, expect

MOST_STEPS = 60
"""So often is Tab pressed at most until an element has the focus."""

MOST_HOVERS = 15
"""So often does the mouse come at most until a hint is shown."""


class Hand(Protocol):
    """Presses buttons, ticks boxes and writes into fields."""

    def press(self, element: Locator) -> None:
        """Press a button, or follow a link."""

    def tick(self, box: Locator) -> None:
        """Change a checkbox."""

    def write(self, field: Locator, text: str) -> None:
        """Replace the text of a field or an editor."""

    def choose(self, select: Locator, label: str) -> None:
        """Choose one of a list."""

    def set_clock(self, field: Locator, day: str, time: str) -> None:
        """Set a field for a moment before noon: ``05052031``, the same in every locale, and ``0800``."""


class Mouse:
    """Clicks."""

    def press(self, element: Locator) -> None:
        element.click()

    def tick(self, box: Locator) -> None:
        box.locator("xpath=ancestor::label").click()

    def write(self, field: Locator, text: str) -> None:
        field.fill(text)

    def choose(self, select: Locator, label: str) -> None:
        select.select_option(label=label)

    def set_clock(self, field: Locator, day: str, time: str) -> None:
        field.fill(f"{day[4:]}-{day[2:4]}-{day[:2]}T{time[:2]}:{time[2:]}")


class Keyboard:
    """Walks to each element by Tab, and never touches the mouse."""

    def press(self, element: Locator) -> None:
        self._walk(element).press("Enter")

    def tick(self, box: Locator) -> None:
        self._walk(box).press("Space")

    def write(self, field: Locator, text: str) -> None:
        keyboard = self._walk(field)
        keyboard.press("ControlOrMeta+a")
        keyboard.insert_text(text)

    def choose(self, select: Locator, label: str) -> None:
        self._walk(select).type(label)

    def set_clock(self, field: Locator, day: str, time: str) -> None:
        keyboard = self._walk(field)
        keyboard.type(day)
        keyboard.press("ArrowRight")
        # A clock with twelve hours needs the half of the day; another one ignores letters.
        keyboard.type(f"{time}AM")

    def _walk(self, element: Locator):  # type: ignore[no-untyped-def]  # Playwright does not export Keyboard.
        page: Page = element.page
        element.wait_for()
        for _ in range(MOST_STEPS):
            if element.evaluate("element => element === document.activeElement"):
                return page.keyboard
            page.keyboard.press("Tab")
        raise AssertionError(f"{MOST_STEPS} times Tab do not reach {element}")


def hint_of(element: Locator) -> str:
    """The hint that is shown while the mouse is on an element.

    The mouse comes again until it is shown: Airflow's own parts of a page may come late and move the element.
    """
    page = element.page
    hints = page.get_by_role("tooltip")
    for _ in range(MOST_HOVERS):
        page.mouse.move(0, 0)
        expect(hints).to_have_count(0)
        element.hover()
        with suppress(TimeoutError):
            return hints.inner_text(timeout=2_000)
    raise AssertionError(f"{MOST_HOVERS} times the mouse on {element} show no hint")
