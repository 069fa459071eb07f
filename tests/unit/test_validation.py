"""The limits of what comes from outside: every value either passes exactly, or is refused with a sentence."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType

import pytest

from airflow_triggers.domain.fires import FireRequest
from airflow_triggers.domain.report import RequestedReplay, TaskReport
from airflow_triggers.domain.validation import (
    MAX_COOLDOWN,
    MAX_DEPTH,
    MAX_JSON_BYTES,
    JsonFlaw,
    excerpt,
    json_object,
    parse_json,
    parse_moment,
    validate_cooldown,
    validate_fire_at,
    validate_idempotency_key,
    validate_instance_metadata,
    validate_metadata,
    validate_replacement_kwargs,
    validate_session_uid,
    validate_trigger_kwargs,
    validate_trigger_name,
)
from airflow_triggers.errors import InvalidCooldown, InvalidMetadata, InvalidTrigger


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    BIG = 3


class Trigger(str, Enum):  # noqa: UP042 - that it shows itself otherwise is what is tested
    """A member shows itself as ``Trigger.PAID``."""

    PAID = "paid"


class Untrue(int):
    """Is in every range, and another number when it is asked for it."""

    def __ge__(self, other):
        return True

    __le__ = __ge__

    def __int__(self):
        return 7


class Unsteady(dict):
    """Gives other items than it has keys."""

    def items(self):
        return [("a\ud800", 1)]


class NeverFinite(float):
    def __float__(self):
        return float("nan")


def nested(levels: int, *, into: type = dict) -> dict:
    content: object = 1
    for _ in range(levels - 1):
        content = {"a": content} if into is dict else [content]
    return {"a": content}


def endless() -> dict:
    content: dict = {}
    content["a"] = content
    return content


EXACT = [
    {"big": 1e16, "huge": 1e300, "zero": -0.0, "tiny": 5e-324, "whole": 1.0, "int": 1},
    {"zz": 1, "b": 2, "aa": {"z": 1, "y": [3, {"c": 1, "b": 2}]}},
    {"least": -(2**63), "most": 2**64 - 1},
    {"é": "ü", "😀": "\x1b[31m", "": "\u202e", "line": "a\nb"},
    nested(MAX_DEPTH),
    nested(MAX_DEPTH, into=list),
]

REFUSED = [
    ({"x": 2**64}, "integers outside"),
    ({"x": -(2**63) - 1}, "integers outside"),
    ({"x": [10**5000]}, r"about 500\d digits at 'x.0'"),
    ({"x": float("nan")}, "no NaN"),
    ({"x": float("-inf")}, "no Infinity"),
    (nested(MAX_DEPTH + 1), "nested more than 100 levels"),
    (nested(MAX_DEPTH + 1, into=list), "nested more than 100 levels"),
    (nested(50_000), "nested more than 100 levels"),
    (endless(), "nested more than 100 levels"),
    ({"a": {"b": "\0"}}, "character NUL.* at 'a.b'"),
    ({"a": {"\0": 1}}, "character NUL"),
    ({"a": ["\ud800"]}, "unpaired surrogates"),
    ({"\udfff": 1}, "unpaired surrogates"),
    ({1: 1}, "keys are strings; found the key 1"),
    ({"a": {None: 1}}, "keys are strings; found the key None at 'a'"),
    ({"a": {True: 1, "true": 2}}, "keys are strings; found the key True"),
    ({"a": {1, 2}}, "must be JSON: .*found set .* at 'a'"),
    ({"a": b"bytes"}, "must be JSON: .*found bytes"),
    ({"a": "x" * MAX_JSON_BYTES}, "1048576 bytes at most"),
    ({"a": "é" * (MAX_JSON_BYTES // 2)}, "1048576 bytes at most"),
]

WAYS = [
    (InvalidTrigger, validate_trigger_kwargs),
    (InvalidTrigger, lambda value: validate_replacement_kwargs({"x": value})),
    (InvalidTrigger, lambda value: FireRequest(trigger_name="x", trigger_kwargs=value)),
    (InvalidTrigger, lambda value: RequestedReplay(replacement_kwargs={"x": value})),
    (InvalidMetadata, validate_metadata),
    (InvalidMetadata, validate_instance_metadata),
    (InvalidMetadata, lambda value: TaskReport(metadata=value)),
]


@pytest.mark.parametrize("content", EXACT, ids=range(len(EXACT)))
def test_what_is_accepted_is_copied_exactly(content):
    assert json.dumps(json_object(content)) == json.dumps(content)


def test_what_json_would_write_as_plain_values_becomes_plain():
    copied = json_object(MappingProxyType({Colour.RED: Colour.RED, "size": Size.BIG, "pair": (1, True)}))
    assert copied == {"red": "red", "size": 3, "pair": [1, True]}
    kinds = [type(part) for part in (*copied, copied["red"], copied["size"], copied["pair"], *copied["pair"])]
    assert kinds == [str, str, str, str, int, list, int, bool]


def test_what_a_value_says_of_itself_does_not_count():
    assert json_object({"a": Untrue(3), "b": NeverFinite(1.5)}) == {"a": 3, "b": 1.5}
    with pytest.raises(JsonFlaw, match="integers outside"):
        json_object({"a": Untrue(2**70)})
    with pytest.raises(JsonFlaw, match="surrogates"):
        json_object(Unsteady(a=1))


@pytest.mark.parametrize("validate", [validate_session_uid, validate_trigger_name, validate_idempotency_key])
def test_a_name_that_is_a_member_of_an_enumeration_becomes_plain_text(validate):
    assert f"{validate(Trigger.PAID)}" == "paid"
    fire = FireRequest(trigger_name=Trigger.PAID, idempotency_key=Trigger.PAID)
    assert f"{fire.trigger_name} {fire.idempotency_key}" == "paid paid"


def test_the_longest_text_that_fits_is_taken():
    assert validate_trigger_kwargs({"a": "x" * (MAX_JSON_BYTES - len('{"a":""}'))})


@pytest.mark.parametrize(("error", "validate"), WAYS, ids=range(len(WAYS)))
@pytest.mark.parametrize(("content", "problem"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_kept_sent_and_shown_is_refused_by_every_way_in(error, validate, content, problem):
    with pytest.raises(error, match=problem):
        validate(content)


@pytest.mark.parametrize(
    "content", ["text", 7, ["a"], True, object(), 10**5000], ids=lambda content: type(content).__name__
)
def test_kwargs_and_metadata_are_mappings(content):
    with pytest.raises(InvalidTrigger, match="must be a mapping"):
        validate_trigger_kwargs(content)
    with pytest.raises(InvalidMetadata, match="must be a mapping"):
        validate_metadata(content)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1, "b": {"k": 1, "k": 1}}', "a key twice in one object; found the key 'k' twice"),
        ("[" * 100_000, "levels deep"),
        ('{"a": ' + "9" * 5000 + "}", "thousands of digits"),
    ],
)
def test_json_text_that_would_be_read_otherwise_than_it_is_written_is_refused(text, problem):
    with pytest.raises(JsonFlaw, match=problem):
        parse_json(text)


def test_json_text_is_read_as_json_reads_it():
    text = b'{"a": [1, 1.5, "x", null, {"a": true}], "b": 1e400}'
    assert parse_json(text) == json.loads(text)
    with pytest.raises(json.JSONDecodeError):
        parse_json("{")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2031-05-17T08:00:00Z", datetime(2031, 5, 17, 8, tzinfo=UTC)),
        ("2031-05-17 08:00:00.5+02:00", datetime(2031, 5, 17, 6, 0, 0, 500_000, tzinfo=UTC)),
        ("2031-05-17t08:00z", datetime(2031, 5, 17, 8, tzinfo=UTC)),
    ],
)
def test_a_moment_is_written_with_its_time_and_offset(text, moment):
    assert parse_moment(text) == moment


@pytest.mark.parametrize(
    "written",
    [
        20000000001,
        "20000000001",
        2e9,
        True,
        None,
        "2031-05-17",
        "2031-05-17Z",
        "2031-05-17T08:00:00",
        "2031-W20-6T08:00:00Z",
        "tomorrow",
        "2031-02-30T08:00:00Z",
        "2031-05-17T24:00:01Z",
        "2031-05-17T08:00:00+25:00",
        "2031-05-17T08:00:00+00:60",
        "٢٠٣١-05-17T08:00:00Z",
        "9999-12-31T23:59:59-12:00",
        "9999-12-31T12:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "x" * 1_000_000,
    ],
)
def test_what_is_no_moment_that_can_be_kept_is_refused(written):
    with pytest.raises(InvalidTrigger, match="'fire_at'"):
        parse_moment(written)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2031, 5, 17),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
        datetime.max.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        "2031-05-17T08:00:00Z",
        7,
    ],
)
def test_python_gives_a_datetime_that_utc_can_express(moment):
    with pytest.raises(InvalidTrigger, match="'fire_at'"):
        validate_fire_at(moment)


@pytest.mark.parametrize("cooldown", [None, 0, 1.5, MAX_COOLDOWN])
def test_a_cooldown_is_a_number_of_seconds(cooldown):
    assert validate_cooldown(cooldown) == cooldown


@pytest.mark.parametrize(
    "cooldown", [True, "5", -1, 1e12, 10**5000, float("nan"), float("inf"), [1]], ids=range(8)
)
def test_what_is_no_cooldown_is_refused(cooldown):
    with pytest.raises(InvalidCooldown, match="number of seconds from 0 to 31622400"):
        validate_cooldown(cooldown)
    with pytest.raises(InvalidCooldown):
        RequestedReplay(cooldown=cooldown)


@pytest.mark.parametrize("validate", [validate_session_uid, validate_trigger_name, validate_idempotency_key])
@pytest.mark.parametrize(
    "name",
    ["", "a\x1b", "\ud800", "a\0", "\u202e", "x" * 300, None, 7, 10**5000, nested(5000), b"x"],
    ids=range(11),
)
def test_a_name_of_another_form_is_refused_with_a_short_sentence(validate, name):
    with pytest.raises(ValueError, match="printable characters") as refusal:
        validate(name)
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize("validate", [validate_session_uid, validate_trigger_name])
@pytest.mark.parametrize(
    ("name", "shown"), [("", "found ''."), ("x" * 201, f"found '{'x' * 40}'… of 201 characters.")]
)
def test_a_name_of_a_wrong_length_is_shown_with_its_length(validate, name, shown):
    with pytest.raises(ValueError, match="1-200 printable characters") as refusal:
        validate(name)
    assert str(refusal.value).endswith(shown)


class Unshowable:
    def __repr__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value", [10**5000, [10**5000], nested(5000), endless(), Unshowable(), "x" * 10_000], ids=range(6)
)
def test_every_value_can_be_shown_in_a_message(value):
    assert len(excerpt(value)) < 400
