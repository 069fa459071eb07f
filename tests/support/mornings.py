"""A morning in operations: the demo's questionnaire after a night with failures, and configurations with faults.

Neighbours: ``dags.py`` plays the runs; ``tests/e2e/ui`` looks at it.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from unittest import mock

from airflow.jobs.job import Job
from airflow.models.asset import AssetEvent, AssetModel
from airflow.models.dag import DagModel
from airflow.models.errors import ParseImportError
from airflow.utils.session import create_session
from sqlalchemy import delete, insert, select, update

from airflow_triggers.configuration.compile import compile_configuration
from airflow_triggers.configuration.load import load_configuration
from airflow_triggers.configuration.parse import parse_configuration
from airflow_triggers.controller.loop import Controller
from airflow_triggers.domain.hooks import MAX_HOOK_ATTEMPTS
from airflow_triggers.gateway.jobs import CONTROLLER_JOB_TYPE, ControllerJob
from airflow_triggers.operators.assets import trigger_asset
from airflow_triggers.sessions.opening import fire_into, open_session
from airflow_triggers.storages import tables
from tests.support.dags import BUNDLE, dag, deploy, deploy_configuration, play
from tests.support.environment import ROOT
from tests.support.surveys import view

QUESTIONNAIRE = "questionnaire"
INVOICE = "invoice"
"""A configuration with an import error, warnings, and two tasks that wait for one another."""

PARCEL = "parcel"
"""A configuration whose sessions are moved to its deployed rules."""

FORMER_PARCEL = {"t_pack": {"after": ["ordered"]}, "t_ship": {"after": ["t_pack", "paid"]}}
PARCEL_NOW = {"t_pack": {"after": ["ordered"]}, "t_send": {"after": ["ordered", "paid"]}}

FOREIGN_DAG = "nightly_etl"
PAUSED_DAG = "questionnaire.t_importBrowserMetadata"

FIRST_PAGE = {"age": 41, "educ": 4, "income": 12, "userAgent": "Firefox/130.0"}
SENT_AS_WORD = {**FIRST_PAGE, "age": "forty"}

VALUE_ERROR = {
    "exceptionType": "ValueError",
    "exceptionMessage": "invalid literal for int() with base 10: 'forty'",
    "exceptionInfo": "Traceback (most recent call last):\n"
    '  File "questionnaire_tasks.py", line 39, in import_subject\n'
    '    subject = (page["survey"], int(page["age"]), int(page["educ"]), int(page["income"]))\n'
    "ValueError: invalid literal for int() with base 10: 'forty'",
}
KEY_ERROR = {
    "exceptionType": "KeyError",
    "exceptionMessage": "'page'",
    "exceptionInfo": "Traceback (most recent call last):\n"
    '  File "questionnaire_tasks.py", line 53, in import_responses\n'
    '    page = answers.pop("page")\n'
    "KeyError: 'page'",
}
HOOK_ERROR = "Traceback (most recent call last):\nConnectionError: the mail server does not answer"
IMPORT_ERROR = (
    "ConfigurationError: 1 configuration of this DAG file cannot be used. The other DAGs of this file are active.\n\n"
    "invoice.yaml: line 7: task 't_bill': 'aftr' is not a directive. Did you mean 'after'?"
)


def make_morning() -> None:
    """Deploy the configurations and play the night."""
    deploy(dag(FOREIGN_DAG, "extract", "load"))
    with prompt_deployments():
        _deploy_former_questionnaire()
        for number in range(1, 4):
            fire(f"respondent-{number:02}", "firstPageReceived", FIRST_PAGE)
        _deploy_questionnaire()
    _play_sessions()
    _fire_for_later()
    _fire_unheard()
    _deploy_invoice()
    park_hook("respondent-09")
    _pause(PAUSED_DAG)
    beat()
    park_asset_event("respondent-09")


@contextmanager
def prompt_deployments():
    """Airflow rewrites a serialized DAG once in 30 seconds at most: not here."""
    setting = {"AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0"}
    with mock.patch.dict("os.environ", setting), mock.patch("sys.path", [str(ROOT / "dags"), *sys.path]):
        yield


def fire(uid, trigger, kwargs=None, *, configuration=QUESTIONNAIRE, **options):
    """Fire a trigger into a session."""
    return fire_into(
        uid, trigger, kwargs or {}, configuration=configuration, **{"fired_by": "survey", **options}
    )


# -- what is deployed ---------------------------------------------------------------------------------------------


def _deploy_questionnaire():
    deploy(*compile_configuration(load_configuration(ROOT / "dags/questionnaire.yaml")).values())


def _deploy_former_questionnaire():
    """The rules before ``t_computeScore`` and ``t_notify`` were added."""
    former = {
        name: {"after": list(task.after), "run": task.run}
        for name, task in load_configuration(ROOT / "dags/questionnaire.yaml").tasks.items()
        if name not in ("t_computeScore", "t_notify")
    }
    deploy(*compile_configuration(parse_configuration(former, name=QUESTIONNAIRE)).values())


def _deploy_invoice():
    rules = {
        "t_bill": {"after": ["ordered"], "unless": ["cancelled"], "run": FOREIGN_DAG},
        "t_remind": {"after": ["t_bill", "t_dun"], "run": FOREIGN_DAG},
        "t_dun": {"after": ["t_remind"], "run": FOREIGN_DAG},
    }
    deploy(*compile_configuration(parse_configuration(rules, name=INVOICE)).values())
    with create_session() as session:
        file = "invoice_dags.py"
        session.add(
            ParseImportError(
                filename=file, bundle_name=BUNDLE, stacktrace=IMPORT_ERROR, timestamp=datetime.now(UTC)
            )
        )
        session.execute(update(DagModel).where(DagModel.dag_id == INVOICE).values(relative_fileloc=file))


def deploy_parcel(sessions, *, own_rules):
    """Deploy the rules of parcels twice, with sessions made between.

    :param own_rules: the UID of a session whose task was changed at run time: it is refused.
    """
    with prompt_deployments():
        deploy_configuration(PARCEL, **FORMER_PARCEL)
        for uid in (*sessions, own_rules):
            fire(uid, "paid", {"amount": 5}, configuration=PARCEL)
            fire(uid, "ordered", configuration=PARCEL)
        own = {"t_pack": {"after": ["ordered", "measured"], "run": "module:t_pack"}}
        open_session(own_rules).update_configuration(own)
        deploy_configuration(PARCEL, **PARCEL_NOW)


def _pause(dag_id):
    with create_session() as session:
        session.execute(update(DagModel).where(DagModel.dag_id == dag_id).values(is_paused=True))


# -- what happened in the night -----------------------------------------------------------------------------------


def _play_sessions():
    for number in range(4, 7):
        fail_subject(f"respondent-{number:02}")
    fire("respondent-07", "firstPageReceived", FIRST_PAGE)
    begin("respondent-08")
    finish("respondent-08", "t_importSubject#0", {"respondent": "respondent-08"})
    fire("respondent-08", "pageReceived", {"TVnews": 3})
    end("respondent-08", "t_importResponses#0", "failed", exception=KEY_ERROR)
    begin("respondent-09")
    play(view("t_importSubject#0", "respondent-09"), "running")
    Controller().run_once()


def begin(uid, first_page=FIRST_PAGE):
    """Fire what the subject's import waits for: it is scheduled."""
    fire(uid, "firstPageReceived", first_page)
    fire(uid, "questionnaireComplete")


