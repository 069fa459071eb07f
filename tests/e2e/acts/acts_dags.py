"""The trigger tasks of this folder, and a DAG that knows nothing of triggers."""

from acts_tasks import obey
from airflow.sdk import dag, task

from airflow_triggers import trigger_dags

trigger_dags(__file__)


@dag(schedule=None, is_paused_upon_creation=False)
def plain_dag():
    """Anybody's DAG with two tasks, each of which obeys what the trigger's kwargs have for it."""

    @task
    def extract(**context):
        conf = context["dag_run"].conf
        asked = conf["trigger_kwargs"]["plain"].get("extract", {})
        return obey(asked, conf["session_uid"], context["ti"].try_number)

    @task
    def load(extracted, **context):
        conf = context["dag_run"].conf
        asked = conf["trigger_kwargs"]["plain"].get("load", {})
        return {"extract": extracted, **obey(asked, conf["session_uid"], context["ti"].try_number)}

    load(extract())


plain_dag()
