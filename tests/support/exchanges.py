"""Carries out operations of the client without a network: a script of replies, and a record of the steps.

Neighbours: ``tests/unit/test_client_*.py``. Everything possible with a real server is tested with one, in
``tests/e2e/``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import httpx

from airflow_triggers_client.credentials import FixedToken
from airflow_triggers_client.exchange import Answer, Loss, Pause
from airflow_triggers_client.retries import Retries
from airflow_triggers_client.service import Service


def answer(status=200, content=None, **headers):
    """An answer with JSON; ``_`` in a header's name stands for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, json.dumps(content if content is not None else {}).encode())


def refusal(status, reason, **headers):
    """An answer of the API without success."""
    return answer(status, {"reason": reason, "detail": f"It is {reason}."}, **headers)


LOST = Loss(was_sent=True, cause=httpx.ReadError("connection reset"))
UNREACHABLE = Loss(was_sent=False, cause=httpx.ConnectError("connection refused"))


@dataclass
class Script:
    """Replies in order, and the last one again and again; its clock advances by the pauses alone."""

    replies: list
    now: float = 0.0
    requests: list = field(default_factory=list)
    pauses: list = field(default_factory=list)

    def service(self, credentials=None, **retries):
        return Service(
            credentials or FixedToken("secret"),
            Retries(**retries),
            clock=lambda: self.now,
            chance=lambda: 1.0,
        )

    def run(self, steps):
        """The operation's result."""
        reply = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as end:
                return end.value
            if isinstance(step, Pause):
                self.pauses.append(step.seconds)
                self.now += step.seconds
                reply = None
            else:
                self.requests.append(step)
                reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
