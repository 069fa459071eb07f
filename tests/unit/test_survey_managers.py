"""The example package: its rules as tables, and its configurations."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from airflow_triggers.configuration.load import load_configuration
from airflow_triggers.domain.configuration import TaskConfig
from survey_managers.daytime import next_daytime
from survey_managers.finalizing import final_tasks
from tests.support.environment import ROOT

EXAMPLE = ROOT / "examples" / "survey_managers"


def at(day, hour, minute=0):
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "zone", "expected"),
    [
        (at(4, 8), "UTC", at(4, 8)),
        (at(4, 19, 59), "UTC", at(4, 19, 59)),
        (at(4, 20), "UTC", at(5, 8)),
        (at(4, 7, 59), "UTC", at(4, 8)),
        (at(4, 12), "Asia/Tokyo", at(4, 23)),  # 21 o'clock there
        (at(4, 12), "Pacific/Honolulu", at(4, 18)),  # 2 o'clock there
        (at(28, 22), "Europe/Berlin", at(29, 6)),  # the night in which summer time begins there
    ],
)
def test_daytime_begins_at_eight_where_the_respondent_is(moment, zone, expected):
    assert next_daytime(moment, (8, 20), ZoneInfo(zone)) == expected


def test_the_whole_day_is_daytime():
    assert next_daytime(at(4, 23, 59), (0, 24), ZoneInfo("UTC")) == at(4, 23, 59)


def test_final_tasks_are_those_that_only_the_end_resolves():
    tasks = {
        "t_import": TaskConfig(name="t_import", after=("page",), run="x"),
        "t_thank": TaskConfig(name="t_thank", after=("sessionFinalized", "t_import"), run="x"),
        "t_each": TaskConfig(name="t_each", after=(), and_every="sessionFinalized", run="x"),
        "t_archive": TaskConfig(name="t_archive", after=("t_sent",), run="x"),
        "t_sent": TaskConfig(name="t_sent", after=("t_thank",), run="x"),
        "t_remind": TaskConfig(name="t_remind", after=("due",), unless=("sessionFinalized",), run="x"),
        "t_stop": TaskConfig(name="t_stop", after=("stopped",), unless=("page",), run="x"),
    }
    assert final_tasks(tasks.values()) == {"t_thank", "t_each", "t_archive", "t_sent", "t_remind"}


@pytest.mark.parametrize("name", ["survey", "wave"])
def test_its_configurations_are_valid(name):
    assert load_configuration(EXAMPLE / "dags" / f"{name}.yaml").name == name
