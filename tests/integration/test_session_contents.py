"""A session in bounded parts: its description, the pages of its instances and hooks, one instance with its chain."""

from __future__ import annotations

import pytest
from airflow import settings
from airflow.api_fastapi.app import purge_cached_app
from sqlalchemy import event, func, insert, select, text, update

from airflow_triggers import history
from airflow_triggers.domain.fires import FireFilter
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.states import Event
from airflow_triggers.sessions import describe_session, pages
from airflow_triggers.sessions.describing import Bounds
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import tables
from airflow_triggers.storages.transaction import is_sqlite, transaction
from tests.support.api import Allowed, mounted_api
from tests.support.dags import deploy_configuration
from tests.support.statements import statements

SESSIONS = "api/v1/sessions"
SMALL = Bounds(instances=3, fires=2, delayed_fires=1, hooks=1, triggers=2)


@pytest.fixture
def survey(airflow_db):
    deploy_configuration(
        "survey",
        t_import={"after": ["firstPage"], "andEvery": "page"},
        t_wait={"after": ["never"], "andEvery": "page"},
    )
    create_session("order-1", configuration="survey")
    return airflow_db


@pytest.fixture
def api(survey, monkeypatch):
    yield mounted_api(monkeypatch)
    purge_cached_app()


def with_pages(number, uid="order-1"):
    fire_into(uid, "firstPage", configuration="survey")
    for place in range(number):
        fire_into(uid, "page", {"n": place})


