"""An Airflow DAG that is no trigger task, and fires: by assets among its outlets, and by operators."""

from airflow.sdk import dag, task

from airflow_triggers import FireTriggerOperator, trigger_asset

LOADED = trigger_asset("loaded", configuration="endings")
SESSION = "{{ dag_run.conf['session'] }}"


@dag(schedule=None, is_paused_upon_creation=False)
def firing():
    """Each of its tasks that succeeds fires once."""

    @task(outlets=[LOADED], retries=1, retry_delay=0)
    def load(number, *, outlet_events, ti, dag_run):
        outlet_events[LOADED].add_partitions(dag_run.conf["session"])
        outlet_events[LOADED].extra = {"kwargs": {"number": number}}
        if ti.try_number == 1:
            raise ConnectionError("Airflow tries again; only the try that succeeds fires")

    load.expand(number=[1, 2])
    FireTriggerOperator(
        task_id="tell", trigger="announced", session_uid=SESSION, trigger_kwargs={"run": "{{ dag.dag_id }}"}
    )
    FireTriggerOperator.partial(task_id="tell_each", trigger="told_each", session_uid=SESSION).expand(
        trigger_kwargs=[{"number": 1}, {"number": 2}]
    )


firing()
