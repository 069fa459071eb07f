"""The errors that airflow_triggers raises, all of them.

Neighbours: every module raises these; ``api/errors.py`` maps each one to an HTTP status.

Those that say that a name is unknown are a ``KeyError`` too, and those that say that a value is not allowed a
``ValueError``.

.. code-block:: text

    TriggersError
    ├── ConfigurationError            a configuration that cannot be used (nothing was changed)
    │   └── UnknownConfiguration      no deployed configuration has that name
    ├── InvalidSessionUid             a session UID outside the allowed form
    ├── InvalidTrigger                a trigger name or trigger kwargs outside the allowed form
    ├── InvalidMetadata               metadata that is no JSON object
    ├── InvalidMaxRetries             a number of retries that is no whole number, or too large
    ├── InvalidCooldown               a cooldown that is no number of seconds, or too long
    ├── InvalidCursor                 a page of a list was asked for that no list named
    ├── InvalidFilter                 a list was asked for by a text that nothing in it can have
    ├── SessionError
    │   ├── SessionNotFound           no session has that UID
    │   ├── SessionExists             a session with that UID exists with other content
    │   ├── InstanceNotFound          the session has no instance of that name
    │   ├── DelayedFireNotFound       the session has no such fire for later (any more)
    │   ├── DelayedFireCancelled      the fire for later was cancelled before
    │   ├── SessionUnresolved         the session is not resolved, and was to be deleted
    │   ├── TaskNotFound              the session's configuration has no task of that name
    │   ├── PreviewOutdated           the session has changed since the preview that was to be applied
    │   ├── UnreadableRow             a row of the database cannot be read, and was to be acted on
    │   └── NothingParked             there is no such hook, or asset event, to try again
    ├── InvalidTransition             the instance's status does not allow that (names both)
    ├── IdempotencyConflict           the idempotency key was used for another fire
    ├── Refused                       the caller may not do that
    │   └── Concealed                 nor know of what it names
    ├── StorageError
    │   ├── UnsupportedDatabase       Airflow's metadata database is neither SQLite nor PostgreSQL
    │   ├── SchemaOutdated            the tables are missing or of another version
    │   ├── DatabaseFailed            the database is away, full or read-only, or was lost on the way
    │   ├── CannotDelete              the storage deletes no sessions
    │   ├── CannotDelay               the storage keeps no fires for later
    │   ├── StorageNotShared          Airflow's other processes would not find a session in that storage
    │   ├── LockTimeout               the session's lock was not free in time
    │   └── StaleWrite                a compare-and-set met another value (a bug, or a write past the lock)
    ├── RunnerError                   an instance could not be handed to its runner
    │   └── DagUnavailable            the DAG to run is missing, stale, broken or refuses such runs
    │       └── RunIdTaken            the DAG has a run of the instance's run id already
    ├── RegistryError                 a manager, storage or runner is doubled or broken
    │   └── NotRegistered             no manager, storage or runner has that name
    └── TaskError                     raised for, or recorded on behalf of, a trigger task
        ├── InvalidResult             a trigger task returned something that is not a mapping
        ├── InvalidTriggerKwargs      trigger kwargs do not fit the schema that the task filters them by
        ├── InvalidReport             a worker reported what cannot be used
        ├── InvalidAssetEvent         an asset event does not say what to fire, or into which session
        ├── RefusedAssetEvent         an asset event may not fire what it asks for (Refused, too)
        ├── MaxRetriesExceeded        a trigger task asked to be run again too often
        ├── NoDatabaseInTask          a task asked its manager for what needs the database
        ├── NotATriggerRun            a trigger task's DAG was run without a session
        ├── TaskProcessDied           the task's process ended without a word (killed, out of memory)
        ├── ProgressNotRecorded       what a DAG run did could not be recorded, however often it was tried
        ├── RunFailed                 the DAG run failed, without an exception reported by the task
        └── RunDeleted                the DAG run was deleted in Airflow
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_triggers.sentences import sentence


class CopiedWhole(Exception):
    """Is copied and pickled by message and attributes: many errors make their message of other arguments."""

    def __reduce__(self) -> tuple[Callable[..., Exception], tuple[Any, ...], dict[str, Any]]:
        """See the class."""
        return _restored, (type(self), self.args), vars(self)


def _restored(kind: type[Exception], args: tuple[Any, ...]) -> Exception:
    return kind.__new__(kind, *args)


class TriggersError(CopiedWhole):
    """The root: ``except TriggersError`` catches everything that this package raises."""

    def __str__(self) -> str:
        """The message as it is, also of an error that is a ``KeyError``, which shows its message quoted."""
        return Exception.__str__(self)


class Problem(str):
    """A sentence of a :class:`ConfigurationError`.

    :param task: the name of the task that it is about; None: the configuration.
    """

    task: str | None

    def __new__(cls, text: str, *, task: str | None = None) -> Problem:
        """See the class."""
        problem = super().__new__(cls, text)
        problem.task = task
        return problem


class ConfigurationError(TriggersError):
    """A configuration cannot be used; nothing was changed.

    :param problems: one sentence per problem, each naming the task, the directive, what was
        found and what was expected.
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
    """How often a task may ask to be run again is no whole number, or too large."""


class InvalidCooldown(TriggersError, ValueError):
    """A cooldown is no number of seconds from 0 to a year."""


class InvalidCursor(TriggersError, ValueError):
    """A page of a list was asked for with a cursor that no list gave."""


