"""One Airflow for all rows, which run at once, each in sessions of its own; those that take longest come first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from scripts.demo.airflow import COMPONENTS, Airflow, free_ports
from scripts.demo.client import Client
from tests.support.acts import Acts
from tests.support.databases import temporary_postgresql_url

ROWS_AT_ONCE = 12


@pytest.fixture(scope="package")
def acts(request, tmp_path_factory):
    home = tmp_path_factory.mktemp("acts")
    with ExitStack() as stack:
        database = stack.enter_context(temporary_postgresql_url("acts"))
        extra = {"ACTS_FOLDER": str(home), "AIRFLOW__CORE__PARALLELISM": "12"}
        dags = Path(__file__).parent.with_name("acts")
        airflow = Airflow(home / "airflow", free_ports(), database, dags=dags, extra=extra)
        stack.callback(airflow.stop)
        airflow.prepare()
        airflow.start(*COMPONENTS)
        airflow.wait_until_ready()
        acts = Acts(airflow, stack.enter_context(Client(airflow.url)), home)
        for dag_id in ("acts", "plain_dag"):
            path = f"/api/v2/dags/{dag_id}"
            acts.wait(f"{dag_id} is there", lambda path=path: acts.client.request("GET", path).is_success)
        pool = stack.enter_context(ThreadPoolExecutor(ROWS_AT_ONCE))
        rows = [item.function.row for item in request.session.items if hasattr(item.function, "row")]
        acts.outcomes = {row: pool.submit(row, acts) for row in rows}
        yield acts
