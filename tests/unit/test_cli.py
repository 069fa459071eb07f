"""The command line's definition, in Airflow's own parser; what the commands do is in tests/integration."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import import_module

import pytest
from airflow.cli.cli_parser import ALL_COMMANDS_DICT, get_parser

from airflow_triggers.cli.twin.commands import Place
from airflow_triggers.cli.twin.table import COMMANDS
from airflow_triggers.cli.twin.values import merged
from tests.support.environment import ROOT

TWIN = ROOT / "airflow_triggers/cli/twin"
CLIENTS_TWIN = ROOT / "client/airflow_triggers_client/cli/twin"

OWN = [command for command in COMMANDS if command.place is not Place.CLIENT]
ONCE_KNOWN = {
    *("asset-events list", "asset-events retry", "check", "clean", "controller", "fire", "history"),
    *(
        "delayed-fires cancel",
        "delayed-fires list",
        "delayed-fires retry",
        "hooks call",
        "hooks list",
        "replay",
    ),
    *("sessions delete", "sessions list", "sessions migrate", "sessions show", "skip", "unheard", "why"),
}
"""Names that scripts use."""


def parsed(*arguments):
    return get_parser().parse_args(["triggers", *arguments])


def refused(*arguments):
    with pytest.raises(SystemExit) as ended:
        parsed(*arguments)
    return ended.value.code


def test_airflow_has_the_command_triggers():
    assert "triggers" in ALL_COMMANDS_DICT


def test_no_name_of_a_command_is_lost():
    assert {command.name for command in OWN} >= ONCE_KNOWN


def newly_imported(code, *, after="airflow.cli.cli_config"):
    """The modules that the code imports, in a process that has imported ``after``."""
    script = (
        f"import {after}, json, sys\nbefore = set(sys.modules)\n{code}\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(finished.stdout.splitlines()[-1]))


def test_defining_the_commands_imports_none_of_them():
    imported = newly_imported(
        "from airflow_triggers.cli.definition import get_triggers_cli_commands\nget_triggers_cli_commands()"
    )

    assert {name for name in imported if not name.startswith("airflow_triggers.cli.twin")} <= {
        "airflow_triggers",
        "airflow_triggers.cli",
        "airflow_triggers.cli.definition",
    }


def test_the_help_of_a_command_imports_no_more_than_the_help_of_one_of_airflows():
    """Both import ``airflow.cli.cli_parser``, and with it all definitions; and what the help of any command needs."""
    show = "try:\n    get_parser().parse_args({!r})\nexcept SystemExit:\n    pass"
    before = "from airflow.cli.cli_parser import get_parser\n"
    imported = newly_imported(
        before
        + show.format(["dags", "list", "--help"])
        + "\nbefore = set(sys.modules)\n"
        + show.format(["triggers", "fire", "--help"])
    )

    assert imported == set()


@pytest.mark.parametrize("command", OWN, ids=lambda command: command.name)
def test_every_command_exists(command):
    module, _, function = command.runs.partition(":")

    assert callable(getattr(import_module(f"airflow_triggers.cli.{module}"), function))


@pytest.mark.parametrize("command", OWN, ids=lambda command: command.name)
def test_every_command_explains_itself_with_examples_and_exit_codes(command, capsys):
    assert refused(*command.name.split(), "--help") == 0

    shown = capsys.readouterr().out
    assert f"airflow triggers {command.name}" in shown.partition("examples:")[2]
    assert "exit codes:" in shown


@pytest.mark.parametrize("command", OWN, ids=lambda command: command.name)
def test_every_command_names_an_option_that_it_does_not_know(command, capsys):
    assert refused(*command.name.split(), "--ouptut", "json") == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("sesions",), "there is no command 'sesions'. Did you mean sessions?"),
        (("sessions", "lst"), "there is no command 'lst'. Did you mean list?"),
        (("sessions", "qqq"), "there is no command 'qqq'. Expected one of create, delete, list"),
        (("fire", "order-1", "paid", "--kwarg", "a=1"), "there is no option --kwarg. Did you mean --kwargs?"),
        (
            ("fire", "order-1", "paid", "--confguration=x"),
            "there is no option --confguration. Did you mean --configuration?",
        ),
        (("fire", "order-1", "paid", "third"), "unexpected arguments: third"),
        (("instances", "shw"), "Did you mean show?"),
        (("instances", "list", "--status", "faild"), "found 'faild'. Did you mean failed?"),
        (("instances", "list", "--replayed", "maybe"), "expected yes or no, found 'maybe'"),
        (("instances", "list", "--since", "today"), "the moment is a string, a moment in ISO 8601"),
        (("instances", "counts", "--group-by", "tsk"), "Did you mean task?"),
        (("sessions", "list", "--order-by", "newst"), "Did you mean newest?"),
        (("replay", "--status", "faild"), "found 'faild'. Did you mean failed?"),
        (("replay", "--replayed", "maybe"), "expected yes or no, found 'maybe'"),
        (("replay", "--rate", "0"), "expected a number per second above 0, found '0'"),
        (("status", "order-1", "t_x#0"), "the following arguments are required: --to"),
        (("status", "order-1", "t_x#0", "--to", "running"), "expected one of unstarted, finished"),
        (("sessions", "show"), "the following arguments are required: uid"),
        (("sessions",), "the following arguments are required: COMMAND"),
        ((), "the following arguments are required: COMMAND"),
        (("--uid", "fire"), "there is no option --uid"),
        (
            ("sessions", "list", "--output", "jsn"),
            "expected one of table, json, yaml, plain, found 'jsn'. Did you mean json?",
        ),
        (("fire", "order-1", "paid", "\x1b[31m"), "unexpected arguments: \\x1b[31m"),
    ],
)
def test_a_slip_is_one_sentence_on_stderr_with_what_was_meant(arguments, complaint, capsys):
    assert refused(*arguments) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert complaint in captured.err
    assert captured.err.count("\n") == 1


def test_kwargs_are_read_as_json():
    assert parsed("fire", "order-1", "paid", "--kwargs", '{"amount": 3}').kwargs == [{"amount": 3}]
    assert parsed("fire", "order-1", "paid").kwargs is None
    assert parsed("replay", "order-1", "t_x#0", "--kwargs", "{}").kwargs == {}


def test_positional_arguments_may_stand_behind_options():
    fire = parsed("fire", "order-1", "--kwargs", "n=1", "paid", "-o", "json")

    assert (fire.uid, fire.trigger) == ("order-1", "paid")
    replay = parsed("replay", "--cooldown", "3", "order-1", "--output", "json", "t_x#0")

    assert (fire.uid, fire.trigger) == ("order-1", "paid")
    assert (replay.uid, replay.instance) == ("order-1", "t_x#0")


@pytest.mark.parametrize("form", ["table", "json", "yaml", "plain"])
def test_a_command_that_answers_has_airflows_output_formats(form):
    assert parsed("sessions", "list", "-o", form).output == form


def test_every_command_that_answers_has_an_output():
    without_answer = {"controller"}
    with_output = {
        command.name for command in OWN if any("--output" in argument.flags for argument in command.arguments)
    }

    assert {command.name for command in OWN} - with_output == without_answer


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("fire", "order-1", "paid", "--kwargs", "{"), "expected a JSON object, found '{'"),
        (("fire", "order-1", "paid", "--kwargs", "[1]"), "expected a JSON object, found '[1]'"),
        (("skip", "order-1", "t_x#0", "--result", "7"), "expected a JSON object, found '7'"),
        (
            ("fire", "order-1", "paid", "--kwargs", '{"a": [{"k": 1, "k": 2}]}'),
            "it must not have a key twice in one object; found the key 'k' twice",
        ),
        (
            ("skip", "order-1", "t_x#0", "--result", "[" * 100_000),
            "it must not be nested more than 100 levels deep",
        ),
        (("replay", "order-1", "t_x#0", "--kwargs", '{"x":' + "9" * 5000 + "}"), "thousands of digits"),
        (
            ("fire", "order-1", "paid", "--fire-at", "20000000001"),
            "the moment is a string, a moment in ISO 8601",
        ),
        (
            ("fire", "order-1", "paid", "--fire-at", "2031-05-17"),
            "the moment is a string, a moment in ISO 8601",
        ),
        (("fire", "order-1", "paid", "--fire-at", "9999-12-31T23:59:59-12:00"), "the moment lies between"),
        (("sessions", "list", "--limit", "9" * 5000), "expected at most 18 digits"),
        (("sessions", "list", "--limit", "0"), "expected a whole number above 0, found '0'"),
        (("sessions", "list", "--limit", "some"), "expected a whole number above 0, found 'some'"),
        (
            ("sessions", "list", "--limit", "9" * 19),
            "expected at most 18 digits, found '9999999999999999999'",
        ),
        (("unheard", "--before", str(2**63)), "expected at most 18 digits"),
        (
            ("replay", "order-1", "t_x#0", "--cooldown", "soon"),
            "expected a number of seconds from 0, found 'soon'",
        ),
        (("delayed-fires", "cancel", "order-1", "-1"), "expected a whole number above 0, found '-1'"),
        (("controller", "--interval", "0"), "expected a number of seconds above 0, found '0'"),
        (("controller", "--interval", "soon"), "expected a number of seconds above 0, found 'soon'"),
        (("controller", "--interval", "nan"), "expected a number of seconds above 0, found 'nan'"),
    ],
)
def test_a_bad_argument_is_refused_with_what_was_expected(arguments, complaint, capsys):
    assert refused(*arguments) == 2
    assert complaint in " ".join(capsys.readouterr().err.split())


def test_kwargs_are_merged_objects_files_and_keys_with_values(tmp_path):
    file = tmp_path / "kwargs.json"
    file.write_text('{"page": 1, "lang": "nl"}')
    given = ["--kwargs", f"@{file}", "--kwargs", "page=3", "--kwargs", "note=a=b", "--kwargs", '{"ok": true}']
    parts = parsed("fire", "order-1", "paid", *given).kwargs

    assert merged(parts) == {"page": 3, "lang": "nl", "note": "a=b", "ok": True}


@pytest.mark.parametrize("name", sorted(path.name for path in TWIN.glob("*.py")))
def test_the_client_has_the_same_words(name):
    """scripts/ci/twin copies the room."""
    other = (CLIENTS_TWIN / name).read_text().replace("airflow_triggers_client.cli", "airflow_triggers.cli")

    assert ast.dump(ast.parse(other)) == ast.dump(ast.parse((TWIN / name).read_text()))


def test_the_client_has_no_other_words():
    assert {path.name for path in TWIN.glob("*.py")} == {path.name for path in CLIENTS_TWIN.glob("*.py")}
