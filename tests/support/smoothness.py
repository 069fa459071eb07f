"""Whether a page scrolls smoothly: the longest task of its main thread, measured in Chromium.

On a busy machine, a task seems long because it has to wait. So a step counts with the lesser of two figures: the
longest task that Chromium reports, and the processor time that the main thread has used in the step.
Neighbours: ``browser.py`` opens the page.
"""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import CDPSession, Page

OBSERVE = """() => {
    window.longTasks = [];
    window.observer = new PerformanceObserver(list => window.longTasks.push(...list.getEntries()));
    window.observer.observe({type: "longtask"});
}"""

SCROLL = """async ([label, pixels]) => {
    const scroller = document.querySelector(`[role=region][aria-label="${label}"]`);
    scroller.scrollTop += pixels;
    await new Promise(requestAnimationFrame);
    await new Promise(resolve => setTimeout(resolve, 0));
    const tasks = [...window.longTasks.splice(0), ...window.observer.takeRecords()];
    return Math.max(0, ...tasks.map(({duration}) => duration));
}"""


@dataclass
class Scroller:
    """A table of a page, to be scrolled.

    :param label: its name.
    """

    page: Page
    label: str

    def __post_init__(self) -> None:
        self.cdp: CDPSession = self.page.context.new_cdp_session(self.page)
        self.cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
        self.page.evaluate(OBSERVE)

    def longest_task(self, *, steps: int, pixels: int) -> float:
        """The milliseconds of the longest task while the table is scrolled, a step a frame."""
        return max(self._step(pixels) for _ in range(steps))

    def position(self) -> int:
        """How far it is scrolled, in pixels."""
        position: int = self.page.evaluate(
            "label => Math.round(document.querySelector(`[role=region][aria-label='${label}']`).scrollTop)",
            self.label,
        )
        return position

    def _step(self, pixels: int) -> float:
        before = self._processor_time()
        longest: float = self.page.evaluate(SCROLL, [self.label, pixels])
        return min(longest, self._processor_time() - before)

    def _processor_time(self) -> float:
        """The milliseconds that the main thread has worked."""
        metrics = self.cdp.send("Performance.getMetrics")["metrics"]
        return 1000 * float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))
