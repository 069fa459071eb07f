"""A DAG that fires over a connection and waits for what comes of it; and the configuration beside it."""

from airflow.sdk import dag, task

from airflow_triggers import FireTriggerOperator, TriggerSessionSensor, trigger_dags

trigger_dags(__file__)

SESSION = "{{ dag_run.conf['session'] }}"


@dag(schedule=None, is_paused_upon_creation=False)
def author():
    """Starts the work of a session, and goes on when it is done."""

    @task
    def read(outcome):
        return outcome["result"]["rows"]

    tell = FireTriggerOperator(
        task_id="tell",
        trigger="started",
        session_uid=SESSION,
        trigger_kwargs={"rows": 21},
        configuration="authors",
        conn_id="own",
    )
    # Airflow fails a task whose trigger is faster than its scheduler's look at the process that deferred it.
    wait = TriggerSessionSensor(
        task_id="wait",
        session_uid=SESSION,
        instance="t_work#0",
        conn_id="own",
        poke_interval=0.5,
        retries=3,
        retry_delay=0,
    )
    tell >> wait
    read(wait.output)


author()
