"""The work of ``t_a`` and ``t_b`` chained by an asset: usual DAGs without triggers."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Asset, task
from bench_marks import await_moment, mark

ASSET = Asset("bench_chain")

with DAG("chain_a", schedule=None):

    @task(outlets=[ASSET])
    def run_a(*, dag_run: Any = None, outlet_events: Any = None) -> None:
        await_moment(dag_run.conf["until"])
        outlet_events[ASSET].extra = {"number": dag_run.conf["number"]}
        mark(f"asset-{dag_run.conf['number']}-ends")

    run_a()

with DAG("chain_b", schedule=[ASSET]):

    @task
    def run_b(*, triggering_asset_events: Any = None) -> None:
        (event,) = triggering_asset_events[ASSET]
        mark(f"asset-{event.extra['number']}-begins")

    run_b()
