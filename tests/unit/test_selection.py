"""The filter of instances: which values it takes, and its form as JSON."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.selection import MAX_INSTANCES, InstanceFilter, InstanceKey
from airflow_triggers.errors import InvalidFilter

WHOLE = {
    "status": ["scheduled", "failed"],
    "configuration": "order",
    "task": "t_bill",
    "since": "2031-05-17T08:00:00+00:00",
    "until": "2031-05-18T08:00:00+00:00",
    "error_type": "ValueError",
    "replayed": False,
    "stuck": True,
    "stuck_after": 60,
    "session": "order-",
    "instances": [{"session_uid": "order-1", "name": "t_bill#0"}],
}


def test_a_filter_is_the_same_after_its_way_through_json():
    selection = InstanceFilter.from_dict(WHOLE)

    assert selection.statuses == {InstanceStatus.FAILED, InstanceStatus.SCHEDULED}
    assert selection.since == datetime(2031, 5, 17, 8, tzinfo=UTC)
    assert selection.instances == (InstanceKey("order-1", "t_bill#0"),)
    assert selection.to_dict() == WHOLE
    assert InstanceFilter.from_dict(selection.to_dict()) == selection


def test_a_null_counts_as_left_out():
    assert InstanceFilter.from_dict(dict.fromkeys(WHOLE)) == InstanceFilter()
    assert InstanceFilter().to_dict() == {}


def test_an_empty_list_of_instances_is_not_the_same_as_none():
    assert InstanceFilter.from_dict({"instances": []}).instances == ()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("status", "failed"),
        ("status", ["broken"]),
        ("status", [1]),
        ("status", [["failed"]]),
        ("configuration", "a\0b"),
        ("configuration", 7),
        ("task", "t" * 251),
        ("error_type", "\ud800"),
        ("since", "yesterday"),
        ("until", "2031-05-17T08:00:00"),
        ("replayed", "yes"),
        ("stuck", 1),
        ("stuck_after", -1),
        ("stuck_after", math.inf),
        ("stuck_after", math.nan),
        ("stuck_after", True),
        ("stuck_after", "60"),
        ("session", "s" * 201),
        ("session", "a\nb"),
        ("instances", "t_bill#0"),
        ("instances", [{"session_uid": "order-1"}]),
        ("instances", [{"session_uid": "a/b", "name": "t_bill#0"}]),
        ("instances", [{"session_uid": "order-1", "name": "t_bill"}]),
        ("instances", [{"session_uid": "order-1", "name": 7}]),
        ("instances", [{"session_uid": "order-1", "name": "t_bill#0"}] * (MAX_INSTANCES + 1)),
        ("colour", "red"),
    ],
)
def test_a_bad_value_is_refused(key, value):
    with pytest.raises(InvalidFilter, match=r"expected|has at most"):
        InstanceFilter.from_dict({key: value})


def test_a_moment_without_an_offset_is_refused():
    with pytest.raises(InvalidFilter, match=r"'since'.*offset from UTC"):
        InstanceFilter(since=datetime(2031, 5, 17))