class InvalidFilter(TriggersError, ValueError):
    """A list was asked for by a text that nothing in it can have."""


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
    """A session was to be deleted, and something in it waits, runs or is still to come; nothing was deleted.

    :param reasons: what is open, as phrases ("t_import#0 is running").
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
    """The session has changed since the preview that was to be applied; nothing was changed."""


class UnreadableRow(SessionError):
    """A row of the database cannot be read, and something was to be done with it; nothing was changed.

    :param what: what stands in the row.
    :param why: what is wrong with it.
    :param where: the store, where it is another one.
    """

    def __init__(self, what: str, why: str, *, where: str = "Airflow's metadata database") -> None:
        super().__init__(
            sentence(f"In {where}, {what} cannot be read", why)
            + " Nothing was changed. Mend or delete its row."
        )


class DelayedFireNotFound(SessionError, KeyError):
    """The session has no fire for later of that id: it has been fired, or there never was one."""

    def __init__(self, uid: str, delayed_fire_id: object) -> None:
        super().__init__(
            f"Session {uid!r} has no delayed fire {delayed_fire_id}: it has been fired already, or there never was one."
        )


class DelayedFireCancelled(SessionError):
    """The fire for later was cancelled before, and does not come back."""


class NothingParked(SessionError, KeyError):
    """There is no such hook of the session, or no such asset event, to be tried again."""


class InvalidTransition(TriggersError, ValueError):
    """An instance's status does not allow what was asked.

    :param event: what was asked for, as a verb ("replay").
    :param instance: the instance's name (``t_import#0``).
    :param status: the status found.
    :param expected: the statuses that would allow it.
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
    """The caller may do nothing with what they name, and is not to know of it: they are answered as if it were not."""


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
    """The database cannot be reached or written, or the connection was lost; it says whether anything was kept."""


class CannotDelete(StorageError):
    """A session was to be deleted, and the storage that keeps it deletes none."""


class CannotDelay(StorageError):
    """A fire is for later, and the session's storage keeps no such fires."""


class StorageNotShared(StorageError):
    """A session was to be made in a storage where Airflow's other processes would not find it."""


class LockTimeout(StorageError):
    """A session's lock was not free in time; nothing was changed, try again."""


class StaleWrite(StorageError):
    """A compare-and-set met another value than the lock's holder had read."""


class RunnerError(TriggersError):
    """An instance could not be handed to its runner."""


class DagUnavailable(RunnerError):
    """The DAG that an instance runs is missing, stale, broken, or refuses such runs."""


class RunIdTaken(DagUnavailable):
    """The DAG has a run of the instance's run id already: of a deleted session with the same UID, say."""


class RegistryError(TriggersError):
    """A manager, storage backend or runner is registered twice, or fails to import."""


class NotRegistered(RegistryError, KeyError):
    """No manager, storage backend or runner has that name."""


class TaskError(TriggersError):
    """Raised by, or recorded on behalf of, a trigger task."""


class InvalidResult(TaskError, TypeError):
    """A trigger task returned something that is neither a mapping nor None."""


class InvalidTriggerKwargs(TaskError, ValueError):
    """Trigger kwargs do not fit the schema that the task filters them by.

    :param problems: (trigger, field, what is wrong, what was found) of each; the field is "" for the kwargs whole.
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
    """What a worker reported of a trigger task is outside the allowed form."""


class InvalidAssetEvent(TaskError, ValueError):
    """An asset event of a trigger does not say what to fire, or into which session."""

    def __init__(self, event_id: int, problem: str) -> None:
        super().__init__(sentence(f"The asset event {event_id} {problem}"))


class RefusedAssetEvent(TaskError, Refused):
    """An asset event may not fire what it asks for: a person created it, or another team's task."""

    def __init__(self, event_id: int, problem: str) -> None:
        super().__init__(f"The asset event {event_id} {problem}.")


class MaxRetriesExceeded(TaskError):
    """A trigger task asked to be run again too often.

    :param metadata: that it wanted to attach to its instance.
    """

    def __init__(self, instance_name: str, max_retries: int, metadata: Mapping[str, Any]) -> None:
        self.metadata = metadata
        super().__init__(
            f"{instance_name} was run again {max_retries} times already, as often as it may. Replay it by hand once "
            "what made it fail is mended; the count then begins anew."
        )


class NoDatabaseInTask(TaskError):
    """A task in a worker asked its session's manager for what needs Airflow's database.

    :param what: what was asked for.
    """

    def __init__(self, what: str, session_uid: str) -> None:
        super().__init__(
            f"{what!r} of session {session_uid!r} cannot be had in a worker: Airflow gives tasks no database. A "
            "task can fire triggers (context.fire), skip itself (raise context.skip()), be run again (raise "
            "context.retry()) and read its own instance (context.task_instance); for everything else use the REST API, "
            "or a hook of the session's manager."
        )


class NotATriggerRun(TaskError):
    """A trigger task's DAG was run by hand, and for no session."""


class TaskProcessDied(TaskError):
    """The task's process ended without reporting an exception."""


class ProgressNotRecorded(TaskError):
    """What the instance's DAG run did could not be recorded, however often it was tried.

    :param reason: the exception of the last try.
    """

    def __init__(self, run_id: str, dag_id: str, attempts: int, reason: str) -> None:
        super().__init__(
            f"What the DAG run {run_id!r} of {dag_id!r} did could not be recorded in {attempts} tries. Repair what "
            "prevents it, then replay the instance or skip it; or clear the run in Airflow. The last try raised "
            f"{reason}"
        )


class RunFailed(TaskError):
    """The DAG run failed and no task of it reported an exception."""


class RunDeleted(TaskError):
    """The instance's DAG run was deleted in Airflow."""
