"""``make demo``: runs Airflow, fires the respondents' triggers at it, repairs what fails, shows what came of it.

Neighbours: ``airflow.py`` (the processes), ``client.py`` (REST), ``expectation.py`` (what must come of it),
``report.py``.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from scripts.demo.airflow import PASSWORDS, ROOT, Airflow, DemoError, end_as_by_control_c, wait_for
from scripts.demo.client import Client, read_lines
from scripts.demo.expectation import CORRECTED_AGE, SKIPPED_RESULT, differences, expectations
from scripts.demo.report import print_instances, print_results

CONFIGURATION = "questionnaire"
FOLDER = ROOT / ".demo"
INPUT = ROOT / "examples" / "respondents.jsonl"
SETTLED = {"finished", "failed", "skipped", "replayed", "abandoned"}
DEFAULT_PORT = 28793


def main() -> int:
    """Run the demo; 0 when every session ended as it must."""
    parser = argparse.ArgumentParser(prog="make demo", description=main.__doc__)
    parser.add_argument("--exit", action="store_true", help="end when everything was checked (EXIT=1)")
    parser.add_argument("--port", type=int, default=int(os.environ.get("DEMO_PORT", DEFAULT_PORT)))
    options = parser.parse_args()
    end_as_by_control_c()
    console = Console(width=None if sys.stdout.isatty() else 130, highlight=False)
    try:
        with only_one(FOLDER), running(Airflow(FOLDER / "airflow", options.port), console) as airflow:
            wrong = show(airflow, console)
            if not options.exit:
                stay(airflow, console)
    except DemoError as error:
        console.print(f"[red]The demo failed.[/] {error}", markup=True, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130 if options.exit else 0
    return 1 if wrong else 0


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Refuse a second demo in this folder; the data of the one before are removed."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DemoError(
                "Another 'make demo' is running in this folder; stop it with Ctrl-C first."
            ) from error
        shutil.rmtree(folder / "airflow", ignore_errors=True)
        yield


@contextmanager
def running(airflow: Airflow, console: Console) -> Iterator[Airflow]:
    """Airflow, ready; every process of it is gone at the end."""
    start = time.monotonic()
    console.print("Making a database and starting Airflow (standalone, SQLite) …")
    airflow.prepare()
    try:
        airflow.start("standalone")
        airflow.wait_until_ready()
        console.print(f"Airflow is ready after {time.monotonic() - start:.0f} s: {airflow.url}")
        yield airflow
    finally:
        console.print("Stopping Airflow …")
        airflow.stop()


def show(airflow: Airflow, console: Console) -> list[str]:
    """The demo itself. Returns what is not as it must be."""
    lines = read_lines(INPUT)
    expectation_by_session = expectations(lines)
    with Client(airflow.url) as client:
        wait_for(
            f"the configuration {CONFIGURATION!r} is deployed",
            lambda: client.request("GET", f"/api/v2/dags/{CONFIGURATION}").is_success,
            seconds=90,
            alive=airflow.check_alive,
        )
        fire_all(client, lines, console)
        sessions = await_settled(airflow, client, expectation_by_session, console)
        repair(client, sessions, console)
        sessions = await_settled(airflow, client, expectation_by_session, console, statuses=True)
    print_instances(console, sessions)
    print_results(console, airflow.results)
    wrong = differences(expectation_by_session, sessions, airflow.results)
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
    airflow: Airflow,
    client: Client,
    expectation_by_session: dict[str, Any],
    console: Console,
    *,
    statuses: bool = False,
) -> dict[str, Any]:
    """Wait until nothing is under way: every instance that is to come is there, and settled.

    :param statuses: wait for the statuses of the end, too, and not only until what fails has failed.
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

        wait_for("the sessions settle", all_have_settled, seconds=240, alive=airflow.check_alive)
    return sessions


def _has_settled(session: dict[str, Any], demanded_statuses: dict[str, str], *, statuses: bool) -> bool:
    actual_statuses = {instance["name"]: instance["status"] for instance in session["instances"]}
    if any(status in ("scheduled", "running") for status in actual_statuses.values()):
        return False
    some_failed = "failed" in actual_statuses.values()
    return (some_failed and not statuses) or actual_statuses.keys() == demanded_statuses.keys()


def repair(client: Client, sessions: dict[str, Any], console: Console) -> None:
    """What an operator does: replays the import with a corrected age, skips the score that cannot be had."""
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


def stay(airflow: Airflow, console: Console) -> None:
    """Leave Airflow running until Ctrl-C."""
    console.print(
        f"\nAirflow stays at [bold]{airflow.url}[/] (user admin, password {PASSWORDS['admin']}). Look at:"
    )
    for description, path in {
        "the configuration's rules": f"/dags/{CONFIGURATION}",
        "the runs of one trigger task; filter by partition key": f"/dags/{CONFIGURATION}.t_importSubject/runs",
        "the REST API": "/triggers/docs",
    }.items():
        console.print(f"  {airflow.url}{path}  ({description})")
    console.print("Press Ctrl-C to stop.")
    while True:
        airflow.check_alive()
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
