"""A container becomes a process: its addresses and folders are this machine's, and everything else is the file's."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.demo.processes import DemoError
from scripts.topology.containers import Container
from scripts.topology.services import Service, read_services

ADDRESSES = {"postgres": {5432: 1}, "redis": {6379: 2}, "airflow-apiserver": {8080: 3}}


def container(**environment):
    service = Service(
        name="airflow-worker",
        image="airflow-triggers",
        command=("airflow", "version"),
        environment=environment,
        healthcheck=None,
        conditions={},
        mounts=(),
        replicas=1,
        restart="no",
    )
    return Container(
        service=service,
        number=2,
        folder=Path("/base"),
        ports={8974: 4},
        addresses=ADDRESSES,
        extra={"E": "e"},
    )


@pytest.mark.parametrize(
    ("text", "translated"),
    [
        (
            "postgresql+psycopg2://airflow:pw@postgres:5432/airflow",
            "postgresql+psycopg2://airflow:pw@127.0.0.1:1/airflow",
        ),
        (
            "postgresql+psycopg2://airflow:8ae@postgres:5432/airflow",
            "postgresql+psycopg2://airflow:8ae@127.0.0.1:1/airflow",
        ),
        (
            "postgresql+psycopg2://airflow:123@postgres:5432/airflow",
            "postgresql+psycopg2://airflow:123@127.0.0.1:1/airflow",
        ),
        ("redis://:pw@redis:6379/0", "redis://:pw@127.0.0.1:2/0"),
        ("http://airflow-apiserver:8080/execution/", "http://127.0.0.1:3/execution/"),
        ("http://localhost:8974/health", "http://127.0.0.1:4/health"),
        ("/opt/airflow/results/x", "/base/opt/airflow/results/x"),
        ("admin@localhost", "admin@localhost"),
        ("airflow.providers", "airflow.providers"),
    ],
)
def test_addresses_and_folders_are_this_machines(text, translated):
    assert container().translated((text,)) == (translated,)


@pytest.mark.parametrize("text", ["http://elsewhere:8080/", "redis://redis:6380/0", "http://localhost:8080/"])
def test_an_address_where_no_service_listens_is_an_error(text):
    with pytest.raises(DemoError, match="no service listens there"):
        container().translated((text,))


def test_the_environment_is_the_files_and_nothing_of_whoever_runs_it(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "LocalExecutor")
    monkeypatch.setenv("SOMETHING", "else")
    environment = container(A="a", E="file").environment()
    assert (environment["A"], environment["E"]) == ("a", "e")
    assert environment["HOSTNAME"] == "airflow-worker-2"
    assert environment["AIRFLOW_HOME"] == "/base/opt/airflow"
    assert "SOMETHING" not in environment
    assert "AIRFLOW__CORE__EXECUTOR" not in environment


def test_a_key_that_the_reader_does_not_know_is_refused(tmp_path):
    path = tmp_path / "docker-compose.yaml"
    path.write_text("services: {a: {image: b, entrypoint: c}}", encoding="utf-8")
    with pytest.raises(DemoError, match="'a' has entrypoint"):
        read_services(path, {})
