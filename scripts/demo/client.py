"""The acts of an application and an operator over REST: fire triggers, replay, skip.

Neighbours: ``__main__.py`` and the end-to-end tests.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from scripts.demo.processes import DemoError

API = "/triggers/api/v1"

PATIENCE = 120
"""Seconds to wait for an answer. Airflow builds its API for tasks at the first task, and answers nobody meanwhile:
seconds on a free machine, half a minute on a busy one."""


class RequestRefused(DemoError, RuntimeError):
    """The server refused a request."""


@dataclass
class Client:
    """A user of the REST API, logged in.

    :param url: of Airflow's API server.
    :param token: the user's token; None: the client gets one with the password.
    :raises httpx.HTTPError: when the server does not answer, or the login is refused.
    """

    url: str
    user: str = "admin"
    password: str = "admin"
    token: str | None = None
    _http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self._http = httpx.Client(base_url=self.url, timeout=PATIENCE)
        try:
            self._http.headers["Authorization"] = f"Bearer {self.token or self._new_token()}"
        except BaseException:
            self._http.close()
            raise

    def _new_token(self) -> str:
        answer = self._http.post("/auth/token", json={"username": self.user, "password": self.password})
        answer.raise_for_status()
        token: str = answer.json()["access_token"]
        return token

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request to the API server, authenticated."""
        return self._http.request(method, path, **options)

    def _call(self, method: str, path: str, **options: Any) -> Any:
        answer = self.request(method, f"{API}{path}", **options)
        if answer.is_error:
            raise RequestRefused(f"{method} {path} answered {answer.status_code}: {answer.text}")
        return answer.json()

    def fire(self, session: str, trigger: str, kwargs: dict[str, Any], *, configuration: str) -> Any:
        """Fire a trigger; the first one makes the session."""
        body = {"trigger": trigger, "kwargs": kwargs, "configuration": configuration}
        return self._call("POST", f"/sessions/{quote(session, safe='')}/fires", json=body)

    def session(self, uid: str) -> Any:
        """The whole session."""
        return self._call("GET", f"/sessions/{quote(uid, safe='')}")

    def replay(self, session: str, instance: str, kwargs: dict[str, Any] | None = None) -> Any:
        """Replay a failed instance; returns the new one."""
        return self._call("POST", f"{_instance(session, instance)}/replay", json={"kwargs": kwargs})

    def skip(self, session: str, instance: str, *, cascade: bool, result: dict[str, Any] | None) -> Any:
        """Skip a failed instance."""
        body = {"cascade": cascade, "result": result}
        return self._call("POST", f"{_instance(session, instance)}/skip", json=body)


def _instance(session: str, instance: str) -> str:
    return f"/sessions/{quote(session, safe='')}/instances/{quote(instance, safe='')}"


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The input: one fire a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
