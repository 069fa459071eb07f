"""What was fired, returned or reported arrives exactly, through the database's own columns and the way to a worker."""

from __future__ import annotations

import json
from types import SimpleNamespace

import msgspec
import pytest
from airflow.api_fastapi.execution_api.datamodels.taskinstance import DagRun as ServedRun
from airflow.sdk.api.datamodels._generated import DagRun as SentRun
from airflow.sdk.execution_time.comms import _ResponseFrame
from airflow.utils.session import create_session as airflow_session

from airflow_triggers.domain.report import REPORT_KEY
from airflow_triggers.sessions.describing import describe_session, fires_of
from airflow_triggers.sessions.opening import fire_into, open_session
from airflow_triggers.task import TaskContext
from airflow_triggers.task.operator import TriggerTaskOperator
from tests.support.dags import deploy_configuration, play, run_of
from tests.support.surveys import view

VALUES = {
    "zz": 1e16,
    "b": {
        "zero": -0.0,
        "huge": -1e300,
        "beyond": 18446744073709551616.0,
        "a": [1e22, -(2.0**63), 5e-324, 1.0],
    },
    "aa": [2**64 - 1, -(2**63), True, None, "\x1b\u202eé😀", {"y": 1, "x": {"long": 2, "s": 1}}],
    "": 0,
}
PLAIN = {"a": 1, "b": {"c": [0.5, "x"], "dd": None}}


def exactly(content):
    """JSON text, which tells 1e16 from an integer, -0.0 from 0.0 and one order of keys from another."""
    return json.dumps(content)


def to_worker(content):
    """As the supervisor sends something to the task's process."""
    frame = _ResponseFrame(id=1, body={"content": content}).as_bytes()
    return msgspec.msgpack.Decoder(_ResponseFrame).decode(bytes(frame[4:])).body["content"]


def run_as_sent(name):
    """The instance's run as its task finds it: read from the database, served as JSON, sent on as MessagePack."""
    with airflow_session() as session:
        served = ServedRun.model_validate(run_of(session, view(name)), from_attributes=True).model_dump_json()
    return SentRun.model_validate(to_worker(SentRun.model_validate_json(served).model_dump()))


def execute(name, function):
    """Call the function as the instance's task, in a worker; have the controller find what it left behind."""
    pushed = {}
    dag_run = run_as_sent(name)
    ti = SimpleNamespace(xcom_push=lambda key, value: pushed.update({key: value}))
    operator = TriggerTaskOperator(task_id="run", callable=function)
    result = operator.execute({"dag_run": dag_run, "ti": ti})
    play(view(name), "success", result=to_worker(result), report=to_worker(pushed.get(REPORT_KEY)))
    return pushed


@pytest.mark.parametrize("content", [VALUES, PLAIN], ids=["altered by jsonb", "kept by jsonb"])
def test_kwargs_results_and_fires_of_tasks_arrive_exactly(survey, controller, content):
    fire_into("order-1", "firstPage", content, configuration="survey")
    given = TaskContext.from_airflow({"dag_run": run_as_sent("t_import#0")})
    assert exactly(given.trigger_kwargs) == exactly({"firstPage": {"lang": "en", **content}})

    def task(context):
        context.fire("extra", context.trigger_kwargs["firstPage"])
        return content

    execute("t_import#0", task)
    controller.run_once()
    cascade, extra = fires_of("order-1")[:2]
    assert exactly(cascade.kwargs) == exactly(content)
    assert exactly(extra.kwargs) == exactly({"lang": "en", **content})
    assert exactly(view("t_import#0").instance.metadata["result"]) == exactly(content)
    following = TaskContext.from_airflow({"dag_run": run_as_sent("t_score#0")})
    assert exactly(following.trigger_kwargs) == exactly({"t_import": content})


def test_a_replay_has_the_same_and_replaced_kwargs_exactly(survey, controller):
    fire_into("order-1", "firstPage", VALUES, configuration="survey")
    play(view("t_import#0"), "failed")
    controller.run_once()
    open_session("order-1").replay_failed_instance("t_import#0")
    again = TaskContext.from_airflow({"dag_run": run_as_sent("t_import#1")})
    assert exactly(again.trigger_kwargs) == exactly({"firstPage": {"lang": "en", **VALUES}})
    play(view("t_import#1"), "failed")
    controller.run_once()
    open_session("order-1").replay_failed_instance("t_import#1", {"other": VALUES, "firstPage": {}})
    replaced = TaskContext.from_airflow({"dag_run": run_as_sent("t_import#2")})
    assert exactly(replaced.trigger_kwargs["other"]) == exactly(VALUES)


