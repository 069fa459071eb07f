"""The trigger tasks of this folder, and a DAG that knows nothing of triggers."""

from airflow.sdk import dag, task

from airflow_triggers import trigger_dags, trigger_task

trigger_dags(__file__)


@trigger_task(max_retries=2, retries=1, retry_delay=0)
def ask_again(context):
    """Asks to be run again until the number is large enough; each of Airflow's own tries fires, one of them counts."""
    number = context.trigger_kwargs["ask"].get("number", 0)
    context.fire("counted", {"number": number, "try": context.airflow["ti"].try_number})
    mine = context.manager.storage[context.instance_name]
    assert context.manager.fire("told", {"depth": mine.depth}).deferred
    if number < 2:
        raise context.retry(
            metadata={"tried": number}, replacement_kwargs={"ask": {"number": number + 1}}, cooldown=0.5
        )
    if context.airflow["ti"].try_number == 1:
        raise ConnectionError("Airflow tries again")
    return {"number": number}


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
