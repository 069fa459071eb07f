"""Every message ends, and ends once, whatever an error or a list that it cites says."""

from __future__ import annotations

import ast
import re

import pytest

from airflow_triggers.sentences import error_in_short, sentence
from tests.support.environment import ROOT

FREE_TEXT = re.compile(r"(\w+\.)*(error|exc|exception|reason|why|failure|\w*because)")
"""An expression that stands for somebody else's words."""


@pytest.mark.parametrize(
    ("text", "reason", "whole"),
    [
        ("It failed", "boom", "It failed: boom."),
        ("It failed", "It went boom.", "It failed: It went boom."),
        ("It failed", "boom!", "It failed: boom!"),
        ("It failed", "", "It failed."),
        ("It failed", "  ", "It failed."),
        ("It failed", ValueError(), "It failed."),
        ("It failed", ValueError("boom. "), "It failed: boom."),
        ("It failed.", "", "It failed."),
        ("boom …", "", "boom …"),
    ],
)
def test_a_sentence_ends_once(text, reason, whole):
    assert sentence(text, reason) == whole


def test_an_error_without_a_text_is_its_type():
    assert error_in_short(ValueError()) == "ValueError"
    assert error_in_short(ValueError("boom")) == "ValueError: boom"


def unguarded(path):
    """The messages of a module that put a full stop behind somebody else's words, or end with them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            for value, following in zip(node.values, node.values[1:], strict=False):
                if (
                    isinstance(value, ast.FormattedValue)
                    and isinstance(following, ast.Constant)
                    and str(following.value).startswith(".")
                    and FREE_TEXT.fullmatch(ast.unparse(value.value))
                ):
                    yield f"{path.relative_to(ROOT)}, line {node.lineno}: {ast.unparse(node)}"


def test_no_module_puts_a_full_stop_behind_words_that_may_have_one():
    modules = sorted((ROOT / "airflow_triggers").rglob("*.py"))
    assert [message for path in modules for message in unguarded(path)] == []
