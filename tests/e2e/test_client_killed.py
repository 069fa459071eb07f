"""An API server is killed while clients fire, and started again: every fire counts once, in order.

The clients are real programs' clients: they make their own idempotency keys, and send again what was lost.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from airflow_triggers import sessions
from airflow_triggers_client import Fire, Retries, TriggersClient
from scripts.demo.airflow import free_ports
from tests.support.api_server import running_api_server
from tests.support.dags import deploy_configuration

pytestmark = pytest.mark.timeout(600)

SESSIONS = 20
BATCHED = 3000
SINGLE = 240
KILLS = 2
PATIENCE = 240


class Lossy(httpx.HTTPTransport):
    """A connection that remembers which requests ended without an answer."""

    def __init__(self):
        super().__init__()
        self.losses = []

    def handle_request(self, request):
        try:
            return super().handle_request(request)
        except httpx.TransportError as error:
            if not isinstance(error, httpx.ConnectError):
                self.losses.append(request.url.path)
            raise


def uid_of(number):
    return f"order-{number % SESSIONS}"


def fires_of(uid):
    """The numbers of a session's fires, in the order in which they took effect."""
    return [fire.kwargs["n"] for fire in sessions.fires_of(uid, limit=BATCHED)][::-1]


class Firing:
    """A program that fires, one by one and in batches, and knows how far it is."""

    def __init__(self, url):
        self.transport = Lossy()
        self.count = 0
        self.lock = threading.Lock()
        self.client = TriggersClient(
            url,
            username="admin",
            password="admin",
            retries=Retries(patience=PATIENCE, longest_pause=1),
            http=httpx.Client(transport=self.transport),
        )

    def many(self):
        fires = (
            Fire(uid_of(number), "item", {"n": number}, configuration="orders") for number in range(BATCHED)
        )
        return self.client.fire_many(
            fires, batch_size=100, progress=lambda state: self.add(len(state.outcomes))
        )

    def singly(self):
        for number in range(SINGLE):
            self.client.fire(f"single-{number % 3}", "item", {"n": number}, configuration="orders")
            self.add(1)

    def add(self, count):
        with self.lock:
            self.count += count


def kill_while_firing(firing, folder, database_url, port):
    """Start the server, let a part be fired, and kill it."""
    begin = firing.count
    with running_api_server(folder, database_url, port=port) as server:
        deadline = time.monotonic() + PATIENCE
        while firing.count < begin + 400 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.killpg(server.pid, signal.SIGKILL)


def test_every_fire_counts_once_though_the_server_is_killed(airflow_db, tmp_path):
    deploy_configuration("orders", t_pay={"after": ["paid"], "andEvery": "item"})
    port = free_ports()
    firing = Firing(f"http://127.0.0.1:{port}")
    with firing.client._driver.http, ThreadPoolExecutor(2) as threads:
        many, singly = threads.submit(firing.many), threads.submit(firing.singly)
        for _ in range(KILLS):
            kill_while_firing(firing, tmp_path, airflow_db.url, port)
        with running_api_server(tmp_path, airflow_db.url, port=port):
            report = many.result(PATIENCE)
            singly.result(PATIENCE)

    assert firing.transport.losses, "no request was on its way when the server was killed"
    assert (report.fired, report.refused) == (BATCHED, [])
    for number in range(SESSIONS):
        assert fires_of(uid_of(number)) == list(range(number, BATCHED, SESSIONS))
    for number in range(3):
        assert fires_of(f"single-{number}") == list(range(number, SINGLE, 3))
