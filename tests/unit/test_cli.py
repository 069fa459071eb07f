"""The command line's definition, in Airflow's own parser; what the commands do is in tests/integration."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from airflow.cli.cli_parser import ALL_COMMANDS_DICT, get_parser

from airflow_triggers.cli import definition
from airflow_triggers.cli.definition import get_triggers_cli_commands


def parsed(*arguments):
    return get_parser().parse_args(["triggers", *arguments])


def actions(commands):
    for command in commands:
        yield from actions(command.subcommands) if hasattr(command, "subcommands") else [command]


def test_airflow_has_the_group_triggers():
    assert "triggers" in ALL_COMMANDS_DICT


def test_defining_the_commands_imports_none_of_them():
    script = (
        "import airflow.cli.cli_config, json, sys\nbefore = set(sys.modules)\n"
        "from airflow_triggers.cli.definition import get_triggers_cli_commands\nget_triggers_cli_commands()\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert set(json.loads(finished.stdout.splitlines()[-1])) <= {
        "airflow_triggers",
        "airflow_triggers.cli",
        "airflow_triggers.cli.definition",
    }


def test_every_command_exists():
    from airflow_triggers.cli import check, cleaning, commands, delayed_fires, history, migration

    modules = (check, cleaning, history, delayed_fires, migration, commands)
    known = {name: value for module in modules for name, value in vars(module).items()}
    for action in actions(get_triggers_cli_commands()):
        assert callable(known[action.func.__name__])


@pytest.mark.parametrize(
    "command",
    [
        "asset-events list",
        "asset-events retry",
        "check",
        "clean",
        "controller",
        "fire",
        "history",
        "delayed-fires cancel",
        "delayed-fires list",
        "delayed-fires retry",
        "hooks call",
        "hooks list",
        "replay",
        "sessions delete",
        "sessions list",
        "sessions show",
        "skip",
        "unheard",
        "why",
    ],
)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as ended:
        parsed(*command.split(), "--help")

    assert ended.value.code == 0
    assert f"airflow triggers {command}" in capsys.readouterr().out


def test_kwargs_are_read_as_json():
    assert parsed("fire", "order-1", "paid", "--kwargs", '{"amount": 3}').kwargs == {"amount": 3}
    assert parsed("fire", "order-1", "paid").kwargs is None
    assert parsed("replay", "order-1", "t_x#0", "--kwargs", "{}").kwargs == {}


def test_every_command_that_answers_has_airflows_output_formats():
    for action in actions(get_triggers_cli_commands()):
        assert (definition.ARG_OUTPUT in action.args) == (action.name != "controller")


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
            "'fire_at' is a string, a moment in ISO 8601",
        ),
        (
            ("fire", "order-1", "paid", "--fire-at", "2031-05-17"),
            "'fire_at' is a string, a moment in ISO 8601",
        ),
        (("fire", "order-1", "paid", "--fire-at", "9999-12-31T23:59:59-12:00"), "'fire_at' lies between"),
        (("sessions", "list", "--limit", "9" * 5000), "expected at most 18 digits"),
        (("sessions", "list", "--limit", "0"), "expected a whole number above 0, found '0'"),
        (("sessions", "list", "--limit", "some"), "expected a whole number above 0, found 'some'"),
        (
            ("sessions", "list", "--limit", "9" * 19),
            "expected at most 18 digits, found '9999999999999999999'",
        ),
        (("unheard", "--before", str(2**63)), "expected at most 18 digits"),
        (("replay", "order-1", "t_x#0", "--cooldown", "soon"), "expected a number, found 'soon'"),
        (("delayed-fires", "cancel", "order-1", "-1"), "expected a whole number above 0, found '-1'"),
        (("controller", "--interval", "0"), "expected a number of seconds above 0, found '0'"),
        (("controller", "--interval", "soon"), "expected a number of seconds above 0, found 'soon'"),
        (("controller", "--interval", "nan"), "expected a number of seconds above 0, found 'nan'"),
    ],
)
def test_a_bad_argument_is_refused_with_what_was_expected(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as ended:
        parsed(*arguments)

    assert ended.value.code == 2
    assert complaint in " ".join(capsys.readouterr().err.split())