def read(client, path=""):
    answer = client.get(f"{SESSIONS}/order-1{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def fail(name):
    manager = open_session("order-1")
    manager.record_progress(name, Event.START)
    manager.record_progress(name, Event.FAIL)


# -- the session ------------------------------------------------------------------------------------------------


def test_a_description_has_the_newest_of_each_list_and_counts_of_all(survey):
    with_pages(4)
    description = describe_session("order-1", bounds=SMALL)
    names = [view.instance.name for view in description.instances]
    assert names == ["t_import#3", "t_wait#2", "t_wait#3"]
    assert description.task_counts == {"t_import": {"scheduled": 4}, "t_wait": {"unstarted": 4}}
    assert [fire.kwargs for fire in description.fires] == [{"n": 3}, {"n": 2}]
    assert description.left_out.instances
    assert description.left_out.fires
    assert not description.left_out.triggers
    assert description.latest_kwargs == {"firstPage": {}, "page": {"n": 3}}


def test_triggers_of_the_rules_come_first_if_there_are_too_many(survey):
    for number in range(5):
        fire_into("order-1", f"another-{number}")
    with_pages(1)
    description = describe_session("order-1", bounds=SMALL)
    assert description.latest_kwargs.keys() == {"firstPage", "page"}
    assert description.left_out.triggers


def test_a_session_says_where_the_rest_is_and_what_one_may_do(api):
    with_pages(60)
    client = api.client("admin")
    shown = read(client)
    assert (len(shown["instances"]), shown["instances_total"]) == (25, 120)
    assert shown["task_counts"] == {"t_import": {"scheduled": 60}, "t_wait": {"unstarted": 60}}
    rest = read(client, f"/instances?after={shown['instances_next']}")
    names = {instance["name"] for instance in (*shown["instances"], *rest["instances"])}
    assert len(names) == 75
    more = read(client, "?limit=100")
    assert (len(more["instances"]), len(more["fires"])) == (100, 61)
    rest = read(client, f"/instances?after={more['instances_next']}")
    assert len({instance["name"] for instance in (*more["instances"], *rest["instances"])}) == 120
    assert rest["next"] is None
    assert {name: act["allowed"] for name, act in shown["acts"].items()} == {
        "fire": True,
        "delete": True,
        "update": True,
    }
    api.let("ann", Allowed(methods={"GET"}))
    acts = read(api.client("ann"))["acts"]
    assert not any(act["allowed"] for act in acts.values())
    assert acts["fire"]["reason"].startswith("You may not create runs of any of its DAGs.")


# -- its pages --------------------------------------------------------------------------------------------------


def test_pages_of_instances_have_each_once_newest_first_though_new_ones_come(survey):
    with_pages(6)
    names, cursor = [], None
    while True:
        page = pages.list_instances("order-1", limit=5, after=cursor)
        names += [view.instance.name for view in page.views]
        fire_into("order-1", "page")
        if (cursor := page.next) is None:
            break
    expected = [f"{task}#{number}" for number in range(5, -1, -1) for task in ("t_wait", "t_import")]
    assert names == expected


def test_pages_of_instances_are_filtered_by_task_and_status(survey):
    with_pages(3)
    fail("t_import#1")

    def listed(**which):
        return [view.instance.name for view in pages.list_instances("order-1", **which).views]

    assert listed(task="t_import") == ["t_import#2", "t_import#1", "t_import#0"]
    assert listed(statuses=[InstanceStatus.FAILED]) == ["t_import#1"]
    assert listed(task="t_wait", statuses=[InstanceStatus.FAILED]) == []
    both = [InstanceStatus.FAILED, InstanceStatus.SCHEDULED]
    assert listed(statuses=both, limit=2) == ["t_import#2", "t_import#1"]


def test_an_unreadable_instance_is_on_its_page_beside_the_others(survey):
    with_pages(2)
    with transaction() as session:
        columns = tables.instance.c
        broken = update(tables.instance).where(columns.task_name == "t_import", columns.number == 1)
        session.execute(broken.values(status="lost"))
    names = {view.instance.name for view in pages.list_instances("order-1").views}
    assert names == {"t_import#0", "t_import#1", "t_wait#0", "t_wait#1"}


def test_hooks_are_listed_by_pages(api):
    client = api.client("admin")
    with transaction() as session:
        owner = select(tables.session.c.id).where(tables.session.c.uid == "order-1").scalar_subquery()
        row = {
            "hook": "_post_fire",
            "arguments": {},
            "attempts": 1,
            "due": open_session("order-1").storage.now(),
        }
        for _ in range(3):
            session.execute(insert(tables.hook).values(session_id=owner, **row))
    first = read(client, "/hooks?limit=2")
    last = read(client, f"/hooks?limit=2&after={first['next']}")
    ids = [hook["id"] for hook in (*first["hooks"], *last["hooks"])]
    assert (ids == sorted(ids), len(ids), last["next"]) == (True, 3, None)


# -- one instance -----------------------------------------------------------------------------------------------


def test_an_instance_has_its_whole_chain_whichever_link_is_read(api):
    with_pages(2)
    manager = open_session("order-1")
    for name in ("t_import#0", "t_import#2"):
        fail(name)
        manager.replay_failed_instance(name)
    client = api.client("admin")
    for link in ("0", "2", "3"):
        chain = read(client, f"/instances/t_import%23{link}")["chain"]
        assert [(it["name"], it["parent"]) for it in chain] == [
            ("t_import#0", None),
            ("t_import#2", "t_import#0"),
            ("t_import#3", "t_import#2"),
        ]
    assert [it["name"] for it in read(client, "/instances/t_import%231")["chain"]] == ["t_import#1"]


@pytest.mark.parametrize("value", [5, {}, ["x"], True, None, "a\nb"])
def test_an_instance_is_shown_whatever_its_metadata_says_of_an_exception(api, value):
    with_pages(2)
    fail("t_import#0")
    manager = open_session("order-1")
    manager.replay_failed_instance("t_import#0")
    manager.update_instance_metadata("t_import#0", {"exceptionType": value, "exceptionMessage": value})
    client = api.client("admin")
    for name in ("t_import%230", "t_import%232"):
        original, _ = read(client, f"/instances/{name}")["chain"]
        expected = None if value is None else str(value).partition("\n")[0]
        assert (original["error_type"], original["error_message"]) == (expected, expected)


def test_an_instance_has_its_run_and_what_one_may_do(api):
    with_pages(1)
    fail("t_import#0")
    shown = read(api.client("admin"), "/instances/t_import%230")
    assert (shown["run"]["dag_id"], shown["run"]["state"]) == ("survey.t_import", "queued")
    assert shown["acts"]["replay"] == {"allowed": True, "reason": None}
    waiting = read(api.client("admin"), "/instances/t_wait%230")
    assert waiting["run"] is None
    assert waiting["acts"]["replay"]["reason"].startswith("Only failed instances can be replayed")


@pytest.mark.parametrize("end", [Event.FINISH, Event.FAIL])
def test_why_names_the_run_in_every_status(survey, end):
    with_pages(1)
    open_session("order-1").record_progress("t_import#0", end)
    explanation = history.why("order-1", "t_import#0")
    assert (explanation.dag_id, explanation.run_id) == ("survey.t_import", "triggers__order-1~t_import~0")


def test_the_fires_of_an_instance_are_those_that_touched_it_or_that_it_fired(survey):
    with_pages(2)
    open_session("order-1").record_progress("t_import#0", Event.FINISH, cascade=True)
    storage = open_session("order-1").storage
    concerning = storage.fires(only=FireFilter(instance="t_import#0"))
    assert [fire.trigger_name for fire in concerning] == ["t_import", "page", "firstPage"]
    with transaction() as session:
        session.execute(update(tables.instance).values(fire_ids=None))
    assert storage.fires(only=FireFilter(instance="t_import#0")) == concerning


# -- flat costs -------------------------------------------------------------------------------------------------

READS = {
    "the session": describe_session,
    "a page of instances": lambda uid: pages.list_instances(uid, limit=10),
    "failed instances": lambda uid: pages.list_instances(uid, limit=10, statuses=[InstanceStatus.FAILED]),
    "an instance": lambda uid: pages.describe_in_full(uid, "t_import#0"),
    "its history": lambda uid: history.history_of(uid, limit=10),
    "the history of an instance": lambda uid: history.history_of(uid, limit=10, instance="t_import#0"),
    "why it is scheduled": lambda uid: history.why(uid, "t_import#0"),
    "why it waits": lambda uid: history.why(uid, "t_wait#0"),
}


def crowd(uid, copies):
    """Give the session many more instances, fires and events, as copies of its own."""
    with transaction() as session:
        key = session.scalar(select(tables.session.c.id).where(tables.session.c.uid == uid))
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :copies) "
        of_session = f"session_id = {key}"
        instance_columns = [column.name for column in tables.instance.columns]
        chosen = ", ".join("number + 100 + i" if name == "number" else name for name in instance_columns)
        session.execute(
            text(
                f"INSERT INTO triggers_instance ({', '.join(instance_columns)}) {numbers}"
                f"SELECT {chosen} FROM triggers_instance, n WHERE {of_session} AND number = 0"
            ),
            {"copies": copies},
        )
        for table, left_out in ((tables.fire, {"id", "idempotency_key"}), (tables.event, {"id"})):
            names = ", ".join(column.name for column in table.columns if column.name not in left_out)
            session.execute(
                text(
                    f"INSERT INTO {table.name} ({names}) {numbers}SELECT {names} FROM {table.name}, n "
                    f"WHERE {of_session}"
                ),
                {"copies": copies},
            )
    if not is_sqlite():
        with settings.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")


