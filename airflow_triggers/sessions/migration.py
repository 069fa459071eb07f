"""Moves open sessions to the rules deployed now, each in a transaction of its own.

A session with the deployed rules stays unchanged, so a migration is idempotent: run an interrupted one again. With
``apply``, such a session changes only if its past was not applied before.
Neighbours: ``manager/configuring.py`` moves one session; ``api/`` and ``cli/`` call this.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Select, func, select

from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.events import Detail, EventKind
from airflow_triggers.domain.reconcile import Diff, is_withdrawn
from airflow_triggers.domain.validation import validate_filter
from airflow_triggers.errors import Concealed, DatabaseFailed, SchemaOutdated, TriggersError
from airflow_triggers.manager.configuring import History
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.sessions.audit import AuditEvent, note_act
from airflow_triggers.sessions.authorization import Authorize, allow
from airflow_triggers.sessions.configuring import deployed_configuration
from airflow_triggers.sessions.describing import configured_as
from airflow_triggers.sessions.records import manager_of
from airflow_triggers.sessions.versions import version_column
from airflow_triggers.storages import tables
from airflow_triggers.storages.anchors import anchor
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.storages.prefixes import begins_with
from airflow_triggers.storages.sql import SqlStorageBackend
from airflow_triggers.storages.transaction import snapshot, transaction

log = logging.getLogger(__name__)

EVENTS_PER_PAGE = 1000


class MigrationOutcome(StrEnum):
    """What became of a session. The values are part of the REST API."""

    MOVED = "moved"  #: the session has the deployed rules now (in a dry run: would have them)
    UNCHANGED = "unchanged"  #: the session had them already, or nothing is open in it
    REFUSED = "refused"  #: the session could not be moved, and is unchanged


@dataclass(frozen=True, kw_only=True)
class SessionMigration:
    """What became of one session.

    :param why: why it was refused, or left unchanged, as a sentence.
    :param removed: the tasks which the new rules lack.
    :param diff: what the rules did to its instances; None when it was not moved.
    """

    uid: str
    outcome: MigrationOutcome
    why: str | None = None
    removed: tuple[str, ...] = ()
    diff: Diff | None = None


@dataclass(frozen=True, kw_only=True)
class Migration:
    """Which sessions to move, and how.

    :param configuration: the deployed configuration's name.
    :param prefix: only sessions whose UIDs begin with this text.
    :param history: with ``apply``, past fires count for new and changed tasks. They count for all tasks of a session
        that has the deployed version.
    :param dry_run: only say what would happen.
    :param replaces_own_tasks: also move sessions whose tasks were changed at run time. They lose their own tasks.
    :param by: who moves them, for the history.
    :param waits: whether to wait for a session's lock; False refuses at once a session that another process is writing.
    :param authorize: asked whether the caller may move a session. A concealed session is left out of the report.
    :param configuration_hashes: only sessions with one of these configurations; None for all sessions.
    """

    configuration: str
    prefix: str | None = None
    history: History = "ignore"
    dry_run: bool = False
    replaces_own_tasks: bool = False
    by: str | None = None
    waits: bool = True
    authorize: Authorize = allow
    configuration_hashes: Collection[str | None] | None = None

    def __post_init__(self) -> None:
        validate_filter("configuration", self.configuration)
        validate_filter("prefix", self.prefix)


@dataclass(frozen=True, kw_only=True)
class MigrationPage:
    """What became of some sessions, ordered by UID.

    :param version: the version of the deployed rules.
    :param next: pass it as ``after_uid`` to go on; None on the last page.
    """

    version: str
    sessions: tuple[SessionMigration, ...]
    next: str | None


def migrate_sessions(migration: Migration, *, limit: int, after_uid: str | None = None) -> MigrationPage:
    """Move the next sessions. Each moved session is committed: later failures do not undo it.

    :param limit: how many sessions to look at, at most.
    :param after_uid: only sessions after this UID.
    :raises UnknownConfiguration: when no deployed configuration has that name.
    :raises InvalidFilter: when no UID can have the form of ``after_uid``.
    """
    validate_filter("UID", after_uid)
    target = deployed_configuration(migration.configuration)
    query = _sessions_of(migration).order_by(tables.session.c.uid).limit(limit + 1)
    if after_uid is not None:
        query = query.where(tables.session.c.uid > after_uid)
    with snapshot() as session:
        rows = session.execute(query).all()
    page = rows[:limit]
    return MigrationPage(
        version=target.version,
        sessions=tuple(_migrations(page, target, migration)),
        next=page[-1].uid if len(rows) > limit else None,
    )


def count_sessions(migration: Migration) -> int:
    """How many sessions a migration looks at, for a progress bar."""
    with snapshot() as session:
        sessions = _sessions_of(migration).subquery()
        return int(session.scalar(select(func.count()).select_from(sessions)) or 0)


def _sessions_of(migration: Migration) -> Select[Any]:
    columns, configurations = tables.session.c, tables.configuration.c
    query = (
        select(columns.uid, columns.storage, columns.manager, version_column().label("version"))
        .select_from(tables.session.join(tables.configuration))
        .where(configurations.name == migration.configuration)
    )
    if migration.prefix:
        query = query.where(*begins_with(columns.uid, migration.prefix))
    if migration.configuration_hashes is not None:
        query = query.where(configured_as(migration.configuration_hashes))
    return query


def _migrations(
    rows: Collection[Row[Any]], target: Configuration, migration: Migration
) -> Iterator[SessionMigration]:
    """What becomes of each session. A boundary: an error in one session does not stop the others."""
    for row in rows:
        # The row of a session in another storage may say more, or less, than was saved there.
        is_known = row.storage == SqlStorageBackend.name and row.version == target.version
        if is_known and migration.history == "ignore":
            yield SessionMigration(uid=row.uid, outcome=MigrationOutcome.UNCHANGED)
            continue
        try:
            yield _migrate(row, target, migration)
        except Concealed:
            continue
        except (DatabaseFailed, SchemaOutdated):
            # The database would fail for every other session too.
            raise
        except TriggersError as error:
            yield _refusal(row.uid, str(error))
        except Exception:
            log.exception("Session %s could not be moved to the deployed rules", row.uid)
            yield _refusal(row.uid, "It failed unexpectedly; the log says why.")


def _refusal(uid: str, why: str) -> SessionMigration:
    return SessionMigration(uid=uid, outcome=MigrationOutcome.REFUSED, why=why)


def _migrate(row: Row[Any], target: Configuration, migration: Migration) -> SessionMigration:
    """Move one session, in one transaction. With the deployed rules it may need nothing, so it is tried out first."""
    manager = manager_of(row.uid, manager=row.manager, storage=row.storage)
    if row.version == target.version and not migration.dry_run:
        trial = _move(manager, target, replace(migration, dry_run=True), row_version=row.version)
        if trial.outcome is not MigrationOutcome.MOVED:
            return trial
    return _move(manager, target, migration, row_version=row.version)


def _move(
    manager: TriggerManager, target: Configuration, migration: Migration, *, row_version: str | None
) -> SessionMigration:
    storage = manager.storage
    # The auth manager may be slow, so it is asked before the session is locked.
    authorized_configuration = storage.configuration
    migration.authorize(authorized_configuration)
    hold = storage.try_out if migration.dry_run else storage.acquire_lock
    with hold(wait=migration.waits):
        current = storage.configuration
        if current != authorized_configuration:
            migration.authorize(current)
        obstacle = _obstacle(storage, current, target, migration)
        if obstacle is not None:
            if current.version == target.version and not migration.dry_run:
                _mend_row(storage, row_version, replace(current, deployed_at=target.deployed_at))
            return obstacle
        preview = manager.migrate_configuration(
            target, by=migration.by, history=migration.history, preview=migration.dry_run
        )
        if current.version == target.version and preview.is_empty:
            return SessionMigration(uid=storage.uid, outcome=MigrationOutcome.UNCHANGED)
        if not migration.dry_run:
            note_act(
                storage,
                AuditEvent.MIGRATE_SESSION,
                by=migration.by,
                version=target.version,
                history=migration.history,
            )
    removed_names = tuple(sorted(current.tasks.keys() - target.tasks.keys()))
    return SessionMigration(
        uid=storage.uid, outcome=MigrationOutcome.MOVED, removed=removed_names, diff=preview
    )


def _mend_row(storage: BaseStorageBackend, row_version: str | None, configuration: Configuration) -> None:
    """Update the row of a session kept elsewhere: a process died after it had saved new rules there."""
    if not storage.in_airflow_database and row_version != configuration.version:
        with transaction() as session:
            anchor(session, storage, configuration=configuration)


def _obstacle(
    storage: BaseStorageBackend, current: Configuration, target: Configuration, migration: Migration
) -> SessionMigration | None:
    """Why the session is not moved; None when it is. The caller holds its lock."""
    if current.version == target.version and migration.history == "ignore":
        return SessionMigration(uid=storage.uid, outcome=MigrationOutcome.UNCHANGED)
    if not (is_open(storage) or (migration.history == "apply" and _has_returned_task(storage, target))):
        why = "Nothing is open in it: no task can start any more."
        return SessionMigration(uid=storage.uid, outcome=MigrationOutcome.UNCHANGED, why=why)
    own_names = [] if migration.replaces_own_tasks else _own_task_names(storage, current, target)
    if own_names:
        return _refusal(
            storage.uid,
            f"Its tasks {', '.join(own_names)} were changed at run time, and would be lost. Change them by "
            "update_configuration, or replace them: --replace-own-tasks, replace_own_tasks over REST.",
        )
    return None


def is_open(storage: BaseStorageBackend) -> bool:
    """Whether something can still happen in the session: a task waits, runs or failed, or a fire may start more."""
    if any(task.and_every is not None for task in storage.configuration):
        return True
    open_work = storage.get_unresolved_tasks() or storage.get_unresolved_instances()
    return bool(open_work or storage.delayed_fires(limit=1))


def _has_returned_task(storage: BaseStorageBackend, target: Configuration) -> bool:
    """Whether changed rules abandoned an instance of a task that the deployed rules have: the past may make another."""
    return any(
        is_withdrawn(instance) for name in target.tasks for instance in storage.instances_of_task(name)
    )


def _own_task_names(storage: BaseStorageBackend, current: Configuration, target: Configuration) -> list[str]:
    """The tasks which somebody changed in this session at run time, and which differ in the deployed configuration."""
    if current.deployed_at is not None:
        return []
    own_names = _names_configured_since(storage)
    return sorted(name for name in own_names if current.tasks.get(name) != target.tasks.get(name))


def _names_configured_since(storage: BaseStorageBackend) -> set[str]:
    """The tasks configured since the session last got a whole deployed configuration."""
    name_sets: list[set[str]] = []
    before: int | None = None
    while page := storage.events(limit=EVENTS_PER_PAGE, before=before):
        for event in page:
            if event.kind == EventKind.CONFIGURE and Detail.VERSION in event.details:
                return set[str]().union(*name_sets)
            if event.kind == EventKind.CONFIGURE:
                name_sets.append(set(event.details.get(Detail.TASKS, ())))
        before = page[-1].event_id
    # The oldest entry is the session's first configuration, so its tasks were not changed later.
    return set[str]().union(*name_sets[:-1])
