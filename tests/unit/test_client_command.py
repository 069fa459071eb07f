"""The command ``triggers``: arguments, profiles, formats. What it does is tested end to end."""

from __future__ import annotations

import argparse
import io
import json
import os
import stat
import sys
from datetime import UTC, datetime
from importlib import import_module

import httpx
import pytest
import yaml
from airflow.cli.cli_parser import get_parser

from airflow_triggers_client import Retries, TriggersClient
from airflow_triggers_client.cli import main as entry
from airflow_triggers_client.cli import output, profiles
from airflow_triggers_client.cli.definition import parser
from airflow_triggers_client.cli.firing import fire_of
from airflow_triggers_client.cli.twin.commands import Place
from airflow_triggers_client.cli.twin.events import Events, Line, Report, opened_events
from airflow_triggers_client.cli.twin.table import COMMANDS as TABLE
from airflow_triggers_client.cli.twin.values import CommandFailed, merged
from airflow_triggers_client.cli.yaml import yaml_text
from airflow_triggers_client.errors import InvalidArgument
from airflow_triggers_client.models import Fire

COMMANDS = [command for command in TABLE if command.place is not Place.AIRFLOW]


def leaves(command, names=()):
    """The commands below one of argparse's parsers, by name."""
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from leaves(below, (*names, name))
            return
    yield " ".join(names), command


def test_the_parser_has_the_commands_of_the_table():
    assert dict(leaves(parser())).keys() == {command.name for command in COMMANDS}


def test_a_command_of_both_has_the_arguments_of_airflow_triggers():
    """Each adds some of its own to every command: --verbose, and --profile with --patience."""
    group = next(action for action in get_parser()._actions if isinstance(action, argparse._SubParsersAction))
    twins = dict(leaves(group.choices["triggers"]))
    for name, own in leaves(parser()):
        if name in twins and "profiles" not in name:
            assert described(own) == described(twins[name]), name


def described(command):
    """What a parser says of its arguments."""
    apart = {"--help", "--verbose", "--profile", "--patience"}
    return [
        (action.option_strings or action.dest, action.help, action.default, action.nargs, action.metavar)
        for action in command._actions
        if not apart & set(action.option_strings)
    ]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_explains_itself_with_examples_and_exit_codes(command, capsys):
    with pytest.raises(SystemExit) as ended:
        parser().parse_args([*command.name.split(), "--help"])

    examples = capsys.readouterr().out.partition("examples:")[2]
    assert ended.value.code == 0
    assert f"triggers {command.name}" in examples
    assert "airflow triggers" not in examples
    assert "exit codes:" in examples


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_exists(command):
    module, _, function = command.runs.partition(":")

    assert callable(getattr(import_module(f"airflow_triggers_client.cli.{module}"), function))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("fire", "order-1", "paid", "--kwargs", "{"), "expected a JSON object, found '{'"),
        (("fire", "order-1", "paid", "--kwargs", "[1]"), "expected a JSON object, found '[1]'"),
        (("fire", "order-1", "paid", "--kwargs", "amount"), "expected a JSON object, @FILE or key=value"),
        (("fire", "order-1", "paid", "--kwargs", "@nowhere.json"), "the file 'nowhere.json' cannot be read"),
        (("fire", "order-1", "paid", "--kwargs", '{"a": 1, "a": 2}'), "it has the key 'a' twice"),
        (("fire", "order-1", "paid", "--kwargs", '{"a": NaN}'), "NaN is no number of JSON"),
        (("fire", "order-1", "paid", "--kwargs", "a=[1"), "expected JSON as the value of a, found '[1'"),
        (("fire", "order-1", "paid", "--kwargs", 'a={"k": 1, "k": 2}'), "it has the key 'k' twice"),
        (("fire", "order-1", "paid", "--fire-at", "2031-05-17"), "expected a moment in ISO 8601"),
        (("fire", "order-1", "paid", "--fire-at", "2031-05-17T08:00"), "with its offset from UTC"),
        (
            ("fire", "order-1", "paid", "--idempotency", "k"),
            "no option --idempotency. Did you mean --idempotency-key?",
        ),
        (("skip", "order-1", "t_x#0", "--result", "7"), "expected a JSON object, found '7'"),
        (
            ("replay", "order-1", "t_x#0", "--cooldown", "soon"),
            "expected a number of seconds from 0, found 'soon'",
        ),
        (
            ("replay", "order-1", "t_x#0", "--cooldown", "-1"),
            "expected a number of seconds from 0, found '-1'",
        ),
        (("sessions", "list", "--limit", "0"), "expected a whole number above 0, found '0'"),
        (("sessions", "list", "--limit", "9" * 19), "expected at most 18 digits"),
        (("delayed-fires", "cancel", "order-1", "-1"), "expected a whole number above 0, found '-1'"),
        (("sessions", "list", "--output", "xml"), "expected one of table, json, yaml, plain, found 'xml'"),
        (("profiles", "set", "a]b", "--url", "http://x"), "expected a name of letters, digits"),
        (("sessions",), "required: COMMAND"),
        ((), "required: COMMAND"),
        (("fires",), "there is no command 'fires'. Did you mean fire?"),
    ],
)
def test_a_bad_argument_is_refused_with_what_was_expected(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(arguments)

    assert ended.value.code == 2
    assert complaint in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("line", "profile", "patience"),
    [
        ("health", None, 30.0),
        ("--profile ci health", "ci", 30.0),
        ("--profile=ci --patience 5 sessions list", "ci", 5.0),
        ("sessions --profile ci --patience 5 list", "ci", 5.0),
        ("sessions list --profile ci --patience 5", "ci", 5.0),
        ("--profile other sessions --patience 7 list --profile ci", "ci", 7.0),
        ("--patience 0 fire order-1 paid --kwargs n=1", None, 0.0),
    ],
)
def test_the_server_is_named_before_or_behind_the_command(line, profile, patience):
    args = parser().parse_args(line.split())

    assert (args.profile, args.patience) == (profile, patience)


