"""Applications that fire until they get an answer, and an operator who repairs failed instances; all over REST.

Neighbours: ``plan.py`` has the fires; ``journal.py`` keeps every request and every answer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from scripts.chaos.journal import Journal
from scripts.chaos.plan import PlannedFire, Script
from scripts.demo.airflow import DemoError
from scripts.demo.client import API, Client

PAUSE = 0.5
"""Seconds after which an unanswered request is sent again."""

SKIPPED_RESULT = {"value": -1}
PAGE = 100


@dataclass(frozen=True)
class Login:
    """The server and the user of the clients.

    :param url: the URL of the API server.
    :param password: the password of the user admin.
    """

    url: str
    password: str


@dataclass
class PatientClient:
    """A client that tries again as long as the server is unreachable or answers with 5xx."""

    login: Login
    journal: Journal
    stop: threading.Event
    _client: Client | None = None

    def request(self, method: str, path: str, body: Any = None, **identity: Any) -> tuple[int, Any]:
        """Send a request until the answer is not 5xx; returns the status and the body.

        :param identity: the subject of the request, for the journal; empty for reading.
        :raises DemoError: when no answer came before the time was over.
        """
        why = "nobody answered"
        while not self.stop.is_set():
            if identity:
                self.journal.write("intent", **identity)
            try:
                answer = self._logged_in().request(method, path, json=body)
                if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                    if identity:
                        kind = "refused" if answer.is_error else "ack"
                        self.journal.write(kind, status=answer.status_code, answer=answer.json(), **identity)
                    return answer.status_code, answer.json()
                why = f"{answer.status_code}: {answer.text[:300]}"
                self.journal.write(
                    "unavailable", status=answer.status_code, said=answer.text[:300], **identity
                )
            except httpx.HTTPError as error:
                why = repr(error)
                self._log_out()
            self.stop.wait(PAUSE)
        raise DemoError(f"{method} {path} was not answered before the time was over; at last: {why}")

    def _logged_in(self) -> Client:
        if self._client is None:
            self._client = Client(self.login.url, password=self.login.password)
        return self._client

    def _log_out(self) -> None:
        if self._client is not None:
            self._client.__exit__()
            self._client = None

    close = _log_out


@dataclass
class Firing:
    """Clients that play scripts at the same time.

    :param clients: how many scripts are played at once.
    """

    login: Login
    journal: Journal
    stop: threading.Event
    clients: int = 8
    problems: list[str] = field(default_factory=list)

    def play(self, scripts: list[Script], *, seconds: float) -> None:
        """Play every script, and return when all fires were answered.

        :param seconds: the starts of the scripts are spread over these seconds.
        """
        start = time.monotonic()

        def play_one(numbered_script: tuple[int, Script]) -> None:
            number, script = numbered_script
            begin = start + seconds * number / len(scripts)
            self.stop.wait(max(0.0, begin - time.monotonic()))
            if not self.stop.is_set():
                self._play(script)

        with ThreadPoolExecutor(self.clients, thread_name_prefix="chaos-client") as pool:
            for _ in pool.map(play_one, enumerate(scripts)):
                pass

    def _play(self, script: Script) -> None:
        client = PatientClient(self.login, self.journal, self.stop)
        try:
            body = {"uid": script.session, "configuration": "chaos", "manager": "chaos"}
            self._send(client, f"{API}/sessions", body, act="create", session=script.session)
            for fire in script.fires:
                self._fire(client, script.session, fire)
        except DemoError as error:
            self.problems.append(str(error))
        finally:
            client.close()

    def _fire(self, client: PatientClient, session: str, fire: PlannedFire) -> None:
        body: dict[str, Any] = {"trigger": fire.trigger, "kwargs": fire.kwargs, "idempotency_key": fire.key}
        if fire.delay is not None:
            body["fire_at"] = (datetime.now(UTC) + timedelta(seconds=fire.delay)).isoformat()
        about = {"session": session, "key": fire.key, "trigger": fire.trigger, "kwargs": fire.kwargs}
        self._send(client, f"{API}/sessions/{quote(session)}/fires", body, act="fire", **about)

    def _send(self, client: PatientClient, path: str, body: Any, **identity: Any) -> None:
        status, answer = client.request("POST", path, body, **identity)
        if status >= HTTPStatus.BAD_REQUEST:
            self.problems.append(f"{identity} was refused with {status}: {answer}")


@dataclass
class Operator:
    """Looks for failed runs, as an operator does in Airflow's lists, and replays or skips their instances."""

    login: Login
    journal: Journal
    stop: threading.Event
    problems: list[str] = field(default_factory=list)
    _repairs: set[tuple[str, str]] = field(default_factory=set)

    def work(self) -> None:
        """Repair until told to stop. This is a boundary: an error is stored as a problem, and the work goes on."""
        client = PatientClient(self.login, self.journal, self.stop)
        while not self.stop.is_set():
            try:
                for session, instance in list(self._failed_instances(client)):
                    self._repair(client, session, instance)
            except DemoError as error:
                if not self.stop.is_set():
                    self.problems.append(str(error))
            self.stop.wait(1)
        client.close()

    def _failed_instances(self, client: PatientClient) -> Iterator[tuple[str, str]]:
        """The session and the instance of each failed run without a repair."""
        offset = 0
        while True:
            path = f"/api/v2/dags/~/dagRuns?state=failed&order_by=id&limit={PAGE}&offset={offset}"
            status, page = client.request("GET", path)
            if status != HTTPStatus.OK:
                self.problems.append(f"the failed runs cannot be listed: {status} {page}")
                return
            for run in page["dag_runs"]:
                identity = run["conf"]["triggers"]
                about = identity["session_uid"], identity["instance_name"]
                if about not in self._repairs:
                    yield about
            offset += PAGE
            if offset >= page["total_entries"]:
                return

    def _repair(self, client: PatientClient, session: str, instance: str) -> None:
        path = f"{API}/sessions/{quote(session)}/instances/{quote(instance, safe='')}"
        _, record = client.request("GET", path)
        if record["status"] in ("replayed", "skipped"):
            self._repairs.add((session, instance))
        if record["status"] != "failed":
            # The controller has not applied the failure yet; the next look finds it.
            return
        act, body = _repair_of(record)
        about = {"act": act, "session": session, "instance": instance, "asked": body}
        status, answer = client.request("POST", f"{path}/{act}", body, **about)
        if status not in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.CONFLICT):
            self.problems.append(f"{about} was refused with {status}: {answer}")


def _repair_of(instance: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The repair of a failed instance: the one demanded by the fire, or a replay if the task's process was killed."""
    risk = instance["kwargs"].get("risk", {})
    if instance["metadata"].get("exceptionType") != "builtins.ValueError":
        return "replay", {"kwargs": None}
    if risk["repair"] == "skip":
        return "skip", {"cascade": True, "result": SKIPPED_RESULT}
    return "replay", {"kwargs": {"risk": {**risk, "fails": False}}}


def in_thread(work: Callable[[], None], name: str) -> threading.Thread:
    """Start the work in a thread."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread
