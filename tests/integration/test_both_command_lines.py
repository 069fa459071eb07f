"""``airflow triggers`` and the client's ``triggers`` answer alike, and do alike.

The client asks an API in this process.
"""

from __future__ import annotations

import json
from datetime import datetime

import httpx
import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.cli.cli_parser import get_parser
from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import delete

from airflow_triggers.sessions import create_session, describe_session, fire_into
from airflow_triggers.sessions.bulk_acts import bulk_act_of
from airflow_triggers_client import Retries, TriggersClient
from airflow_triggers_client.cli import main as client_command
from tests.support.answers import OLDER_NAMES, WHOLE_FIRE, assert_alike, without_acts
from tests.support.api import mounted_api
from tests.support.dags import deploy_configuration, play

LATER = "2931-05-17T08:00:00Z"

FLAT_EFFECT = {"created", "scheduled", "changed", "abandoned"}
"""A migrated session's effect, also at the top, where scripts read it."""


CLIENTS = {"chain", "run"}
"""Keys of a shown instance that only the client's command needs to have."""


@pytest.fixture
def api(sqlite_airflow_db, monkeypatch):
    deploy_configuration(
        "survey",
        t_import={"after": ["firstPage"], "andEvery": "page"},
        t_score={"after": ["t_import", "completion"], "unless": ["embedded"]},
    )
    transport = mounted_api(monkeypatch).client()._transport
    monkeypatch.setattr(
        client_command,
        "_client",
        lambda args: TriggersClient(
            "http://testserver",
            token="admin",
            http=httpx.Client(transport=transport),
            retries=Retries(patience=0),
        ),
    )
    yield
    purge_cached_app()


@pytest.fixture
def here(api, capsys):
    """Runs ``airflow triggers …``: the exit code and what it printed."""

    def run(*arguments):
        capsys.readouterr()
        code = 0
        try:
            args = get_parser().parse_args(["triggers", *arguments])
            capsys.readouterr()
            args.func(args)
        except SystemExit as end:
            code = end.code
        return code, capsys.readouterr()

    return run


@pytest.fixture
def there(api, capsys):
    """Runs the client's ``triggers …``: the exit code and what it printed."""

    def run(*arguments):
        capsys.readouterr()
        try:
            code = client_command.main(arguments)
        except SystemExit as end:
            code = end.code
        return code, capsys.readouterr()

    return run


def answer(run, *arguments):
    code, captured = run(*arguments, "--output", "json")
    assert (code, captured.err.count("Traceback")) == (0, 0), captured.err
    # The API in this process may log on stdout.
    return json.loads(captured.out.splitlines()[-1])


@pytest.fixture
def order(api, controller):
    """A session with something of everything that answers have."""
    create_session("order-1", configuration="survey", metadata={"country": "NL"})
    fire_into("order-1", "firstPage", {"n": 1}, fired_by="ann")
    fire_into("order-1", "page", {"n": 2}, idempotency_key="k")
    fire_into("order-1", "compleetion", {"n": 3}, fired_by="ann")
    fire_into("order-1", "completion", {"n": 4}, fire_at=datetime.fromisoformat(LATER))
    play(describe_session("order-1").instances[0], "failed", exception={"exceptionType": "builtins.KeyError"})
    controller.run_once()


READS = (
    "sessions list",
    "sessions list --prefix order --configuration survey",
    "configurations list",
    "configurations show survey",
    "configurations explain survey",
    "configurations graph survey",
    "extensions",
    "sessions list --has-failed --order-by newest --contains rder --resolved no",
    "sessions list --open --idle-for 0 --order-by oldest",
    "sessions show order-1",
    "instances list",
    "instances list --status failed --configuration survey --task t_import --replayed no --session order",
    "instances list --since 2026-01-01T00:00:00Z --until 2931-01-01T00:00:00Z --stuck no",
    "instances list --error-type builtins.KeyError --limit 1",
    "instances counts --status failed --group-by configuration --group-by task --group-by error_type",
    "instances counts --group-by status",
    "instances show order-1 t_import#0",
    "why order-1 t_score",
    "history order-1",
    "unheard",
    "delayed-fires list --uid order-1",
    "delayed-fires list",
    "delayed-fires list --uid order-1 --parked",
    "fire order-1 page --idempotency-key k --kwargs n=2",
)
"""Commands of both command lines that can be run twice."""


