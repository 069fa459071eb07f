"""What ``jsonb`` does to values; that PostgreSQL really does so is tested in ``integration/test_exact_values.py``."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from airflow_triggers.domain import jsonb
from airflow_triggers.domain.fires import FireRequest
from airflow_triggers.domain.report import TaskReport


@pytest.mark.parametrize(
    "value", [None, True, "é", 0, 2**64 - 1, 0.1, 1e15, 1e-7, 0.0, [], {}, {"a": 1, "b": 2, "aa": [{"c": 1}]}]
)
def test_a_value_that_survives(value):
    assert jsonb.survives(value)


@pytest.mark.parametrize(
    "value", [1e16, -1e16, 1.5e17, 1e300, -0.0, {"b": 1, "a": 2}, {"aa": 1, "b": 2}, [{"x": [-0.0]}]]
)
def test_a_value_that_does_not(value):
    assert not jsonb.survives(value)


@pytest.mark.parametrize("value", [1e19, -9.2e18, 0.5, 1e-300, "1e400", 2**64 - 1])
def test_what_a_worker_can_be_sent_stays(value):
    assert jsonb.sendable({"a": [value]}) == {"a": [value]}


@pytest.mark.parametrize("value", [2.0**64, 1e300, -1e19, -(2.0**63)])
def test_what_would_become_too_large_an_integer_becomes_text_and_returns(value):
    assert jsonb.sendable([value]) == [repr(value)]
    assert jsonb.restored({"a": [int(Decimal(repr(value)))]}) == {"a": [value]}


def test_an_integer_that_is_no_float_either_stays():
    assert jsonb.restored(10**400) == 10**400


def test_a_report_whose_values_survive_is_a_readable_xcom():
    report = TaskReport(fires=(FireRequest(trigger_name="x", trigger_kwargs={"n": 1}),), log_level=30)
    assert report.to_xcom() == report.to_json()
    assert TaskReport.from_json(report.to_xcom()) == report


@pytest.mark.parametrize(
    "report",
    [
        TaskReport(fires=(FireRequest(trigger_name="x", trigger_kwargs={"n": 1e16}),)),
        TaskReport(metadata={"b": 1, "a": -0.0}),
        TaskReport(result={"b": 1, "a": 2}),
    ],
)
def test_a_report_whose_values_do_not_is_json_text(report):
    sent = report.to_xcom()
    assert sent == {"json": sent["json"]}
    again = TaskReport.from_json(sent)
    assert json.dumps(again.to_json()) == json.dumps(report.to_json())
