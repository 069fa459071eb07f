"""What the tester's assertions accept, and what they print when they fail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_triggers import with_context
from airflow_triggers.testing import SessionTester
from airflow_triggers.testing.exceptions import is_of_type

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class ImportRefused(LookupError):
    """Raised by a stub."""


@pytest.fixture
def tester():
    """A session with an instance in most statuses."""
    tasks = {
        "t_import": {"after": ["received", "complete"]},
        "t_page": {"after": ["t_import"], "andEvery": "page"},
        "t_browser": {"after": ["received", "t_import"], "unless": ["embedded"]},
        "t_notify": {"after": ["t_import"]},
        "t_score": {"after": ["scored"]},
    }
    made = SessionTester({name: {"run": "some_dag", **task} for name, task in tasks.items()}, now=NOON)
    error = with_context(ImportRefused("no room\nat all"), {"room": 7})
    made.stub("t_import", result={"subject": 17, "pages": [1, 2]})
    made.stub("t_page", raises=error)
    made.stub("t_notify", call=lambda context: (_ for _ in ()).throw(context.skip()))
    made.fire("received", {"age": 41})
    made.fire("embedded", fired_by="ann")
    made.advance(seconds=90)
    made.fire("page", {"number": 1})
    made.fire("complete")
    made.run()
    made.fire("page", {"number": 2})
    return made


def failure_of(assertion, *arguments, **options):
    with pytest.raises(AssertionError) as caught:
        assertion(*arguments, **options)
    return str(caught.value)


def test_assertions_that_hold_return_the_instance(tester):
    assert tester.assert_finished("t_import#0").name == "t_import#0"
    tester.assert_finished("t_import#0", result={"subject": 17, "pages": [1, 2]})
    tester.assert_failed("t_page#0")
    tester.assert_failed("t_page#0", ImportRefused, match="^no room")
    tester.assert_failed("t_page#0", LookupError)
    tester.assert_failed("t_page#0", f"{__name__}.ImportRefused")
    tester.assert_abandoned("t_browser#0")
    tester.assert_skipped("t_notify#0", result=None, cascade=None)
    tester.assert_scheduled("t_page#1")
    tester.assert_no_instance("t_score")
    tester.assert_no_instance("t_page#2")
    tester.assert_unresolved_tasks("t_score", "t_page")
    tester.assert_unresolved_instances("t_page#1", "t_page#0")
    clone = tester.replay("t_page#0")
    assert tester.assert_replayed("t_page#0", by=clone.name).status == "replayed"
    tester.configure(t_late={"after": ["late", "page"], "run": "some_dag"}).fire("page")
    tester.assert_unstarted("t_late#0", missing={"late"})
    tester.assert_unstarted("t_late#0", missing="late")
    fires = tester.assert_fired("page", times=3)
    assert [fire.kwargs for fire in fires] == [{"number": 1}, {"number": 2}, {}]
    tester.assert_fired("page", times=1, kwargs={"number": 2})
    tester.assert_fired("received", kwargs={"age": 41})
    tester.assert_fired("never", times=0)


STORY = """\
The story of session 'session' (manager 'default'):
  fires:
    1. received {"age": 41}: created t_import#0, t_browser#0
    2. embedded {} by ann: touched t_browser#0 (its unless); abandoned t_browser#0
    3. page {"number": 1} after 90 s: created t_page#0
    4. complete {} after 90 s: touched t_import#0; scheduled t_import#0
    5. t_import {"subject": 17, "pages": [1, 2]} by t_import#0 after 90 s: created t_notify#0; touched t_page#0; \
