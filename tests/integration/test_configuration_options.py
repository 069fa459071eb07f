"""What `airflow:` says is refused with a sentence, or the scheduler runs it: on both databases, with its own code."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from airflow_triggers.configuration import parse_configuration
from airflow_triggers.configuration.compile import compile_configuration
from airflow_triggers.configuration.options import OPTIONS, RESULT_TASK_ID, Form, OptionOwner
from airflow_triggers.errors import ConfigurationError
from airflow_triggers.sessions.opening import fire_into
from tests.support.dags import deploy

pytestmark = pytest.mark.filterwarnings("ignore:The airflow.security.permissions module is deprecated")

OWN = {name: option for name, option in OPTIONS.items() if option.owner is not OptionOwner.TRIGGERS}

EDGES = [0, 1, -1, 2**31 - 1, 2**31, -(2**31) - 1, 2**63, 2**64, 1_000_000, 1e9, 3_162_240_000, 1e300, 0.5]

TEXTS = st.text(max_size=30) | st.sampled_from(
    ["", " ", "x" * 256, "x" * 257, "ß" * 500, "x" * 1001, "\0", "\ud800", "{{ 1 / 0 }}"]
)

NAMES = st.sampled_from(
    ["LocalExecutor", "absolute", "downstream", "upstream", "default_pool", "https://example.org"]
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | NAMES,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXTS, values, max_size=3),
    max_leaves=6,
)

FITTING = {
    Form.INTEGER: st.sampled_from(EDGES) | st.integers(-5, 200),
    Form.NUMBER: st.sampled_from(EDGES) | st.floats(0, 1e7),
    Form.SECONDS: st.sampled_from(EDGES) | st.floats(0, 1e7),
    Form.STRING: TEXTS | NAMES,
    Form.BOOLEAN: st.booleans(),
    Form.STRINGS: st.lists(TEXTS, max_size=3),
    Form.MAPPING: st.dictionaries(TEXTS, VALUES, max_size=3),
    Form.LINKS: st.dictionaries(
        TEXTS, st.sampled_from(["https://x.org", "mailto:me@x.org", "x", ""]), max_size=2
    ),
    Form.RIGHTS: st.dictionaries(TEXTS, st.lists(st.sampled_from(["can_read", "x"])), max_size=2),
}

DRAWN = st.fixed_dictionaries(
    {}, optional={name: FITTING[option.form] | VALUES for name, option in OWN.items()}
)

ALONE = st.one_of(*(st.fixed_dictionaries({name: FITTING[option.form]}) for name, option in OWN.items()))


def compiled(name, options):
    task = {"after": ["a"], "run": "tests.support.trigger_tasks:greet", "airflow": options}
    return compile_configuration(parse_configuration({"t_x": task}, name=name))


def schedule(dag_id):
    """Play the scheduler for the DAG's only run, up to the executor, and when its task is to be tried again.

    :returns: whether the task would be handed to the executor.
    """
    runner = SchedulerJobRunner(job=Job())
    with create_session() as session:
        session.get(DagModel, dag_id).is_paused = False
        run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id))
        run.run_after -= timedelta(minutes=1)  # SQLite's clock has whole seconds
        session.flush()
        runner._start_queued_dagruns(session)
        session.flush()
        session.refresh(run)
        assert run.state == DagRunState.RUNNING
        runner._schedule_dag_run(run, session)
        session.flush()
        ready = {task.id for task in runner._executable_task_instances_to_queued(32, session)}
        task = session.scalar(select(TaskInstance).where(TaskInstance.dag_id == dag_id))
        task.task = run.get_dag().get_task(task.task_id)
        task.end_date, task.try_number = datetime.now(UTC), 3
        assert task.next_retry_datetime() >= task.end_date
        session.add(Log("success", task))
        session.flush()
        handed_over = task.id in ready or run.state == DagRunState.FAILED
        task.state, run._state = TaskInstanceState.SUCCESS, DagRunState.SUCCESS
    return handed_over


def waits_for_the_database(options):
    """Whether a pool that is not there, or its slots, or a timeout that has passed, keep it from starting."""
    return options.get("pool", "default_pool") != "default_pool" or options.get("pool_slots", 1) > 128


def check(name, options):
    try:
        dags = compiled(name, options)
    except ConfigurationError as error:
        for problem in error.problems:
            assert problem.startswith("task 't_x': "), problem
            assert any(option in problem for option in options), problem
        return False
    deploy(*dags.values())
    fire_into(f"session-{name}", "a", configuration=name)
    assert schedule(f"{name}.t_x") or waits_for_the_database(options), options
    return True


@pytest.mark.parametrize("drawn", ["alone", "together"])
def test_an_option_is_refused_by_name_or_runs(airflow_db, drawn):
    numbers, outcomes = itertools.count(), []

    @settings(max_examples=80, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(ALONE if drawn == "alone" else DRAWN)
    def run(options):
        outcomes.append(check(f"{drawn}{next(numbers)}", options))

    run()
    assert True in outcomes
    assert False in outcomes


def test_every_option_has_a_value_that_runs(airflow_db):
    fitting = {
        "access_control": {"Viewer": ["can_read"], "Op": {"DAGs": ["can_edit"], "DAG Runs": ["can_create"]}},
        "executor": "LocalExecutor",
        "owner_links": {"me": "https://example.org"},
        "tags": ["t" * 100, ""],
        "weight_rule": "absolute",
        "executor_config": {"deep": {"n": 2**64 - 1, "text": "ß"}},
        "pool": "default_pool",
        "pool_slots": 128,
    }
    by_form = {Form.INTEGER: 2**31 - 1, Form.NUMBER: 2, Form.BOOLEAN: True}
    for name, option in OWN.items():
        limits = {Form.SECONDS: option.maximum, Form.STRING: "ß" * (option.longest or 2000)}
        value = fitting.get(name, {**by_form, **limits}.get(option.form))
        if option.maximum is not None and name not in fitting:
            value = option.maximum
        assert check(f"fitting_{name}", {name: value}), name
    assert set(fitting) <= set(OWN)
    assert RESULT_TASK_ID not in OWN
