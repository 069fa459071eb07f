"""Sessions on different DAGs, for tests of rights, in a SQLite database with a way back to earlier states.

Neighbours: ``auth_managers.py`` serves Airflow on the database; ``tests/integration/test_rights.py`` asks.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime

from airflow.models.asset import AssetEvent, AssetModel
from airflow.models.dag import clear_team_name_cache
from airflow.models.dagbundle import DagBundleModel
from airflow.models.team import Team
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.engine import make_url

from airflow_triggers.domain.acts import Skip
from airflow_triggers.domain.bulk import BulkRequest
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.selection import InstanceFilter, InstanceKey
from airflow_triggers.domain.states import Event
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.sessions import bulk_acts
from airflow_triggers.sessions.bulk_making import Maker
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.sessions.versions import version_column
from airflow_triggers.storages import tables
from airflow_triggers.storages.sql import SqlStorageBackend
from tests.support.dags import dag, deploy, manifest, play
from tests.support.runners import RecordingRunner, registered
from tests.support.surveys import view

LATER = datetime(2099, 1, 1, tzinfo=UTC)
NO_DAG = "recording"
"""The runner of a task that runs no DAG."""


class OwingManager(TriggerManager):
    """While ``raises`` is true, every fire leaves a pending hook."""

    name = "owing"
    raises = False

    def _post_fire(self, trigger_name, tasks_scheduled):
        if self.raises:
            raise RuntimeError(f"the hook of {self.storage.uid}")


@dataclass(frozen=True)
class Session:
    """The ingredients of a session.

    :param dag_ids: task name → its DAG; None: it runs no DAG. :data:`AFTER` has the trigger of each task.
    :param former: the DAG of the session's runs of ``t_first``, if it is another one.
    :param configuration: the name under which its configuration is deployed; None: it was made at run time.
    """

    uid: str
    dag_ids: dict[str, str | None]
    former: str | None = None
    configuration: str | None = None

    @property
    def has_instance(self) -> bool:
        """Whether the failed instance ``t_first#0`` exists."""
        return bool(self.dag_ids)

    @property
    def marker(self) -> str:
        """A word that occurs only in this session's kwargs."""
        return f"kwargs-of-{self.uid}"

    @property
    def error_type(self) -> str:
        """The type of the error of its failed instance; no other session has it."""
        return f"errors.{self.marker}"


AFTER = {"t_first": "begin", "t_second": "t_first", "t_other": "other"}
"""Which trigger each task waits for."""

ALSO_AFTER = {"t_second": "page"}
"""A further trigger of a task, which has fired: its instance waits for the other one."""

DEPLOYED = {
    "config-a": {"t_first": "dag_a"},
    "config-b": {"t_first": "dag_b"},
    "config-a-b": {"t_first": "dag_a", "t_second": "dag_b"},
}
"""Configuration → the DAG of each of its tasks."""

SESSIONS = (
    Session("on-a", DEPLOYED["config-a"], configuration="config-a"),
    Session("on-b", DEPLOYED["config-b"], configuration="config-b"),
    Session("on-a-then-b", DEPLOYED["config-a-b"], configuration="config-a-b"),
    # Of its configuration, other sessions may be read by more users.
    Session("once-on-b", DEPLOYED["config-a"], former="dag_b", configuration="config-a"),
    Session("partly-without-a-dag", {"t_first": "dag_a", "t_other": None}),
    Session("without-a-dag", {"t_first": None}),
    Session("without-tasks", {}),
)


@dataclass(frozen=True)
class Ids:
    """The ids of a session's hook, delayed fire and asset event, and the version of its rules."""

    hook: int
    delayed_fire: int
    asset_event: int
    version: str | None = None


NO_IDS = Ids(1, 1, 999)