scheduled t_page#0, t_notify#0
    6. page {"number": 2} after 90 s: created t_page#1; scheduled t_page#1
  instances:
    t_import#0: finished, result {"subject": 17, "pages": [1, 2]}
    t_page#0: failed, test_testing_assertions.ImportRefused: no room …
    t_page#1: scheduled, not run yet
    t_browser#0: abandoned, unless embedded
    t_notify#0: skipped
  tasks without an instance:
    t_score: waits for scored""".replace("test_testing_assertions", __name__)


def test_the_story_tells_the_fires_the_instances_and_what_they_lack(tester):
    assert tester.story() == STORY


def test_a_failed_assertion_prints_expectation_instance_traceback_and_story(tester):
    told = failure_of(tester.assert_finished, "t_page#0")
    first, instance, story = told.split("\n\n")
    assert first == f"t_page#0 is failed, {__name__}.ImportRefused: no room …; expected finished."
    assert story == STORY
    lines = instance.splitlines()
    assert lines[:3] == [
        "t_page#0:",
        "  status: failed",
        "  kwargs: {'page': {'number': 1}, 't_import': {'subject': 17, 'pages': [1, 2]}}",
    ]
    assert "  exceptionContext: {'room': 7}" in lines
    at = lines.index("  exceptionInfo:")
    assert lines[at + 1] == "    Traceback (most recent call last):"
    assert lines[-2:] == [f"    {__name__}.ImportRefused: no room", "    at all"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("t_imprt#0", "There is no instance 't_imprt#0'. Did you mean 't_import#0'?"),
        ("t_page#7", "There is no instance 't_page#7'. The instances of t_page are t_page#0 and t_page#1."),
        ("t_page", "There is no instance 't_page'. It is a trigger task; name an instance of it, as t_page#0. "
            "It has: t_page#0 and t_page#1."),
        ("t_score#0", "There is no instance 't_score#0'. t_score has none: nothing that concerns it has fired "
            "(scored)."),
        ("t_scoer#0", "There is no instance 't_scoer#0'. Did you mean 't_score'?"),
        ("zzz#0", "There is no instance 'zzz#0'."),
    ],
)  # fmt: skip
def test_an_unknown_instance_gets_what_was_meant(tester, name, expected):
    for assertion in (tester.assert_finished, tester.assert_unresolved_instances):
        assert failure_of(assertion, name) == f"{expected}\n\n{STORY}"


def test_each_status_has_its_assertion(tester):
    expected = {
        "finished": tester.assert_finished,
        "failed": tester.assert_failed,
        "unstarted": tester.assert_unstarted,
        "scheduled": tester.assert_scheduled,
        "running": tester.assert_running,
        "abandoned": tester.assert_abandoned,
        "skipped": tester.assert_skipped,
        "replayed": tester.assert_replayed,
    }
    for status, assertion in expected.items():
        tester.manager.update_instance_status("t_import#0", status)
        for other in expected.values():
            if other is not assertion:
                assert failure_of(other, "t_import#0").startswith(f"t_import#0 is {status}")
        assert assertion("t_import#0").status.value == status


def test_a_wrong_result_is_shown_as_a_difference(tester):
    told = failure_of(tester.assert_finished, "t_import#0", result={"subject": 18, "pages": [1, 2]})
    assert told.startswith(
        't_import#0 has the result {"subject": 17, "pages": [1, 2]}, expected {"subject": 18, "pages": [1, 2]}.\n'
        "    'pages': [1, 2]\n"
        "  - 'subject': 18\n"
        "  + 'subject': 17\n"
        "  (- expected, + found)\n"
    )
    assert failure_of(tester.assert_finished, "t_import#0", result=None).startswith(
        't_import#0 has the result {"subject": 17, "pages": [1, 2]}, expected null.'
    )


@pytest.mark.parametrize(
    ("arguments", "options", "expected"),
    [
        ([KeyError], {}, "expected builtins.KeyError."),
        (["ValueError"], {}, "expected ValueError."),
        (["somewhere.ImportRefused"], {}, "expected somewhere.ImportRefused."),
        ([], {"match": "^at"}, "with the message 'no room\\nat all', expected one that matches '^at'."),
    ],
)
def test_another_exception_is_told(tester, arguments, options, expected):
    told = failure_of(tester.assert_failed, "t_page#0", *arguments, **options)
    assert told.startswith("t_page#0 failed with ")
    assert told.splitlines()[0].endswith(expected)


def test_what_an_instance_lacks_is_compared_exactly(tester):
    tester.configure(t_late={"after": ["a", "b", "late"], "run": "some_dag"}).fire("late")
    for missing, shown in (({"a"}, "a"), ({"a", "b", "c"}, "a, b and c"), ((), "none")):
        told = failure_of(tester.assert_unstarted, "t_late#0", missing=missing)
        assert told.startswith(f"t_late#0 lacks a and b, expected that it lacks {shown}.")


def test_skips_and_replays_are_compared_with_what_was_asked(tester):
    tester.replay("t_page#0")
    assert failure_of(tester.assert_replayed, "t_page#0", by="t_page#1").startswith(
        "t_page#0 was replayed by t_page#2, expected t_page#1."
    )
    tester.run()
    tester.skip("t_page#2", cascade=True, result={"n": 1})
    tester.assert_skipped("t_page#2", cascade=True, result={"n": 1})
    assert failure_of(tester.assert_skipped, "t_page#2", cascade=False).startswith(
        "t_page#2 has the cascade true, expected false."
    )


def test_an_instance_that_should_not_be_is_shown(tester):
    assert failure_of(tester.assert_no_instance, "t_page").startswith(
        "t_page#0 and t_page#1 exist, expected no instance t_page.\n\nt_page#0:\n  status: failed"
    )
    assert failure_of(tester.assert_no_instance, "t_page#1").startswith(
        "t_page#1 exists, expected no instance"
    )
    assert failure_of(tester.assert_no_instance, "t_pge#1").startswith(
        "There is no trigger task 't_pge'. Did you mean 't_page'? The tasks are t_browser, t_import, t_notify, "
    )


def test_unresolved_tasks_and_instances_are_compared_exactly(tester):
    assert failure_of(tester.assert_unresolved_tasks, "t_page").startswith(
        "The unresolved tasks are t_page and t_score; expected t_page."
    )
    assert failure_of(tester.assert_unresolved_instances).startswith(
        "The unresolved instances are t_page#0 and t_page#1; expected none."
    )
    assert failure_of(tester.assert_unresolved_tasks, "t_pge").startswith(
        "There is no trigger task 't_pge'. Did"
    )


@pytest.mark.parametrize(
    ("trigger", "options", "expected"),
    [
        ("recieved", {}, "recieved was never fired; expected at least once. Did you mean 'received'?"),
        ("page", {"times": 1}, "page was fired twice; expected once."),
        ("page", {"times": 0}, "page was fired twice; expected never."),
        ("page", {"times": 2, "kwargs": {"number": 2}},
            'page was fired twice, once with {"number": 2}; expected twice.'),
        ("received", {"kwargs": {"age": 42, "n": 1}}, "received was fired once, never with "
            '{"age": 42, "n": 1}; expected at least once.\n  - \'age\': 42\n'),
    ],
)  # fmt: skip
def test_fires_that_were_not_as_expected_are_told(tester, trigger, options, expected):
    assert failure_of(tester.assert_fired, trigger, **options).startswith(expected)


def test_a_long_story_is_cut_in_the_middle():
    tester = SessionTester()
    for number in range(200):
        tester.fire("page", {"number": number})
    lines = tester.story().splitlines()
    assert len(lines) < 100
    assert "    … 120 more …" in lines
    assert lines[2].startswith('    1. page {"number": 0}')
    assert any(line.startswith('    200. page {"number": 199}') for line in lines)


def test_the_story_tells_what_abandons_from_what_is_waited_for():
    tasks = {
        "t_a": {"after": ["x", "y"], "unless": ["stop", "halt"]},
        "t_b": {"after": ["z"], "andEvery": "page", "unless": ["late"]},
    }
    tester = SessionTester({name: {"run": "some_dag", **task} for name, task in tasks.items()}, now=NOON)
    tester.fire("x")
    tester.fire("stop")
    lines = [line.strip() for line in tester.story().splitlines()]
    assert lines[3] == "2. stop {}: touched t_a#0 (its unless)"
    assert "t_a#0: unstarted, lacks y, unless halt fires" in lines
    assert "t_b: waits for page and z, unless late fires" in lines


def test_the_story_tells_the_fires_to_come():
    tester = SessionTester({"t_a": {"after": ["x"], "run": "some_dag"}}, now=NOON)
    tester.fire("x", {"n": 1}, fired_by="ann", fire_at=NOON + timedelta(minutes=1))
    assert tester.story().splitlines()[1:5] == [
        "  fires:",
        "    nothing was fired",
        "  fires to come:",
        '    x {"n": 1} by ann: comes with advance(seconds=60)',
    ]


def test_an_empty_session_has_a_story_too():
    assert SessionTester().story() == (
        "The story of session 'session' (manager 'default'):\n  fires:\n    nothing was fired\n  instances:\n"
        "    there are none\n  tasks without an instance:\n    the session has no tasks"
    )


def test_a_misspelt_trigger_is_told_in_the_story(tester):
    tester.fire("recieved", {"text": "x" * 500})
    (line,) = [line for line in tester.story().splitlines() if "recieved" in line]
    assert (
        line.endswith("…: no task names it. Did you mean 'received'?")
        or "after 90 s: no task names it. Did" in line
    )
    assert len(line) < 260


def test_an_exception_whose_class_is_unknown_here_is_compared_by_name():
    assert is_of_type("elsewhere.Broken", "elsewhere.Broken")
    assert not is_of_type("elsewhere.Broken", Exception)
    assert not is_of_type("builtins.print", Exception)
    assert not is_of_type("builtins.ValueError", KeyError)
    assert is_of_type("json.decoder.JSONDecodeError", ValueError)
