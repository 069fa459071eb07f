"""PgBouncer in transaction mode in front of a PostgreSQL database, with fewer connections than its clients have.

Neighbours: ``tests/integration/test_pgbouncer.py`` uses it; ``databases.py`` makes the database.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from scripts.chaos.postgresql import unprivileged_user
from scripts.demo.airflow import free_ports
from scripts.demo.processes import wait_for
from tests.support.environment import IN_CI

CONFIGURATION = """
[databases]
{database} = host={host} port={server_port} user={user} {password}
[pgbouncer]
pool_mode = transaction
default_pool_size = {connections}
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
max_client_conn = 500
ignore_startup_parameters = extra_float_digits
log_connections = 0
log_disconnections = 0
logfile = {folder}/log
"""
"""As the chart's, apart from the addresses, the login and the size of the pool."""


@contextmanager
def pgbouncer(database: str, *, connections: int) -> Iterator[str]:
    """The URL of the database behind the pooler; the pooler runs until the end.

    Without the program the test is skipped; in CI it fails.

    :param database: SQLAlchemy's URL.
    :param connections: how many connections the pooler has to the server.
    """
    program = _program()
    folder, user, port = (
        Path(tempfile.mkdtemp(prefix="airflow-triggers-pgbouncer-")),
        unprivileged_user(),
        free_ports(),
    )
    url = make_url(database)
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        CONFIGURATION.format(
            database=url.database,
            host=url.host,
            server_port=url.port or 5432,
            user=url.username,
            password=_password(str(url.password or "")),
            connections=connections,
            port=port,
            folder=folder,
        ),
        encoding="utf-8",
    )
    for path in (folder, settings) if user is not None else ():
        shutil.chown(path, user)
    process = subprocess.Popen([program, str(settings)], user=user)
    try:
        wait_for(
            "PgBouncer listens",
            lambda: _listens(port),
            seconds=20,
            alive=lambda: _check_alive(process),
            every=0.02,
        )
        yield url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _password(password: str) -> str:
    """The password setting; PgBouncer accepts no empty one."""
    quoted = password.replace("'", "''")
    return f"password='{quoted}'" if password else ""


def _program() -> str:
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        reason = "PgBouncer is not installed (Debian and Ubuntu: 'apt-get install pgbouncer')"
        if IN_CI:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return program


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _check_alive(process: subprocess.Popen[bytes]) -> None:
    assert process.poll() is None, f"PgBouncer ended with exit code {process.returncode}"
