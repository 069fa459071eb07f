"""Plays the respondents into a deployment over REST, repairs failures, and compares the outcome.

Neighbours: ``__main__.py`` runs it, ``client.py`` (REST), ``expectation.py`` (the demanded outcome), ``report.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from scripts.demo.client import Client
from scripts.demo.expectation import CORRECTED_AGE, SKIPPED_RESULT, differences, expectations
from scripts.demo.processes import wait_for
from scripts.demo.report import print_instances, print_results

CONFIGURATION = "questionnaire"
SETTLED = {"finished", "failed", "skipped", "replayed", "abandoned"}


class Deployment(Protocol):
    """The deployment under test."""

    def check_alive(self) -> None:
        """:raises DemoError: when waiting has become pointless."""


def show(
    deployment: Deployment,
    client: Client,
    lines: list[dict[str, Any]],
    console: Console,
    *,
    results: Path | None,
) -> list[str]:
    """Run the demo itself. Returns the differences from the demanded outcome.

    :param lines: the fires of ``examples/respondents.jsonl``.
    :param results: the file of the trigger tasks' results; None where this machine cannot read it.
    """
    expectation_by_session = expectations(lines)
    wait_for(
        f"the configuration {CONFIGURATION!r} is deployed",
        lambda: client.request("GET", f"/api/v2/dags/{CONFIGURATION}").is_success,
        seconds=90,
        alive=deployment.check_alive,
    )
    fire_all(client, lines, console)
    sessions = await_settled(deployment, client, expectation_by_session, console)
    repair(client, sessions, console)
    sessions = await_settled(deployment, client, expectation_by_session, console, statuses=True)
    print_instances(console, sessions)
    if results is not None:
        print_results(console, results, list(sessions))
    wrong = differences(expectation_by_session, sessions, results)
    count = sum(len(session["instances"]) for session in sessions.values())
    if wrong:
        console.print(f"[red]{len(wrong)} things are not as the input demands:[/]")
        for problem in wrong:
            console.print(f"  {problem}", markup=False)
    else:
        console.print(f"[green]{len(sessions)} sessions and {count} instances are as the input demands.[/]")
    return wrong


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:28}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=False,
    )


def fire_all(client: Client, lines: list[dict[str, Any]], console: Console) -> None:
    """Fire every line of the input, in its order."""
    with _progress(console) as progress:
        for line in progress.track(lines, description="Firing triggers"):
            client.fire(line["session"], line["trigger"], line["kwargs"], configuration=CONFIGURATION)


def await_settled(
    deployment: Deployment,
    client: Client,
    expectation_by_session: dict[str, Any],
    console: Console,
    *,
    statuses: bool = False,
    seconds: float = 240,
) -> dict[str, Any]:
    """Wait until every expected instance exists and is settled.

    :param statuses: wait for the end, after the repairs; otherwise a session with a failed instance also counts as
        settled.
    """
    demanded_statuses = {uid: demand.statuses for uid, demand in expectation_by_session.items()}
    sessions: dict[str, Any] = {}
    with _progress(console) as progress:
        total = sum(len(statuses_of_session) for statuses_of_session in demanded_statuses.values())
        task = progress.add_task("Waiting for the end" if statuses else "Waiting for the work", total=total)

        def all_have_settled() -> bool:
            sessions.update({uid: client.session(uid) for uid in demanded_statuses})
            settled_count = sum(
                instance["status"] in SETTLED
                for session in sessions.values()
                for instance in session["instances"]
            )
            progress.update(task, completed=settled_count)
            return all(
                _has_settled(sessions[uid], demanded_statuses[uid], statuses=statuses)
                for uid in demanded_statuses
            )

        wait_for("the sessions settle", all_have_settled, seconds=seconds, alive=deployment.check_alive)
    return sessions


def _has_settled(session: dict[str, Any], demanded_statuses: dict[str, str], *, statuses: bool) -> bool:
    actual_statuses = {instance["name"]: instance["status"] for instance in session["instances"]}
    if any(status in ("scheduled", "running") for status in actual_statuses.values()):
        return False
    some_failed = "failed" in actual_statuses.values()
    return (some_failed and not statuses) or actual_statuses.keys() == demanded_statuses.keys()


def repair(client: Client, sessions: dict[str, Any], console: Console) -> None:
    """The operator's repairs: replay the import with a corrected age, skip the impossible score."""
    for uid, session in sorted(sessions.items()):
        for instance in session["instances"]:
            if instance["status"] != "failed":
                continue
            why = f"{instance['metadata']['exceptionType']}: {instance['metadata']['exceptionMessage']}"
            console.print(f"[red]{uid} {instance['name']} failed:[/] {why}")
            if instance["task"] == "t_importSubject":
                kwargs = instance["kwargs"]
                kwargs["firstPageReceived"]["age"] = CORRECTED_AGE
                clone = client.replay(uid, instance["name"], kwargs)
                console.print(f"  replayed with a corrected age as [bold]{clone['name']}[/]")
            else:
                client.skip(uid, instance["name"], cascade=True, result=SKIPPED_RESULT)
                console.print("  skipped, and cascaded with a result given by hand")