@pytest.mark.parametrize("line", READS)
def test_both_print_alike(order, here, there, line):
    by_airflow = answer(here, *line.split())
    assert by_airflow
    extra = OLDER_NAMES | WHOLE_FIRE | {"session_uid"}
    by_client = without_acts(answer(there, *line.split()))
    if line.startswith("instances show"):
        assert by_client.keys() >= CLIENTS
        by_client = {key: value for key, value in by_client.items() if key not in CLIENTS}
    assert_alike(by_client, by_airflow, extra=extra | CLIENTS)


@pytest.mark.parametrize(
    ("line", "items", "option"),
    [
        ("unheard", "fires", "--before"),
        ("sessions list", "sessions", "--after"),
        ("sessions list --order-by newest", "sessions", "--after"),
        ("instances list", "instances", "--after"),
        ("history order-2", "entries", "--before"),
        ("delayed-fires list", "delayed_fires", "--after"),
        ("delayed-fires list --uid order-1", "delayed_fires", "--after"),
    ],
)
def test_both_say_where_a_list_goes_on(api, here, there, line, items, option):
    for number in range(3):
        fire_into(f"order-{number}", "firstPage", configuration="survey")
        fire_into(f"order-{number}", "payd")
        fire_into("order-1", "page", configuration="survey", fire_at=datetime.fromisoformat(LATER))
    for run in (here, there):
        whole = answer(run, *line.split())
        assert (len(whole[items]), whole["next"]) == (3, None)
        listed, more = [], ()
        while more is not None:
            page = answer(run, *line.split(), "--limit", "1", *more)
            listed += page[items]
            more = None if page["next"] is None else (option, str(page["next"]))
        assert listed == whole[items]
        _, captured = run(*line.split(), "--limit", "1")
        assert f": {option} " in captured.err
        assert f": {option} " not in captured.out
        assert run(*line.split(), "--limit", "3")[1].err == ""


@pytest.mark.parametrize("noun", ["hooks", "asset-events"])
def test_both_list_nothing_that_failed(order, here, there, noun):
    assert answer(there, noun, "list", "--parked") == answer(here, noun, "list", "--parked") == []
    for run in (here, there):
        assert run("asset-events", "retry", "7")[0] == 1


def test_both_migrate_alike(order, here, there, monkeypatch):
    # Airflow rewrites a serialized DAG once in 30 seconds at most.
    monkeypatch.setenv("AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL", "0")
    deploy_configuration(
        "survey", t_import={"after": ["firstPage"], "andEvery": "page"}, t_new={"after": ["firstPage"]}
    )
    line = "sessions migrate --configuration survey --history apply --dry-run"
    by_airflow = answer(here, *line.split())

    assert [session["outcome"] for session in by_airflow] == ["moved"]
    assert_alike(answer(there, *line.split()), by_airflow, extra=FLAT_EFFECT)


RULES = '{"t_late":{"after":["firstPage"],"run":"survey.t_import"}}'

ACTS = (
    "sessions create new-{} --configuration survey",
    "replay order-{} t_import#0",
    "skip order-{} t_import#0 --cascade",
    "status order-{} t_import#0 --to finished --cascade --metadata {{}}",
    "metadata order-{} t_import#0 --set ticket=OPS-17 --set n=3",
    "resolve-logs order-{} t_import#0",
    f"sessions update order-{{}} --history apply --dry-run --tasks {RULES.replace('{', '{{').replace('}', '}}')}",
    f"sessions update order-{{}} --tasks {RULES.replace('{', '{{').replace('}', '}}')}",
    "sessions delete order-{} --force",
)


@pytest.mark.parametrize("line", ACTS)
def test_both_do_alike(here, there, controller, line):
    for uid in ("order-1", "order-2"):
        create_session(uid, configuration="survey")
        fire_into(uid, "firstPage", {"n": 1})
        fire_into(uid, "page", {"n": 2})
        play(describe_session(uid).instances[0], "failed")
    controller.run_once()
    ours, theirs = (answer(run, *line.format(number).split()) for run, number in ((here, 1), (there, 2)))

    assert_alike(theirs, ours, values=False, extra=OLDER_NAMES | {"is_new"})
    assert ours.get("status") == theirs.get("status")


