"""Metrics as a StatsD server and an OpenTelemetry collector get them, from real acts on both databases."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from airflow._shared.observability.metrics import stats as shared_stats
from airflow._shared.observability.metrics.base_stats_logger import NoStatsLogger
from airflow.models.taskinstance import TaskInstance
from airflow.observability import stats
from airflow.utils.session import create_session as airflow_session
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from sqlalchemy import update

from airflow_triggers import metrics
from airflow_triggers.controller.measures import HealthGauges
from airflow_triggers.gateway.jobs import ControllerJob
from airflow_triggers.metrics import Metric
from airflow_triggers.sessions.opening import fire_into, open_session
from tests.support.dags import deploy_configuration, play
from tests.support.environment import ROOT
from tests.support.statements import statements_of
from tests.support.surveys import failed_import, view

DEADLINE = 60


class StatsD:
    """A StatsD server on this machine: what arrives at its socket."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.mark = 0

    def lines(self):
        """What has arrived since the last time, in order: ``triggers.fires,configuration=survey:1|c``, say.

        A datagram to this machine is there when it has been sent; one of the test's own says where to stop.
        """
        self.mark += 1
        end = f"end-{self.mark}".encode()
        self.socket.sendto(end, self.socket.getsockname())
        self.socket.settimeout(DEADLINE)
        lines = []
        while (datagram := self.socket.recv(65536)) != end:
            lines.append(datagram.decode().removeprefix("airflow."))
        return [line for line in lines if line.startswith("triggers.")]

    def counts(self):
        """How often each counter was incremented, with its tags."""
        return Counter(line.removesuffix(":1|c") for line in self.lines() if line.endswith("|c"))

    def close(self):
        self.socket.close()


@pytest.fixture
def statsd(monkeypatch):
    server = StatsD()
    for name, value in {
        "STATSD_ON": "True",
        "STATSD_HOST": "127.0.0.1",
        "STATSD_PORT": str(server.port),
        "STATSD_INFLUXDB_ENABLED": "True",
    }.items():
        monkeypatch.setenv(f"AIRFLOW__METRICS__{name}", value)
    metrics.are_on.cache_clear()
    metrics.initialize()
    yield server
    monkeypatch.undo()
    metrics.are_on.cache_clear()
    client = getattr(shared_stats._backend, "statsd", None)
    if client is not None:
        client.close()
    stats.initialize(factory=NoStatsLogger, export_legacy_names=False)
    server.close()


def tagged(metric, **tags):
    return ",".join([metric, *(f"{name}={value}" for name, value in tags.items())])


def fires(outcome):
    return tagged(Metric.FIRES, configuration="survey", outcome=outcome)


def instances(status):
    return tagged(Metric.INSTANCES, configuration="survey", status=status)


def ago(seconds):
    return datetime.now(UTC) - timedelta(seconds=seconds)


# -- fires and instances ----------------------------------------------------------------------------------------


def test_each_fire_is_counted_by_its_outcome(survey, statsd):
    fire_into("order-1", "firstPage", configuration="survey", idempotency_key="k")
    assert statsd.counts() == {fires("started"): 1, instances("scheduled"): 1}
    fire_into("order-1", "firstPage", idempotency_key="k")
    assert statsd.counts() == {fires("repeated"): 1}
    fire_into("order-1", "firstPage", fire_at=datetime.now(UTC) + timedelta(days=1))
    assert statsd.counts() == {fires("delayed"): 1}
    fire_into("order-1", "firstPige")
    unmatched = tagged(Metric.FIRES_UNMATCHED, configuration="survey")
    assert statsd.counts() == {fires("unmatched"): 1, unmatched: 1}


def test_a_fire_that_waits_for_others_is_counted_as_recorded(airflow_db, statsd):
    deploy_configuration("survey", t_both={"after": ["one", "other"]})
    fire_into("order-1", "one", configuration="survey")
    assert statsd.counts() == {fires("recorded"): 1, instances("unstarted"): 1}
    fire_into("order-1", "other")
    assert statsd.counts() == {fires("started"): 1, instances("scheduled"): 1}


