"""What a trigger task can do with its context, in a worker: filter, log, fire, skip, ask to be run again."""

from __future__ import annotations

import copy
import logging
import pickle
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Literal

import pytest
import structlog
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
    AirflowTaskTimeout,
    DownstreamTasksSkipped,
    TaskDeferred,
)
from pydantic import BaseModel, Field

from airflow_triggers.domain.failures import with_context
from airflow_triggers.domain.report import TaskReport
from airflow_triggers.errors import (
    InvalidMaxRetries,
    InvalidMetadata,
    InvalidReport,
    InvalidTrigger,
    InvalidTriggerKwargs,
    MaxRetriesExceeded,
    NoDatabaseInTask,
    RegistryError,
)
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.task import TaskContext, TriggerTaskOperator
from airflow_triggers.task.calling import MAX_RETRIES_ATTRIBUTE

TASK = {"after": ["x"], "run": "module:function", "withParams": {"x": {"lang": "en"}}}


def conf(**identity):
    known = {
        "run_id": "r",
        "session_uid": "order-1",
        "instance_name": "t_x#2",
        "task_name": "t_x",
        "number": 2,
    }
    kwargs = {"x": {"n": "1", "lang": "en"}, "page": {"number": "7", "answers": ["a"]}}
    return {"trigger_kwargs": kwargs, "triggers": {**known, "task": TASK, **identity}}


def context(**identity):
    return TaskContext.from_airflow(
        {"dag_run": SimpleNamespace(conf=conf(**identity), run_id="r", dag_id="d")}
    )


def run(function, **identity):
    """What the operator returns or raises, and the report that it pushes."""
    pushed = {}
    ti = SimpleNamespace(xcom_push=lambda key, value: pushed.update({key: value}))
    airflow = {"dag_run": SimpleNamespace(conf=conf(**identity), run_id="r", dag_id="d"), "ti": ti}
    try:
        outcome = TriggerTaskOperator(task_id="run", callable=function).execute(airflow)
    except Exception as error:  # noqa: BLE001
        outcome = error
    return outcome, pushed.get("triggers_report", {})


# -- filter_kwargs --------------------------------------------------------------------------------------------


class Page(BaseModel):
    number: int = Field(ge=1)
    answers: list[str]


def test_kwargs_are_converted_by_models_fields_and_types():
    filtered = context().filter_kwargs(
        {"page": Page, "x": {"n": int, "lang": Literal["de", "en"], "deep": (bool, False)}}
    )
    assert filtered == {"page": Page(number=7, answers=["a"]), "x": {"n": 1, "lang": "en", "deep": False}}
    assert context().filter_kwargs({"x": dict[str, str]}) == {"x": {"n": "1", "lang": "en"}}
    assert context().filter_kwargs({"later": {"at": (str, "never")}}) == {"later": {"at": "never"}}


def test_every_field_that_does_not_fit_is_listed_with_its_trigger():
    with pytest.raises(InvalidTriggerKwargs) as caught:
        context().filter_kwargs(
            {"page": Page, "x": {"n": bool, "lang": int, "missing": str}, "gone": {"a": int}, "nope": {}}
        )
    assert [(trigger, field) for trigger, field, _, _ in caught.value.problems] == [
        ("x", "lang"),
        ("x", "missing"),
        ("gone", "a"),
    ]
    message = str(caught.value)
    assert message.startswith("3 problems in the trigger kwargs:")
    assert (
        "x.lang: Input should be a valid integer, unable to parse string as an integer; found 'en'" in message
    )
    assert "gone.a: Field required; found nothing" in message


def test_nested_fields_and_odd_names_are_named_as_they_are():
    with pytest.raises(InvalidTriggerKwargs, match=r"1 problem .*\n  - page\.answers\.0: .*found 'a'"):
        context().filter_kwargs({"page": {"answers": list[int]}})
    odd = TaskContext(
        trigger_kwargs={"x": {"from": "1", "model_": "2", "größe-1": "3", "f0": "4"}},
        session_uid="s",
        instance_name="t#0",
        task_name="t",
        number=0,
    )
    fields = {"from": int, "model_": int, "größe-1": int, "f0": int}
    assert odd.filter_kwargs({"x": fields}) == {"x": {"from": 1, "model_": 2, "größe-1": 3, "f0": 4}}


@pytest.mark.parametrize("schema", [{"x": 7}, {"x": {"n": "no type"}}])
def test_a_schema_that_is_none_is_the_authors_mistake(schema):
    with pytest.raises(TypeError, match="schema of the trigger 'x'"):
        context().filter_kwargs(schema)


# -- the instance and the manager -----------------------------------------------------------------------------


def test_a_worker_knows_the_instance_that_it_executes():
    instance = context(metadata={"parent": "t_x#1", "depth": 1}).task_instance
    assert (instance.name, instance.status.value, instance.depth) == ("t_x#2", "running", 1)
    assert instance.task.after == ("x",)
    assert instance.kwargs["x"] == {"n": "1", "lang": "en"}


class Custom(TriggerManager):
    name = "custom"

    def fire_twice(self, trigger):
        return [self.fire(trigger, {"n": n}) for n in range(2)]


@pytest.fixture
def custom():
    trigger_managers.register("custom", Custom)
    yield
    trigger_managers.unregister("custom")


def test_the_manager_is_of_the_sessions_class_and_fires_for_later(custom):
    def task(given):
        assert type(given.manager) is Custom
        first, _ = given.manager.fire_twice("done")
        assert (first.deferred, first.fire_id, first.scheduled) == (True, None, ())
        given.fire("late", idempotency_key="k")

    _, report = run(task, manager="custom")
    assert [(fire["trigger_name"], fire["trigger_kwargs"]) for fire in report["fires"]] == [
        ("done", {"n": 0}),
        ("done", {"n": 1}),
        ("late", {}),
    ]
    assert report["fires"][2]["idempotency_key"] == "k"


def test_a_manager_that_is_not_installed_is_named():
    with pytest.raises(RegistryError, match="no trigger manager 'gone'"):
        context(manager="gone").manager.fire("x")


@pytest.mark.parametrize(
    "ask",
    [
        lambda manager: manager.replay_failed_instance("t_x#1"),
        lambda manager: manager.update_instance_metadata("t_x#2", {"a": 1}),
        lambda manager: manager.storage.instances,
        lambda manager: manager.storage["t_x#1"],
        lambda manager: list(manager.storage),
        lambda manager: manager.storage.latest_kwargs,
        lambda manager: manager.storage.get_unresolved_tasks(),
    ],
)
def test_what_a_worker_cannot_do_says_so_and_what_it_can(ask):
    with pytest.raises(NoDatabaseInTask, match=r"session 'order-1' cannot be had in a worker.*context\.fire"):
        ask(context().manager)


def test_what_a_worker_can_read_of_its_session():
    storage = context().manager.storage
    assert (storage.uid, storage.exists, storage.manager_name) == ("order-1", True, "default")
    assert storage["t_x#2"].name == "t_x#2"


@pytest.mark.parametrize(("name", "kwargs"), [("", {}), ("x", ["no mapping"]), ("x", {"n": float("nan")})])
def test_a_fire_that_cannot_be_is_refused_at_once(name, kwargs):
    with pytest.raises(InvalidTrigger):
        context().fire(name, kwargs)


# -- skip and retry -------------------------------------------------------------------------------------------


def raising(make):
    def task(given):
        given.fire("never")
        raise make(given)

    return task


def test_a_skip_ends_the_task_as_skipped_and_fires_nothing():
    outcome, report = run(raising(lambda given: given.skip({"why": "embedded"})))
    assert isinstance(outcome, AirflowSkipException)
    assert report == {"metadata": {"why": "embedded"}}


def test_a_retry_ends_the_task_without_airflows_own_retries():
    def task(given):
        given.fire("never")
        try:
            int("x")
        except ValueError as error:
            raise given.retry(
                with_context(error, {"row": 7}),
                metadata={"seen": 1},
                replacement_kwargs={"x": {"n": 2}},
                cooldown=30,
            ) from error

    outcome, report = run(task)
    assert isinstance(outcome, AirflowFailException)
    assert "in 30 seconds (retry 1)" in str(outcome)
    assert report["retry"] == {"replacement_kwargs": {"x": {"n": 2}}, "cooldown": 30, "retries": 1}
    assert report["metadata"] == {"seen": 1}
    assert report["exception"]["exceptionType"] == "builtins.ValueError"
    assert report["exception"]["exceptionContext"] == {"row": 7}
    assert "fires" not in report


def test_a_retry_takes_the_exception_that_is_being_handled():
    def task(given):
        try:
            int("x")
        except ValueError as error:
            raise given.retry() from error

    assert run(task)[1]["exception"]["exceptionType"] == "builtins.ValueError"
    _, report = run(raising(lambda given: given.retry()))
    assert report["exception"]["exceptionType"].endswith("RetryInstance")


@pytest.mark.parametrize(("retries", "most", "again"), [(2, None, True), (3, None, False), (0, 0, False)])
def test_a_task_is_run_again_as_often_as_it_may(retries, most, again):
    cause = ValueError("still broken")
    task = raising(lambda given: given.retry(cause, metadata={"last": True}, max_retries=most))
    outcome, report = run(task, metadata={"retries": retries})
    assert isinstance(outcome, AirflowFailException)
    assert ("retry" in report) is again
    assert report["metadata"] == {"last": True}
    if not again:
        assert report["exception"]["exceptionType"] == "airflow_triggers.errors.MaxRetriesExceeded"
        assert "still broken" in report["exception"]["exceptionInfo"]
        assert isinstance(outcome.__cause__, MaxRetriesExceeded)


def test_a_function_says_how_often_it_may_be_run_again():
    task = raising(lambda given: given.retry())
    setattr(task, MAX_RETRIES_ATTRIBUTE, 5)
    assert "retry" in run(task, metadata={"retries": 4})[1]
    assert "retry" not in run(task, metadata={"retries": 5})[1]


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda given: given.skip({"depth": 7}), InvalidMetadata),
        (lambda given: given.skip(["no mapping"]), InvalidMetadata),
        (lambda given: given.retry(replacement_kwargs=["x"]), InvalidTrigger),
        (lambda given: given.retry(replacement_kwargs={"": {}}), InvalidTrigger),
        (lambda given: given.retry(cooldown=-1), ValueError),
        (lambda given: given.retry(cooldown=float("inf")), ValueError),
        (lambda given: given.retry(cooldown=1e12), ValueError),
        (lambda given: given.retry(cooldown=True), ValueError),
        (lambda given: given.retry(cooldown="60"), ValueError),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_the_task(ask, error):
    with pytest.raises(error):
        ask(context())


@pytest.mark.parametrize("copied", [copy.copy, lambda signal: pickle.loads(pickle.dumps(signal))])
def test_what_a_task_asks_for_is_copied_and_pickled_whole(copied):
    skip, retry = context().skip({"why": "embedded"}), context().retry(cooldown=1.5, metadata={"n": 1})
    assert (type(copied(skip)), str(copied(skip)), vars(copied(skip))) == (type(skip), str(skip), vars(skip))
    assert (type(copied(retry)), str(copied(retry))) == (type(retry), str(retry))
    assert vars(copied(retry)) == vars(retry)


@pytest.mark.parametrize("act", ["clone_instance", "create_instance", "acquire_lock"])
def test_a_worker_writes_nothing_to_its_session(act):
    with pytest.raises(NoDatabaseInTask, match=f"'{act}' of session 'order-1'"):
        getattr(context().manager.storage, act)("t_x#2")


# -- the log --------------------------------------------------------------------------------------------------


def test_the_highest_level_of_the_logger_is_reported_whatever_happens(caplog):
    def task(given):
        with given.get_logger_context(context={"respondent": 17}) as logger:
            logger.info("begun")
            logger.error("no answer to %s", "q1")
            logger.warning("went on")
        given.fire("done")

    _, report = run(task)
    assert report["log_level"] == logging.ERROR
    assert [fire["trigger_name"] for fire in report["fires"]] == ["done"]

    def failing(given):
        task(given)
        raise ValueError

    _, report = run(failing)
    assert (report["log_level"], "fires" in report) == (logging.ERROR, False)


def test_records_carry_the_values_beside_what_records_have(caplog):
    with context().get_logger_context(context={"respondent": 17, "name": "clash"}) as logger:
        logger.error("no answer to %s", "q1", extra={"more": 1})
    (record,) = caplog.records
    assert record.getMessage() == "no answer to q1"
    assert (record.respondent, record.more) == (17, 1)
    assert record.context == {"respondent": 17, "name": "clash"}
    assert record.name == "airflow_triggers.task.t_x"
    assert record.funcName == "test_records_carry_the_values_beside_what_records_have"


