"""All errors of airflow_triggers.

Neighbours: every module raises these; ``api/errors.py`` maps each one to an HTTP status.

An error about an unknown name is also a ``KeyError``. An error about an invalid value is also a ``ValueError``.

.. code-block:: text

    TriggersError
    ├── ConfigurationError            a configuration cannot be used (nothing was changed)
    │   └── UnknownConfiguration      no deployed configuration has that name
    ├── InvalidSessionUid             a session UID outside the allowed form
    ├── InvalidTrigger                a trigger name or trigger kwargs outside the allowed form
    ├── InvalidMetadata               metadata is no JSON object
    ├── InvalidMaxRetries             a number of retries is no whole number, or too large
    ├── InvalidCooldown               a cooldown is no number of seconds, or too long
    ├── InvalidCursor                 a cursor comes from no list
    ├── InvalidFilter                 a filter's text matches nothing, whatever the list contains
    ├── InvalidStatus                 nobody can set this status of an instance by hand
    ├── InvalidRate                   a bulk act's rate is no number of instances a second
    ├── TooManyInstances              a bulk act would cover too many instances
    ├── SessionError
    │   ├── SessionNotFound           no session has that UID
    │   ├── SessionExists             a session with that UID exists with other content
    │   ├── InstanceNotFound          the session has no instance of that name
    │   ├── DelayedFireNotFound       the session has no such fire for later (any more)
    │   ├── DelayedFireCancelled      the fire for later was cancelled before
    │   ├── SessionUnresolved         the session cannot be deleted: it is not resolved
    │   ├── TaskNotFound              the session's configuration has no task of that name
    │   ├── PreviewOutdated           the session has changed since the preview to apply
    │   ├── PreconditionFailed        the session, or instance, has changed since the caller read it
    │   ├── UnreadableRow             a row of the database cannot be read, and the request needs it
    │   └── NothingParked             there is no such hook, or asset event, to try again
    ├── BulkActNotFound               there is no bulk act of that id
    ├── BulkActOver                   the bulk act is over, and cannot be cancelled
    ├── InvalidTransition             the instance's status does not allow the request (names both)
    ├── IdempotencyConflict           the idempotency key was used for another fire
    ├── Refused                       the caller may not do that
    │   └── Concealed                 … nor know that it exists
    ├── StorageError
    │   ├── UnsupportedDatabase       Airflow's metadata database is neither SQLite nor PostgreSQL
    │   ├── SchemaOutdated            the tables are missing or of another version
    │   ├── DatabaseFailed            the database is away, full or read-only, or the connection was lost
    │   ├── CacheFailed               the cache that keeps the session is away or refuses to work
    │   ├── CannotDelete              the storage deletes no sessions
    │   ├── CannotDelay               the storage keeps no fires for later
    │   ├── StorageNotShared          this process and Airflow's others do not see the same sessions in this storage
    │   ├── LockTimeout               the session's lock was not free in time
    │   └── StaleWrite                a compare-and-set met another value (a bug, or a write past the lock)
    ├── RunnerError                   an instance could not be handed to its runner
    │   └── DagUnavailable            the DAG to run is missing, stale, broken or refuses such runs
    │       └── RunIdTaken            the DAG has a run of the instance's run id already
    ├── RegistryError                 a manager, storage or runner is registered twice, or broken
    │   └── NotRegistered             no manager, storage or runner has that name
    └── TaskError                     raised for, or recorded on behalf of, a trigger task
        ├── InvalidResult             a trigger task returned something other than a mapping
        ├── InvalidTriggerKwargs      trigger kwargs do not fit the task's schema
        ├── InvalidReport             a worker's report cannot be used
        ├── InvalidAssetEvent         an asset event does not say what to fire, or into which session
        ├── RefusedAssetEvent         an asset event may not fire its trigger (Refused, too)
        ├── MaxRetriesExceeded        a trigger task asked too often for another run
        ├── NoDatabaseInTask          a task asked its manager for something that needs the database
        ├── NotATriggerRun            a trigger task's DAG was run without a session
        ├── TaskProcessDied           the task's process ended without a report (killed, out of memory)
        ├── ProgressNotRecorded       a DAG run's outcome could not be recorded, after many tries
        ├── RunFailed                 the DAG run failed, without an exception reported by the task
        └── RunDeleted                the DAG run was deleted in Airflow
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_triggers.sentences import sentence


class CopiedWhole(Exception):
    """Is copied and pickled by message and attributes.

    Many errors build their message from other arguments, so calling them again with ``args`` would fail.
    """

    def __reduce__(self) -> tuple[Callable[..., Exception], tuple[Any, ...], dict[str, Any]]:
        """See the class."""
        return _restored, (type(self), self.args), vars(self)


def _restored(kind: type[Exception], args: tuple[Any, ...]) -> Exception:
    return kind.__new__(kind, *args)


class TriggersError(CopiedWhole):
    """The root: ``except TriggersError`` catches every error of this package."""

    def __str__(self) -> str:
        """The plain message. A ``KeyError`` would show it in quotes."""
        return Exception.__str__(self)


class Problem(str):
    """A sentence of a :class:`ConfigurationError`.

    :param task: the name of the task with the problem; None when the whole configuration has it.
    """

    task: str | None

    def __new__(cls, text: str, *, task: str | None = None) -> Problem:
        """See the class."""
        problem = super().__new__(cls, text)
        problem.task = task
        return problem


class ConfigurationError(TriggersError):
    """A configuration cannot be used; nothing was changed.

    :param problems: one sentence per problem. Each names the task, the directive, the value found and the value
        expected.
    :param source: where the configuration came from (a file name), if known.
    """

    def __init__(self, problems: list[str] | str, *, source: str | None = None) -> None:
        self.problems: list[str] = [problems] if isinstance(problems, str) else list(problems)
        self.source = source
        super().__init__(self._message())

    def _message(self) -> str:
        where = f"{self.source}: " if self.source else ""
        if len(self.problems) == 1:
            return where + self.problems[0]
        lines = "".join(f"\n  - {problem}" for problem in self.problems)
        return f"{where}{len(self.problems)} problems in the configuration:{lines}"


class UnknownConfiguration(ConfigurationError, KeyError):
    """No deployed configuration has that name."""


class InvalidSessionUid(TriggersError, ValueError):
    """A session UID is not 1-200 printable characters without "/" and surrounding blanks, or "." or ".."."""


class InvalidTrigger(TriggersError, ValueError):
    """A trigger's name or kwargs are outside the allowed form."""


