"""Text of others reaches a terminal as text: nothing in it is obeyed."""

from __future__ import annotations

import io

import pytest

from airflow_triggers.cli import rows
from airflow_triggers.cli.terminal import escaped, print_text

OBEYED = [
    *map(chr, [*range(10), *range(11, 32), *range(127, 160)]),
    *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067",
]
OBEYED += [*"\u2068\u2069\u200e\u200f\u061c\u2028\u2029", "\ud800", "\udfff"]
ATTACK = "a\x1b]0;title\x07\x9b2J\r\u202e[red]:smile:[/nothing]"


@pytest.mark.parametrize("character", OBEYED, ids=ascii)
def test_what_a_terminal_obeys_is_escaped(character):
    assert escaped(f"a{character}b") == f"a{ascii(character)[1:-1]}b"


@pytest.mark.parametrize("text", ["plain", "two\nlines", "é ü 漢字 😀 👩‍🚀", "a\\b", "non\u00a0breaking"])
def test_other_text_stays(text):
    assert escaped(text) == text


def test_further_lines_are_indented_where_lines_are_entries():
    printed = io.StringIO()
    print_text("Traceback:\n  line\n2031-05-17 admin forged this", to=printed, indent="    ")
    assert printed.getvalue() == "Traceback:\n      line\n    2031-05-17 admin forged this\n"


@pytest.mark.parametrize("output", ["table", "plain", "json", "yaml"])
def test_rows_of_every_format_are_text(output, capsys):
    for row in ({"uid": ATTACK}, {"names": [ATTACK]}, {"kwargs": {"k": ATTACK}}, {"error": f"tb\n{ATTACK}"}):
        rows.print_rows([row], output)
        rows.print_row(row, output)
        printed = capsys.readouterr().out
        assert not any(character in printed for character in OBEYED)
        assert any(form in printed for form in (r"\x1b]0;", r"\u001b]0;", r"\e]0;"))
        assert "[red]:smile:[/nothing]" in printed