def test_what_a_page_reads_takes_as_many_statements_in_a_large_session(survey):
    for uid in ("small", "large"):
        with_pages(5, uid)
    crowd("large", 2000)
    for name, look in READS.items():
        look("small")
        counts = []
        for uid in ("small", "large"):
            with statements() as sent:
                look(uid)
            counts.append(len(sent))
        assert counts[0] == counts[1], name


def test_no_page_scans_a_large_session(survey):
    """The plans read each of our tables by an index, and sort only what a page shows."""
    with_pages(5, "large")
    crowd("large", 2000)
    with_pages(5, "other")
    wrong = []
    for name, look in READS.items():
        wrong += [f"{name}: {plan}" for plan in plans_of(lambda look=look: look("large")) if is_long(plan)]
    assert wrong == [], "\n".join(wrong)


def plans_of(act):
    """The plan of each statement of the act that reads one of our large tables."""
    sent = []

    def note(connection, cursor, statement, parameters, *_):
        if any(f"triggers_{name}" in statement for name in ("instance", "fire", "event")):
            sent.append((statement, parameters))

    event.listen(settings.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(settings.engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if is_sqlite() else "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) "
    with settings.engine.connect() as connection:
        for statement, parameters in sent:
            rows = connection.exec_driver_sql(explain + statement, parameters).all()
            yield "\n".join(str(row[-1]) for row in rows) + f"\n  of {statement}"


def is_long(plan):
    """Whether a plan reads a table of ours whole, or very many of its rows."""
    lines = plan.partition("\n  of ")[0].splitlines()
    if is_sqlite():
        return any(line.lstrip().startswith("SCAN triggers_") for line in lines)
    rows = [
        int(part)
        for line in lines
        for part in [line.partition("rows=")[2].split(".")[0].split(" ")[0]]
        if part
    ]
    removed = [int(line.rpartition(": ")[2]) for line in lines if "Rows Removed by Filter" in line]
    return max([*rows, *removed], default=0) > 1000


def test_the_large_session_is_large(survey):
    with_pages(5, "large")
    crowd("large", 2000)
    with transaction() as session:
        assert session.scalar(select(func.count()).select_from(tables.instance)) > 4000
