"""The commands of ``airflow triggers`` on a real database; the test plays the scheduler's part."""

from __future__ import annotations

import json

import pytest
import yaml
from airflow.cli.cli_parser import get_parser
from airflow.models.log import Log
from airflow.utils.platform import getuser
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import select, update

from airflow_triggers.controller.loop import Controller
from airflow_triggers.errors import DatabaseFailed, LockTimeout
from airflow_triggers.sessions.describing import describe_session, fires_of
from airflow_triggers.storages import tables
from tests.support.dags import deploy_configuration, play


@pytest.fixture
def survey(sqlite_airflow_db):
    return deploy_configuration(
        "survey",
        t_import={"after": ["firstPage"]},
        t_score={"after": ["t_import", "completion"]},
    )


@pytest.fixture
def airflow(survey, capsys):
    """Runs ``airflow triggers …`` in this process and gives its standard output."""

    def run(*arguments):
        args = get_parser().parse_args(["triggers", *arguments])
        capsys.readouterr()
        args.func(args)
        return capsys.readouterr().out

    return run


@pytest.fixture
def failed(airflow):
    """A session whose first instance failed."""
    airflow("fire", "order-1", "firstPage", "--kwargs", '{"n": 1}', "--configuration", "survey")
    play(describe_session("order-1").instances[0], "failed", exception={"exceptionType": "builtins.KeyError"})
    Controller().run_once()
    return "t_import#0"


def statuses():
    return {it.instance.name: it.instance.status.value for it in describe_session("order-1").instances}


def test_a_first_fire_makes_the_session_and_says_what_it_did(airflow):
    said = airflow(
        *("fire", "order-1", "firstPage", "--kwargs", '{"n": 1}', "--configuration", "survey"),
        *("--output", "json"),
    )

    answer = json.loads(said)
    assert answer["trigger"] == "firstPage"
    assert answer["scheduled"] == ["t_import#0"]
    assert answer["repeated"] is False
    assert describe_session("order-1").fires[0].fired_by == f"cli:{getuser()}"


def test_a_fire_repeated_with_its_key_counts_once(airflow):
    fire = (
        "fire",
        "order-1",
        "firstPage",
        "--configuration",
        "survey",
        "--idempotency-key",
        "k",
        "-o",
        "json",
    )
    first = json.loads(airflow(*fire))

    assert json.loads(airflow(*fire)) == {**first, "repeated": True}


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_a_session_is_shown_whole_for_programs(failed, airflow, output, read):
    shown = read(airflow("sessions", "show", "order-1", "--output", output))

    assert shown["configuration"] == "survey"
    assert shown["latest_triggers"] == {"firstPage": {"n": 1}}
    (instance,) = shown["instances"]
    assert instance["instance"] == "t_import#0"
    assert instance["status"] == "failed"
    assert instance["metadata"]["exceptionType"] == "builtins.KeyError"
    assert instance["dag_run_id"] == "triggers__order-1~t_import~0"
    assert [fire["trigger"] for fire in shown["fires"]] == ["firstPage"]


@pytest.mark.parametrize("output", ["table", "plain"])
def test_a_session_is_shown_as_a_table_for_people(airflow, output):
    airflow("fire", "order-1", "completion", "--configuration", "survey")

    shown = airflow("sessions", "show", "order-1", "--output", output)

    (line,) = [line for line in shown.splitlines() if "t_score#0" in line]
    assert "unstarted" in line
    assert "t_import" in line


def test_sessions_are_listed_page_by_page(airflow):
    for uid in ("b-1", "a-1", "a-2"):
        airflow("fire", uid, "completion", "--configuration", "survey")

    def listed(*arguments):
        page = json.loads(airflow("sessions", "list", "-o", "json", *arguments))
        return [session["uid"] for session in page["sessions"]]

    assert listed() == ["a-1", "a-2", "b-1"]
    assert listed("--limit", "2") == ["a-1", "a-2"]
    assert listed("--limit", "2", "--after", "a-2") == ["b-1"]
    assert listed("--prefix", "a") == ["a-1", "a-2"]
    assert listed("--configuration", "other") == []