def test_every_change_of_status_is_counted(survey, controller, statsd):
    manager = failed_import(controller)
    counts = statsd.counts()
    assert counts[instances("failed")] == 1
    manager.replay_failed_instance("t_import#0")
    assert statsd.counts() == {instances("replayed"): 1, instances("scheduled"): 1}
    play(view("t_import#1"), "failed")
    controller.run_once()
    statsd.lines()
    manager.skip_failed_instance("t_import#1", cascade=True)
    assert statsd.counts() == {
        instances("skipped"): 1,
        fires("started"): 1,
        instances("scheduled"): 1,
    }
    manager.update_instance_status("t_score#0", "finished")
    assert statsd.counts() == {instances("finished"): 1}


def test_what_is_undone_is_not_counted(survey, statsd):
    fire_into("order-1", "unused", configuration="survey")
    statsd.lines()
    manager = open_session("order-1")

    def fire_and_fail():
        with manager.storage.acquire_lock():
            manager.fire("firstPage")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fire_and_fail()
    assert statsd.lines() == []

    def undo_a_part():
        with manager.storage.savepoint():
            manager.fire("firstPage")
            raise RuntimeError

    with manager.storage.acquire_lock():
        manager.fire("unused")
        with pytest.raises(RuntimeError):
            undo_a_part()
        assert statsd.lines() == []  # nothing goes out before the commit
    assert statsd.counts()[fires("unmatched")] == 1
    assert statsd.counts() == {}


def test_a_configuration_of_another_alphabet_is_a_tag_that_backends_take(airflow_db, statsd):
    deploy_configuration("umfräge", t_import={"after": ["firstPage"]})
    fire_into("order-1", "unused", configuration="umfräge")
    assert tagged(Metric.FIRES, configuration="umfr_ge", outcome="unmatched") in statsd.counts()


def test_a_backend_that_fails_breaks_no_fire_and_is_logged_once(survey, statsd, monkeypatch, caplog):
    class Failing(NoStatsLogger):
        @classmethod
        def incr(cls, *_, **__):
            raise OSError("no such host")

    stats.initialize(factory=Failing, export_legacy_names=False)
    monkeypatch.setattr(metrics, "_failures", iter(range(100)))
    result = fire_into("order-1", "firstPage", configuration="survey")
    assert result.scheduled == ("t_import#0",)
    warnings = [record for record in caplog.records if "could not be sent" in record.getMessage()]
    assert [record.levelname for record in warnings if record.levelname == "WARNING"] == ["WARNING"]
    assert "no such host" in warnings[0].getMessage()


def test_metrics_cost_no_statement(survey, statsd):
    for uid in ("order-0", "order-1"):
        fire_into(uid, "unused", configuration="survey")
    fire_into("order-0", "firstPage")  # Airflow's caches are filled by it
    on = statements_of(lambda: fire_into("order-1", "firstPage"))
    metrics.are_on.cache_clear()
    os.environ["AIRFLOW__METRICS__STATSD_ON"] = "False"
    fire_into("order-2", "unused", configuration="survey")
    statsd.lines()
    assert statements_of(lambda: fire_into("order-2", "firstPage")) == on
    assert statsd.lines() == []


# -- the controller ---------------------------------------------------------------------------------------------


def test_how_soon_work_starts_and_cascades_is_timed(survey, controller, statsd):
    fire_into("order-1", "firstPage", configuration="survey")
    play(view("t_import#0"), "running", task_state="success", result={})
    started_at, ended_at = datetime.now(UTC) + timedelta(seconds=7), ago(3)
    with airflow_session() as session:
        session.execute(update(TaskInstance).values(start_date=started_at, end_date=ended_at))
    scheduled_at = view("t_import#0").instance.metadata["timestamps"]["scheduled"]
    statsd.lines()
    controller.run_once()
    timers = dict(line.removesuffix("|ms").split(":") for line in statsd.lines() if line.endswith("|ms"))
    latency = started_at - datetime.fromisoformat(scheduled_at)
    milliseconds = float(timers[tagged(Metric.FIRE_TO_START, configuration="survey")])
    assert milliseconds == pytest.approx(latency.total_seconds() * 1000)
    assert float(timers[tagged(Metric.END_TO_CASCADE, configuration="survey")]) >= 3_000