class InvalidMetadata(TriggersError, ValueError):
    """Metadata is no mapping, or holds what JSON cannot."""


class InvalidMaxRetries(TriggersError, ValueError):
    """A task's number of retries is no whole number, or too large."""


class InvalidCooldown(TriggersError, ValueError):
    """A cooldown is no number of seconds from 0 to a year."""


class InvalidCursor(TriggersError, ValueError):
    """The cursor for a page of a list comes from no list."""


class InvalidFilter(TriggersError, ValueError):
    """The text to filter a list by matches nothing, whatever the list contains: its form is not allowed there."""


class InvalidStatus(TriggersError, ValueError):
    """The status of an instance is none that people can set by hand, or not together with a cascade."""


class InvalidRate(TriggersError, ValueError):
    """The rate of a bulk act is no number of instances a second within the limits."""


class TooManyInstances(TriggersError, ValueError):
    """A bulk act would cover more instances than it may; nothing was made."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"More than {limit:,} instances match the filter, expected {limit:,} at most. Nothing was made. Narrow the "
            "filter: by configuration, task, error type or time."
        )


class SessionError(TriggersError):
    """Something about a session's content."""


class SessionNotFound(SessionError, KeyError):
    """No session has that UID."""

    def __init__(self, uid: str) -> None:
        self.uid = uid
        super().__init__(
            f"There is no session {uid!r}. Create it first, or name a configuration when firing into it."
        )


class SessionExists(SessionError):
    """A session with that UID exists already, with other content."""


class SessionUnresolved(SessionError):
    """A session to delete is not resolved: something in it waits, runs or is still to come. Nothing was deleted.

    :param reasons: why it is not resolved, as phrases ("t_import#0 is running").
    """

    def __init__(self, uid: str, reasons: list[str]) -> None:
        self.uid, self.reasons = uid, list(reasons)
        super().__init__(
            f"Session {uid!r} is not resolved: {'; '.join(reasons)}. Nothing was deleted. Wait, repair it, or delete "
            "it by force: its DAG runs stay in Airflow, and nothing follows from them any more."
        )


