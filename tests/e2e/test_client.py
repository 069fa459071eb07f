"""The client against a real API server: both clients, every method, and the errors that the server gives.

Neighbours: ``test_client_killed.py`` kills the server; ``tests/unit/test_client_*.py`` have what a server cannot be
made to do.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import threading
import time
from datetime import UTC, datetime

import jwt
import pytest
from airflow.configuration import conf
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import insert, select, update

from airflow_triggers.domain.states import Event
from airflow_triggers.sessions.opening import open_session
from airflow_triggers.storages import tables
from airflow_triggers_client import (
    AsyncPages,
    AsyncTriggersClient,
    EventEntry,
    Fire,
    FireEntry,
    InstanceStatus,
    Pages,
    Retries,
    TriggersClient,
    errors,
    idle,
    instance_has_status,
    resolved,
    session_is,
    trigger_fired,
)
from airflow_triggers_client.models import Instance
from tests.support.api_server import running_api_server
from tests.support.dags import deploy_configuration

pytestmark = pytest.mark.timeout(300)

LATER = datetime(2931, 1, 1, 8, tzinfo=UTC)
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def server(postgresql_airflow_database, tmp_path_factory):
    postgresql_airflow_database.enter()
    postgresql_airflow_database.empty()
    deploy_configuration(
        "survey",
        t_import={"after": ["firstPage"], "withParams": {"firstPage": {"lang": "en"}}},
        t_score={"after": ["t_import", "scored"], "unless": ["embedded"]},
    )
    deploy_configuration("orders", t_pay={"after": ["paid"], "andEvery": "item"})
    folder = tmp_path_factory.mktemp("server")
    with running_api_server(folder, postgresql_airflow_database.url) as running:
        yield running


@pytest.fixture
def uid():
    """A session that no other test has."""
    return f"séssion?{next(NUMBERS)}"


@pytest.fixture(params=["blocking", "asynchronous"])
def act(request, server):
    """Carries out what a function asks a client for; of a list, all items."""

    def blocking(ask):
        with TriggersClient(server.url, username="admin", password="admin") as client:
            answer = ask(client)
            return list(answer) if isinstance(answer, Pages) else answer

    async def asynchronous(ask):
        async with AsyncTriggersClient(server.url, username="admin", password="admin") as client:
            answer = ask(client)
            if isinstance(answer, AsyncPages):
                return [item async for item in answer]
            return await answer if inspect.isawaitable(answer) else answer

    return blocking if request.param == "blocking" else lambda ask: asyncio.run(asynchronous(ask))


@pytest.fixture
def client(server):
    with TriggersClient(server.url, token=server.token("admin"), retries=Retries(patience=0)) as client:
        yield client


def failed_import(client, uid):
    """A session of the survey whose import has failed."""
    client.fire(uid, "firstPage", {"n": 1}, configuration="survey")
    manager = open_session(uid)
    manager.record_progress("t_import#0", Event.START)
    manager.record_progress("t_import#0", Event.FAIL)


def test_a_fire_makes_a_session_that_can_be_read(act, uid):
    kwargs = {"n": 1, "big": 2**63, "text": "é\n", "nested": [{"x": None}, 1e16, True]}
    result = act(lambda client: client.fire(uid, "firstPage", kwargs, configuration="survey"))
    session = act(lambda client: client.session(uid))

    assert (result.trigger, result.scheduled, result.repeated) == ("firstPage", ["t_import#0"], False)
    assert (session.uid, session.configuration, session.manager, session.storage) == (
        uid,
        "survey",
        "default",
        "sql",
    )
    assert session.created.tzinfo is not None
    assert session.latest_triggers["firstPage"] == kwargs
    assert session.tasks["t_import"].dag_id == "survey.t_import"
    assert session.tasks["t_import"].model_extra["withParams"] == {"firstPage": {"lang": "en"}}
    (instance,) = [instance for instance in session.instances if instance.task == "t_import"]
    read = act(lambda client: client.instance(uid, "t_import#0"))
    assert (instance.model_dump(), instance.etag) == (
        read.model_dump(include=set(Instance.model_fields)),
        None,
    )
    assert ([link.name for link in read.chain], read.run.dag_id) == (["t_import#0"], "survey.t_import")
    assert (read.acts["set_status"].allowed, session.acts["fire"].allowed) == (True, True)
    assert (instance.status, instance.dag_id) == (InstanceStatus.SCHEDULED, "survey.t_import")
    assert act(lambda client: client.fires(uid))[0].kwargs == kwargs


def test_a_session_is_created_and_creating_it_again_changes_nothing(act, uid):
    made = [
        act(lambda client: client.create_session(uid, "orders", metadata={"country": "NL"})) for _ in range(2)
    ]

    assert made[0].model_dump(exclude={"last_modified"}) == made[1].model_dump(exclude={"last_modified"})
    assert made[0].metadata == {"country": "NL"}


def test_history_and_why_are_typed(act, uid, client):
    client.fire(uid, "firstPage", {"n": 1}, configuration="survey")
    client.fire(uid, "scored")
    entries = act(lambda client: client.history(uid))
    explanation = act(lambda client: client.why(uid, "t_score"))

    assert {type(entry) for entry in entries} == {FireEntry, EventEntry}
    assert [entry.trigger for entry in entries if isinstance(entry, FireEntry)] == ["scored", "firstPage"]
    assert all(entry.text for entry in entries)
    assert explanation.status is InstanceStatus.UNSTARTED
    assert "t_import" in explanation.answer
    assert {requirement.trigger for requirement in explanation.requirements} == {
        "t_import",
        "scored",
        "embedded",
    }
    filtered = act(lambda client: client.history(uid, trigger="scored"))
    assert [entry.trigger for entry in filtered] == ["scored"]


def test_a_failed_instance_is_replayed_and_the_clone_skipped(act, uid, client):
    failed_import(client, uid)
    clone = act(lambda client: client.replay(uid, "t_import#0", {"firstPage": {"n": 2}}, cooldown=0.5))
    assert (clone.name, clone.kwargs["firstPage"]["n"]) == ("t_import#1", 2)

    open_session(uid).record_progress("t_import#1", Event.START)
    open_session(uid).record_progress("t_import#1", Event.FAIL)
    skipped = act(lambda client: client.skip(uid, "t_import#1", cascade=True, result={"subject": 17}))
    assert (skipped.status, skipped.is_resolved) == (InstanceStatus.SKIPPED, True)
    assert client.fires(uid, trigger="t_import").first(1).items[0].kwargs == {"subject": 17}


RULES = {"t_late": {"after": ["firstPage"], "run": "survey.t_import"}}


def test_the_rules_of_a_session_are_updated_first_as_a_preview(act, uid, client):
    client.fire(uid, "firstPage", configuration="survey")
    update = lambda client, preview: client.update_configuration(  # noqa: E731
        uid, RULES, history="apply", preview=preview
    )
    preview = act(lambda client: update(client, True))
    assert (preview.preview, preview.created, preview.scheduled) == (True, ["t_late#0"], ["t_late#0"])
    assert "t_late" not in client.session(uid).tasks

    done = act(lambda client: update(client, False))
    assert done == preview.model_copy(update={"preview": False})
    session = client.session(uid)
    assert (session.version.hash, sorted(session.tasks)) == (done.version, done.tasks)
    with pytest.raises(errors.InvalidRequest, match="'run'"):
        act(lambda client: client.update_configuration(uid, {"t_late": {"after": ["firstPage"]}}))


def test_an_act_is_refused_if_the_session_was_changed_since_it_was_read(act, uid, client):
    session = act(lambda client: client.create_session(uid, "survey"))
    assert session.etag is None
    session = act(lambda client: client.session(uid))
    client.fire(uid, "scored")
    for ask in (
        lambda client: client.update_configuration(uid, RULES, if_match=session.etag),
        lambda client: client.update_configuration(uid, RULES, preview=True, if_match=session.etag),
        lambda client: client.delete_session(uid, force=True, if_match=session.etag),
    ):
        with pytest.raises(errors.PreconditionFailed, match="Read it again, and decide anew"):
            act(ask)
    session = act(lambda client: client.session(uid))
    assert sorted(session.tasks) == ["t_import", "t_score"]
    act(lambda client: client.update_configuration(uid, RULES, if_match=session.etag))
    session = act(lambda client: client.session(uid))
    act(lambda client: client.delete_session(uid, force=True, if_match=session.etag))
    with pytest.raises(errors.SessionNotFound):
        client.session(uid)


@pytest.mark.parametrize(
    "ask",
    [
        lambda client, uid, **how: client.replay(uid, "t_import#0", **how),
        lambda client, uid, **how: client.skip(uid, "t_import#0", **how),
        lambda client, uid, **how: client.set_status(uid, "t_import#0", "skipped", **how),
        lambda client, uid, **how: client.set_metadata(uid, "t_import#0", {"ticket": 2}, **how),
        lambda client, uid, **how: client.resolve_logs(uid, "t_import#0", **how),
    ],
    ids=["replay", "skip", "status", "metadata", "logs"],
)
def test_an_act_is_refused_if_the_instance_was_changed_since_it_was_read(act, uid, client, ask):
    failed_import(client, uid)
    etag = act(lambda client: client.instance(uid, "t_import#0")).etag
    client.set_metadata(uid, "t_import#0", {"ticket": 1})
    with pytest.raises(errors.PreconditionFailed):
        act(lambda client: ask(client, uid, if_match=etag))
    instance = act(lambda client: client.instance(uid, "t_import#0"))
    assert (instance.status, instance.metadata["ticket"]) == (InstanceStatus.FAILED, 1)
    act(lambda client: ask(client, uid, if_match=instance.etag))


def test_a_fire_for_later_is_listed_cancelled_and_does_not_come_back(act, uid):
    fire = lambda client: client.fire(  # noqa: E731
        uid, "paid", configuration="orders", idempotency_key="k", fire_at=LATER
    )
    result = act(fire)
    (delayed,) = act(lambda client: client.delayed_fires(uid))
    cancelled = act(lambda client: client.cancel_delayed_fire(uid, delayed.id))
    repeated = act(fire)

    assert (result.fire_id, result.delayed_fire_id, result.deferred) == (None, delayed.id, True)
    assert (delayed.fire_at, delayed.cancelled_at) == (LATER, None)
    assert cancelled.cancelled_by == "admin"
    assert (repeated.repeated, repeated.cancelled) == (True, True)
    assert act(lambda client: client.delayed_fires(uid)) == []
    with pytest.raises(errors.DelayedFireCancelled):
        act(lambda client: client.retry_delayed_fire(uid, delayed.id))


def test_a_delayed_fire_that_failed_is_tried_again(act, uid):
    act(lambda client: client.fire(uid, "paid", configuration="orders", fire_at=LATER))
    (delayed,) = act(lambda client: client.delayed_fires(uid))
    with pytest.raises(errors.NothingParked):
        act(lambda client: client.retry_delayed_fire(uid, delayed.id))
    with airflow_session() as session:
        failed = tables.delayed_fire.c.id == delayed.id
        session.execute(update(tables.delayed_fire).where(failed).values(attempts=20, error="It raised."))

    retried = act(lambda client: client.retry_delayed_fire(uid, delayed.id))

    assert (retried.id, retried.error) == (delayed.id, None)


def test_fires_that_touched_nothing_are_found_over_all_sessions(act, uid, client):
    trigger = f"payd-{next(NUMBERS)}"
    client.fire(uid, trigger, configuration="orders")
    (fire,) = act(lambda client: client.unheard(trigger=trigger, configuration="orders"))

    assert (fire.session_uid, fire.trigger, fire.used_by) == (uid, trigger, [])
    (same,) = act(lambda client: client.fires(uid, touched_nothing=True))
    assert same.fire_id == fire.fire_id


def test_a_hook_is_called_again(act, uid, client):
    client.create_session(uid, "orders")
    with airflow_session() as session:
        session_id = session.scalar(select(tables.session.c.id).where(tables.session.c.uid == uid))
        arguments = {"trigger_name": "paid", "scheduled": []}
        session.execute(
            insert(tables.hook).values(
                hook="_post_fire", arguments=arguments, attempts=20, session_id=session_id, due=LATER
            )
        )
    (hook,) = act(lambda client: client.session(uid)).hooks

    call = act(lambda client: client.call_hook(uid, hook.id))

    assert (hook.attempts, call.ended, call.hook) == (20, True, None)
    with pytest.raises(errors.NothingParked):
        act(lambda client: client.call_hook(uid, hook.id))


# -- many -----------------------------------------------------------------------------------------------------


def test_many_fires_have_an_outcome_each_and_an_order_in_each_session(act, uid, client):
    uids = [f"{uid}-{number}" for number in range(7)]
    fires = [
        Fire(uids[number % 7], "item", {"n": number}, configuration="orders", idempotency_key=f"n-{number}")
        for number in range(1200)
    ]
    fires[3] = Fire(f"{uid}-nowhere", "item")
    fires[5] = Fire(uids[0], "item", configuration="surveys")
    fires[8] = Fire(uids[1], " blank ")
    states = []

    report = act(lambda client: client.fire_many(iter(fires), progress=states.append))
    again = act(lambda client: client.fire_many(fires, batch_size=500))

    assert (report.fired, report.repeated, [state.fired for state in states]) == (1197, 0, [997, 1197])
    assert [(outcome.index, type(outcome.error)) for outcome in report.refused] == [
        (3, errors.SessionNotFound),
        (5, errors.SessionExists),
        (8, errors.InvalidRequest),
    ]
    assert (again.fired, again.repeated) == (1197, 1197)
    for place, session_uid in enumerate(uids):
        fired = [fire.kwargs["n"] for fire in client.fires(session_uid)]
        expected = [n for n in range(1200) if n % 7 == place and n not in (3, 5, 8)]
        assert fired[::-1] == expected


def test_lists_are_read_whole_page_by_page_or_up_to_a_number(act, uid, client):
    uids = sorted(f"{uid}-{number}" for number in range(230))
    client.fire_many(Fire(session_uid, "paid", configuration="orders") for session_uid in uids)
    ask = lambda client: client.sessions(prefix=f"{uid}-", configuration="orders")  # noqa: E731

    everything = act(ask)
    begin = act(lambda client: ask(client).first(220))
    rest = act(lambda client: client.sessions(prefix=f"{uid}-", after=begin.next).first(220))

    assert [session.uid for session in everything] == uids
    assert [session.uid for session in [*begin.items, *rest.items]] == uids
    assert (len(begin.items), rest.next) == (220, None)


# -- waiting --------------------------------------------------------------------------------------------------


def test_a_session_is_waited_for_until_something_holds(act, uid, client):
    client.fire(uid, "firstPage", configuration="survey")
    results = []

    def wait():
        results.append(act(lambda client: client.wait_for(uid, until=trigger_fired("scored"), timeout=60)))
        results.append(
            act(
                lambda client: client.wait_for(
                    uid, until=instance_has_status("t_import#0", "failed", "finished"), timeout=60
                )
            )
        )
        results.append(act(lambda client: client.wait_for(uid, until=idle(), timeout=60)))
        many = session_is(lambda session: len(session.fires) > 1)
        results.append(act(lambda client: client.wait_for(uid, until=many, timeout=60)))

    waiting = threading.Thread(target=wait)
    waiting.start()
    try:
        client.fire(uid, "scored")
        open_session(uid).record_progress("t_import#0", Event.START)
        open_session(uid).record_progress("t_import#0", Event.FAIL)
    finally:
        waiting.join(120)

    assert [type(result).__name__ for result in results] == [
        "FireRecord",
        "InstanceDetail",
        "Session",
        "Session",
    ]
    assert results[1].status is InstanceStatus.FAILED
    client.skip(uid, "t_import#0")
    with pytest.raises(errors.WaitTimeout, match="t_score#9 is finished"):
        act(lambda client: client.wait_for(uid, until=instance_has_status("t_score#9"), timeout=0.1))
    with pytest.raises(errors.SessionNotFound):
        act(lambda client: client.wait_for(f"{uid}-nowhere", until=resolved(), timeout=5))


def test_a_session_is_resolved_when_all_of_its_instances_are(act, uid, client):
    client.fire(uid, "paid", configuration="orders")
    client.fire(uid, "item")
    with pytest.raises(errors.WaitTimeout):
        client.wait_for(uid, until=resolved(), timeout=0)
    later = client.fire(uid, "paid", fire_at=LATER)
    manager = open_session(uid)
    for instance in client.session(uid).instances:
        manager.record_progress(instance.name, Event.START)
        manager.record_progress(instance.name, Event.FINISH)

    with pytest.raises(errors.WaitTimeout, match="until it is resolved"):
        client.wait_for(uid, until=resolved(), timeout=0)
    client.cancel_delayed_fire(uid, later.delayed_fire_id)
    assert act(lambda client: client.wait_for(uid, until=resolved(), timeout=60)).uid == uid


# -- errors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (lambda client: client.session("nowhere"), errors.SessionNotFound),
        (lambda client: client.fire("nowhere", "paid"), errors.SessionNotFound),
        (lambda client: client.create_session("order-x", "nothing"), errors.UnknownConfiguration),
        (lambda client: client.create_session("refused", "survey"), errors.SessionExists),
        (
            lambda client: client.fire("refused", "paid", {"n": 2}, idempotency_key="k"),
            errors.IdempotencyConflict,
        ),
        (lambda client: client.instance("refused", "t_pay#99"), errors.InstanceNotFound),
        (lambda client: client.why("refused", "t_none"), errors.TaskNotFound),
        (lambda client: client.replay("refused", "t_pay#0"), errors.InvalidTransition),
        (lambda client: client.cancel_delayed_fire("refused", 999), errors.DelayedFireNotFound),
        (lambda client: client.fire("refused", "p" * 300), errors.InvalidRequest),
        (lambda client: client.fire("refused", "paid", {"half": "\ud800"}), errors.InvalidRequest),
        (lambda client: client.create_session("x", "orders", manager="none"), errors.InvalidRequest),
        (lambda client: client.history("refused", before="never").first(1), errors.InvalidRequest),
        (lambda client: client.fire("refused", "paid", {"x": "x" * 2**20}), errors.TooLarge),
    ],
)
def test_what_the_server_refuses_is_the_error_of_its_kind(act, client, ask, kind):
    client.fire("refused", "paid", {"n": 1}, configuration="orders", idempotency_key="k")

    with pytest.raises(kind) as refused:
        act(ask)

    assert type(refused.value) is kind
    assert refused.value.detail


def test_a_viewer_may_read_and_not_fire(server, uid, client):
    client.create_session(uid, "orders")
    with TriggersClient(server.url, username="viewer", password="viewer") as viewer:
        assert viewer.session(uid).uid == uid
        with pytest.raises(errors.Forbidden):
            viewer.fire(uid, "paid")


@pytest.mark.parametrize("credentials", [{"token": "wrong"}, {"username": "admin", "password": "wrong"}])
def test_wrong_credentials_are_an_error(server, credentials):
    with TriggersClient(server.url, **credentials) as stranger, pytest.raises(errors.NotAuthenticated):
        stranger.session("order-1")


def test_an_expired_token_is_renewed(server, uid):
    with TriggersClient(server.url, username="admin", password="admin") as client:
        client.create_session(uid, "orders")
        credentials = client._service.credentials
        expired = expire(credentials._current)
        credentials._current = expired
        client.fire(uid, "paid")

        assert credentials._current not in (None, expired)
    with TriggersClient(server.url, token=expired) as client, pytest.raises(errors.NotAuthenticated):
        client.session(uid)


def expire(token):
    """The token as it is when its time is over."""
    claims = jwt.decode(token, options={"verify_signature": False})
    algorithm = jwt.get_unverified_header(token)["alg"]
    claims["exp"] = int(time.time()) - 60
    return jwt.encode(claims, conf.get("api_auth", "jwt_secret"), algorithm=algorithm)


def test_what_is_no_triggers_api_is_told_from_one(server):
    nowhere = TriggersClient(f"{server.url}/nowhere", token="t", retries=Retries(patience=0))
    with nowhere as client, pytest.raises((errors.UnexpectedAnswer, errors.NotFound)) as refused:
        client.session("order-1")

    assert str(refused.value)
