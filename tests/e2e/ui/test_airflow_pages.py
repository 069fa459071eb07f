"""Our parts of Airflow's own pages: the dashboard's card, the tabs on DAGs and runs, the rules in the graph view."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.api_server import ApiServer
from tests.support.browser import Visitor
from tests.support.hands import hint_of
from tests.support.mornings import (
    FOREIGN_DAG,
    SENT_AS_WORD,
    begin,
    end,
    fail_subject,
    finish,
    fire,
    let_controllers_die,
)

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("morning")]

TASK_DAG = "questionnaire.t_importSubject"
TASK_TAB = f"dags/{TASK_DAG}/plugin/triggers-dag"


def instance(server: ApiServer, uid: str, name: str = "t_importSubject#0") -> dict[str, Any]:
    """The instance, as REST answers it to an admin."""
    answer = server.client("admin").get(f"api/v1/sessions/{uid}/instances/{name.replace('#', '%23')}")
    body: dict[str, Any] = answer.raise_for_status().json()
    return body


def ours(page: Page) -> Locator:
    """Our part of the page."""
    return page.get_by_role("region", name="Triggers", exact=True)


def run_tab(uid: str, task: str = "t_importSubject") -> str:
    """The address of our tab on the run of a task's first instance."""
    return f"dags/questionnaire.{task}/runs/triggers__{uid}~{task}~0/plugin/triggers-dag_run"


# -- the card -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "address"),
    [
        (r"[1-9]\d* ?Failed instances", "plugin/triggers\\?view=attention"),
        (r"[1-9]\d* ?Stuck instances", "plugin/triggers\\?view=attention"),
        (r"[1-9]\d* ?Parked", "view=fires&part=parked"),
        (r"[1-9]\d* ?Unheard fires in 24 h", "view=fires&part=unheard"),
        ("Controller's last pass", "jobs\\?job_type=TriggersControllerJob"),
    ],
)
def test_the_card_counts_and_links(label: str, address: str, as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit("")
    expect(ours(page).get_by_text("Controller's last pass")).to_be_visible()

    link = ours(page).get_by_role("link", name=re.compile(f"^{label}"))
    link.focus()
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(address))
    page.go_back()
    expect(link).to_be_visible()


def test_the_card_says_that_no_controller_has_run(as_user: Callable[..., Visitor]) -> None:
    let_controllers_die()
    page = as_user("viewer").visit("")

    expect(ours(page).get_by_text("No controller has run yet")).to_be_visible()


# -- the tab on a DAG ---------------------------------------------------------------------------------------------