class InstanceNotFound(SessionError, KeyError):
    """The session has no instance of that name."""


class TaskNotFound(SessionError, KeyError):
    """The session's configuration has no task of that name."""


class PreviewOutdated(SessionError):
    """The session has changed since the preview to apply; nothing was changed."""


class PreconditionFailed(SessionError):
    """The session, or instance, has changed since the caller read it; nothing was changed."""


class UnreadableRow(SessionError):
    """A row of the database cannot be read, and the request needs it; nothing was changed.

    :param subject: the content of the row ("the session 'order-1'").
    :param why: what is wrong with it.
    :param where: the store, if it is not Airflow's metadata database.
    """

    def __init__(self, subject: str, why: str, *, where: str = "Airflow's metadata database") -> None:
        super().__init__(
            sentence(f"In {where}, {subject} cannot be read", why)
            + " Nothing was changed. Mend or delete its row."
        )


class DelayedFireNotFound(SessionError, KeyError):
    """The session has no fire for later with that id: it has been fired, or never existed."""

    def __init__(self, uid: str, delayed_fire_id: object) -> None:
        super().__init__(
            f"Session {uid!r} has no delayed fire {delayed_fire_id}: it has been fired already, or there never was one."
        )


class DelayedFireCancelled(SessionError):
    """The fire for later was cancelled before, and does not come back."""


class NothingParked(SessionError, KeyError):
    """There is no such hook of the session, or no such asset event, to try again."""


class BulkActNotFound(TriggersError, KeyError):
    """There is no bulk act of that id: it was cleaned, or never was."""

    def __init__(self, bulk_act_id: object) -> None:
        super().__init__(f"There is no bulk act {bulk_act_id}: it was cleaned, or there never was one.")


class BulkActOver(TriggersError):
    """The bulk act is over, and cannot be cancelled any more."""

    def __init__(self, bulk_act_id: int, state: str) -> None:
        super().__init__(
            f"The bulk act {bulk_act_id} cannot be cancelled: it is {state}. Nothing was changed."
        )


class InvalidTransition(TriggersError, ValueError):
    """An instance's status does not allow the request.

    :param event: the request, as a verb ("replay").
    :param instance: the instance's name (``t_import#0``).
    :param status: the status found.
    :param expected: the statuses which would allow it.
    """

    def __init__(self, event: str, instance: str, status: str, expected: tuple[str, ...]) -> None:
        self.event, self.instance, self.status, self.expected = event, instance, status, expected
        allowed_statuses = " or ".join(expected)
        super().__init__(
            f"Cannot {event} {instance}: it is {status}, and only {allowed_statuses} instances can be."
        )


class IdempotencyConflict(TriggersError):
    """An idempotency key was used before for a fire with another trigger or other kwargs."""


class Refused(TriggersError):
    """The caller may not do what they ask for; nothing was changed."""


class Concealed(Refused):
    """The caller may do nothing with the named thing, nor know of it. The answer is the same as if it did not exist."""


class StorageError(TriggersError):
    """The storage could not do its work."""


class UnsupportedDatabase(StorageError):
    """Airflow's metadata database is neither SQLite nor PostgreSQL; it has no table of ours.

    :param dialect: SQLAlchemy's name of the database (``mysql``).
    """

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        super().__init__(
            f"airflow-triggers needs SQLite or PostgreSQL as Airflow's metadata database, found {dialect}: it has made "
            "no tables there and cannot be used, and Airflow itself goes on without it."
        )


class SchemaOutdated(StorageError):
    """The tables are missing or of another version; ``airflow db migrate`` makes them."""


class DatabaseFailed(StorageError):
    """The database cannot be reached or written, or the connection was lost. The message says if anything was kept."""


class CacheFailed(StorageError):
    """The cache that keeps a session cannot be reached, or refuses to work. Nobody can say what it kept."""


class CannotDelete(StorageError):
    """A session cannot be deleted: its storage deletes no sessions."""


class CannotDelay(StorageError):
    """A fire for later is not possible: the session's storage keeps no such fires."""


