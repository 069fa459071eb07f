"""Rules that change under a session: what the fires of the past make of them, previewed, applied and explained."""

from __future__ import annotations

import pytest

from airflow_triggers.domain.configuration import TaskConfig
from airflow_triggers.domain.reconcile import Diff
from airflow_triggers.errors import ConfigurationError, InstanceNotFound, PreviewOutdated, SessionNotFound
from airflow_triggers.history.evidence import why
from airflow_triggers.history.pages import history_of
from airflow_triggers.history.sentences import sentence_of
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.sql import SqlStorageBackend
from tests.contract.storages import InMemory, InRedis, OnPostgresql, OnSqlite
from tests.support.dags import deploy_configuration
from tests.support.runners import RecordingRunner, registered
from tests.support.statements import statements


def directives(**rule):
    return {"after": [], "run": "dag", "using": "recording", **rule}


WAITS = {"t_ship": directives(after=["paid", "packed"])}
SHIPS = {"t_ship": directives(after=["paid", "checked"])}


def states(storage):
    return {instance.name: instance.status.value for instance in storage}


def traces(storage):
    """Everything that a preview must not change."""
    return (
        storage.exists,
        storage.session_version,
        storage.configuration.content_hash,
        {name: (one.status, one.kwargs, one.metadata) for name, one in storage.instances.items()},
        [event.event_id for event in storage.events()],
    )


class ChangedRules:
    @pytest.fixture
    def runner(self):
        return registered(RecordingRunner())

    @pytest.fixture
    def manager(self, runner):
        manager = TriggerManager(self.storage_of("order-1"))
        manager.update_configuration(WAITS)
        manager.fire("checked", {"by": "ann"})
        manager.fire("paid", {"n": 1})
        return manager

    def test_by_default_the_past_does_not_count(self, manager, runner):
        manager.update_configuration({**SHIPS, "t_new": directives(after=["paid"])})
        assert states(manager.storage) == {"t_ship#0": "unstarted"}
        assert runner.started == []

    def test_applied_the_past_starts_what_it_would_have_started(self, manager, runner):
        manager.update_configuration(
            {**SHIPS, "t_new": directives(after=["paid"])}, history="apply", by="bob"
        )
        assert states(manager.storage) == {"t_ship#0": "scheduled", "t_new#0": "scheduled"}
        started = {start.instance.name: (dict(start.kwargs), start.by) for start in runner.started}
        assert started == {
            "t_ship#0": ({"checked": {"by": "ann"}, "paid": {"n": 1}}, "bob"),
            "t_new#0": ({"paid": {"n": 1}}, "bob"),
        }
        stories = [sentence_of(event) for event in manager.storage.events()][::-1][1:]
        assert stories == [
            "The tasks t_new, t_ship were configured; the fires of the past count for them.",
            "t_new#0 was made, and is scheduled: the fires of the past count for the new rules.",
            "t_ship#0 was scheduled: the fires of the past count for the new rules.",
        ]

    def test_what_waits_takes_only_later_fires_of_what_it_has(self, manager, runner):
        manager.update_configuration({"t_ship": directives(after=["checked", "labelled"])}, history="apply")
        manager.fire("checked", {"by": "late"})
        manager.fire("labelled")
        (start,) = runner.started
        assert start.kwargs == {"checked": {"by": "ann"}, "labelled": {}}

    def test_applied_twice_it_changes_nothing_more(self, manager, runner):
        manager.update_configuration(SHIPS, history="apply")
        preview = manager.update_configuration(SHIPS, history="apply", preview=True)
        assert preview.is_empty
        assert [instance.name for instance in preview.keep] == ["t_ship#0"]

    def test_a_preview_says_what_would_happen_and_writes_nothing(self, manager, runner):
        before = traces(manager.storage)
        preview = manager.update_configuration(
            {**SHIPS, "t_new": directives(after=["never"])}, history="apply", preview=True
        )
        assert traces(manager.storage) == before
        assert runner.started == []
        (change,) = preview.schedule
        assert (change.before.status, change.after.status) == ("unstarted", "scheduled")
        assert (preview.create, preview.change, preview.abandon) == ((), (), ())

    def test_a_preview_makes_no_session(self, runner):
        manager = TriggerManager(self.storage_of("order-none"))
        preview = manager.update_configuration(WAITS, preview=True)
        assert preview.is_empty
        assert list(preview.configuration.tasks) == ["t_ship"]
        assert not manager.storage.exists
        with pytest.raises((SessionNotFound, InstanceNotFound)):
            manager.storage["t_ship#0"]

    def test_a_preview_is_applied_as_long_as_nothing_has_changed(self, manager, runner):
        preview = manager.update_configuration(SHIPS, history="apply", preview=True)
        manager.update_configuration(SHIPS, history="apply", previewed=preview)
        assert states(manager.storage) == {"t_ship#0": "scheduled"}

    def test_a_preview_of_a_session_that_has_changed_since_is_refused(self, manager, runner):
        preview = manager.update_configuration(SHIPS, history="apply", preview=True)
        manager.fire("unheard")
        before = traces(manager.storage)
        with pytest.raises(PreviewOutdated, match="has changed since the preview"):
            manager.update_configuration(SHIPS, history="apply", previewed=preview)
        assert traces(manager.storage)[2:] == before[2:]

    def test_a_preview_is_refused_once_the_holder_of_the_lock_has_written(self, manager, runner):
        preview = manager.update_configuration(SHIPS, history="apply", preview=True)
        with manager.storage.acquire_lock():
            manager.fire("unheard")
            with pytest.raises(PreviewOutdated, match="has changed since"):
                manager.update_configuration(SHIPS, history="apply", previewed=preview)
        preview = manager.update_configuration(SHIPS, history="apply", preview=True)
        with manager.storage.acquire_lock():
            manager.update_configuration(SHIPS, history="apply", previewed=preview)
        assert states(manager.storage) == {"t_ship#0": "scheduled"}

    def test_a_preview_of_a_session_to_be_made_is_applied(self, runner):
        manager = TriggerManager(self.storage_of("order-none"))
        preview = manager.update_configuration(WAITS, preview=True)
        manager.update_configuration(WAITS, previewed=preview)
        assert manager.storage.exists

    def test_a_preview_of_a_deleted_session_is_refused_by_its_successor(self, manager, runner):
        preview = manager.update_configuration(SHIPS, history="apply", preview=True)
        with manager.storage.acquire_lock():
            manager.storage.delete()
        manager.update_configuration(WAITS)
        manager.fire("checked", {"by": "ann"})
        manager.fire("paid", {"n": 1})
        with pytest.raises(PreviewOutdated, match="has changed since"):
            manager.update_configuration(SHIPS, history="apply", previewed=preview)

    def test_a_preview_of_other_rules_is_refused(self, manager, runner):
        preview = manager.update_configuration(SHIPS, history="apply", preview=True)
        with pytest.raises(PreviewOutdated, match="of other rules"):
            manager.update_configuration(WAITS, history="apply", previewed=preview)
        with pytest.raises(PreviewOutdated, match="another 'history'"):
            manager.update_configuration(SHIPS, previewed=preview)
        assert states(manager.storage) == {"t_ship#0": "unstarted"}

    def test_a_history_that_is_neither_is_refused(self, manager):
        with pytest.raises(ConfigurationError, match="'history' is 'some', expected 'ignore' or 'apply'"):
            manager.update_configuration(SHIPS, history="some")

    def test_many_fires_are_read_in_pages(self, manager, runner, monkeypatch):
        monkeypatch.setattr("airflow_triggers.manager.configuring.FIRES_PER_PAGE", 2)
        for number in range(5):
            manager.fire("page", {"n": number})
        manager.update_configuration({"t_page": directives(andEvery="page")}, history="apply")
        assert [start.kwargs["page"]["n"] for start in runner.started] == [0, 1, 2, 3, 4]


class TestInMemory(InMemory, ChangedRules):
    pass


class TestOnSqlite(OnSqlite, ChangedRules):
    pass


class TestOnPostgresql(OnPostgresql, ChangedRules):
    pass


class TestInRedis(InRedis, ChangedRules):
    pass


def test_an_application_s_own_storage_has_a_version_without_a_word(airflow_db):
    registered(RecordingRunner())

    class OwnStorage(SqlStorageBackend):
        session_version = BaseStorageBackend.session_version

    manager = TriggerManager(OwnStorage("order-1"))
    manager.update_configuration(WAITS)
    versions = [manager.storage.session_version]
    for act in (lambda: manager.fire("paid"), lambda: manager.fire("unheard")):
        act()
        versions.append(manager.storage.session_version)
    preview = manager.update_configuration(SHIPS, preview=True)
    assert preview.session_version == manager.storage.session_version
    assert len(set(versions)) == 3


def test_an_application_s_own_storage_may_keep_a_version_and_a_session_id_of_its_own(airflow_db):
    registered(RecordingRunner())

    class OwnStorage(SqlStorageBackend):
        def __init__(self, uid):
            super().__init__(uid)
            self.session_id, self.version, self.transaction = "own", 2, None

    manager = TriggerManager(OwnStorage("order-1"))
    manager.update_configuration(WAITS)
    manager.fire("paid")
    assert [fire.trigger_name for fire in manager.storage.fires()] == ["paid"]
    assert (manager.storage.session_id, manager.storage.version) == ("own", 2)


# -- why --------------------------------------------------------------------------------------------------------


