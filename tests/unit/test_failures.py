"""How an exception is described: as JSON and databases can hold it, however the exception is."""

from __future__ import annotations

import json

import pytest

from airflow_triggers.domain.failures import MAX_LENGTH, MAX_VALUE_LENGTH, describe_exception, with_context


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Shy:
    def __repr__(self):
        raise RuntimeError("no words")


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return caught


def test_the_type_is_named_with_its_module_and_class():
    described = describe_exception(raised(Unspeakable()))
    assert described["exceptionType"] == f"{__name__}.Unspeakable"
    assert described["exceptionMessage"] == "(Unspeakable cannot be shown: RuntimeError)"
    assert "raise error" in described["exceptionInfo"]


def test_the_cause_is_part_of_the_traceback():
    error = ValueError("outer")
    error.__cause__ = KeyError("inner")
    assert "KeyError: 'inner'" in describe_exception(error)["exceptionInfo"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": [1, None, "ä😀"]}, {"a": [1, None, "ä😀"]}),
        ({1, 2}, "{1, 2}"),
        ({(1, 2): 3}, "{(1, 2): 3}"),
        (float("nan"), "nan"),
        ("a\0b", "'a\\x00b'"),
        ("back\\slash", "back\\slash"),
        ("\ud800", "'\\ud800'"),
        ([Shy()], ["(Shy cannot be shown: RuntimeError)"]),
    ],
)
def test_attached_values_are_shown_as_databases_can_hold_them(value, shown):
    context = describe_exception(with_context(ValueError("x"), {"value": value}))["exceptionContext"]
    assert context == {"value": shown}


def test_a_value_that_holds_itself_is_shown():
    value = []
    value.append(value)
    context = describe_exception(with_context(ValueError("x"), {"value": value}))["exceptionContext"]
    assert context == {"value": "[[...]]"}


def test_a_description_is_bounded_and_keeps_the_end():
    error = with_context(ValueError("y" * 200_000 + "the end"), {"big": "z" * 100_000, "small": 1})
    described = describe_exception(error)
    assert described["exceptionInfo"].rstrip().endswith("the end")
    assert described["exceptionMessage"].endswith("the end")
    assert described["exceptionContext"]["small"] == 1
    assert len(json.dumps(described)) < MAX_LENGTH + 4 * MAX_VALUE_LENGTH


def test_values_are_attached_to_the_exception_that_is_raised():
    error = ValueError("x")
    assert with_context(with_context(error, {"a": 1, "b": 1}), {"b": 2}) is error
    assert describe_exception(error)["exceptionContext"] == {"a": 1, "b": 2}