class StorageNotShared(StorageError):
    """A session cannot be created or deleted in this storage: Airflow's processes do not share it."""


class LockTimeout(StorageError):
    """A session's lock was not free in time; nothing was changed, try again."""


class StaleWrite(StorageError):
    """A compare-and-set met another value than the one read by the lock's holder."""


class RunnerError(TriggersError):
    """An instance could not be handed to its runner."""


class DagUnavailable(RunnerError):
    """An instance's DAG is missing, stale, broken, or refuses such runs."""


class RunIdTaken(DagUnavailable):
    """The DAG already has a run with the instance's run id: from a deleted session with the same UID, say."""


class RegistryError(TriggersError):
    """A manager, storage backend or runner is registered twice, or fails to import."""


class NotRegistered(RegistryError, KeyError):
    """No manager, storage backend or runner has that name."""


class TaskError(TriggersError):
    """Raised by, or recorded on behalf of, a trigger task."""


class InvalidResult(TaskError, TypeError):
    """A trigger task returned neither None nor a mapping that JSON can hold."""


class InvalidTriggerKwargs(TaskError, ValueError):
    """Trigger kwargs do not fit the task's schema for them.

    :param problems: for each problem: (trigger, field, what is wrong, the value found). The field is "" when the
        problem is with all the kwargs.
    """

    def __init__(self, problems: list[tuple[str, str, str, str]]) -> None:
        self.problems = list(problems)
        lines = [
            f"{trigger}{'.' if field else ''}{field}: {problem}; found {value}"
            for trigger, field, problem, value in self.problems
        ]
        count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
        super().__init__(f"{count} in the trigger kwargs:" + "".join(f"\n  - {line}" for line in lines))


class InvalidReport(TaskError, ValueError):
    """A worker's report about a trigger task is outside the allowed form."""


class InvalidAssetEvent(TaskError, ValueError):
    """An asset event of a trigger does not say what to fire, or into which session."""

    def __init__(self, event_id: int, problem: str) -> None:
        super().__init__(sentence(f"The asset event {event_id} {problem}"))


class RefusedAssetEvent(TaskError, Refused):
    """An asset event may not fire its trigger: a person created it, or another team's task."""

    def __init__(self, event_id: int, problem: str) -> None:
        super().__init__(f"The asset event {event_id} {problem}.")


class MaxRetriesExceeded(TaskError):
    """A trigger task asked too often for another run.

    :param metadata: the metadata to attach to its instance.
    """

    def __init__(self, instance_name: str, max_retries: int, metadata: Mapping[str, Any]) -> None:
        self.metadata = metadata
        super().__init__(
            f"{instance_name} was run again {max_retries} times already, as often as it may. Repair the cause, then "
            "replay it by hand; the count then begins anew."
        )


class NoDatabaseInTask(TaskError):
    """A task in a worker asked its session's manager for something that needs Airflow's database.

    :param attribute: the method or value that it asked for.
    """

    def __init__(self, attribute: str, session_uid: str) -> None:
        super().__init__(
            f"{attribute!r} of session {session_uid!r} cannot be had in a worker: Airflow gives tasks no database. A "
            "task can fire triggers (context.fire), skip itself (raise context.skip()), be run again (raise "
            "context.retry()) and read its own instance (context.task_instance); for everything else use the REST API, "
            "or a hook of the session's manager."
        )


class NotATriggerRun(TaskError):
    """A trigger task's DAG was run by hand, and for no session."""


class TaskProcessDied(TaskError):
    """The task's process ended without reporting an exception."""


class ProgressNotRecorded(TaskError):
    """The outcome of the instance's DAG run could not be recorded, after many tries.

    :param reason: the exception of the last try.
    """

    def __init__(self, run_id: str, dag_id: str, attempts: int, reason: str) -> None:
        super().__init__(
            f"The outcome of the DAG run {run_id!r} of {dag_id!r} could not be recorded in {attempts} tries. Repair "
            "the cause, then replay the instance or skip it; or clear the run in Airflow. The last try raised "
            f"{reason}"
        )


class RunFailed(TaskError):
    """The DAG run failed and no task of it reported an exception."""


class RunDeleted(TaskError):
    """The instance's DAG run was deleted in Airflow."""
