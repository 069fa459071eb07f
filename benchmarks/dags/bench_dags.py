"""The benchmarks' configuration as DAGs, and the same work chained by an asset."""

from __future__ import annotations

from airflow.sdk import DAG, Asset, task
from bench_tasks import mark

from airflow_triggers import trigger_dags

trigger_dags(__file__)

ASSET = Asset("bench_chain")

with DAG("chain_a", schedule=None):

    @task(outlets=[ASSET])
    def run_a(*, dag_run, outlet_events):
        outlet_events[ASSET].extra = {"number": dag_run.conf["number"]}
        mark(f"asset-{dag_run.conf['number']}-ends")

    run_a()

with DAG("chain_b", schedule=[ASSET]):

    @task
    def run_b(*, triggering_asset_events):
        (event,) = triggering_asset_events[ASSET]
        mark(f"asset-{event.extra['number']}-begins")

    run_b()