def build() -> dict[str, Ids]:
    """Deploy the DAGs and configurations, and make every session of :data:`SESSIONS`.

    :returns: the ids of each session, by its UID.
    """
    trigger_managers.register(OwingManager.name, OwingManager)
    registered(RecordingRunner())
    for dag_id in ("dag_a", "dag_b", "dag_c"):
        deploy(dag(dag_id, "run"), bundle=f"bundle-of-{dag_id}")
    for name, dag_ids in DEPLOYED.items():
        configuration = Configuration.from_dict({"name": name, "tasks": directives(dag_ids)})
        deploy(manifest(name, configuration))
    OwingManager.raises = True
    for session in SESSIONS:
        _make(session)
    OwingManager.raises = False
    _make_asset_events()
    _make_bulk_act()
    return _ids()


def _make_bulk_act() -> None:
    """Make the bulk act 1, of the user ``maker`` on the session ``on-a``. No controller works it off."""
    with airflow_session() as session:
        # SQLite gives no id again, so an earlier test's bulk act would have had it.
        session.execute(text("DELETE FROM sqlite_sequence WHERE name = 'triggers_bulk_act'"))
    selection = InstanceFilter(instances=(InstanceKey("on-a", "t_first#0"),))
    maker = Maker(by="maker", authorize=lambda configuration, task_name, dag_id: None)
    bulk_acts.make(BulkRequest(act=Skip(), selection=selection, rate=1), maker)


def _make_asset_events() -> None:
    """Make an asset event for each session. Each was tried in vain."""
    with airflow_session() as session:
        asset = AssetModel(name="rights", uri="x-triggers://-/begin", group="asset")
        session.add(asset)
        session.flush()
        for owner in SESSIONS:
            event = AssetEvent(asset_id=asset.id, extra={}, partition_key=owner.uid)
            session.add(event)
            session.flush()
            tried = {"seen": LATER, "attempts": 3, "due": None, "error": owner.marker}
            session.execute(insert(tables.asset_event).values(event_id=event.id, **tried))


def _ids() -> dict[str, Ids]:
    """The ids of each session. Each delayed fire has failed once: you can retry it."""
    owner, delayed, hook = tables.session.c, tables.delayed_fire.c, tables.hook.c
    with airflow_session() as session:
        session.execute(update(tables.delayed_fire).values(attempts=1, error="the database was away"))
        rows = session.execute(
            select(
                owner.uid,
                func.min(hook.id),
                func.min(delayed.id),
                func.min(AssetEvent.id),
                func.min(version_column()),
            )
            .join(tables.hook, hook.session_id == owner.id)
            .join(tables.delayed_fire, delayed.session_id == owner.id)
            .join(AssetEvent, AssetEvent.partition_key == owner.uid)
            .outerjoin(tables.configuration, tables.configuration.c.hash == owner.configuration_hash)
            .group_by(owner.uid)
        )
        return {
            uid: Ids(hook_id, delayed_id, event_id, version)
            for uid, hook_id, delayed_id, event_id, version in rows
        }


def unregister() -> None:
    """Undo the registrations of :func:`build` in this process."""
    trigger_managers.unregister(OwingManager.name)
    clear_team_name_cache()


def form_teams(teams: dict[str, str]) -> None:
    """Give the teams, by name, a DAG each."""
    with airflow_session() as session:
        for team, dag_id in teams.items():
            bundle = session.get(DagBundleModel, f"bundle-of-{dag_id}")
            bundle.teams.append(Team(name=team))
    clear_team_name_cache()


def directives(dag_ids: dict[str, str | None]) -> dict[str, dict[str, object]]:
    """A configuration whose tasks run these DAGs."""
    return {task: _directives(task, dag_id) for task, dag_id in dag_ids.items()}


def _directives(task: str, dag_id: str | None) -> dict[str, object]:
    after = [trigger for trigger in (AFTER[task], ALSO_AFTER.get(task)) if trigger]
    return {
        "after": after,
        **({"run": dag_id} if dag_id else {"run": "module:function", "using": NO_DAG}),
    }