def test_a_failed_instance_is_replayed_with_other_kwargs(failed, airflow):
    said = json.loads(
        airflow("replay", "order-1", failed, "--kwargs", '{"firstPage": {"n": 2}}', "--output", "json")
    )

    assert said["instance"] == "t_import#1"
    assert statuses()["t_import#0"] == "replayed"
    clone = describe_session("order-1").instances[1].instance
    assert clone.kwargs == {"firstPage": {"n": 2}}


def test_a_failed_instance_is_skipped_with_a_cascade(failed, airflow):
    airflow("skip", "order-1", failed, "--cascade", "--result", '{"rows": 0}')

    assert statuses() == {"t_import#0": "skipped", "t_score#0": "unstarted"}
    assert describe_session("order-1").latest_kwargs["t_import"] == {"rows": 0}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("sessions", "show", "order-9"), "There is no session 'order-9'"),
        (("fire", "order-9", "firstPage"), "There is no session 'order-9'"),
        (("replay", "order-9", "t_import#0"), "There is no session 'order-9'"),
        (("fire", "order-9", "firstPage", "--configuration", "survay"), "Did you mean 'survey'?"),
        (("fire", "a/b", "firstPage", "--configuration", "survey"), "'a/b'"),
    ],
)
def test_an_error_is_one_line_and_exit_code_1(airflow, capsys, arguments, complaint):
    with pytest.raises(SystemExit) as ended:
        airflow(*arguments)

    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert complaint in said
    assert len(said.splitlines()) == 1


def test_only_a_failed_instance_can_be_skipped(airflow, capsys):
    airflow("fire", "order-1", "completion", "--configuration", "survey")

    with pytest.raises(SystemExit):
        airflow("skip", "order-1", "t_score#0")

    assert "t_score#0: it is unstarted" in capsys.readouterr().err


def test_what_changes_a_session_gets_into_airflows_audit_log(failed, airflow):
    airflow("skip", "order-1", failed)

    with airflow_session() as session:
        events = set(session.scalars(select(Log.event)))
    assert {"cli_triggers_fire", "cli_triggers_skip"} <= events


def test_why_answers_in_words_and_as_data(failed, airflow):
    lines = airflow("why", "order-1", "t_import").splitlines()
    assert lines[0] == "t_import#0 failed, and waits for somebody to replay or skip it."
    assert lines[1] == "  After firstPage has fired, run module:t_import once."
    assert lines[3].startswith("  after     firstPage  arrived at ")
    assert "(its DAG run failed): KeyError" in lines[5]
    found = json.loads(airflow("why", "order-1", "t_import#0", "--output", "json"))
    assert (found["status"], found["reasons"][0]["code"]) == ("failed", "failed")
    assert found["requirements"][0]["fire"]["kwargs"] == {"n": 1}


def test_the_history_is_told_as_a_story_and_page_by_page(failed, airflow):
    told = airflow("history", "order-1").splitlines()
    assert [line.split("  ")[-1].strip() for line in told][:2] == [
        "The tasks t_import, t_score were configured.",
        "firstPage was fired: made t_import#0; scheduled t_import#0.",
    ]
    assert f"cli:{getuser()}" in told[1]
    cursor = json.loads(airflow("history", "order-1", "--limit", "1", "-o", "json"))["next"]
    assert len(airflow("history", "order-1", "--limit", "1").splitlines()) == 1
    page = json.loads(airflow("history", "order-1", "--before", cursor, "-o", "json"))
    assert [one["kind"] for one in page["entries"]] == ["fire", "configure"]
    assert page["next"] is None
    assert airflow("history", "order-1", "--touched-nothing") == "Nothing of that kind happened.\n"


def test_a_fire_that_touched_nothing_is_listed_with_what_was_meant(failed, airflow):
    airflow("fire", "order-1", "compleetion")
    (line,) = json.loads(airflow("unheard", "--output", "json"))["fires"]
    assert (line["uid"], line["trigger"], line["similar"]) == ("order-1", "compleetion", ["completion"])
    nothing = json.loads(airflow("unheard", "--trigger", "another", "--output", "json"))
    assert nothing == {"fires": [], "next": None}