def fail_subject(uid):
    """Make a session whose subject could not be imported."""
    begin(uid, SENT_AS_WORD)
    end(uid, "t_importSubject#0", "failed", exception=VALUE_ERROR)


def finish(uid, name, result):
    """Let the run of an instance succeed, and its task cascade."""
    end(uid, name, "success", result=result)


def end(uid, name, state, **outcome):
    """Let the run of an instance end, and the controller see it."""
    play(view(name, uid), state, **outcome)
    Controller().run_once()


def _fire_for_later():
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    fire("respondent-07", "questionnaireComplete", fire_at=tomorrow)
    fire("respondent-09", "lastPageReceived", {"vote": 1}, fire_at=tomorrow + timedelta(hours=2))
    park_delayed_fire("respondent-08")


def _fire_unheard():
    for page in range(3):
        fire("respondent-07", "pageRecieved", {"page": page})
    fire("respondent-09", "embeddedDevise")
    fire("respondent-09", "firstPageReceived", FIRST_PAGE)


def park_delayed_fire(uid):
    """A fire that could not be fired when it was due, too often."""
    delayed_id = fire(
        uid, "lastPageReceived", {"vote": 0}, fire_at=datetime.now(UTC) + timedelta(hours=1)
    ).delayed_fire_id
    columns = tables.delayed_fire.c
    values = {"due": None, "attempts": 20, "error": "The session's manager 'survey' is not installed."}
    with create_session() as session:
        session.execute(update(tables.delayed_fire).where(columns.id == delayed_id).values(**values))
    return delayed_id


HOOK_ARGUMENTS = {"trigger_name": "firstPageReceived", "scheduled": []}


def park_hook(uid, arguments=HOOK_ARGUMENTS):
    """A hook that raised too often."""
    with create_session() as session:
        session_id = session.scalar(select(tables.session.c.id).where(tables.session.c.uid == uid))
        session.execute(
            insert(tables.hook).values(
                session_id=session_id,
                hook="_post_fire",
                arguments=arguments,
                attempts=MAX_HOOK_ATTEMPTS,
                due=datetime.now(UTC),
                error=HOOK_ERROR,
            )
        )


def park_asset_event(uid):
    """An event of a trigger's asset that could not be fired, too often; its id."""
    asset = trigger_asset("firstPageReceived", configuration=QUESTIONNAIRE)
    with create_session() as session:
        model = session.scalar(select(AssetModel).where(AssetModel.uri == asset.uri))
        if model is None:
            model = AssetModel(uri=asset.uri, name=asset.name, group=asset.group, extra={})
            session.add(model)
            session.flush()
        event = AssetEvent(
            asset_id=model.id,
            extra={},
            partition_key=uid,
            source_dag_id=FOREIGN_DAG,
            source_task_id="load",
            source_run_id="manual__1",
            source_map_index=-1,
        )
        session.add(event)
        session.flush()
        error = "The kwargs of 'firstPageReceived' are a list, expected a JSON object."
        values = {"seen": datetime.now(UTC), "attempts": 20, "due": None, "error": error}
        session.execute(insert(tables.asset_event).values(event_id=event.id, **values))
        return event.id


# -- the controller -----------------------------------------------------------------------------------------------


def beat():
    """A controller gives a sign of life."""
    ControllerJob().beat()


def let_controllers_die():
    """No controller has run for long."""
    ours = Job.job_type == CONTROLLER_JOB_TYPE
    with create_session() as session:
        session.execute(delete(Job).where(ours))