@pytest.fixture
def survey(airflow_db):
    deploy_configuration("survey", t_import={"after": ["firstPage"]}, t_score={"after": ["scored", "never"]})
    fire_into("order-1", "complete", {"n": 1}, configuration="survey", fired_by="shop")
    fire_into("order-1", "scored", configuration="survey", fired_by="shop")
    return open_session("order-1")


def reasons(name):
    return {reason.code: reason.text for reason in why("order-1", name).reasons}


def test_why_says_that_a_fire_came_before_the_rule_and_how_to_apply_it(survey):
    rules = {
        "t_score": {"after": ["scored", "complete"], "run": "module:t_score"},
        "t_import": {"after": ["complete"], "run": "module:t_import"},
    }
    survey.update_configuration(rules)
    for name in ("t_score#0", "t_import"):
        text = reasons(name)["fire_before_rule"]
        assert "'complete' was fired at" in text
        assert "by shop" in text
        assert "before the rule that needs it" in text
        assert f"update_configuration({{'{name.partition('#')[0]}': …}}, history='apply')" in text
    survey.update_configuration(rules, history="apply")
    explanation = why("order-1", "t_import#0")
    assert explanation.status == "scheduled"
    (requirement,) = explanation.requirements
    assert (requirement.arrived, requirement.fire.fired_by, requirement.note) == (True, "shop", None)
    assert "fire_before_rule" not in reasons("t_score#0")


def test_why_says_why_rules_abandoned_an_instance(survey):
    survey.update_configuration(
        {"t_score": {"after": ["scored", "never"], "unless": ["complete"], "run": "module:t_score"}},
        history="apply",
        by="ann",
    )
    text = reasons("t_score#0")["abandoned"]
    assert text.startswith("It was abandoned by ann at")
    assert text.endswith("all of its 'unless' triggers had fired.")
    stories = [sentence_of(entry) for entry in history_of("order-1").entries]
    assert stories[0] == "t_score#0 was abandoned: all of its 'unless' triggers had fired."


# -- what a file accepts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", ["module.t_import", "module:t_import"])
def test_a_callable_that_the_deployed_configuration_has_stays_one(survey, run):
    configuration = survey.update_configuration({"t_import": {"after": ["later"], "run": run}})
    assert configuration["t_import"].run == "module:t_import"
    assert why("order-1", "t_import").rule == "After later has fired, run module:t_import once."
    assert survey.fire("later").scheduled == ("t_import#0",)


def test_an_operator_that_the_deployed_configuration_has_stays_one(airflow_db):
    operator = {"operator": "airflow.providers.standard.operators.bash.BashOperator", "bash_command": "true"}
    deploy_configuration("survey", t_bash={"after": ["x"], "run": operator})
    manager, _ = create_session("order-1", configuration="survey")
    manager.update_configuration({"t_bash": {"after": ["y"], "run": operator}})
    assert manager.storage.configuration["t_bash"] == TaskConfig.from_directives(
        "t_bash", {"after": ["y"], "run": operator}
    )
    with pytest.raises(
        ConfigurationError, match=r"(?s)task 't_bash': 'run' is the operator.*Deploy 'survey'"
    ):
        manager.update_configuration({"t_bash": {"after": ["y"], "run": {**operator, "bash_command": "no"}}})


@pytest.mark.parametrize("run", ["module.t_score", "module:t_score"])
def test_a_callable_of_another_task_is_refused_and_its_dag_named(survey, run):
    before = survey.storage.configuration
    with pytest.raises(ConfigurationError, match=r"task 't_new'.*Name the DAG 'survey.t_score'"):
        survey.update_configuration({"t_new": {"after": ["later"], "run": run}})
    assert survey.storage.configuration == before
    survey.update_configuration({"t_new": {"after": ["later"], "run": "survey.t_score"}})
    assert survey.fire("later").scheduled == ("t_new#0",)


def test_a_callable_that_is_not_deployed_is_refused_and_says_what_to_do(survey):
    with pytest.raises(ConfigurationError, match=r"'other:function'.*which has 'module:t_import'.*Deploy"):
        survey.update_configuration({"t_import": {"after": ["later"], "run": "other:function"}})


def test_a_preview_costs_the_same_in_a_session_with_many_other_instances(airflow_db):
    registered(RecordingRunner())
    costs = []
    for count in (1, 50):
        manager = TriggerManager(SqlStorageBackend(f"order-{count}"))
        manager.update_configuration({"t_page": directives(andEvery="page"), **WAITS})
        for _ in range(count):
            manager.fire("page")
        with statements() as sent:
            preview = manager.update_configuration(SHIPS, history="apply", preview=True)
        assert isinstance(preview, Diff)
        costs.append(len(sent))
    assert costs[0] == costs[1]
