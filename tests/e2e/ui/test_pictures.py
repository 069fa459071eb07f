"""Every page of a morning in operations, light and dark: its picture, and what axe finds in it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.browser import Visitor
from tests.support.mornings import FOREIGN_DAG, beat

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("morning")]

PICTURES = os.environ.get("TRIGGERS_PICTURES")
"""The folder for the pictures of ``docs/pages.md``; None: they are not made."""

OURS = "section[aria-label='Triggers']"
"""Our part of Airflow's own pages."""

PAGE = "plugin/triggers?view="
CONFIGURATION = f"{PAGE}configuration&configuration="
RUN = "triggers__respondent-04~t_importSubject~0"


AIRFLOWS = ""
"""Nothing of the page is ours."""


@dataclass(frozen=True)
class View:
    """A page to look at.

    :param text: what it shows once it is complete.
    :param within: the part that is ours.
    :param press: the buttons to press before.
    :param height: of its picture in ``docs/pages.md``, in pixels; None: it has none.
    """

    name: str
    address: str
    text: str
    within: str = "body"
    press: tuple[str, ...] = ()
    height: int | None = None


VIEWS = (
    View(
        "attention",
        "plugin/triggers",
        "respondent-04",
        press=("^3 ?ValueError invalid literal",),
        height=700,
    ),
    View("sessions", f"{PAGE}sessions&contains=respondent", "respondent-04"),
    View("session", f"{PAGE}session&session=respondent-08", "t_importResponses", height=700),
    View("configurations", f"{PAGE}configuration", "import error"),
    View(
        "configuration",
        f"{CONFIGURATION}questionnaire&node=t_importSubject",
        "run questionnaire_tasks",
        height=820,
    ),
    View("sentences", f"{CONFIGURATION}questionnaire&part=rules", "and every time"),
    View("yaml", f"{CONFIGURATION}questionnaire&part=yaml", "bash_command"),
    View("versions", f"{CONFIGURATION}questionnaire&part=versions", "have other rules"),
    View(
        "migrate",
        f"{CONFIGURATION}questionnaire&part=versions",
        "3 sessions would be moved",
        press=("^Move open sessions", "^Preview"),
        height=700,
    ),
    View("broken", f"{CONFIGURATION}invoice&node=t_dun", "It waits in a circle"),
    View("unheard", f"{PAGE}fires", "Did you mean embeddedDevice?", height=380),
    View("upcoming", f"{PAGE}fires&part=upcoming", "is not installed"),
    View("parked", f"{PAGE}fires&part=parked", "the mail server does not answer", height=460),
    View("dashboard", "", "Unheard fires in 24 h", within=OURS, height=460),
    View("dag-of-a-task", "dags/questionnaire.t_importSubject/plugin/triggers-dag", "'forty'", within=OURS),
    View("dag-of-a-configuration", "dags/questionnaire/plugin/triggers-dag", "Sentences", within=OURS),
    View("other-dag", f"dags/{FOREIGN_DAG}/plugin/triggers-dag", "belongs to no configuration", within=OURS),
    View(
        "run",
        f"dags/questionnaire.t_importSubject/runs/{RUN}/plugin/triggers-dag_run",
        "waits for somebody to replay or skip it",
        within=OURS,
        height=820,
    ),
    View("airflow-graph", "dags/questionnaire", "t_notify", within=AIRFLOWS, press=("Graph",), height=820),
)


def test_no_page_has_a_serious_fault_for_people_with_aids(as_user: Callable[..., Visitor]) -> None:
    window = as_user("admin")
    window.visit("plugin/triggers")
    faults: dict[str, list[str]] = {}
    for view in VIEWS:
        show(window, view)
        for scheme in ("light", "dark"):
            window.turn(scheme)
            window.screenshot(f"{view.name}-{scheme}")
            if scheme == "light":
                picture(window, view)
            if view.within != AIRFLOWS:
                faults[f"{view.name}-{scheme}"] = window.serious_faults(view.within)
    assert {name: texts for name, texts in faults.items() if texts} == {}


def show(window: Visitor, view: View) -> None:
    """Open the page, and wait until it is complete."""
    beat()
    window.turn("light")
    page = window.go_to(view.address)
    for name in view.press:
        page.get_by_role("button", name=re.compile(name)).first.click()
    expect(page.locator(view.within or "body").get_by_text(view.text).first).to_be_visible()


def picture(window: Visitor, view: View) -> None:
    """Make the picture of the docs, if the developer asks for them."""
    if PICTURES is not None and view.height is not None:
        clip = {"x": 0, "y": 0, "width": 1400, "height": view.height}
        window.page.screenshot(path=Path(PICTURES) / f"{view.name}.png", clip=clip)