def _make(session: Session) -> None:
    kwargs = {"marker": session.marker}
    if session.former:
        _make_with_former_rules(session, session.former)
    elif session.configuration:
        create_session(session.uid, configuration=session.configuration, manager=OwingManager.name)
    elif session.dag_ids:
        create_session(session.uid, configuration=directives(session.dag_ids), manager=OwingManager.name)
    else:
        OwingManager(SqlStorageBackend(session.uid)).fire("first")
    fire_into(session.uid, "begin", kwargs, fired_by="maker")
    for trigger in {ALSO_AFTER[task] for task in session.dag_ids if task in ALSO_AFTER}:
        fire_into(session.uid, trigger, kwargs, fired_by="maker")
    if session.has_instance:
        _fail(session)
    if session.former:
        open_session(session.uid).update_configuration(directives(session.dag_ids))
    fire_into(session.uid, "unused", kwargs, fired_by="maker", idempotency_key="unused")
    fire_into(session.uid, "begin", kwargs, fired_by="maker", fire_at=LATER)


def _make_with_former_rules(session: Session, dag_id: str) -> None:
    """Make the session of its configuration as this was before: its first task ran another DAG."""
    tasks = directives({**session.dag_ids, "t_first": dag_id})
    storage = SqlStorageBackend(session.uid)
    with storage.acquire_lock(create=True, manager=OwingManager.name):
        storage.set_configuration(Configuration.from_dict({"name": session.configuration, "tasks": tasks}))


def _fail(session: Session) -> None:
    if session.former or session.dag_ids["t_first"]:
        play(view("t_first#0", session.uid), "failed", exception={"exceptionText": session.marker})
    manager = open_session(session.uid)
    manager.record_progress("t_first#0", Event.START)
    manager.record_progress("t_first#0", Event.FAIL, metadata={"exceptionType": session.error_type})


@dataclass
class RewindableDatabase:
    """A SQLite file in use, and copies of it."""

    url: str
    _connection: sqlite3.Connection = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._connection = sqlite3.connect(make_url(self.url).database, check_same_thread=False)
        self._connection.isolation_level = None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def copy(self) -> sqlite3.Connection:
        """A copy of the database's content, for :meth:`rewind`."""
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        self._connection.backup(copy)
        return copy

    def rewind(self, copy: sqlite3.Connection) -> None:
        """Go back to the copy."""
        copy.backup(self._connection)

    def version(self) -> int:
        """A number that changes when another connection commits a change."""
        return self._connection.execute("PRAGMA data_version").fetchone()[0]

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of our tables, and of the Airflow tables that we write."""
        tables = [
            name
            for (name,) in self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if name.startswith("triggers_") or name in WRITTEN_TABLES
        ]
        return {name: self._connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}

    def forget(self, sessions: list[str], configurations: list[str]) -> None:
        """Delete all traces of the sessions and deployed configurations."""
        marks = ", ".join("?" * len(sessions))
        ids = f"SELECT id FROM triggers_session WHERE uid IN ({marks})"
        for name in self.rows():
            columns = [row[1] for row in self._connection.execute(f'PRAGMA table_info("{name}")')]
            if "session_id" in columns:
                self._connection.execute(f'DELETE FROM "{name}" WHERE session_id IN ({ids})', sessions)
        self._connection.execute(f"DELETE FROM triggers_session WHERE uid IN ({marks})", sessions)
        self._connection.execute(
            "DELETE FROM triggers_configuration WHERE hash NOT IN"
            " (SELECT configuration_hash FROM triggers_session WHERE configuration_hash IS NOT NULL)"
        )
        marks = ", ".join("?" * len(configurations))
        for name in (
            "dag_tag",
            "dag_code",
            "serialized_dag",
            "task_instance",
            "dag_run",
            "dag_version",
            "dag",
        ):
            columns = [row[1] for row in self._connection.execute(f'PRAGMA table_info("{name}")')]
            if "dag_id" in columns:
                self._connection.execute(f'DELETE FROM "{name}" WHERE dag_id IN ({marks})', configurations)


WRITTEN_TABLES = frozenset({"dag_run", "dag_run_note", "task_instance", "asset_event", "xcom", "log"})