def test_the_commands_help_lists_how_the_server_is_named(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])

    shown = capsys.readouterr().out
    assert "--profile NAME" in shown
    assert "--patience SECONDS" in shown


def test_kwargs_are_an_object_a_file_or_keys_and_values(tmp_path):
    file = tmp_path / "kwargs.json"
    file.write_text('{"page": 1, "lang": "nl"}')
    given = ["--kwargs", f"@{file}", "--kwargs", "page=3", "--kwargs", "note=a=b", "--kwargs", '{"ok": true}']
    args = parser().parse_args(["fire", "order-1", "paid", *given])

    assert merged(args.kwargs) == {"page": 3, "lang": "nl", "note": "a=b", "ok": True}
    assert merged(parser().parse_args(["fire", "order-1", "paid"]).kwargs) is None


def test_a_moment_may_end_with_z():
    args = parser().parse_args(["fire", "order-1", "paid", "--fire-at", "2031-05-17T08:00:00Z"])

    assert args.fire_at == datetime(2031, 5, 17, 8, tzinfo=UTC)


# -- profiles -------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "profiles.ini"
    for name in [name for name in os.environ if name.startswith("TRIGGERS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TRIGGERS_PROFILES_FILE", str(path))
    return path


def entered(monkeypatch, text):
    """What is piped into the command."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_profiles_are_set_listed_and_removed_and_only_their_owner_reads_them(file, monkeypatch, capsys):
    entered(monkeypatch, "tok%en\n")
    assert entry.main(["profiles", "set", "default", "--url", "http://localhost:8080"]) == 0
    entered(monkeypatch, "pass word\n")
    assert entry.main(["profiles", "set", "ci", "--url", "https://x.test/a", "--username", "shop"]) == 0

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert profiles.chosen_profile(None, os.environ) == profiles.Profile(
        "http://localhost:8080", token="tok%en"
    )
    assert profiles.chosen_profile("ci", os.environ) == profiles.Profile(
        "https://x.test/a", username="shop", password="pass word"
    )
    entry.main(["profiles", "list", "--output", "json"])
    shown = capsys.readouterr().out
    assert [row["profile"] for row in json.loads(shown)] == ["default", "ci"]
    assert "tok%en" not in shown
    assert "pass word" not in shown
    assert entry.main(["profiles", "remove", "ci"]) == 0
    assert entry.main(["profiles", "remove", "ci"]) == 1
    assert "There is no profile 'ci'" in capsys.readouterr().err


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(file, mode, capsys):
    file.parent.mkdir()
    file.write_text("[default]\nurl = http://localhost:1\ntoken = secret\n")
    file.chmod(mode)

    assert entry.main(["sessions", "list"]) == 1
    assert f"(mode {mode:03o}), and it has credentials. Run: chmod 600 {file}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (
            "[default]\nurl = http://x\n",
            "has url; expected a url, and a token, or a username with a password",
        ),
        ("[default]\ntoken = t\n", "has token; expected a url"),
        (
            "[default]\nurl = http://x\ntoken = t\nusername = u\npassword = p\n",
            "has url, token, username, password",
        ),
        ("[default]\nurl = http://x\ntoken = t\nusername = u\n", "has url, token, username"),
        (
            "[default]\nurl = http://x\ntokn = t\n",
            "an unknown key; expected 'key = value', with a key of url, token, username, password. Did you mean token?",
        ),
        ("url = http://x\n", "line 1: expected a profile's name, '[name]', before the first key"),
        ("[default]\nurl = http://x\nurl = http://x\n", "line 3: the key stands there twice"),
        ("[default]\n\n[default]\n", "line 3: the profile stands there twice"),
        ("[other]\nurl = http://x\ntoken = t\n", "There is no profile 'default'"),
        ("", "There is no profile 'default'"),
    ],
)
def test_a_file_of_another_form_is_refused_with_what_was_expected(file, content, complaint, capsys):
    file.parent.mkdir()
    file.write_text(content)
    file.chmod(0o600)

    assert entry.main(["sessions", "list"]) == 1
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("[default]\nurl = http://x\ntoken: S3CR3T\n", "line 3"),
        ("[default]\nurl = http://x\nS3CR3T\n", "line 3"),
        ("[default]\ntoken: S3CR3T\nurl: http://x\n", "line 2"),
        ("token = S3CR3T\n", "line 1"),
        ("S3CR3T", "line 1"),
        ("[default]\nS3CR3T = a\nS3CR3T = b\n", "line 3"),
        ("[default]\n= S3CR3T\n", "line 2"),
        ("[default\ntoken = S3CR3T\n", "line 1"),
        ("[default]\nurl = http://x\n  S3CR3T\ntoken = t\n", "url"),
        ("[default]\nurl = http://x\n  token = S3CR3T\nusername = u\npassword = p\n", "url"),
        ("[default]\nurl = http://x\ntoken = t\nS3CR3T==\n", "default"),
        ("[default]\nurl = http://x\ntoken = t\n    S3CR3T\n", "token"),
        ("[default]\nurl = S3CR3T\ntoken = t\n", "url"),
        ("[default]\nurl = http://x token = S3CR3T\ntoken = t\n", "url"),
        ("[default]\nurl = http://x/ token = S3CR3T\ntoken = t\n", "url"),
        ("[default]\nurl = http://u:S3CR3T@x\ntoken = t\n", "url"),
        ("[default]\nurl = http://x\ntoken = S3CR3T\xe4\n", "UTF-8"),
    ],
)
@pytest.mark.parametrize(
    "arguments", [["sessions", "list"], ["profiles", "list"], ["profiles", "remove", "x"]]
)
def test_nothing_of_a_profile_that_cannot_be_read_is_printed(file, content, place, arguments, capsys):
    file.parent.mkdir()
    file.write_text(content, encoding="latin-1")
    file.chmod(0o600)

    entry.main([*arguments])
    captured = capsys.readouterr()
    assert "s3cr3t" not in (captured.out + captured.err).lower()
    if arguments == ["sessions", "list"]:
        assert str(file) in captured.err
        assert place in captured.err
        assert "expected" in captured.err


BAD_SECTIONS = [
    "url = http://x",
    "token = t",
    "url = http://x\ntoken = t\nusername = u",
    "url = http://x\ntokn = t",
    "url = http://x\n  token = t",
    "",
]


@pytest.mark.parametrize("section", BAD_SECTIONS)
def test_a_bad_profile_stands_in_the_way_of_no_other(file, section, monkeypatch, capsys):
    file.parent.mkdir()
    file.write_text(f"[bad]\n{section}\n[good]\nurl = http://x\ntoken = t\n")
    file.chmod(0o600)

    assert profiles.chosen_profile("good", os.environ).token == "t"
    with pytest.raises(InvalidArgument, match="The profile 'bad' in "):
        profiles.chosen_profile("bad", os.environ)

    assert entry.main(["profiles", "list", "--output", "json"]) == 0
    captured = capsys.readouterr()
    assert [row["profile"] for row in json.loads(captured.out)] == ["bad", "good"]
    assert captured.err.startswith("The profile 'bad' in ")
    assert captured.err.count("\n") == 1

    entered(monkeypatch, "u\n")
    assert entry.main(["profiles", "set", "third", "--url", "http://y"]) == 0
    with pytest.raises(InvalidArgument, match="The profile 'bad' in "):
        profiles.chosen_profile("bad", os.environ)

    entered(monkeypatch, "u\n")
    assert entry.main(["profiles", "set", "bad", "--url", "http://y"]) == 0
    assert profiles.chosen_profile("bad", os.environ).token == "u"
    assert entry.main(["profiles", "remove", "bad"]) == 0
    assert list(profiles.read_sections(file)) == ["good", "third"]


def test_the_environment_is_taken_whole_unless_a_profile_is_named(file):
    profiles.write_sections(file, {"default": profiles.Profile("http://file", token="file").to_section()})
    environment = {"TRIGGERS_PROFILES_FILE": str(file), "TRIGGERS_URL": "http://env", "TRIGGERS_TOKEN": "env"}

    assert profiles.chosen_profile(None, environment).url == "http://env"
    assert profiles.chosen_profile("default", environment).token == "file"
    assert profiles.chosen_profile(None, {**environment, "TRIGGERS_PROFILE": "default"}).token == "file"
    with pytest.raises(InvalidArgument, match="The environment"):
        # The token of the file is not sent to the URL of the environment.
        profiles.chosen_profile(None, {**environment, "TRIGGERS_TOKEN": ""})


def test_the_file_of_profiles_may_be_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))

    assert profiles.profiles_file({"TRIGGERS_PROFILES_FILE": "~/p.ini"}) == tmp_path / "p.ini"
    with pytest.raises(CommandFailed, match="~nobody-has-this-name"):
        profiles.profiles_file({"TRIGGERS_PROFILES_FILE": "~nobody-has-this-name/p.ini"})


def test_without_a_profile_the_command_says_how_to_make_one(file, capsys):
    assert entry.main(["sessions", "list"]) == 1
    assert "Add it with 'triggers profiles set default --url URL'" in capsys.readouterr().err


def test_a_server_that_is_away_is_an_error_of_one_sentence(file, monkeypatch, capsys):
    monkeypatch.setenv("TRIGGERS_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TRIGGERS_TOKEN", "t")

    assert entry.main(["why", "order-1", "t_x", "--patience", "0"]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("The API server cannot be reached; nothing was done.")
    assert shown.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["fire"],
        ["fire", "order-1"],
        ["fire", "order-1", "paid", "--report", "r"],
        ["fire", "order-1", "paid", "--file", "f"],
        ["fire", "--file", "f", "--idempotency-key", "k"],
        ["fire", "--file", "-"],
    ],
)
def test_arguments_that_do_not_go_together_are_refused(file, monkeypatch, arguments, capsys):
    monkeypatch.setenv("TRIGGERS_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TRIGGERS_TOKEN", "t")

    assert entry.main(arguments) == 2
    assert "--file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("profiles set x --url nope", "Expected the URL of an Airflow API server"),
        ("profiles set x --url ftp://server", "Expected the URL of an Airflow API server"),
        ("profiles set x --url http://u:p@server", "The URL has a user or a password"),
        (
            "profiles set x --url http://server --username \x07",
            "Expected a user's name of printable characters",
        ),
        ("sessions show .", "A name is not empty, and not '.' or '..'; found '.'."),
        ("why order-1 ..", "A name is not empty, and not '.' or '..'; found '..'."),
        ("fire order-1 paid --kwargs n=1e999", "Expected what JSON has"),
    ],
)
def test_an_argument_that_the_client_refuses_is_wrong(file, monkeypatch, line, complaint, capsys):
    monkeypatch.setenv("TRIGGERS_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TRIGGERS_TOKEN", "t")
    entered(monkeypatch, "secret\n")

    assert entry.main(line.split(" ")) == 2
    shown = capsys.readouterr().err
    assert complaint in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize("secret", ["", " \n", "a b\n", "ä\n"])
def test_a_secret_that_cannot_be_kept_is_no_wrong_argument(file, monkeypatch, secret):
    entered(monkeypatch, secret)

    assert entry.main(["profiles", "set", "x", "--url", "http://server"]) == 1


@pytest.mark.parametrize(("url", "token"), [("nope", "t"), ("http://127.0.0.1:1", "a b")])
def test_a_server_in_the_environment_that_cannot_be_used_is_no_wrong_argument(file, monkeypatch, url, token):
    monkeypatch.setenv("TRIGGERS_URL", url)
    monkeypatch.setenv("TRIGGERS_TOKEN", token)

    assert entry.main(["sessions", "list"]) == 1


# -- formats --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        {"a": [], "b": {}, "c": None, "d": True, "e": ""},
        [{"a": 1, "b": [{"c": [1, [2, [3]]]}]}, "x", ["y", {}], [[]]],
        {
            "yes": "no",
            "1": "1",
            "1.5": 1.5,
            "null": "null",
            "~": "~",
            "on": "off",
            "2026-01-01": "2026-01-01",
        },
        {"text": "a: b", "more": "# no", "lines": "a\nb\n", "quote": "'\"\\", "blank": " x ", "tab": "\t"},
        {"é": "日本語 \U0001f600", "control": "\x1b[31m\x7f\x85\u2028\u202e"},
        {"big": 2**70, "exponent": 1e16, "small": 1e-7, "negative": -1e300, "zero": -0.0},
        {
            "t_x#0": "t_x#0",
            "dash": "-",
            "colon": ":",
            "question": "? x",
            "star": "*a",
            "amp": "&a",
            "bang": "!a",
        },
        "text",
        7,
    ],
)
def test_yaml_is_read_by_others_as_what_it_was(value):
    text = yaml_text(value)

    assert yaml.safe_load(text) == value
    assert "\x1b" not in text


def test_half_of_a_surrogate_pair_is_replaced_in_yaml():
    assert yaml.safe_load(yaml_text({"a": "\ud800x"})) == {"a": "?x"}


def test_a_table_has_a_column_for_each_key_and_obeys_nobody(capsys):
    output.print_rows([{"a": "日本", "b": ["x", "y"]}, {"a": None, "b": "\x1b[31m\nred", "c": True}], "table")

    assert capsys.readouterr().out.splitlines() == [
        "a    | b             | c",
        "=====+===============+=====",
        "日本 | x, y          |",
        r"     | \x1b[31m\nred | True",
    ]


def test_a_plain_table_has_no_lines(capsys):
    output.print_rows([{"a": 1, "b": 2}], "plain")

    assert capsys.readouterr().out == "a  b\n1  2\n"


def test_no_rows_are_said_in_words(capsys):
    output.print_rows([], "table")

    assert capsys.readouterr().out == "No data found\n"


# -- files of fires -------------------------------------------------------------------------------------------


def lines_of(path, report):
    with opened_events(str(path), report) as events:
        return list(events.lines())


@pytest.fixture
def report(tmp_path):
    opened = Report.open(tmp_path / "report")
    yield opened
    opened.close()


def test_each_line_is_a_fire_or_says_what_is_wrong_with_it(tmp_path, report):
    path = tmp_path / "events.jsonl"
    path.write_text(
        '{"session_uid": "order-1", "trigger": "paid", "kwargs": {"n": 1}, "fire_at": null}\n\n'
        '{"session_uid": "order-1", "trigger": "paid", "configuration": "own", "idempotency_key": "k"}\n'
        '{"session_uid": "order-1"}\n{"session_uid": "order-1", "trigger": "paid", "kwarg": {}}\n[]\n{\n'
        '{"session_uid": "a", "session_uid": "b", "trigger": "paid"}\n'
        '{"session_uid": "a", "trigger": "paid", "kwargs": 7}'
    )
    defaults = Fire("", "", configuration="orders")
    fires = {line.number: fire_of(line, defaults) for line in lines_of(path, report)}

    assert fires[1] == Fire("order-1", "paid", {"n": 1}, configuration="orders")
    assert fires[3] == Fire("order-1", "paid", configuration="own", idempotency_key="k")
    assert fires[4] == "it lacks 'trigger'"
    assert fires[5].startswith("it has no member 'kwarg'; expected session_uid, trigger,")
    assert fires[5].endswith("Did you mean kwargs?")
    assert fires[6] == "it is no JSON object"
    assert fires[7].startswith("it cannot be read: ")
    assert "'session_uid' twice" in fires[8]
    assert fires[9] == "'kwargs' is a JSON object; found int 7"


@pytest.mark.parametrize(
    ("member", "complaint"),
    [
        ('"fire_at": 5', "'fire_at' is text of at least one character; found int 5"),
        ('"fire_at": 1893456000.5', "'fire_at' is text of at least one character; found float 1893456000.5"),
        ('"fire_at": true', "'fire_at' is text of at least one character; found bool True"),
        ('"fire_at": ""', "'fire_at' is text of at least one character; found str ''"),
        ('"fire_at": "1893456000"', "'fire_at': expected a moment in ISO 8601 with its offset from UTC"),
        ('"fire_at": "2031-05-17"', "'fire_at': expected a moment in ISO 8601 with its offset from UTC"),
        ('"fire_at": "2031-05-17T08:00:00"', "found '2031-05-17T08:00:00'"),
        ('"fire_at": "PT5S"', "found 'PT5S'"),
        ('"idempotency_key": ""', "'idempotency_key' is text of at least one character; found str ''"),
        ('"idempotency_key": 17', "'idempotency_key' is text of at least one character; found int 17"),
        ('"configuration": ""', "'configuration' is text of at least one character; found str ''"),
        ('"manager": false', "'manager' is text of at least one character; found bool False"),
        ('"session_uid": 17', "'session_uid' is text of at least one character; found int 17"),
        ('"trigger": ""', "'trigger' is text of at least one character; found str ''"),
        ('"kwargs": [["n", 1]]', "'kwargs' is a JSON object; found list"),
        ('"kwargs": ""', "'kwargs' is a JSON object; found str ''"),
    ],
)
def test_a_member_of_a_line_has_the_form_that_airflow_triggers_demands(member, complaint):
    others = {"session_uid": '"order-1"', "trigger": '"paid"'}
    name = json.loads(f"{{{member}}}").popitem()[0]
    rest = "".join(f', "{other}": {value}' for other, value in others.items() if other != name)
    flaw = fire_of(Line(1, f"{{{member}{rest}}}".encode()), Fire("", "", configuration="orders"))

    assert isinstance(flaw, str)
    assert complaint in flaw


def test_a_moment_of_a_line_has_an_offset():
    line = Line(1, b'{"session_uid": "order-1", "trigger": "paid", "fire_at": "2031-05-17T08:00:00Z"}')

    assert fire_of(line, Fire("", "")) == Fire(
        "order-1", "paid", fire_at=datetime(2031, 5, 17, 8, tzinfo=UTC)
    )


def test_lines_come_in_chunks_with_their_numbers(tmp_path, report):
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(str(number) if number % 3 else "" for number in range(1, 100_001)))

    with opened_events(str(path), report) as events:
        chunks = list(events.chunks(1000))

    lines = [line for chunk in chunks for line in chunk]
    assert all(int(line.content) == line.number for line in lines)
    assert [line.number for line in lines] == [number for number in range(1, 100_001) if number % 3]
    assert events.total == len(lines)
    assert max(map(len, chunks)) == 1000


def test_lines_of_a_pipe_come_before_it_ends(report):
    reading, writing = os.pipe()
    with (
        os.fdopen(reading) as stdin,
        os.fdopen(writing, "wb", 0) as writer,
    ):
        chunks = Events(stdin.buffer, report).chunks(1000)
        writer.write(b"first\nsecond\nthi")
        assert [line.content for line in next(chunks)] == [b"first", b"second"]
        writer.write(b"rd\n")
        assert [(line.number, line.content) for line in next(chunks)] == [(3, b"third")]


def test_a_report_is_gone_on_with_although_its_last_line_is_torn(tmp_path):
    path, reported = tmp_path / "events.jsonl", tmp_path / "report"
    path.write_text("{}\n{}\n")
    first = Report.open(reported)
    one, two = lines_of(path, first)
    first.add(one, fire_id=1)
    first.close()
    with reported.open("a") as file:
        file.write('{"line": 2, "sta')
    second = Report.open(reported)
    second.refuse(two, "InvalidLine", "…")
    second.close()
    third = Report.open(reported)
    third.close()

    assert [(line.number, third.was_fired(line)) for line in (one, two)] == [(1, True), (2, False)]
    assert second.fired.keys() == {1}
    assert third.key(2) == first.key(2)
    assert json.loads(reported.read_text().splitlines()[-1])["status"] == "refused"


def test_a_line_may_be_corrected_unless_it_was_fired(tmp_path):
    path, reported = tmp_path / "events.jsonl", tmp_path / "report"
    path.write_text("fired\nrefused\n")
    first = Report.open(reported)
    one, two = lines_of(path, first)
    first.add(one, fire_id=1)
    first.refuse(two, "InvalidLine", "…")
    first.close()
    path.write_text("fired\ncorrected\nmore\n")
    second = Report.open(reported)
    assert [second.was_fired(line) for line in lines_of(path, second)] == [True, False, False]
    path.write_text("another\ncorrected\n")
    with pytest.raises(CommandFailed, match="Line 1 was fired before, and has been changed since"):
        lines_of(path, second)
    second.close()


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ("a\n\nb\n", 2),
        ("\na\nb\n", 1),
        ("a\n \t\nb\n", 2),
        ("a\n\N{ZERO WIDTH NO-BREAK SPACE}\nb\n", 2),
        ("a\n", 2),
        ("a\n\n", 2),
        ("a", 2),
        ("", 1),
    ],
)
@pytest.mark.parametrize("is_pipe", [False, True])
def test_a_fired_line_that_is_empty_or_missing_later_is_noticed(
    tmp_path, report, monkeypatch, changed, number, is_pipe
):
    path = tmp_path / "events.jsonl"
    path.write_text("a\nb\n")
    for line in lines_of(path, report):
        report.add(line, fire_id=line.number)
    path.write_text(changed)
    to_fire = []

    def read():
        with opened_events("-" if is_pipe else str(path), report) as events:
            to_fire.extend(line for line in events.lines() if not report.was_fired(line))

    with path.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(
            CommandFailed, match=f"Line {number} was fired before, and has been changed since"
        ):
            read()
    assert to_fire == []


def test_lines_that_were_not_fired_may_become_empty_or_go(tmp_path, report):
    path = tmp_path / "events.jsonl"
    path.write_text("a\nrefused\nb\nnot yet\n")
    for line in lines_of(path, report):
        if line.number in (1, 3):
            report.add(line, fire_id=line.number)
    path.write_text("a\n\nb")
    assert [report.was_fired(line) for line in lines_of(path, report)] == [True, True]


def test_a_byte_order_mark_is_no_part_of_a_line(tmp_path, report):
    """Editors write one before a file; joined files have one before a later line."""
    path = tmp_path / "events.jsonl"
    fire = '{"session_uid": "order-1", "trigger": "paid"}\n'
    path.write_text(f"{fire}{fire}", encoding="utf-8-sig")
    path.write_bytes(path.read_bytes() + path.read_bytes())
    lines = lines_of(path, report)

    assert [line.content.decode() for line in lines] == [fire.rstrip("\n")] * 4
    assert {line.digest for line in lines} == {lines[1].digest}


def test_a_file_in_another_encoding_is_not_guessed(tmp_path, report):
    path = tmp_path / "events.jsonl"
    path.write_text('{"session_uid": "order-1", "trigger": "paid"}\n', encoding="utf-16")
    lines = lines_of(path, report)
    assert [fire_of(line, Fire("", ""))[:18] for line in lines] == ["it cannot be read:"] * len(lines)


@pytest.mark.parametrize("content", ["no report\n", '{"sha256": "of another"}\n', '{"line": 1}\n'])
def test_a_file_of_something_else_is_left_alone(tmp_path, content):
    reported = tmp_path / "report"
    reported.write_text(content)

    with pytest.raises(CommandFailed, match="--report"):
        Report.open(reported)
    assert reported.read_text() == content


def test_a_file_that_is_not_there_is_an_error(tmp_path, report):
    with pytest.raises(CommandFailed, match="cannot be read"):
        lines_of(tmp_path / "nowhere", report)


@pytest.fixture
def server(file, monkeypatch):
    """A server for ``main``, which answers each batch with the next statuses and then stays away."""

    def answering(*batches):
        statuses = iter(batches)

        def handle(request):
            count = len(json.loads(request.content)["fires"])
            status_of = next(statuses, None)
            if status_of is None:
                return httpx.Response(
                    503, json={"reason": "DatabaseFailed", "detail": "The database is away."}
                )
            return httpx.Response(
                200, json={"results": [result_of(status_of(place)) for place in range(count)]}
            )

        http = httpx.Client(transport=httpx.MockTransport(handle))
        client = TriggersClient("http://server.test", token="t", http=http, retries=Retries(patience=0))
        monkeypatch.setattr(entry, "_client", lambda args: client)

    return answering


def result_of(status):
    if status == 200:
        effect = {"trigger": "paid", "touched": [], "created": [], "scheduled": [], "abandoned": []}
        return {"status": 200, "fire_id": 1, **effect}
    reason = {422: "InvalidBody", 503: "LockTimeout"}[status]
    return {"status": status, "reason": reason, "detail": f"It is {reason}."}


def written(path, count, *, first="{}"):
    line = '{"session_uid": "order-1", "trigger": "paid"}\n'
    path.write_text((first + "\n" if first else "") + line * (count - bool(first)))
    return path


def test_an_interrupted_file_has_the_account_of_all_lines(server, tmp_path, capsys):
    path = written(tmp_path / "events.jsonl", 2500)
    server(lambda place: 200, lambda place: 422 if place == 7 else 200)

    assert entry.main(["fire", "--file", str(path)]) == 1
    complaint = capsys.readouterr().err
    assert "line 1: it lacks 'session_uid'" in complaint
    assert "line 1008: It is InvalidBody." in complaint
    assert complaint.splitlines()[-1] == (
        "1998 lines were fired, and 2 were refused. Line 2001 is the first without an outcome: "
        "The database is away. Run the same command again to go on."
    )

    server(*[lambda place: 200] * 9)
    assert entry.main(["fire", "--file", str(path), "-o", "json"]) == 1
    row = json.loads(capsys.readouterr().out)
    assert (row["fired"], row["fired_before"], row["refused"]) == (501, 1998, 1)


def test_an_interrupted_request_has_the_outcomes_that_came(server, tmp_path, capsys):
    path = written(tmp_path / "events.jsonl", 6, first="")
    server(lambda place: [200, 422, 503, 200, 503, 200][place])

    assert entry.main(["fire", "--file", str(path)]) == 1
    complaint = capsys.readouterr().err
    assert "line 2: It is InvalidBody." in complaint
    assert "3 lines were fired, and 1 were refused. Line 3 is the first without an outcome" in complaint

    server(lambda place: 200)
    assert entry.main(["fire", "--file", str(path), "-o", "json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["fired"], row["fired_before"], row["refused"]) == (3, 3, 0)
