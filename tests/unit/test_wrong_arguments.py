"""Each argument of each command of both command lines, given in each wrong form: a slip is one sentence on stderr.

Commands and arguments come from the parsers: a new kind of argument needs wrong values here. Names of what does not
exist are in ``tests/integration/test_wrong_names.py``.
"""

from __future__ import annotations

import pytest

from tests.support.command_lines import (
    AIRFLOW,
    CLIENT,
    arguments_of,
    commands_of,
    kind_of,
    line_with,
    line_without,
    name_of,
    right_line,
)

WRONG_VALUES = {
    "condition": ("",),
    "count": ("0", "-1", "1.5", "some", "9" * 19),
    "seconds": ("soon", "-1", "nan", "inf"),
    "positive_seconds": ("soon", "0", "nan"),
    "rate": ("fast", "0"),
    "yes_or_no": ("maybe", "True"),
    "profile_name": ("a]b", ""),
    "moment": ("tomorrow", "2031-05-17", "2031-05-17T08:00", "20310517"),
    "json_object": ("{", "[1]", "7", "n=1", "@nowhere.json"),
    "kwargs": ("{", "[1]", "n", "=1", "n={", "@nowhere.json"),
}
"""Values that the reader of this name refuses."""

EXPECTATIONS = ("expected", "cannot be read", "is a string, a moment in ISO 8601", "lies between")
"""What was expected, in each sentence in one of these forms."""

COMMANDS = [(place, name) for place in (AIRFLOW, CLIENT) for name in commands_of(place)]

every_command = pytest.mark.parametrize(
    ("place", "command"), COMMANDS, ids=[" ".join(pair) for pair in COMMANDS]
)


@pytest.fixture
def refused(place, command, capsys):
    """Parses a line that the command refuses; returns the sentence."""
    parser = commands_of(place)[command]

    def refuse(line):
        arguments = line[len(command.split()) :]
        with pytest.raises(SystemExit) as ended:
            parser.parse_args(arguments)
        captured = capsys.readouterr()
        assert (ended.value.code, captured.out) == (2, ""), line
        assert captured.err.count("\n") == 1, line
        assert captured.err.startswith(f"{parser.prog}: "), line
        assert captured.err.endswith(f"See '{parser.prog} --help'.\n"), line
        return captured.err

    refuse.parser = parser
    return refuse


@every_command
def test_a_wrong_value_is_refused_with_its_argument_and_what_was_expected(command, refused):
    for action in arguments_of(refused.parser):
        kind = kind_of(action)
        values = ("nonsense",) if action.choices else WRONG_VALUES.get(kind, ())
        assert values or kind in ("text", "switch"), f"{name_of(action)}: give wrong values of {kind}"
        for value in values:
            sentence = refused(line_with(command, refused.parser, action, value))
            assert f"{name_of(action)}: " in sentence
            assert any(expectation in sentence for expectation in EXPECTATIONS), sentence
            assert value.lstrip("@") in sentence or value.rpartition("=")[2] in sentence


@every_command
def test_a_missing_argument_is_named(command, refused):
    for action in arguments_of(refused.parser):
        if action.required:
            sentence = refused(line_without(command, refused.parser, action))
            assert "the following arguments are required: " in sentence
            assert name_of(action) in sentence


@every_command
def test_an_option_without_its_value_and_a_switch_with_one_are_named(command, refused):
    for action in arguments_of(refused.parser):
        line = line_without(command, refused.parser, action)
        if kind_of(action) == "switch":
            sentence = refused([*line, f"{name_of(action)}=yes"])
            assert f"{name_of(action)}: it takes no value, found 'yes'" in sentence
        elif action.option_strings and action.nargs is None:
            sentence = refused([*line, name_of(action)])
            assert f"{name_of(action)}: expected one argument" in sentence


@every_command
def test_what_the_command_does_not_know_is_named(command, refused):
    line = right_line(command, refused.parser)
    if not any(action.nargs == "+" for action in arguments_of(refused.parser)):
        assert "unexpected arguments: surplus" in refused([*line, "surplus"])
    assert "there is no option --nonsense" in refused([*line, "--nonsense"])


@every_command
def test_the_usage_line_names_each_argument_as_its_errors_do(place, command):
    parser = commands_of(place)[command]
    usage = parser.format_usage()
    for action in arguments_of(parser):
        names = action.option_strings or [name_of(action)]
        assert any(name in usage.replace("[", " ").replace("]", " ").split() for name in names), usage
