"""A DAG of another deployment: it fires into a survey's sessions over a connection, and waits for what comes of it."""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, task

from airflow_triggers import FireTriggerOperator, TriggerSessionSensor, TriggersHook

RESPONDENT = "{{ dag_run.conf['respondent'] }}"


@dag(schedule=None)
def survey_report() -> None:
    """Reports a paper questionnaire: ``{"respondent": "paper-17", "age": 41, "pages": [{"page": 1, …}, …]}``."""
    begin = FireTriggerOperator(
        task_id="begin",
        conn_id="survey",
        trigger="firstPageReceived",
        session_uid=RESPONDENT,
        trigger_kwargs='{"page": 1, "age": {{ dag_run.conf["age"] }}}',
        configuration="questionnaire",
    )

    @task
    def send_pages(dag_run: Any) -> None:
        with TriggersHook("survey").get_conn() as client:
            for page in dag_run.conf["pages"]:
                key = TriggersHook.idempotency_key(page["page"])
                client.fire(dag_run.conf["respondent"], "pageReceived", page, idempotency_key=key)
            client.fire(
                dag_run.conf["respondent"],
                "questionnaireComplete",
                idempotency_key=TriggersHook.idempotency_key("complete"),
            )

    wait = TriggerSessionSensor(
        task_id="wait_for_the_subject",
        conn_id="survey",
        session_uid=RESPONDENT,
        instance="t_importSubject#0",
        fail_early=True,
        timeout=3600,
    )

    @task
    def print_subject(outcome: Any) -> None:
        print(outcome["status"], outcome["result"])

    pages = send_pages()
    begin >> pages >> wait
    print_subject(wait.output)


survey_report()