def test_an_update_says_what_it_would_do_and_does_it_in_both(here, there, tmp_path):
    file = tmp_path / "late.json"
    file.write_text(RULES)
    for uid, run in (("order-1", here), ("order-2", there)):
        fire_into(uid, "firstPage", configuration="survey")
        line = ("sessions", "update", uid, "--tasks", f"@{file}", "--history", "apply")
        preview = answer(run, *line, "--dry-run")
        assert (preview["preview"], preview["scheduled"]) == (True, ["t_late#0"])
        assert len(describe_session(uid).instances) == 1
        assert answer(run, *line) == {**preview, "preview": False}
        assert len(describe_session(uid).instances) == 2
        code, captured = run("sessions", "update", uid, "--tasks", RULES)
        assert (code, "t_late#0" in captured.out) == (0, False)


@pytest.mark.parametrize(
    ("tasks", "complaint"),
    [
        ("{}", "tasks"),
        ('{"t_late": {"run": "survey.t_import"}}', "after"),
        ('{"t_late": {"after": ["x"], "run": "survey.t_imporf"}}', "survey.t_import"),
        ('{"t_late": 7}', "7"),
        ('{"t_late": {"after": ["x"], "run": "os:getpid", "using": "threading"}}', "threading"),
    ],
)
def test_rules_that_are_not_accepted_are_one_sentence_in_both(order, here, there, tasks, complaint):
    for run in (here, there):
        code, captured = run("sessions", "update", "order-1", "--tasks", tasks)
        assert (code, captured.out) == (1, "")
        assert complaint in captured.err
        assert captured.err.count("\n") == 1
    assert len(describe_session("order-1").tasks.tasks) == 2


@pytest.mark.parametrize("tasks", ["@nowhere.json", "7", "{", '{"t_x": {}, "t_x": {}}'])
def test_rules_that_cannot_be_read_are_wrong_arguments_in_both(order, here, there, tasks):
    for run in (here, there):
        code, captured = run("sessions", "update", "order-1", "--tasks", tasks)
        assert (code, captured.out) == (2, "")
        assert "--tasks" in captured.err


@pytest.fixture
def failures(api, controller):
    """Six failed instances, and the controller that does bulk acts."""
    for number in range(6):
        fire_into(f"bulk-{number}", "firstPage", configuration="survey")
        fire_into(f"bulk-{number}", "page")
        play(describe_session(f"bulk-{number}").instances[0], "failed")
    controller.run_once()
    return controller


BULK = (
    "replay --status failed --configuration survey",
    "replay --all",
    "skip --session bulk- --task t_import --replayed no",
    "status --to skipped --status failed",
    "metadata --status failed --set ticket=OPS-17",
    "resolve-logs --since 2026-01-01T00:00:00Z",
)


@pytest.mark.parametrize("line", BULK)
def test_both_say_alike_what_a_bulk_act_would_do(failures, here, there, line):
    ours, theirs = (answer(run, *line.split(), "--dry-run") for run in (here, there))

    assert (ours["total"], ours["allowed"]) == (6, 6)
    assert theirs == ours
    assert answer(here, "bulk-acts", "list")["bulk_acts"] == []


@pytest.mark.parametrize("line", BULK)
def test_a_bulk_act_is_made_listed_watched_and_its_outcomes_are_shown(failures, here, there, line):
    # In this process nothing else runs the controller.
    made = answer(here, *line.split(), "--yes", "--rate", "1000")
    assert (made["state"], made["total"], made["pending"]) == ("pending", 6, 6)
    assert_alike(without_acts(answer(there, "bulk-acts", "show", str(made["id"]))), made)
    while bulk_act_of(made["id"]).ended is None:
        # A pass has a budget of time.
        failures.run_once()

    watched = answer(there, "bulk-acts", "watch", str(made["id"]), "--interval", "0.01")
    # A failed run leaves no unresolved log message.
    outcome = "unchanged" if line.startswith("resolve-logs") else "done"
    assert (watched["state"], watched["counts"][outcome]) == ("done", 6)
    for subcommand in (
        ["list"],
        ["watch", str(made["id"])],
        ["outcomes", str(made["id"]), "--outcome", outcome],
    ):
        by_client = without_acts(answer(there, "bulk-acts", *subcommand))
        assert_alike(by_client, answer(here, "bulk-acts", *subcommand))
    for run in (here, there):
        code, shown = run("bulk-acts", "list")
        assert (code, f"6 {outcome}" in shown.out) == (0, True)