def test_a_calls_own_context_is_merged_over_the_values(caplog):
    values = {"respondent": 17, "page": {"n": 1, "lang": "en"}, "name": "clash"}
    with context().get_logger_context(context=values) as logger:
        logger.warning("late", extra={"context": {"page": {"n": 2}, "respondent": None, "row": 3}, "more": 1})
        logger.warning("later")
        logger.warning("no values", extra={"context": None})
        logger.warning("another form", extra={"context": "text"})
    late, later, without, other = caplog.records
    assert late.context == {
        "respondent": None,
        "page": {"n": 2, "lang": "en"},
        "name": "clash",
        "row": 3,
    }
    assert (late.page, late.respondent, late.row, late.more) == ({"n": 2, "lang": "en"}, None, 3, 1)
    assert (later.context, later.respondent, hasattr(later, "row")) == (values, 17, False)
    assert (without.context, without.respondent) == (values, 17)
    assert (other.context, other.respondent) == ("text", 17)
    assert values == {"respondent": 17, "page": {"n": 1, "lang": "en"}, "name": "clash"}


def test_a_calls_own_context_stands_beside_the_message_in_airflows_log(caplog, monkeypatch):
    lines = []

    class Handler(logging.Handler):
        def emit(self, record):
            lines.append(structlog.contextvars.get_contextvars())

    with context().get_logger_context(context={"respondent": 17, "page": 1}, name="beside") as logger:
        logger.logger.addHandler(Handler())
        logger.error("no answer", extra={"context": {"page": 2, "row": 3}})
        assert structlog.contextvars.get_contextvars() == {}
    assert lines == [{"respondent": 17, "page": 2, "row": 3}]


def leaves(error, **values):
    """A task that an exception leaves, through a context with the values."""

    def task(given):
        with given.get_logger_context(context={"respondent": 17, **values}) as logger:
            logger.info("begun")
            raise error

    return task


def errors_in(caplog):
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    "error", [ValueError("no such age"), AirflowFailException("for good"), MaxRetriesExceeded("t_x#2", 3, {})]
)
def test_an_exception_that_leaves_is_logged_as_an_error_with_the_values_and_raised_on(caplog, error):
    outcome, report = run(leaves(error))
    assert outcome is error or outcome.__cause__ is error
    assert report["log_level"] == logging.ERROR
    (record,) = errors_in(caplog)
    assert record.getMessage().endswith(f"{type(error).__name__}: {error}")
    assert record.exc_info[1] is error
    assert (record.context, record.respondent) == ({"respondent": 17}, 17)
    assert (record.name, record.funcName) == ("airflow_triggers.task.t_x", "task")


@pytest.mark.parametrize("error", [SystemExit(3), AirflowTaskTimeout("too slow")])
def test_what_ends_a_task_without_being_an_ordinary_exception_is_logged_too(caplog, error):
    given = context()
    with pytest.raises(type(error)):
        leaves(error)(given)
    assert [record.exc_info[1] for record in errors_in(caplog)] == [error]
    assert given.report(error).log_level == logging.ERROR


def test_an_exception_that_leaves_is_logged_with_the_values_attached_to_it(caplog):
    error = with_context(ValueError("spam"), {"score": 0.9, "respondent": 18})
    _, report = run(leaves(error, page=3))
    assert errors_in(caplog)[0].context == {"respondent": 18, "page": 3, "score": 0.9}
    assert report["exception"]["exceptionContext"] == {"score": 0.9, "respondent": 18}


def test_an_exception_that_leaves_several_contexts_is_logged_once_by_the_innermost(caplog):
    def task(given):
        with given.get_logger_context(context={"depth": 1}), given.get_logger_context(context={"depth": 2}):
            raise ValueError

    _, report = run(task)
    assert [record.context for record in caplog.records] == [{"depth": 2}]
    assert report["log_level"] == logging.ERROR


@pytest.mark.parametrize("exc_info", [True, "error", "tuple"])
def test_an_exception_that_the_task_logged_itself_is_not_logged_again(caplog, exc_info):
    def task(given):
        with given.get_logger_context() as logger:
            try:
                raise ValueError("no such age")
            except ValueError as error:
                forms = {"error": error, "tuple": (type(error), error, error.__traceback__)}
                logger.critical("it failed", exc_info=forms.get(exc_info, True))
                raise

    _, report = run(task)
    assert [record.getMessage() for record in caplog.records] == ["it failed"]
    assert report["log_level"] == logging.CRITICAL


def test_an_exception_that_was_logged_below_error_is_logged_as_an_error(caplog):
    def task(given):
        with given.get_logger_context() as logger:
            try:
                raise ValueError("no such age")
            except ValueError:
                logger.warning("it may fail", exc_info=True)
                raise

    _, report = run(task)
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    assert report["log_level"] == logging.ERROR


