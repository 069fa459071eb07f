"""A PostgreSQL cluster in a temporary folder; it can be stopped as by a crash.

Neighbours: ``deployment.py`` keeps Airflow's metadata database in one; the tests of a restarted database use one too.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.demo.airflow import DemoError, free_ports

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    # Data in the kernel's buffers outlives the processes: the machine itself is not switched off.
    "fsync": "off",
    "log_min_messages": "fatal",
}
PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/pgsql/bin",
)


@dataclass(frozen=True)
class PostgresqlCluster:
    """A temporary PostgreSQL server.

    :param folder: the folder of its files; its owner is the server's user.
    :param user: the server's user, since PostgreSQL refuses to run as root; None: the user of this process.
    """

    folder: Path
    port: int
    programs: Path
    user: str | None

    @property
    def url(self) -> str:
        """SQLAlchemy's URL of the database ``postgres``."""
        return f"postgresql+psycopg2://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
        socket_folder = f"-c unix_socket_directories={self.folder}"
        self._control(
            "start", "-o", f"-p {self.port} {socket_folder} {options}", "-l", str(self.folder / "log")
        )

    def stop(self) -> None:
        """Stop the server at once, without a shutdown: the next start recovers from its log."""
        self._control("stop", "-m", "immediate")

    def make(self) -> None:
        """Make the cluster's files."""
        self._run(
            "initdb", "--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8", "-D", self._files
        )

    def require_password(self, user: str) -> None:
        """Make the server ask this user for a password, from its next start or ``pg_reload_conf()``."""
        rules = self.folder / "files" / "pg_hba.conf"
        first = f"host all {user} 127.0.0.1/32 scram-sha-256\n"
        rules.write_text(first + rules.read_text(encoding="utf-8"), encoding="utf-8")

    @property
    def _files(self) -> str:
        return str(self.folder / "files")

    def _control(self, act: str, *options: str) -> None:
        self._run("pg_ctl", act, "--wait", "--timeout=60", "-D", self._files, *options)

    def _run(self, program: str, *arguments: str) -> None:
        """:raises DemoError: with the program's output, when it fails."""
        output = self.folder / f"{program}.out"
        # A file, not a pipe: a pipe would stay open as long as the server lives.
        with output.open("w", encoding="utf-8") as program_output:
            process = subprocess.run(
                [str(self.programs / program), *arguments],
                user=self.user,
                group=None if self.user is None else pwd.getpwnam(self.user).pw_gid,
                extra_groups=None if self.user is None else (),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=program_output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if process.returncode:
            raise DemoError(f"'{program}' failed:\n{output.read_text(encoding='utf-8')[-2000:]}")


@contextmanager
def postgresql_cluster() -> Iterator[PostgresqlCluster]:
    """A running cluster; it is stopped and its files are removed at the end.

    :raises DemoError: when PostgreSQL's programs are not installed.
    """
    user = unprivileged_user()
    folder = Path(tempfile.mkdtemp(prefix="airflow-triggers-postgresql-"))
    if user is not None:
        shutil.chown(folder, user)
    cluster = PostgresqlCluster(folder=folder, port=free_ports(), programs=find_programs(), user=user)
    try:
        cluster.make()
        cluster.start()
        yield cluster
    finally:
        if (folder / "files" / "postmaster.pid").exists():
            cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def find_programs() -> Path:
    """The folder of PostgreSQL's programs. :raises DemoError: with what to install."""
    if initdb := shutil.which("initdb"):
        return Path(initdb).parent
    for place in PLACES:
        root, pattern = "/", place.removeprefix("/")
        if folders := sorted(folder for folder in Path(root).glob(pattern) if (folder / "initdb").exists()):
            return folders[-1]
    raise DemoError(
        "PostgreSQL's 'initdb' was not found: this makes a server of its own, to restart it. Install PostgreSQL "
        "(Debian and Ubuntu: 'apt-get install postgresql'), or put the folder of 'initdb' on PATH."
    )


def unprivileged_user() -> str | None:
    """The user of a server that refuses to run as root; None: this process's user, who is not root.

    :raises DemoError: when this process runs as root and no other user exists for the server.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise DemoError("PostgreSQL refuses to run as root; run this as another user.")
