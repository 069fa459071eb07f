"""On a metadata database that is neither SQLite nor PostgreSQL: one sentence, and Airflow goes on without us.

The processes need a MySQL or MariaDB server at ``127.0.0.1:3306`` (role ``root``), or at ``TRIGGERS_TEST_MYSQL_URL``
(``mysql+pymysql://user:password@host:port``). Without one, these tests are skipped; in CI they fail.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from airflow_triggers.errors import SchemaOutdated, UnsupportedDatabase
from airflow_triggers.storages.dbmanager import TriggersDBManager, check_schema
from tests.support.environment import IN_CI

SERVER = os.environ.get("TRIGGERS_TEST_MYSQL_URL", "mysql+pymysql://root@127.0.0.1:3306")
SENTENCE = (
    "airflow-triggers needs SQLite or PostgreSQL as Airflow's metadata database, found mysql: it has made no tables "
    "there and cannot be used, and Airflow itself goes on without it."
)
DRIVER = {
    # Airflow wants mysqlclient, which is compiled; PyMySQL stands in for it.
    "__init__.py": "",
    "converters.py": "from pymysql.converters import conversions, escape_datetime as DateTime2literal\n",
}


def mock_session(statements):
    """A session on a MySQL that notes what it is sent."""
    engine = sa.create_mock_engine("mysql+pymysql://", lambda statement, *_: statements.append(statement))
    return SimpleNamespace(get_bind=lambda: engine, connection=lambda: engine)


@pytest.mark.parametrize("act", ["initdb", "upgradedb"])
def test_the_db_manager_says_one_sentence_and_sends_nothing(act, caplog):
    statements = []
    manager = TriggersDBManager(mock_session(statements))
    getattr(manager, act)()
    assert [record.getMessage() for record in caplog.records] == [SENTENCE]
    assert statements == []


def test_nothing_is_left_to_migrate_so_that_airflows_processes_start():
    statements = []
    assert TriggersDBManager(mock_session(statements)).check_migration()
    assert statements == []


def test_a_supported_database_without_tables_is_told_apart(tmp_path):
    with pytest.raises(UnsupportedDatabase, match="found mysql"):
        check_schema(SimpleNamespace(dialect=mock_session([]).get_bind().dialect))
    engine = sa.create_engine(f"sqlite:///{tmp_path}/empty.db")
    with engine.connect() as connection, pytest.raises(SchemaOutdated):
        check_schema(connection)
    engine.dispose()


@pytest.fixture(scope="module")
def mysql(tmp_path_factory):
    """The environment of an Airflow whose metadata database is in the MySQL server."""
    server = sa.create_engine(SERVER, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    name = f"triggers_test_{uuid.uuid4().hex[:12]}"
    try:
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    except sa.exc.OperationalError as error:
        if IN_CI:
            raise
        pytest.skip(f"no MySQL server at {SERVER}: {error}")
    folder = tmp_path_factory.mktemp("mysql")
    (folder / "driver" / "MySQLdb").mkdir(parents=True)
    for file, text in DRIVER.items():
        (folder / "driver" / "MySQLdb" / file).write_text(text)
    try:
        yield {
            **os.environ,
            "PYTHONPATH": str(folder / "driver"),
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"{SERVER}/{name}",
            # Nothing here is asynchronous, and aiomysql is not installed.
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"sqlite+aiosqlite:///{folder}/unused.db",
        }
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}")
        server.dispose()


def airflow(environment, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "airflow", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.mark.timeout(400)
def test_airflows_own_migration_is_left_alone_and_every_command_of_ours_says_the_sentence(mysql):
    for _ in range(2):
        migrated = airflow(mysql, "db", "migrate")
        output = migrated.stdout + migrated.stderr
        assert migrated.returncode == 0, output
        assert output.count("airflow-triggers needs SQLite or PostgreSQL") == 1
    checked = airflow(mysql, "db", "check-migrations", "--migration-wait-timeout", "3")
    assert checked.returncode == 0, checked.stdout + checked.stderr

    database = sa.create_engine(mysql["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    tables = set(sa.inspect(database).get_table_names())
    with database.connect() as connection:
        pools = connection.execute(sa.text("SELECT pool FROM slot_pool")).scalars().all()
    database.dispose()
    assert {"dag_run", "task_instance", "alembic_version"} <= tables
    assert pools == ["default_pool"]
    assert {name for name in tables if name.startswith("triggers")} == set()

    for command in (
        ("sessions", "list"),
        ("fire", "order-1", "paid", "--configuration", "order"),
        ("why", "order-1", "t_ship#0"),
        ("delayed-fires", "list"),
        ("controller",),
        ("controller", "--check"),
        ("clean", "--before", "2026-01-01T00:00:00Z", "--yes"),
    ):
        refused = airflow(mysql, "triggers", *command)
        assert refused.returncode == 1, (command, refused.stdout, refused.stderr)
        assert SENTENCE in refused.stderr.splitlines(), (command, refused.stderr)
        assert "Traceback" not in refused.stdout + refused.stderr