def test_another_exception_that_follows_is_logged_too(caplog):
    def task(given):
        with given.get_logger_context(context={"depth": 1}):
            try:
                with given.get_logger_context(context={"depth": 2}):
                    raise ValueError("inner")
            except ValueError as error:
                raise KeyError("outer") from error

    run(task)
    assert [record.getMessage() for record in caplog.records] == ["ValueError: inner", "KeyError: 'outer'"]


def test_the_same_exception_in_another_task_is_logged_there_too(caplog):
    error = ValueError("shared")
    reports = [run(leaves(error))[1] for _ in range(2)]
    assert [report["log_level"] for report in reports] == [logging.ERROR] * 2
    assert len(errors_in(caplog)) == 2


@pytest.mark.parametrize(
    "signal",
    [
        lambda given: given.skip({"why": "embedded"}),
        lambda given: given.retry(ValueError("busy")),
        lambda given: AirflowSkipException("nothing to do"),
        lambda given: AirflowRescheduleException(datetime(2031, 1, 1, tzinfo=UTC)),
        lambda given: DownstreamTasksSkipped(tasks=["next"]),
        lambda given: TaskDeferred(trigger=None, method_name="go_on"),
        lambda given: KeyboardInterrupt(),
    ],
)
def test_what_directs_airflow_or_the_session_is_no_error(caplog, signal):
    given = context()
    error = signal(given)
    with pytest.raises(type(error)):
        leaves(error)(given)
    assert errors_in(caplog) == []
    assert given.report(error).log_level == logging.INFO


def test_a_task_that_catches_what_left_a_context_succeeds_and_has_logged_an_error(caplog):
    def task(given):
        try:
            leaves(ValueError("no such age"))(given)
        except ValueError:
            return {"recovered": True}

    assert run(task) == ({"recovered": True}, {"log_level": logging.ERROR})


def test_an_exception_that_cannot_be_shown_is_logged_all_the_same(caplog):
    class Unspeakable(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    outcome, report = run(leaves(Unspeakable()))
    assert type(outcome) is Unspeakable
    assert "cannot be shown" in errors_in(caplog)[0].getMessage()
    assert report["log_level"] == logging.ERROR


def test_an_exception_is_logged_as_usual_and_counts_as_an_error(caplog):
    def task(given):
        with given.get_logger_context() as logger:
            try:
                int("x")
            except ValueError:
                logger.exception("not a number")

    assert run(task)[1] == {"log_level": logging.ERROR}
    assert caplog.records[0].exc_info


# -- the report -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forged",
    [
        "no mapping",
        {"fires": [{"trigger_name": ""}]},
        {"fires": "x"},
        {"metadata": {"timestamps": {}}},
        {"retry": {"cooldown": -1}},
        {"log_level": "loud"},
        {"fires": [{"trigger_name": "x", "fire_at": 20000000001}]},
        {"fires": [{"trigger_name": "x", "fire_at": "9999-12-31T23:59:59-12:00"}]},
        {"fires": [{"trigger_name": "x", "trigger_kwargs": {"n": 2**64}}]},
        {"retry": {"cooldown": True}},
        {"retry": {"cooldown": "5"}},
        {"retry": {"cooldown": 1e12}},
        {"result": {"n": 2**64}},
        {"json": 7},
        {"json": "{"},
        {"json": "[" * 100_000},
        {"json": '{"metadata": {"k": 1, "k": 2}}'},
    ],
)
def test_a_report_that_somebody_forged_is_refused(forged):
    with pytest.raises(InvalidReport, match="reported what cannot be used"):
        TaskReport.from_json(forged)


def test_a_report_comes_back_as_it_was_sent():
    def task(given):
        with given.get_logger_context() as logger:
            logger.critical("!")
        raise given.retry(ValueError("x"), cooldown=1.5, replacement_kwargs={})

    _, report = run(task)
    assert TaskReport.from_json(report).to_json() == report


def test_a_report_is_of_jsons_own_types():
    _, report = run(lambda given: given.fire("one", {"pair": (1, 2)}))
    assert report["fires"] == [
        {
            "trigger_name": "one",
            "trigger_kwargs": {"pair": [1, 2]},
            "idempotency_key": None,
            "fire_at": None,
        }
    ]
    assert isinstance(report["fires"][0]["trigger_kwargs"]["pair"], list)


@pytest.mark.parametrize("max_retries", [-5, True, 1.5, "3", 10**400])
def test_the_number_of_retries_is_a_whole_number_within_bounds(max_retries):
    with pytest.raises(InvalidMaxRetries, match=r"'max_retries' is .*, expected a whole number from 0 to"):
        context().retry(max_retries=max_retries)
