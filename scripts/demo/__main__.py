"""``make demo``: runs Airflow, fires the respondents' triggers at it, repairs failures, shows the outcome.

With ``API=https://…`` it plays into a running deployment. Neighbours: ``airflow.py`` (the processes), ``play.py`` (what
is played), ``client.py`` (REST).
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
from rich.console import Console

from scripts.demo.airflow import PASSWORDS, ROOT, Airflow, DemoError, end_as_by_control_c
from scripts.demo.client import API, Client, read_lines
from scripts.demo.play import CONFIGURATION, await_settled, fire_all, repair, show

__all__ = ["CONFIGURATION", "INPUT", "await_settled", "fire_all", "repair"]

FOLDER = ROOT / ".demo"
INPUT = ROOT / "examples" / "respondents.jsonl"
DEFAULT_PORT = 28793
LAST_PORT = 65535


def main() -> int:
    """Run the demo; 0 when every session ended as it must."""
    options = _options()
    end_as_by_control_c()
    console = Console(width=None if sys.stdout.isatty() else 130, highlight=False)
    try:
        if options.api:
            wrong = play_into(options.api.rstrip("/"), console)
        else:
            wrong = run_and_play(
                Airflow(options.folder / "airflow", options.port), console, stays=not options.exit
            )
    except DemoError as error:
        console.print("[red]The demo failed.[/]", markup=True, end=" ")
        console.print(str(error), markup=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130 if options.exit or options.api else 0
    return 1 if wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=main.__doc__)
    parser.add_argument("--exit", action="store_true", help="end when everything was checked (EXIT=1)")
    parser.add_argument(
        "--port",
        type=_first_port,
        default=os.environ.get("DEMO_PORT") or str(DEFAULT_PORT),
        help="the first of three free ports (DEMO_PORT)",
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for everything that it writes")
    parser.add_argument("--api", help="the URL of a deployment to play into (API)")
    return parser.parse_args()


def _first_port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) <= LAST_PORT - 2:
        raise argparse.ArgumentTypeError(
            f"DEMO_PORT is {text!r}; expected the first of three ports in a row, from 1 to {LAST_PORT - 2}"
        )
    return int(text)


def play_into(url: str, console: Console) -> list[str]:
    """Play into a running deployment, in unused sessions. Returns the differences from the demanded outcome.

    ``DEMO_TOKEN``, or ``DEMO_USER`` and ``DEMO_PASSWORD``, in the environment say who plays.

    :raises DemoError: when the server does not answer, or the login is refused.
    """
    user, password, token = (os.environ.get(f"DEMO_{name}") for name in ("USER", "PASSWORD", "TOKEN"))
    if not password and not token:
        raise DemoError(
            "Nobody is named who may fire. Set DEMO_PASSWORD (of the user admin, or of DEMO_USER), or DEMO_TOKEN."
        )
    play = f"play-{datetime.now(UTC):%Y%m%d-%H%M%S}-"
    lines = [{**line, "session": play + line["session"]} for line in read_lines(INPUT)]
    try:
        with Client(url, user or "admin", password or "", token or None) as client:
            check_rights(client)
            console.print(f"Playing into {url}, as sessions {play}…")
            return show(Elsewhere(), client, lines, console, results=None)
    except httpx.HTTPStatusError as error:
        raise DemoError(
            f"{url} refuses the login with {error.response.status_code}. "
            "Look at DEMO_USER, DEMO_PASSWORD and DEMO_TOKEN."
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DemoError(f"{url} does not answer: {error}. API is the URL of Airflow's UI.") from error


def check_rights(client: Client) -> None:
    """:raises DemoError: when the user may not read sessions, or the server has no such API."""
    answer = client.request("GET", f"{API}/sessions?limit=1")
    if answer.is_error:
        raise DemoError(
            f"{answer.url} answered {answer.status_code}: {answer.text[:300]}. Is the plugin installed there, "
            "and may this user read sessions?"
        )


class Elsewhere:
    """A deployment run by others."""

    def check_alive(self) -> None:
        """Do nothing: its processes are unknown here."""


def run_and_play(airflow: Airflow, console: Console, *, stays: bool) -> list[str]:
    """Run an Airflow and play into it. Returns the differences from the demanded outcome.

    :param stays: leave Airflow running until Ctrl-C.
    :raises DemoError: when a port is taken, or Airflow does not start.
    """
    with only_one(airflow.home.parent):
        airflow.check_ports()
        shutil.rmtree(airflow.home, ignore_errors=True)
        with running(airflow, console):
            with Client(airflow.url) as client:
                wrong = show(airflow, client, read_lines(INPUT), console, results=airflow.results)
            if stays:
                stay(airflow, console)
    return wrong


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Refuse a second demo in this folder."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DemoError(
                "Another 'make demo' is running in this folder; stop it with Ctrl-C first."
            ) from error
        yield


@contextmanager
def running(airflow: Airflow, console: Console) -> Iterator[Airflow]:
    """Airflow, ready; all its processes have ended at the end."""
    start = time.monotonic()
    console.print("Making a database and starting Airflow (standalone, SQLite) …")
    try:
        airflow.prepare()
        airflow.start("standalone")
        airflow.wait_until_ready()
        console.print(f"Airflow is ready after {time.monotonic() - start:.0f} s: {airflow.url}")
        yield airflow
    finally:
        console.print("Stopping Airflow …")
        airflow.stop()


def stay(airflow: Airflow, console: Console) -> None:
    """Leave Airflow running until Ctrl-C."""
    logins = " or ".join(f"{user}, password {password}" for user, password in PASSWORDS.items())
    console.print(f"\nAirflow stays at [bold]{airflow.url}[/]. Log in as {logins} (reads only). Look at:")
    for description, path in {
        "the configuration's rules": f"/dags/{CONFIGURATION}",
        "the runs of one trigger task; filter by partition key": f"/dags/{CONFIGURATION}.t_importSubject/runs",
        "the REST API": "/triggers/docs",
    }.items():
        console.print(f"  {airflow.url}{path}  ({description})")
    console.print(f"The scores are in {airflow.results} (SQLite).", soft_wrap=True)
    console.print("Fire a trigger, in another shell:")
    for line in firing_lines(airflow):
        console.print(line, markup=False, soft_wrap=True)
    console.print("Ask this Airflow on the command line:")
    for line in command_lines(airflow):
        console.print(line, markup=False, soft_wrap=True)
    console.print("Press Ctrl-C to stop.")
    while True:
        airflow.check_alive()
        time.sleep(0.5)


def firing_lines(airflow: Airflow) -> list[str]:
    """Shell commands to fire a trigger."""
    json_header = "-H 'Content-Type: application/json'"
    login = '{"username": "admin", "password": "%s"}' % PASSWORDS["admin"]  # noqa: UP031  (it has braces)
    kwargs = '{"age": 41, "educ": 4, "income": 12, "userAgent": "Firefox/130.0"}'
    fire = (
        '{"trigger": "firstPageReceived", "configuration": "questionnaire", "kwargs": %s}' % kwargs  # noqa: UP031
    )
    return [
        f"TOKEN=$(curl -s {airflow.url}/auth/token {json_header} -d '{login}' | cut -d '\"' -f 4)",
        f"curl -s {airflow.url}{API}/sessions/mine/fires -H \"Authorization: Bearer $TOKEN\" {json_header} -d '{fire}'",
    ]


def command_lines(airflow: Airflow) -> list[str]:
    """Shell commands to use ``airflow triggers``."""
    return [
        f"export AIRFLOW_HOME={shlex.quote(str(airflow.home))}",
        f"{shlex.quote(str(airflow.python.parent / 'airflow'))} triggers sessions list",
    ]


if __name__ == "__main__":
    sys.exit(main())
