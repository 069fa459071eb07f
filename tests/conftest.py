"""The fixtures of every test: an Airflow of their own, and metadata databases to run it on.

The environment is set when this module is imported, before anything imports Airflow: Airflow reads
its configuration at import.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from dogpile.cache import CacheRegion, make_region
from xdist.scheduler import LoadScopeScheduling

from tests.support.environment import IN_CI, enter_airflow_environment

AIRFLOW_HOME = enter_airflow_environment()

PAGES = "tests/e2e/ui/"
END_TO_END = "tests/e2e/"
APART = (PAGES, END_TO_END)
"""Groups of tests for one worker each."""

REDIS_URL = os.environ.get("TRIGGERS_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")

from tests.support.databases import AirflowDatabase, postgresql_database, sqlite_database  # noqa: E402

pytest.register_assert_rewrite("tests.support.agreement")


class EndToEndApart(LoadScopeScheduling):
    """Gives one worker the pages' tests and one the other end-to-end tests; the rest go by file.

    End-to-end tests start deployments, and mostly wait. More of them at once would take each other's processor.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((group for group in APART if file.startswith(group)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """See `pytest_xdist_make_scheduler` in pytest-xdist's documentation."""
    return EndToEndApart(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the end-to-end tests: they take longest. Those of the pages come last of them."""
    items.sort(key=lambda item: (not item.nodeid.startswith(END_TO_END), item.nodeid.startswith(PAGES)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[Any]:
    """Escape half of a surrogate pair in what a test printed or logged: a worker of pytest-xdist could not send it."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report


def pytest_configure() -> None:
    """Take Ctrl-C as a shell in the foreground would: one in the background lets its commands ignore it.

    The processes that tests start inherit this.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure() -> None:
    """Leave nothing behind but the caches in ``.test``."""
    shutil.rmtree(AIRFLOW_HOME, ignore_errors=True)


@pytest.fixture(autouse=True)
def restored_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what a test registered: its managers, storages and runners must not show in the tests after it."""
    from airflow_triggers.manager.manager import trigger_managers
    from airflow_triggers.runners import task_runners
    from airflow_triggers.storages import storage_backends

    for registry in (trigger_managers, storage_backends, task_runners):
        monkeypatch.setattr(registry, "_registered", dict(registry._registered))


@pytest.fixture(scope="session")
def sqlite_airflow_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowDatabase]:
    """A migrated SQLite database of this test run; tests use ``sqlite_airflow_db``."""
    database = sqlite_database(tmp_path_factory.mktemp("sqlite"))
    yield database
    _leave(database)


@pytest.fixture(scope="session")
def postgresql_airflow_database() -> Iterator[AirflowDatabase]:
    """A migrated PostgreSQL database of this test run; tests use ``postgresql_airflow_db``."""
    with postgresql_database() as database:
        yield database
        _leave(database)


@pytest.fixture
def sqlite_airflow_db(sqlite_airflow_database: AirflowDatabase) -> AirflowDatabase:
    """Airflow in this process on a migrated SQLite database without rows."""
    return _entered(sqlite_airflow_database)


@pytest.fixture
def postgresql_airflow_db(postgresql_airflow_database: AirflowDatabase) -> AirflowDatabase:
    """Airflow in this process on a migrated PostgreSQL database without rows.

    Without a server (see ``TRIGGERS_TEST_POSTGRES_URL``) the test is skipped; in CI it fails.
    """
    return _entered(postgresql_airflow_database)


@pytest.fixture(params=["sqlite", "postgresql"])
def airflow_db(request: pytest.FixtureRequest) -> AirflowDatabase:
    """Airflow in this process on a migrated database without rows, once per dialect.

    ``airflow.settings`` (``engine``, ``Session``) and ``AIRFLOW__DATABASE__SQL_ALCHEMY_CONN`` point at it, so
    ``airflow.utils.session.create_session`` and processes that the test starts use it too. Airflow's tables and
    ours were made by ``airflow db migrate``, once per test run; their rows are deleted before each test.

    >>> def test_a_session_is_stored(airflow_db):
    ...     SqlStorageBackend("survey-1")
    ...     assert airflow_db.dialect in ("sqlite", "postgresql")
    """
    database: AirflowDatabase = request.getfixturevalue(f"{request.param}_airflow_db")
    return database


@pytest.fixture
def redis_region() -> Iterator[CacheRegion]:
    """A cache in Redis whose keys are deleted afterwards.

    Without a server (see ``TRIGGERS_TEST_REDIS_URL``) the test is skipped; in CI it fails.
    """
    server = redis.Redis.from_url(REDIS_URL)
    try:
        server.ping()
    except redis.ConnectionError as error:
        server.close()
        if IN_CI:
            raise
        pytest.skip(f"no Redis at {REDIS_URL}: {error}")
    prefix = f"test-{os.getpid()}-{secrets.token_hex(4)}-"
    arguments = {"url": REDIS_URL, "distributed_lock": True, "thread_local_lock": False}
    region = make_region(key_mangler=lambda key: prefix + key).configure(
        "dogpile.cache.redis", arguments=arguments
    )
    yield region
    for key in server.scan_iter(f"*{prefix}*"):
        server.delete(key)
    server.close()
    region.actual_backend.reader_client.close()
    region.actual_backend.writer_client.close()


def _entered(database: AirflowDatabase) -> AirflowDatabase:
    database.enter()
    database.empty()
    return database


def _leave(database: AirflowDatabase) -> None:
    database.leave()
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{AIRFLOW_HOME / 'airflow.db'}"