def test_a_bulk_act_is_cancelled_and_watching_it_ends_with_1(failures, here, there):
    for run in (here, there):
        made = answer(run, "replay", "--status", "failed", "--yes")
        assert answer(run, "bulk-acts", "cancel", str(made["id"]))["state"] == "cancelled"
        assert run("bulk-acts", "watch", str(made["id"]))[0] == 1
        code, captured = run("bulk-acts", "cancel", str(made["id"]))
        assert (code, captured.err.count("\n")) == (1, 1)


@pytest.mark.parametrize(
    ("line", "code", "complaint"),
    [
        ("replay", 2, "or a filter, such as"),
        ("replay order-1", 2, "and a task instance"),
        ("replay order-1 t_import#0 --status failed", 2, "--status is for many instances"),
        ("replay order-1 t_import#0 --dry-run", 2, "--dry-run is for many instances"),
        ("skip order-1 t_import#0 --all", 2, "--all is for many instances"),
        ("skip --all --status failed", 2, "--all and --status exclude each other"),
        ("skip --all --replayed no", 2, "--all and --replayed exclude each other"),
        ("skip --all --error-type E", 2, "--all and --error-type exclude each other"),
        ("replay order-1 --all", 2, "--all is for many instances"),
        ("replay order-1 --status failed", 2, "--status is for many instances"),
        ("replay --all --dry-run --watch", 2, "--watch waits for one"),
        ("skip --dry-run", 2, "or a filter, such as"),
        ("resolve-logs --stuck-after 5 --dry-run", 2, "give --stuck with it"),
        ("skip --stuck-after 0 --yes", 2, "give --stuck with it"),
        ("instances list --stuck-after 5", 2, "give --stuck with it"),
        ("instances counts --stuck-after 5 --status failed", 2, "give --stuck with it"),
        ("skip --all", 1, "In scripts, give --yes."),
        ("skip --all --rate 5000 --yes", 1, "rate"),
        ("skip --configuration a\x01b --yes", 1, "configuration"),
        ("bulk-acts show 999", 1, "999"),
        ("bulk-acts outcomes 999", 1, "999"),
        ("bulk-acts watch 999", 1, "999"),
    ],
)
def test_a_bulk_act_or_list_that_cannot_be_is_one_sentence_in_both(
    failures, here, there, line, code, complaint
):
    for run in (here, there):
        ended_with, captured = run(*line.split(" "))
        assert (ended_with, captured.out) == (code, ""), captured.err
        assert complaint in captured.err
        assert "\x01" not in captured.err
    assert answer(here, "bulk-acts", "list")["bulk_acts"] == []


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("resolve-logs --session  --dry-run", "--session"),
        ("replay --status failed --task  --yes", "--task"),
        ("skip --error-type  --yes", "--error-type"),
        ("metadata --set a=1 --configuration  --yes", "--configuration"),
        ("instances list --session ", "--session"),
        ("sessions list --prefix ", "--prefix"),
        ("sessions list --waiting-for ", "--waiting-for"),
        ("sessions migrate --configuration survey --prefix ", "--prefix"),
        ("history bulk-0 --trigger ", "--trigger"),
        ("delayed-fires list --uid ", "--uid"),
    ],
)
def test_an_empty_condition_narrows_nothing_and_is_refused_in_both(failures, here, there, line, option):
    """As of a variable of a script that is not set."""
    for run in (here, there):
        code, captured = run(*line.split(" "))
        assert (code, captured.out) == (2, "")
        assert f"{option}: expected a text that is not empty, found ''" in captured.err
    assert answer(here, "bulk-acts", "list")["bulk_acts"] == []


@pytest.mark.parametrize(
    "line",
    [
        "sessions list",
        "sessions list --has-failed --output json",
        "unheard",
        "instances list --status failed",
        "instances counts --group-by task",
        "replay --dry-run",
        "replay --yes",
        "clean --before 2931-01-01T00:00:00Z --dry-run",
    ],
)
def test_a_list_of_an_unknown_configuration_is_empty_and_names_the_near_one(order, here, there, line):
    # Only the operator's command cleans.
    for run in (here,) if line.startswith("clean") else (here, there):
        code, captured = run(*line.split(), "--configuration", "survay")
        assert code == 0
        assert "There is no deployed configuration 'survay'" in captured.err
        assert "Did you mean 'survey'?" in captured.err
        _, captured = run(*line.split(), "--configuration", "survey")
        assert "There is no deployed configuration" not in captured.err


