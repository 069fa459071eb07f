"""One transaction on Airflow's metadata database, with foreign errors translated.

Neighbours: ``sql.py`` and ``sessions/`` open transactions here; ``database_errors.py`` translates, ``lock_waits.py``
says how long a writer waits; ``dbmanager.check_schema`` is asked once per engine.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

from airflow import settings
from sqlalchemy import (
    Connection,
    Dialect,
    Engine,
    Executable,
    PoolProxiedConnection,
    Table,
)
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.orm.session import JoinTransactionMode

from airflow_triggers.errors import DatabaseFailed, StorageError
from airflow_triggers.sentences import sentence
from airflow_triggers.storages.database_errors import (
    FAILURES,
    message_of,
    storage_error_for,
    translated_errors,
)
from airflow_triggers.storages.dbmanager import check_schema
from airflow_triggers.storages.kept_connection import kept_connection
from airflow_triggers.storages.pending_rows import PendingRows
from airflow_triggers.storages.prepared import DriverText, PreparedStatement, tables_of

_checked_engine: Engine | None = None


def engine() -> Engine:
    """Airflow's engine, after a check that its database has our tables.

    :raises StorageError: in a process without a database from Airflow (tasks, DAG processors).
    :raises SchemaOutdated: when the tables are missing or of another version.
    """
    # Once per engine: the check is a statement, and every transaction comes here. A fork gets an engine of its own.
    global _checked_engine  # noqa: PLW0603
    current = airflow_engine()
    if current is not _checked_engine:
        with translated_errors(), current.connect() as connection:
            check_schema(connection)
        _checked_engine = current
    return current


def airflow_engine() -> Engine:
    """Airflow's engine, whatever its database has."""
    current: Engine | None = settings.engine
    if current is None:
        raise StorageError(
            "This process has no access to Airflow's metadata database (tasks and the DAG processor have none). "
            "Use the REST API, or fire from the task's context."
        )
    return current


def dialect_name() -> str:
    """``sqlite`` or ``postgresql``."""
    return engine().dialect.name


def is_sqlite() -> bool:
    """Whether the metadata database is SQLite, which has one writer at a time."""
    return dialect_name() == "sqlite"


class Answer(NamedTuple):
    """The result of a prepared statement: the returned rows, or the number of changed ones."""

    rows: Sequence[Any]
    rowcount: int

    @property
    def row(self) -> Any:
        """The only possible row; None when there is none."""
        return self.rows[0] if self.rows else None


