"""The notes of DAG runs: what they say, in Markdown that shows every name as it is."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from airflow_triggers.domain.configuration import TaskConfig
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.names import instance_page, session_page
from airflow_triggers.gateway.runs import MAX_NOTE_LENGTH, PARAGRAPHS, _add_note
from airflow_triggers.runners.notes import code, replay_note, start_note


def instance_of(name="t_x", number=0, **metadata):
    return TaskInstance(task=TaskConfig(name=name, run=""), number=number, metadata=metadata)


def test_a_note_says_whose_run_it_is_with_links():
    note = start_note(instance_of(parent="t_x#0", number=1), session_uid="~a~/&é", configuration="shop")
    session = "plugin/triggers?view=session&session=~a~%2F%26%C3%A9"
    assert note == (
        f"[`t_x#1`]({session}&instance=t_x%231) of session [`~a~/&é`]({session}) (`shop`). It replays `t_x#0`."
    )
    assert (session_page("~a~/&é"), instance_page("~a~/&é", "t_x#1")) == (
        session,
        f"{session}&instance=t_x%231",
    )


def test_a_note_that_would_be_too_long_has_no_links():
    instance, uid = instance_of("t_" + "ü" * 198), "😀" * 200
    note = start_note(instance, session_uid=uid, configuration=None)
    assert note == f"`{instance.name}` of session `{uid}`."
    clone = instance_of("t_" + "ü" * 198, 1)
    assert f"by an unnamed caller as `{clone.name}`, run `r`." in replay_note(
        instance, clone, session_uid=uid, run_id="r", by=None
    )


@pytest.mark.parametrize(
    ("text", "markdown"),
    [("a*b_c~d~", "`a*b_c~d~`"), ("a`b", "``a`b``"), ("``a", "``` ``a ```"), ("a`", "`` a` ``")],
)
def test_a_name_is_shown_as_it_is(text, markdown):
    assert code(text) == markdown


def test_the_news_comes_first_and_what_is_left_out_is_the_oldest_news():
    run = SimpleNamespace(note="whose run it is")
    news = [f"{number} {'x' * 300}" for number in range(5)]
    for line in news:
        _add_note(run, line)

    assert run.note.split(PARAGRAPHS) == [news[4], news[3], news[2], "whose run it is"]


def test_a_note_never_becomes_too_long_for_airflow():
    run = SimpleNamespace(note="y" * MAX_NOTE_LENGTH)
    _add_note(run, "x" * 600)
    assert (len(run.note), run.note[:3], run.note[-2:]) == (MAX_NOTE_LENGTH, "xxx", "y…")
    run = SimpleNamespace(note=None)
    _add_note(run, "news")
    assert run.note == "news"
