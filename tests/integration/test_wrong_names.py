"""Each argument of each command of both command lines that names something, with a name that does not exist.

The answer is one sentence on stderr that repeats the name, and nothing is changed. Commands and arguments come from the
parsers: a new argument needs a wrong name here. Values of a wrong form are in ``tests/unit/test_wrong_arguments.py``.
"""

from __future__ import annotations

import io
import sys

import httpx
import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.cli.cli_parser import get_parser
from sqlalchemy import select

from airflow_triggers.cli.twin.arguments import SELECTION
from airflow_triggers.sessions.opening import fire_into
from airflow_triggers.storages import tables
from airflow_triggers.storages.transaction import snapshot
from airflow_triggers_client import Retries, TriggersClient
from airflow_triggers_client.cli import main as client_command
from tests.support.api import mounted_api
from tests.support.command_lines import (
    AIRFLOW,
    CLIENT,
    arguments_of,
    commands_of,
    kind_of,
    line_with,
    name_of,
)
from tests.support.dags import deploy_configuration

NO_TEXT = "two\nlines"
"""No name, cursor or filter has a line break."""

WRONG_NAMES = {
    "uid": "nowhere",
    "--uid": "nowhere",
    "instance": "t_none#0",
    "trigger": NO_TEXT,
    "FILE": "nowhere.yaml",
    "FOLDER": "nowhere",
    "--file": "nowhere.jsonl",
    "--report": "folder",
    "--configuration": NO_TEXT,
    "--contains": NO_TEXT,
    "--error-type": NO_TEXT,
    "--idempotency-key": NO_TEXT,
    "--instance": NO_TEXT,
    "--manager": "nothing",
    "--name": NO_TEXT,
    "--prefix": NO_TEXT,
    "--profile": "nothing",
    "--session": NO_TEXT,
    "--storage": "nothing",
    "--task": NO_TEXT,
    "--trigger": NO_TEXT,
    "--url": "nonsense",
    "--username": NO_TEXT,
    "--version": NO_TEXT,
    "--waiting-for": NO_TEXT,
    "configurations explain name": "nothing",
    "configurations graph name": "nothing",
    "configurations list --after": NO_TEXT,
    "configurations show name": "nothing",
    "delayed-fires list --after": "never",
    "fire --configuration": "nothing",
    "history --before": "never",
    "instances list --after": "never",
    "profiles remove name": "nothing",
    "sessions create --configuration": "nothing",
    "sessions create uid": "a/b",
    "sessions list --after": NO_TEXT,
    "sessions migrate --after": NO_TEXT,
    "sessions migrate --configuration": "nothing",
    "why name": "t_none",
}
"""A wrong name for each argument by its name; after a command's name, for this command."""

FILTERS = {argument.flags[0] for argument in SELECTION}


@pytest.fixture(scope="module")
def module_patch():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def world(sqlite_airflow_database, module_patch, tmp_path_factory):
    """A session, a configuration file, a profile; and the client's command asks an API of this process."""
    sqlite_airflow_database.enter()
    sqlite_airflow_database.empty()
    deploy_configuration("survey", t_import={"after": ["page"]}, t_score={"after": ["t_import"]})
    fire_into("order-1", "page", configuration="survey")
    home = tmp_path_factory.mktemp("home")
    (home / "folder").mkdir()
    (home / "survey.yaml").write_text("t_import: {after: [page], run: survey.t_import}\n")
    (home / "profiles.ini").touch(mode=0o600)
    module_patch.chdir(home)
    for name, value in {
        "TRIGGERS_PROFILES_FILE": str(home / "profiles.ini"),
        "TRIGGERS_URL": "http://testserver",
        "TRIGGERS_TOKEN": "admin",
    }.items():
        module_patch.setenv(name, value)
    http = httpx.Client(transport=mounted_api(module_patch).client()._transport)

    def client(url, *, retries, **credentials):
        known = {name: value for name, value in credentials.items() if value is not None}
        return TriggersClient(url, http=http, retries=Retries(patience=0), **known)

    module_patch.setattr(client_command, "TriggersClient", client)
    yield home
    purge_cached_app()


@pytest.fixture
def run(world, capsys, monkeypatch):
    """Runs a line of a command line: the exit code and what it printed."""

    def run_line(place, line):
        capsys.readouterr()
        monkeypatch.setattr(sys, "stdin", io.StringIO("secret\n"))
        try:
            if place == CLIENT:
                code = client_command.main(line)
            else:
                args = get_parser().parse_args(["triggers", *line])
                code = args.func(args) or 0
        except SystemExit as end:
            code = end.code
        return code, capsys.readouterr()

    return run_line


def everything(home):
    """All our rows, and all files of the folder."""
    with snapshot() as session:
        rows = {table.name: session.execute(select(table)).all() for table in tables.metadata.sorted_tables}
    return rows, {path: path.is_file() and path.read_bytes() for path in home.rglob("*")}


def names_of(place, command):
    """The arguments of the command that name something, each with a wrong name."""
    for action in arguments_of(commands_of(place)[command]):
        if kind_of(action) in ("text", "condition") and not action.choices:
            name = name_of(action)
            specific = f"{command} {name}"
            yield action, WRONG_NAMES[specific] if specific in WRONG_NAMES else WRONG_NAMES[name]


def is_for_one(command, action):
    """Whether the line also has the optional positional arguments: those of an act on one instance, or of one fire."""
    return name_of(action) not in ({"--file", "--report"} if command == "fire" else FILTERS)


COMMANDS = [
    (place, command)
    for place in (AIRFLOW, CLIENT)
    for command in commands_of(place)
    if any(names_of(place, command))
]


FINDINGS = {("configurations validate", "--name")}
"""Arguments whose mistakes are findings of the command: its answer, on stdout."""


@pytest.mark.parametrize(("place", "command"), COMMANDS, ids=[" ".join(pair) for pair in COMMANDS])
def test_a_wrong_name_is_refused_in_one_sentence_and_changes_nothing(place, command, world, run):
    before = everything(world)
    for action, wrong_name in names_of(place, command):
        parser = commands_of(place)[command]
        line = line_with(command, parser, action, wrong_name, has_optional_names=is_for_one(command, action))
        if name_of(action) == "--report":
            line += ["--file", "survey.yaml"]
        code, captured = run(place, line)
        assert code in (1, 2), (line, captured)
        assert "Traceback" not in captured.err
        if captured.err == "" and (command, name_of(action)) in FINDINGS:
            assert repr(wrong_name)[1:-1] in captured.out
            continue
        assert captured.err.count("\n") == 1, (line, captured.err)
        assert repr(wrong_name)[1:-1] in captured.err, (line, captured.err)
        # An API in this process logs on stdout, too.
        assert place == CLIENT or captured.out == "", (line, captured.out)
    assert everything(world) == before