class Transaction:
    """An open transaction on a connection of the driver.

    SQLAlchemy's Connection, and its Session on top, are made at their first use. Most fires need neither: making, using
    and ending them takes longer than all the rest. If somebody listens to SQLAlchemy's events about statements and
    transactions, the Connection is made at once, because only it sends these events.

    :param reads_alone: for one statement that only reads: no transaction begins, where the driver can do so.
    :param may_take_kept: False: leave the kept connection to others. A Connection made at once has to ping it, too.
    :raises sqlalchemy.exc.DBAPIError: from every method, when the database or the driver refuses.
    """

    def __init__(self, engine: Engine, *, reads_alone: bool = False, may_take_kept: bool = True) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._session: Session | None = None
        self._cursor: Any = None
        # A BEGIN and a ROLLBACK around a look would be two more round trips.
        self._reads_alone = reads_alone and engine.dialect.name == "postgresql" and not is_listened_to(engine)
        self._is_unproven, self._is_reusable = False, False
        self._pending: PendingRows | None = None
        self._has_only_locked = False
        driver = _thread_connection.take(engine, for_last_use=not reads_alone)
        if driver is None and may_take_kept and not is_listened_to(engine):
            driver = kept_connection.take(engine)
            self._is_unproven = driver is not None
        try:
            self._driver = driver or engine.raw_connection()
            if self._reads_alone:
                self._set_autocommit(True)
        except engine.dialect.loaded_dbapi.Error as error:
            raise self._sqlalchemy_error(error) from error
        if is_listened_to(engine):
            _ = self.connection

    def _set_autocommit(self, is_on: bool) -> None:
        driver: Any = self._driver.dbapi_connection
        driver.autocommit = is_on

    @property
    def connection(self) -> Connection:
        """SQLAlchemy's connection, in this transaction, for anything. What is sent on it meets all rows."""
        self._has_only_locked = False
        self.insert_pending()
        return self._own_connection

    @property
    def _own_connection(self) -> Connection:
        if self._connection is None:
            if self._is_unproven:
                self._prove()
            self._connection = Connection(self._engine, self._driver)
            self._connection.begin()
        return self._connection

    @property
    def session(self) -> Session:
        """Its database session: our own, never the scoped one, which other code on this thread may be using."""
        self._has_only_locked = False
        return self.reader

    @property
    def reader(self) -> Session:
        """The same session, for statements that only read: what they write may be undone, see :meth:`note_locks`."""
        self.insert_pending()
        if self._session is None:
            # The Session's commit only flushes, and leaves the COMMIT to ours, below. So one act is one transaction,
            # even if others work on the connection.
            mode: JoinTransactionMode = "rollback_only"
            self._session = Session(self._own_connection, expire_on_commit=False, join_transaction_mode=mode)
        return self._session

    def expect(self, table: Table, count: int) -> None:
        """Insert the table's rows together, where that takes fewer statements: about ``count`` will come."""
        # A statement takes the ids. SQLite has no sequences, and its statements are no round trips.
        if self._engine.dialect.name == "postgresql" and count > 2:
            self._pending = PendingRows(table, expected=count)

    def insert(self, table: Table, row: Mapping[str, Any], *, by: PreparedStatement) -> int:
        """Insert a row without its id: at once, or together with others; see :meth:`expect`.

        :param by: inserts such a row, and returns its id.
        :returns: the id.
        """
        self._has_only_locked = False
        if self._pending is not None and self._pending.table is table:
            return self._pending.add(row, self._own_connection)
        (row_id,) = self.send(by, row).row
        return int(row_id)

    def insert_pending(self) -> None:
        """Insert the rows that are still to be inserted together."""
        if self._pending:
            self._pending.insert(self._own_connection)

    def flush(self) -> None:
        """Send all that is still to be sent: rows to insert together, and pending changes of the session."""
        self.insert_pending()
        if self._session is not None:
            self._session.flush()

    def forget_pending(self) -> None:
        """A part of the transaction is undone: forget the rows that were added since it began."""
        if self._pending:
            self._pending.forget()

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run a statement by SQLAlchemy."""
        self._has_only_locked &= not getattr(statement, "is_dml", False)
        if self._pending:
            self._insert_before(tables_of(statement))
        return self._own_connection.execute(statement, parameters)

    def _insert_before(self, tables: frozenset[Table] | None) -> None:
        """Insert the pending rows, if a statement at these tables could meet them."""
        if self._pending and (tables is None or self._pending.table in tables):
            self.insert_pending()

    def send(self, statement: PreparedStatement, values: Mapping[str, Any]) -> Answer:
        """Run a prepared statement."""
        self._has_only_locked &= not statement.writes
        if self._pending:
            self._insert_before(statement.tables)
        text = statement.text(self._engine.dialect)
        parameters = text.parameters(values)
        if self._connection is not None and is_listened_to(self._engine):
            return _announced(self._connection, text, parameters)
        try:
            # One cursor for all statements: each answer is read whole before the next one is sent.
            cursor = self._cursor = self._cursor or self._driver.cursor()
            answer = _executed(self._engine.dialect, cursor, text, parameters)
        except self._engine.dialect.loaded_dbapi.Error as error:
            self._is_reusable = False
            raised = self._sqlalchemy_error(error, text.sql, parameters)
            if self._is_unproven and not self._driver.is_valid:
                # Lost at its first statement, so nothing was committed on it.
                self._take_another()
                return self.send(statement, values)
            raise raised from error
        self._is_unproven, self._is_reusable = False, self._reads_alone
        return answer

    def _prove(self) -> None:
        """Ping a kept connection: whoever uses it next cannot do its first statement again."""
        dialect = self._engine.dialect
        try:
            dialect.do_ping(self._driver.dbapi_connection)  # type: ignore[arg-type]
            self._is_unproven = False
        except dialect.loaded_dbapi.Error as error:
            self._driver.invalidate(error)
            self._take_another()

    def _take_another(self) -> None:
        """Replace a lost connection by one of the pool."""
        self._is_unproven, self._cursor = False, None
        try:
            self._driver = self._engine.raw_connection()
            if self._reads_alone:
                self._set_autocommit(True)
        except self._engine.dialect.loaded_dbapi.Error as error:
            raise _sqlalchemy_error(self._engine, None, error, None, None) from error

    def note_locks(self) -> None:
        """All writes so far only lock existing rows: undo them at the end, if nothing else is written."""
        self._has_only_locked = True

    def commit(self) -> None:
        """Keep what was written; or undo mere locks, see :meth:`note_locks`.

        :raises DatabaseFailed: when nobody knows whether it was committed: perhaps only the answer was lost.
        """
        if self._has_only_locked:
            self._require_lock()
            self.rollback()
            self._is_reusable = not self._is_unproven
            return
        self.insert_pending()
        try:
            if self._session is not None:
                self._session.commit()
            if self._connection is not None:
                self._connection.commit()
            else:
                self._end(self._engine.dialect.do_commit)
                self._is_reusable = not self._is_unproven
        except FAILURES as error:
            if storage_error_for(error) is not None:
                # A refusal and no lost answer: nothing was committed, and the translated error says so.
                raise
            raise DatabaseFailed(
                sentence("The database failed at the commit", message_of(error))
                + " Whether it was kept is not known: look, or do it again. A fire with an idempotency key counts "
                "once, however often it is sent."
            ) from error

    def _require_lock(self) -> None:
        """:raises DatabaseFailed: when the connection was lost, and the locks with it, though nobody has said so."""
        is_lost = not self._driver.is_valid if self._connection is None else self._connection.invalidated
        if is_lost:
            raise DatabaseFailed("The connection to the database was lost. Nothing was written; try again.")

    def rollback(self) -> None:
        """Undo the transaction. Later statements begin a new one."""
        self.forget_pending()
        if self._session is not None:
            self._session.rollback()
        if self._connection is not None:
            self._connection.rollback()
        elif self._driver.is_valid:
            # A lost connection has nothing to roll back, and asking it would hide the first error.
            self._end(self._engine.dialect.do_rollback)

    def _end(self, how: Callable[[Any], None]) -> None:
        try:
            how(self._driver)
        except self._engine.dialect.loaded_dbapi.Error as error:
            raise self._sqlalchemy_error(error) from error

    def close(self) -> None:
        """Give the connection back."""
        if self._session is not None:
            self._session.close()
        if self._cursor is not None:
            self._cursor.close()
        if self._connection is not None:
            # A Connection gives back the driver's connection below it.
            self._connection.close()
            return
        if self._reads_alone and self._driver.is_valid:
            self._set_autocommit(False)
        if self._reads_alone and _thread_connection.keep(self._engine, self._driver):
            return
        if not self._is_reusable or not kept_connection.keep(self._engine, self._driver):
            self._driver.close()

    def _sqlalchemy_error(
        self, error: Exception, statement: str | None = None, parameters: Any = None
    ) -> BaseException:
        """The driver's error as SQLAlchemy's own. A lost connection is not given back to the pool."""
        # Without a driver's connection, connecting itself failed.
        driver = getattr(self, "_driver", None)
        return _sqlalchemy_error(self._engine, driver, error, statement, parameters)


def _sqlalchemy_error(
    engine: Engine,
    driver: PoolProxiedConnection | None,
    error: Exception,
    statement: str | None,
    parameters: Any,
) -> BaseException:
    dialect = engine.dialect
    is_lost = driver is None or dialect.is_disconnect(error, driver.dbapi_connection, None)  # type: ignore[arg-type]
    if is_lost and driver is not None:
        driver.invalidate(error)
    return DBAPIError.instance(
        statement,
        parameters,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=engine.hide_parameters,
        connection_invalidated=is_lost,
        dialect=dialect,
    )


def send(session: Session, statement: PreparedStatement, values: Mapping[str, Any]) -> Answer:
    """Run a prepared statement in the transaction of a database session. Its pending changes are not sent before.

    :raises sqlalchemy.exc.DBAPIError: when the database or the driver refuses.
    """
    connection = session.connection()
    text = statement.text(connection.dialect)
    parameters = text.parameters(values)
    if is_listened_to(connection.engine):
        return _announced(connection, text, parameters)
    driver = connection.connection
    try:
        with closing(driver.cursor()) as cursor:
            return _executed(connection.dialect, cursor, text, parameters)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _sqlalchemy_error(connection.engine, driver, error, text.sql, parameters) from error


def _announced(connection: Connection, text: DriverText, parameters: Any) -> Answer:
    """Run a statement by SQLAlchemy: its listeners hear of every statement, in order."""
    result = connection.exec_driver_sql(text.sql, parameters)
    return Answer(result.all() if text.row else (), result.rowcount)


def _executed(dialect: Dialect, cursor: Any, text: DriverText, parameters: Any) -> Answer:
    dialect.do_execute(cursor, text.sql, parameters)
    rows = [text.row(row) for row in cursor.fetchall()] if text.row else ()
    return Answer(rows, cursor.rowcount)


def is_listened_to(engine: Engine) -> bool:
    """Whether somebody listens to SQLAlchemy's events about this database's statements and transactions."""
    dispatch = engine.dispatch
    return bool(
        dispatch.before_cursor_execute
        or dispatch.after_cursor_execute
        or dispatch.commit
        or dispatch.rollback
    )


@contextmanager
def driver_transaction(*, may_take_kept: bool = True) -> Iterator[Transaction]:
    """A transaction that commits at the end, or is rolled back when an exception leaves it."""
    with translated_errors():
        open_transaction = Transaction(engine(), may_take_kept=may_take_kept)
        try:
            yield open_transaction
            open_transaction.commit()
        except BaseException:
            open_transaction.rollback()
            raise
        finally:
            open_transaction.close()


@contextmanager
def transaction() -> Iterator[Session]:
    """The same transaction, as a database session."""
    with driver_transaction(may_take_kept=False) as open_transaction:
        yield open_transaction.session


class _ThreadConnection(threading.local):
    """The thread's connection between two uses; see :func:`one_connection`."""

    def __init__(self) -> None:
        self.is_asked_for = False
        self._driver: PoolProxiedConnection | None = None
        self._engine: Engine | None = None

    def keep(self, engine: Engine, driver: PoolProxiedConnection) -> bool:
        """Keep an idle connection for the thread's next use. False: it is not wanted."""
        if not self.is_asked_for or self._driver is not None or not driver.is_valid:
            return False
        self._engine, self._driver = engine, driver
        return True

    def take(self, engine: Engine, *, for_last_use: bool) -> PoolProxiedConnection | None:
        """The kept connection to this database, if there is one."""
        self.is_asked_for = self.is_asked_for and not for_last_use
        if self._driver is None or self._engine is not engine:
            return None
        driver, self._driver = self._driver, None
        return driver

    def give_back(self) -> None:
        """Give the kept connection back to the pool, if there is one."""
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.close()