def test_a_dry_run_says_that_its_rows_are_a_sample(order, here, there):
    for number in range(21):
        fire_into(f"more-{number}", "firstPage", configuration="survey")
    for run in (here, there):
        whole = run("metadata", "--session", "more-1", "--set", "a=1", "--dry-run")[1].err
        assert "instances of" in whole
        assert "sample" not in whole
        _, captured = run("metadata", "--session", "more-", "--set", "a=1", "--dry-run")
        assert captured.err == (
            "It would act on 21 instances of 21; 0 would be unchanged, 0 refused. The 20 above are a sample.\n"
        )


def test_a_bulk_act_without_instances_says_so(order, here, there):
    for run in (here, there):
        _, captured = run("replay", "--configuration", "survey", "--task", "t_score", "--yes")
        assert captured.err == "No instance matches the filter: the bulk act does nothing.\n"


def test_an_empty_list_of_a_configuration_that_was_deployed_once_is_an_answer(order, here, there):
    with airflow_session() as session:
        session.execute(delete(SerializedDagModel))
    for run in (here, there):
        for line in ("sessions list --after order-1", "unheard --trigger firstPage"):
            _, captured = run(*line.split(), "--configuration", "survey")
            assert captured.err == ""


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("sessions show nowhere", "nowhere"),
        ("instances show order-1 t_none#0", "t_none#0"),
        ("instances list --after nowhere", "next"),
        ("configurations show survay", "survay"),
        ("configurations graph survay --form mermaid", "survay"),
        ("configurations validate nowhere.yaml", "nowhere.yaml"),
        ("instances list --stuck --stuck-after 1e12", "stuck_after"),
        ("instances list --task \x1b[31m", "task"),
        ("sessions list --order-by newest --after nowhere", "next"),
        ("sessions list --version \x1b", "version"),
        ("instances show order-1 t_none", "t_none"),
        ("history order-1 --instance nope", "nope"),
        ("history order-1 --instance t_import", "instance"),
        ("history order-1 --instance t_import#01", "t_import#01"),
        (f"history order-1 --trigger {'x' * 201}", "1-200 printable characters"),
        (f"unheard --trigger {'x' * 201}", "1-200 printable characters"),
        (f"sessions list --waiting-for {'x' * 201}", "1-200 printable characters"),
        ("status order-1 t_import#0 --to failed", "failed"),
        ("status order-1 t_import#0 --to failed --cascade", "cascade"),
        ("metadata order-1 t_import#0 --set {}", "metadata"),
        ("metadata order-1 t_import#0 --set parent=x", "parent"),
        ("resolve-logs nowhere t_import#0", "nowhere"),
        ("replay order-1 t_import#7", "t_import#7"),
        ("sessions create order-1 --configuration survay", "survay"),
        ("sessions migrate --configuration survay", "survay"),
        ("sessions delete order-1", "order-1"),
        ("delayed-fires cancel order-1 999", "999"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_in_both(order, here, there, line, complaint):
    for run in (here, there):
        code, captured = run(*line.split())
        assert (code, captured.out) == (1, "")
        assert complaint in captured.err
        assert captured.err.count("\n") == 1


@pytest.mark.parametrize("form", ["text", "mermaid"])
def test_both_draw_a_configuration_alike(api, here, there, form):
    drawings = [run("configurations", "graph", "survey", "--form", form)[1].out for run in (here, there)]

    assert drawings[0] == drawings[1]
    assert "t_score" in drawings[0]


def test_both_validate_a_file_alike(api, here, there, tmp_path):
    file = tmp_path / "survey.yaml"
    file.write_text("t_import:\n  aftr: [firstPage]\n  run: module:t_import\n")
    answers = [run("configurations", "validate", str(file), "--output", "json") for run in (here, there)]

    assert [code for code, _ in answers] == [1, 1]
    assert json.loads(answers[0][1].out) == json.loads(answers[1][1].out)
    for run in (here, there):
        code, captured = run("configurations", "validate", str(file))
        assert (code, "survey.yaml" in captured.out) == (1, True)