def test_a_run_that_was_cleared_is_no_answer_to_the_fire(survey, controller, statsd):
    failed_import(controller)
    statsd.lines()
    play(view("t_import#0"), "running", clear=True)
    controller.run_once()
    assert [line for line in statsd.lines() if "fire_to_start" in line] == []


def test_without_metrics_the_controller_asks_for_no_moments(survey, controller, statsd):
    fire_into("order-1", "firstPage", configuration="survey")
    fire_into("order-2", "firstPage", configuration="survey")
    controller.run_once()
    costs = []
    for uid in ("order-1", "order-2"):
        play(view("t_import#0", uid), "failed")
        costs.append(statements_of(controller.run_once))
        metrics.are_on.cache_clear()
        os.environ["AIRFLOW__METRICS__STATSD_ON"] = "False"
    assert costs[0] == costs[1] + 1


def test_the_gauges_show_the_controllers_health(survey, controller, statsd):
    ControllerJob().beat()
    fire_into("order-1", "firstPage", configuration="survey")
    HealthGauges().renew()
    gauges = dict(line.removesuffix("|g").split(":") for line in statsd.lines() if line.endswith("|g"))
    assert gauges == {
        Metric.CONTROLLERS_ALIVE: "1",
        Metric.CONTROLLER_LAG: "0.0",
        Metric.PARKED_HOOKS: "0",
        Metric.PARKED_ASSET_EVENTS: "0",
        Metric.PARKED_DELAYED_FIRES: "0",
        Metric.OVERDUE_DELAYED_FIRES: "0",
    }


def test_the_gauges_are_renewed_when_they_are_due(airflow_db, statsd):
    now = [0.0]
    gauges = HealthGauges(clock=lambda: now[0])
    gauges.renew()
    assert statsd.lines()
    now[0] += 9
    gauges.renew()
    assert statsd.lines() == []
    now[0] += 1
    gauges.renew()
    assert statsd.lines()


def test_each_pass_of_a_controller_process_is_timed(airflow_db, statsd):
    command = [
        sys.executable,
        "-P",
        "-m",
        "airflow_triggers.controller.process",
        "--parent",
        str(os.getpid()),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        names, ends = set(), time.monotonic() + DEADLINE
        while not {Metric.LOOP.value, Metric.CONTROLLER_LAG.value} <= names:
            assert time.monotonic() < ends, names
            time.sleep(0.1)
            names |= {line.partition(":")[0] for line in statsd.lines()}
    finally:
        process.kill()
        process.wait()


# -- OpenTelemetry ----------------------------------------------------------------------------------------------


@pytest.fixture
def collector():
    """An OpenTelemetry collector on this machine; the names of the metrics that it gets, with their tags."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    server.received = received
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_command_sends_its_metrics_by_opentelemetry(survey, collector):
    otel = {
        "AIRFLOW__METRICS__OTEL_ON": "True",
        "AIRFLOW__METRICS__OTEL_HOST": "127.0.0.1",
        "AIRFLOW__METRICS__OTEL_PORT": str(collector.server_address[1]),
        "AIRFLOW__METRICS__OTEL_SSL_ACTIVE": "False",
    }
    fire = ("fire", "order-1", "firstPage", "--configuration", "survey")
    command = [sys.executable, "-m", "airflow", "triggers", *fire]
    finished = subprocess.run(
        command,
        env={**os.environ, **otel},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    points = {
        (metric.name, frozenset((tag.key, tag.value.string_value) for tag in point.attributes))
        for request in collector.received
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.sum.data_points
    }
    tags = frozenset({("configuration", "survey"), ("outcome", "started")})
    assert ("airflow.triggers.fires", tags) in points


def test_the_docs_name_every_metric():
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert [metric for metric in Metric if f"`{metric}`" not in text] == []