def test_what_failed_is_listed_though_there_is_nothing(failed, airflow):
    for command in ("hooks", "asset-events"):
        assert airflow(command, "list", "--parked", "--output", "json").strip() == "[]"


def test_a_fire_for_later_is_listed_and_cancelled(failed, airflow):
    later = ("fire", "order-1", "completion", "--fire-at", "2931-05-17T08:00:00Z", "--output", "json")
    answer = json.loads(airflow(*later))
    delayed_id = str(answer["delayed_fire_id"])
    assert answer["fire_id"] is None
    page = json.loads(airflow("delayed-fires", "list", "--uid", "order-1", "--output", "json"))
    assert [(fire["uid"], fire["id"]) for fire in page["delayed_fires"]] == [("order-1", int(delayed_id))]
    assert "completion" in airflow("delayed-fires", "list")
    cancelled = json.loads(airflow("delayed-fires", "cancel", "order-1", delayed_id, "--output", "json"))
    assert cancelled["cancelled_by"] == f"cli:{getuser()}"
    page = json.loads(airflow("delayed-fires", "list", "--output", "json"))
    assert page == {"delayed_fires": [], "next": None}
    with pytest.raises(SystemExit):
        airflow("delayed-fires", "cancel", "order-1", delayed_id)


@pytest.mark.parametrize("cooldown", ["-1", "nan", "inf", "1e12"])
def test_a_cooldown_has_the_same_limits_as_everywhere(failed, airflow, capsys, cooldown):
    with pytest.raises(SystemExit) as ended:
        airflow("replay", "order-1", failed, "--cooldown", cooldown)
    assert ended.value.code == (1 if cooldown == "1e12" else 2)
    assert "cooldown" in capsys.readouterr().err
    assert statuses() == {failed: "failed"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("hooks", "call", "order-1", "7"),
        ("delayed-fires", "cancel", "order-1", "7"),
        ("delayed-fires", "retry", "order-1", "9" * 18),
        ("delayed-fires", "list", "--uid", "nobody"),
        ("delayed-fires", "list", "--after", "nothing"),
        ("asset-events", "retry", "7"),
        ("why", "order-1", "t_none"),
    ],
)
def test_what_is_not_there_ends_with_one_line(failed, airflow, capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        airflow(*arguments)
    assert ended.value.code == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_what_a_terminal_would_obey_is_printed_escaped(airflow, capsys):
    airflow("fire", "order-1", "firstPage", "--kwargs", '{"a": "\\u001b[31m"}', "--configuration", "survey")
    exception = {"exceptionType": "x.E\x1b[2J", "exceptionMessage": "no\x9b31m \u202e \r\nforged"}
    play(describe_session("order-1").instances[0], "failed", exception=exception)
    Controller().run_once()
    commands = [("history", "order-1"), ("why", "order-1", "t_import"), ("sessions", "show", "order-1")]
    commands += [
        (*command, "--output", output) for command in commands for output in ("json", "yaml", "plain")
    ]
    for command in commands:
        said = airflow(*command)
        assert not set("\x1b\x9b\x07\r\u202e") & set(said), command
    assert "x.E\\x1b[2J: no\\x9b31m \\u202e" in airflow("history", "order-1")
    with pytest.raises(SystemExit):
        airflow("why", "order-1", "t_\x1b[31mx")
    assert "\x1b" not in capsys.readouterr().err


def test_half_of_a_surrogate_pair_that_an_earlier_version_kept_is_printed(failed, airflow):
    with airflow_session() as session:
        session.execute(update(tables.instance).values(metadata={"file": "\udcff"}))
    for output in ("table", "json", "yaml", "plain"):
        assert "t_import#0" in airflow("sessions", "show", "order-1", "--output", output)


# -- files of fires -------------------------------------------------------------------------------------------


@pytest.fixture
def fire_file(airflow, tmp_path, capsys):
    """Fires lines of a file, and gives the account, the refusals and the exit code."""
    file = tmp_path / "events.jsonl"

    def fire(*lines, more=()):
        file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
        code = 0
        args = get_parser().parse_args(
            ["triggers", "fire", "--file", str(file), "--configuration", "survey", "-o", "json", *more]
        )
        capsys.readouterr()
        try:
            args.func(args)
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        return json.loads(captured.out), captured.err, code

    return fire


def line(uid, trigger="firstPage", **members):
    return {"session_uid": uid, "trigger": trigger, **members}


def test_the_lines_of_a_file_are_fired_once_however_often_it_is_run(fire_file, tmp_path):
    lines = [line(f"order-{number % 3}", "page", kwargs={"n": number}) for number in range(450)]

    first, refusals, code = fire_file(*lines)
    again, _, _ = fire_file(*lines)

    report = str(tmp_path / "events.jsonl.report")
    assert (first, refusals, code) == (
        {"fired": 450, "fired_before": 0, "refused": 0, "report": report},
        "",
        0,
    )
    assert again == {"fired": 0, "fired_before": 450, "refused": 0, "report": report}
    fires = [fire.kwargs["n"] for fire in fires_of("order-1", limit=1000)]
    assert fires[::-1] == list(range(1, 450, 3))


def test_a_byte_order_mark_is_no_part_of_the_first_line(fire_file):
    account, refusals, code = fire_file(f"\N{ZERO WIDTH NO-BREAK SPACE}{json.dumps(line('order-1'))}")
    assert (account["fired"], refusals, code) == (1, "", 0)


def test_a_line_that_was_fired_and_not_reported_counts_once(fire_file, tmp_path):
    report = tmp_path / "events.jsonl.report"
    fire_file(line("order-1"), line("order-2"))
    header, first, _ = report.read_text().splitlines()
    report.write_text(f"{header}\n{first}\n")

    account, _, code = fire_file(line("order-1"), line("order-2"))

    assert (account["fired"], account["fired_before"], code) == (1, 1, 0)
    assert json.loads(report.read_text().splitlines()[-1])["repeated"] is True
    assert len(describe_session("order-2").fires) == 1


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("{", "it cannot be read"),
        ("[]", "it is no JSON object"),
        ('{"session_uid": "a", "session_uid": "b", "trigger": "x"}', "it must not have a key twice"),
        ({"trigger": "page"}, "it lacks 'session_uid'"),
        (line("a", triger="x"), "Did you mean trigger?"),
        (line("a/b"), "'a/b'"),
        (line("order-1", kwargs=[1]), "kwargs"),
        (line("order-1", kwargs={"n": 2**70}), "n"),
        (line("order-1", fire_at="soon"), "'fire_at' is a string, a moment"),
        (line("order-1", fire_at=7), "'fire_at' is a string, a moment"),
        (line("order-1", configuration=7), "'configuration' is a name"),
        (line("order-1", configuration="survay"), "survay"),
        (line("order-1", idempotency_key=""), "An idempotency key is"),
        (line("order-1", "a\x1b[31m"), "A trigger's name"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_fired(fire_file, wrong, complaint):
    account, refusals, code = fire_file(line("order-1"), wrong, line("order-2"))

    assert (account["fired"], account["refused"], code) == (2, 1, 1)
    assert refusals.startswith("line 2: ")
    assert complaint in refusals
    assert (refusals.count("\n"), "\x1b" in refusals) == (1, False)
    corrected, _, code = fire_file(line("order-1"), line("order-3"), line("order-2"))
    assert (corrected["fired"], corrected["fired_before"], code) == (1, 2, 0)


def test_lines_have_everything_that_a_fire_has(fire_file):
    account, _, _ = fire_file(
        line("order-1", kwargs={"n": 1}, idempotency_key="k", manager="default"),
        line("order-1", kwargs={"n": 1}, idempotency_key="k"),
        line("order-1", "completion", fire_at="2931-05-17T08:00:00Z", kwargs=None),
    )

    session = describe_session("order-1")
    assert account["fired"] == 3
    assert [fire.idempotency_key for fire in session.fires] == ["k"]
    assert [fire.trigger_name for fire in session.delayed_fires] == ["completion"]


def test_lines_of_stdin_are_fired(fire_file, airflow, tmp_path, monkeypatch):
    path = tmp_path / "piped"
    path.write_text(json.dumps(line("order-1")))
    report = str(tmp_path / "report")
    with path.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        shown = airflow(
            "fire", "--file", "-", "--report", report, "--configuration", "survey", "--output", "json"
        )

    assert json.loads(shown) == {"fired": 1, "fired_before": 0, "refused": 0, "report": report}


def test_a_database_that_fails_ends_the_run_and_the_next_goes_on(fire_file, monkeypatch, tmp_path):
    from airflow_triggers.cli import firing

    fire_all = firing.fire_all
    fails = iter([False, True])
    monkeypatch.setattr(firing, "CHUNK", 1)
    monkeypatch.setattr(
        firing,
        "fire_all",
        lambda requests, **options: (
            [DatabaseFailed("The database is away.")] if next(fails, False) else fire_all(requests, **options)
        ),
    )
    with pytest.raises(json.JSONDecodeError):
        fire_file(line("order-1"), line("order-2"), line("order-3"))
    account, _, code = fire_file(line("order-1"), line("order-2"), line("order-3"))

    assert (account["fired"], account["fired_before"], code) == (2, 1, 0)


def test_a_line_does_not_overtake_one_that_a_lock_held_up(fire_file, monkeypatch):
    from airflow_triggers.cli import firing

    fire_all = firing.fire_all
    locked = iter([True])
    monkeypatch.setattr(firing, "CHUNK", 1)
    monkeypatch.setattr(
        firing,
        "fire_all",
        lambda requests, **options: (
            [LockTimeout("The session is locked.")] if next(locked, False) else fire_all(requests, **options)
        ),
    )
    lines = [line("order-1", kwargs={"n": 1}), line("order-2"), line("order-1", kwargs={"n": 2})]
    account, refusals, code = fire_file(*lines)
    assert (account["fired"], account["refused"], code) == (1, 2, 1)
    assert "must not overtake" in refusals
    fire_file(*lines)

    assert [fire.kwargs["n"] for fire in describe_session("order-1").fires] == [2, 1]


# -- sessions, instances, health ------------------------------------------------------------------------------


def test_a_session_is_created_once(airflow):
    create = ("sessions", "create", "order-1", "--configuration", "survey", "--output", "json")
    made = json.loads(airflow(*create, "--metadata", '{"country": "NL"}'))
    again = json.loads(airflow(*create))

    assert (made["uid"], made["configuration"], made["metadata"]) == ("order-1", "survey", {"country": "NL"})
    assert (made["is_new"], again["is_new"]) == (True, False)
    assert "order-1" in airflow(*create[:-2])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("order-1", "--configuration", "survay"), "Did you mean 'survey'?"),
        (("a/b", "--configuration", "survey"), "'a/b'"),
        (("order-1", "--configuration", "survey", "--manager", "nobody"), "nobody"),
        (("order-1", "--configuration", "survey", "--storage", "nowhere"), "nowhere"),
    ],
)
def test_a_session_that_cannot_be_is_not_created(airflow, capsys, arguments, complaint):
    with pytest.raises(SystemExit) as ended:
        airflow("sessions", "create", *arguments)

    said = capsys.readouterr().err
    assert (ended.value.code, len(said.splitlines())) == (1, 1)
    assert complaint in said


def test_an_instance_is_shown(failed, airflow):
    shown = json.loads(airflow("instances", "show", "order-1", failed, "--output", "json"))

    assert (shown["name"], shown["status"], shown["can_replay"]) == (failed, "failed", True)
    assert "failed" in airflow("instances", "show", "order-1", failed)
    with pytest.raises(SystemExit):
        airflow("instances", "show", "order-1", "t_none#0")


def test_the_health_is_shown_and_an_exit_code_says_that_it_is_bad(airflow, capsys):
    with pytest.raises(SystemExit) as ended:
        airflow("health", "--output", "json")

    health = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1
    assert (health["status"], health["controllers"]["alive"]) == ("unhealthy", 0)
    assert "No triggers controller has run" in health["reason"]
