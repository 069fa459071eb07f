"""The trigger tasks of this folder, and a DAG that knows nothing of triggers."""

from airflow.sdk import dag, task

from airflow_triggers import trigger_dags

trigger_dags(__file__)


@dag(schedule=None, is_paused_upon_creation=False)
def plain_dag():
    """Anybody's DAG with two tasks."""

    @task
    def extract(**context):
        return context["dag_run"].conf["trigger_kwargs"]["plain"]["rows"]

    @task
    def load(rows):
        return {"loaded": rows * 2}

    load(extract())


plain_dag()