def test_the_dag_of_a_task_shows_its_rule_and_its_instances(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(f"dags/{TASK_DAG}")
    # The first one is in the navigation.
    page.get_by_role("link", name="Triggers", exact=True).nth(1).click()

    expect(ours(page)).to_contain_text("After firstPageReceived and questionnaireComplete have fired")
    failed = ours(page).get_by_role("list", name="Failed instances")
    expect(failed).to_contain_text("invalid literal for int() with base 10: 'forty'")
    waiting = ours(page).get_by_role("list", name="Instances that wait for triggers")
    expect(waiting.get_by_role("link", name="respondent-07 t_importSubject#0")).to_be_visible()
    waiting.get_by_role("button", name="Why: t_importSubject#0").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("questionnaireComplete")
    page.keyboard.press("Escape")

    page.reload()
    expect(failed).to_be_visible()
    failed.get_by_role("link", name="respondent-04 t_importSubject#0").click()
    expect(page).to_have_url(re.compile("plugin/triggers.*session=respondent-04"))
    page.go_back()
    expect(failed).to_be_visible()


def test_an_instance_is_replayed_on_its_dag_by_the_mouse(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    fail_subject("dag-replay")
    page = as_user().visit(TASK_TAB)
    ours(page).get_by_role("button", name="Replay t_importSubject#0 of dag-replay").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog.get_by_text("1 of 1 will be replayed.")).to_be_visible()
    dialog.get_by_role("button", name="Replay").click()

    expect(page.get_by_text("Replayed", exact=True)).to_be_visible()
    expect(ours(page).get_by_role("link", name="dag-replay t_importSubject#0")).to_have_count(0)
    assert instance(server, "dag-replay")["status"] == "replayed"


def test_an_instance_is_skipped_on_its_dag_by_the_keyboard(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    fail_subject("dag-skip")
    page = as_user().visit(TASK_TAB)
    ours(page).get_by_role("button", name="Skip t_importSubject#0 of dag-skip").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("alertdialog")
    expect(dialog.get_by_text("1 of 1 will be skipped.")).to_be_visible()
    dialog.get_by_role("button", name="Skip").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text("Skipped", exact=True)).to_be_visible()
    assert instance(server, "dag-skip")["status"] == "skipped"


def test_the_dag_of_a_configuration_shows_the_configuration(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit("dags/questionnaire/plugin/triggers-dag")
    ours(page).get_by_role("tab", name="Versions").click()
    expect(ours(page).get_by_role("table", name="Versions")).to_be_visible()

    page.reload()
    expect(ours(page).get_by_role("table", name="Versions")).to_be_visible()
    page.go_back()
    expect(ours(page).get_by_role("tab", name="Graph")).to_have_attribute("aria-selected", "true")


def test_another_dag_has_one_quiet_line(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(f"dags/{FOREIGN_DAG}/plugin/triggers-dag")

    expect(ours(page)).to_have_text("This DAG belongs to no configuration of the triggers plugin.")


# -- the tab on a run ---------------------------------------------------------------------------------------------


def test_a_run_is_replayed_with_other_kwargs_by_the_mouse(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    fail_subject("run-replay")
    page = as_user().visit(run_tab("run-replay"))
    expect(ours(page)).to_contain_text("invalid literal for int() with base 10: 'forty'")
    ours(page).get_by_role("button", name="Replay t_importSubject#0 of run-replay").click()
    dialog = page.get_by_role("alertdialog")
    dialog.get_by_text("With other kwargs").click()
    editor = dialog.get_by_role("textbox", name="Kwargs")
    expect(editor).to_contain_text('"age": "forty"')
    editor.fill('{"firstPageReceived": {"age": "40"}, "questionnaireComplete": {}}')
    dialog.get_by_role("button", name="Replay").click()

    expect(ours(page).get_by_role("heading", level=2)).to_contain_text("run-replay")
    expect(ours(page).get_by_role("link", name="t_importSubject#1").first).to_be_visible()
    assert instance(server, "run-replay")["status"] == "replayed"
    kwargs = instance(server, "run-replay", "t_importSubject#1")["kwargs"]
    assert kwargs["firstPageReceived"] == {"age": "40"}


def test_a_run_is_skipped_with_a_cascade_by_the_keyboard(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    fail_subject("run-skip")
    page = as_user().visit(run_tab("run-skip"))
    ours(page).get_by_role("button", name="Skip t_importSubject#0 of run-skip").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("alertdialog")
    dialog.get_by_role("checkbox", name=re.compile("cascade")).focus()
    page.keyboard.press("Space")
    editor = dialog.get_by_role("textbox", name="Result")
    editor.focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text('{"respondent": "run-skip"}')
    dialog.get_by_role("button", name="Skip").focus()
    page.keyboard.press("Enter")

    expect(ours(page).get_by_text("skipped", exact=True).first).to_be_visible()
    skipped = instance(server, "run-skip")
    assert (skipped["status"], skipped["metadata"]["result"]) == ("skipped", {"respondent": "run-skip"})
    browser_metadata = instance(server, "run-skip", "t_importBrowserMetadata#0")
    assert browser_metadata["kwargs"]["t_importSubject"] == {"respondent": "run-skip"}
    state = server.client("admin").get(f"{server.url}/api/v2/dags/{TASK_DAG}/dagRuns/{skipped['dag_run_id']}")
    assert state.json()["state"] == "success"


def test_a_run_shows_what_caused_it_what_it_caused_and_its_siblings(
    as_user: Callable[..., Visitor], server: ApiServer
) -> None:
    begin("run-story")
    finish("run-story", "t_importSubject#0", {"respondent": "run-story"})
    for number in range(2):
        fire("run-story", "pageReceived", {"page": number})
    end("run-story", "t_importResponses#0", "failed", exception={"exceptionType": "KeyError"})
    page = as_user("viewer").visit(run_tab("run-story", "t_importResponses"))

    expect(ours(page).get_by_text("What caused it, and what it caused")).to_be_visible()
    expect(ours(page)).to_contain_text("pageReceived")
    sibling = ours(page).get_by_role("link", name="t_importResponses#1").last
    expect(sibling).to_be_visible()
    page.reload()
    expect(sibling).to_be_visible()
    sibling.click()
    expect(page).to_have_url(re.compile("plugin/triggers.*session=run-story"))
    page.go_back()
    expect(sibling).to_be_visible()


def test_a_viewer_may_not_repair_a_run_and_hears_why(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit(run_tab("respondent-05"))

    for name in ("Replay t_importSubject#0 of respondent-05", "Skip t_importSubject#0 of respondent-05"):
        button = ours(page).get_by_role("button", name=name)
        expect(button).to_have_attribute("aria-disabled", "true")
        assert re.search(r"\w", hint_of(button))
        button.click(force=True)
        expect(page.get_by_role("alertdialog")).to_have_count(0)


def test_a_run_that_is_nobodys_has_one_quiet_line(as_user: Callable[..., Visitor], server: ApiServer) -> None:
    body = {"logical_date": None, "conf": {"triggers": SENT_AS_WORD}}
    client = server.client("admin")
    dag_run = client.post(f"{server.url}/api/v2/dags/{FOREIGN_DAG}/dagRuns", json=body).raise_for_status()
    run_id = dag_run.json()["dag_run_id"]
    page = as_user("viewer").visit(f"dags/{FOREIGN_DAG}/runs/{run_id}/plugin/triggers-dag_run")

    expect(ours(page)).to_have_text("This run belongs to no session of the triggers plugin.")


# -- the rules in Airflow's graph view ----------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_airflows_graph_view_shows_the_rules(scheme: str, as_user: Callable[..., Visitor]) -> None:
    window = as_user("viewer", scheme=scheme)
    page = window.visit("dags/questionnaire")
    page.get_by_role("button", name=re.compile("Graph")).click()

    graph = page.locator(".react-flow")
    for node in ("firstPageReceived", "embeddedDevice", "t_importSubject", "t_notify"):
        expect(graph.get_by_text(node, exact=True)).to_be_visible()
    expect(graph.get_by_text("unless", exact=True)).to_be_visible()
    expect(graph.get_by_text("every", exact=True)).to_be_visible()
    window.screenshot(f"airflow-graph-{scheme}")


def test_a_circle_is_cut_in_airflows_graph_view_and_named(as_user: Callable[..., Visitor]) -> None:
    page = as_user("viewer").visit("dags/invoice")
    page.get_by_role("button", name=re.compile("Graph")).click()

    expect(page.locator(".react-flow").get_by_text(re.compile(r"\(and after t_"))).to_be_visible()


def test_the_form_of_a_configurations_dag_says_that_a_run_does_nothing(
    as_user: Callable[..., Visitor],
) -> None:
    window = as_user()
    page = window.visit("dags/questionnaire")
    page.get_by_role("button", name=re.compile("^Trigger")).first.click()

    expect(page.get_by_role("dialog").get_by_text("A run of this DAG does nothing")).to_be_visible()
    window.screenshot("trigger-form-light")