def test_what_a_task_attaches_and_replays_with_arrives_exactly(survey, controller):
    fire_into("order-1", "firstPage", {}, configuration="survey")
    pushed = {}
    ti = SimpleNamespace(xcom_push=lambda key, value: pushed.update({key: value}))

    def task(context):
        raise context.retry(ValueError("again"), metadata={"seen": VALUES}, replacement_kwargs={"x": VALUES})

    operator = TriggerTaskOperator(task_id="run", callable=task)
    with pytest.raises(Exception, match="asks to be run again"):
        operator.execute({"dag_run": run_as_sent("t_import#0"), "ti": ti})
    play(view("t_import#0"), "failed", report=to_worker(pushed[REPORT_KEY]))
    controller.run_once()
    assert exactly(view("t_import#0").instance.metadata["seen"]) == exactly(VALUES)
    assert exactly(view("t_import#1").instance.kwargs) == exactly({"x": VALUES})


def test_the_directives_of_its_task_arrive_exactly(airflow_db):
    custom = {"zz": [1e16, -0.0, -(2.0**63)], "b": {"y": 1, "x": 1e300}}
    deploy_configuration("priced", t_price={"after": ["x"], "withParams": {"x": VALUES}, "limits": custom})
    fire_into("order-1", "x", configuration="priced")
    task = TaskContext.from_airflow({"dag_run": run_as_sent("t_price#0")}).task
    assert exactly(task.extra) == exactly({"limits": custom})
    assert exactly(task.with_params) == exactly({"x": VALUES})


def test_the_conf_stays_a_mapping_for_templates_and_the_runs_page(survey):
    fire_into("order-1", "firstPage", {"b": 1e16, "a": 1e300, "n": 3}, configuration="survey")
    kwargs = run_as_sent("t_import#0").conf["trigger_kwargs"]["firstPage"]
    assert kwargs["b"] == 1e16
    assert float(kwargs["a"]) == 1e300
    assert (kwargs["n"], kwargs["lang"]) == (3, "en")


def test_values_that_the_database_keeps_cost_no_second_xcom_and_no_text(survey):
    fire_into("order-1", "firstPage", PLAIN, configuration="survey")
    assert execute("t_import#0", lambda _: {"a": 1, "bb": 0.5}) == {}


def test_what_an_operator_returned_beyond_64_bits_was_a_float(survey, controller):
    fire_into("order-1", "firstPage", {}, configuration="survey")
    play(view("t_import#0"), "success", result=to_worker({"huge": 1e300, "n": 1}))
    controller.run_once()
    assert exactly(fires_of("order-1")[0].kwargs) in (
        exactly({"huge": 1e300, "n": 1}),
        exactly({"n": 1, "huge": 1e300}),
    )


def test_a_result_that_somebody_mended_in_airflow_counts(survey, controller):
    fire_into("order-1", "firstPage", {}, configuration="survey")
    report = {"json": json.dumps({"result": {"b": 1, "a": 1e16}})}
    play(view("t_import#0"), "success", result={"b": 2, "a": 1e16}, report=report)
    controller.run_once()
    assert fires_of("order-1")[0].kwargs == {"b": 2, "a": 1e16}


def test_a_run_that_an_earlier_version_made_is_read_from_the_mapping(survey):
    fire_into("order-1", "firstPage", {"b": 1, "a": 2}, configuration="survey")
    run = run_as_sent("t_import#0")
    run.conf["triggers"].pop("trigger_kwargs_json")
    context = TaskContext.from_airflow({"dag_run": run})
    assert context.trigger_kwargs == {"firstPage": {"lang": "en", "b": 1, "a": 2}}


def test_what_is_shown_is_what_was_fired(survey):
    fire_into("order-1", "firstPage", VALUES, configuration="survey")
    described = describe_session("order-1")
    assert exactly(described.latest_kwargs["firstPage"]) == exactly(VALUES)
    assert exactly(described.fires[0].kwargs) == exactly(VALUES)
