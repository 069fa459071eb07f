"""The values: what is accepted as a UID, a trigger name, kwargs; and that what is written is read back equal."""

from __future__ import annotations

import pytest

from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.domain.instances import parse_instance_name
from airflow_triggers.domain.validation import (
    validate_session_uid,
    validate_trigger_kwargs,
    validate_trigger_name,
)
from airflow_triggers.errors import InvalidSessionUid, InvalidTrigger, TaskNotFound


@pytest.mark.parametrize(
    "uid", ["a", "order 4711", "Kundin-Ä-😀", "x" * 200, "a#b%c?d", "...", "%2e", "a.", ".a"]
)
def test_a_session_uid_is_printable(uid):
    assert validate_session_uid(uid) == uid


@pytest.mark.parametrize("uid", ["", "x" * 201, "a/b", " a", "a ", "a\nb", "a\0b", "\ud800", None, 7])
def test_a_session_uid_of_another_form_is_refused(uid):
    with pytest.raises(InvalidSessionUid, match="1-200 printable characters"):
        validate_session_uid(uid)


@pytest.mark.parametrize("uid", [".", ".."])
def test_a_session_uid_that_no_url_can_name_is_refused(uid):
    with pytest.raises(InvalidSessionUid, match="No URL can name a session"):
        validate_session_uid(uid)


@pytest.mark.parametrize("name", ["", " a", "x" * 201, "a\tb", None])
def test_a_trigger_name_of_another_form_is_refused(name):
    with pytest.raises(InvalidTrigger, match="1-200 printable characters"):
        validate_trigger_name(name)


@pytest.mark.parametrize(
    "kwargs",
    [[1], "text", 7, {"x": object()}, {"x": float("nan")}, {"x": {1, 2}}, {"x": "a\0b"}, {"x": "\ud800"}],
)
def test_kwargs_that_json_cannot_hold_are_refused(kwargs):
    with pytest.raises(InvalidTrigger, match="Trigger kwargs"):
        validate_trigger_kwargs(kwargs)


def test_kwargs_are_copied_and_none_is_empty():
    given = {"x": {"y": [1]}, "slash": "\\u0000"}
    kept = validate_trigger_kwargs(given)
    given["x"]["y"].append(2)
    assert kept == {"x": {"y": [1]}, "slash": "\\u0000"}
    assert validate_trigger_kwargs(None) == {}


def test_an_instance_name_is_split_at_its_last_hash():
    assert parse_instance_name("t_x#12") == ("t_x", 12)
    for name in ("t_x", "t_x#", "#1", "t_x#-1", "t_x#01", "t_x#1 "):
        with pytest.raises(ValueError, match="is not the name of a task instance"):
            parse_instance_name(name)


def test_a_configuration_is_read_back_as_it_was_written():
    task = TaskConfig(
        name="t_x",
        after=("a", "b"),
        and_every="c",
        unless=("u",),
        run={"operator": "x.Y", "bash_command": "true"},
        with_params={"a": {"n": 1}},
        using="airflow",
        airflow={"retries": 2},
        extra={"owner": "me"},
    )
    configuration = Configuration({"t_x": task}, "survey")
    again = Configuration.from_dict(configuration.to_dict())
    assert again == configuration
    assert again.content_hash == configuration.content_hash
    assert again.concerned_by("u") == again.concerned_by("c") == (task,)
    assert again.concerned_by("other") == ()


def test_an_unknown_task_is_named_with_the_known_ones():
    with pytest.raises(TaskNotFound, match="no trigger task 't_y'; the tasks are: t_x"):
        Configuration({"t_x": TaskConfig(name="t_x", run="d", after=("a",))})["t_y"]