_thread_connection = _ThreadConnection()


@contextmanager
def one_connection() -> Iterator[None]:
    """Let this thread's looks inside, and the transaction after them, take one connection from Airflow's pool.

    Otherwise each takes one, and Airflow's pool pings a connection before it lends it. The transaction gives the
    connection back at its end, so nothing is held while hooks run.
    """
    if _thread_connection.is_asked_for:
        yield
        return
    _thread_connection.is_asked_for = True
    try:
        yield
    finally:
        _thread_connection.is_asked_for = False
        _thread_connection.give_back()


def look(statement: PreparedStatement, values: Mapping[str, Any], *, at_our_tables: bool = True) -> Answer:
    """Run a prepared statement that only reads; no transaction begins or ends. See :func:`one_connection`.

    :param at_our_tables: False: at Airflow's tables only. Then it does not matter whether the database has ours.
    :raises DatabaseFailed, LockTimeout, SchemaOutdated: when the database fails.
    """
    with translated_errors():
        reading = Transaction(engine() if at_our_tables else airflow_engine(), reads_alone=True)
        try:
            return reading.send(statement, values)
        finally:
            reading.close()


@contextmanager
def glance() -> Iterator[Connection]:
    """A connection for separate read-only statements: no transaction begins or ends."""
    # Nobody takes two connections at once: of a small pool, the last one might be waited for.
    _thread_connection.give_back()
    with translated_errors(), engine().connect() as connection:
        # A BEGIN and a ROLLBACK around each look would be two more round trips in every pass.
        yield connection.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def snapshot() -> Iterator[Session]:
    """A transaction for reading. All its statements see the database at one moment."""
    with transaction() as session:
        # Without it, SQLite's driver begins only at the first write, and PostgreSQL takes a snapshot per statement.
        begin = "BEGIN" if is_sqlite() else "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        session.connection().exec_driver_sql(begin)
        yield session


@contextmanager
def savepoint(session: Session) -> Iterator[None]:
    """Inside a transaction: when an exception leaves, the writes inside are undone, and the transaction goes on.

    :raises StorageError: when the database itself failed. Then the transaction cannot go on.
    """
    with translated_errors(), session.begin_nested():
        # The savepoint begins at the session's first request for its connection.
        session.connection()
        yield
