"""Bulk acts: made with their instances, worked off by controllers at a rate, watched, cancelled, cleaned."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from airflow.cli.cli_parser import get_parser
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import func, select, update

from airflow_triggers.controller import bulk
from airflow_triggers.controller.loop import Controller
from airflow_triggers.domain import bulk as values
from airflow_triggers.domain.acts import Replay, ResolveLogs, SetMetadata, SetStatus, Skip
from airflow_triggers.domain.bulk import BulkOutcome, BulkRequest, BulkState
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.selection import InstanceFilter, InstanceKey
from airflow_triggers.domain.states import Event
from airflow_triggers.errors import BulkActNotFound, BulkActOver, InvalidRate, Refused, TooManyInstances
from airflow_triggers.manager.manager import trigger_managers
from airflow_triggers.sessions import bulk_acts, bulk_making, bulk_work, delete_session
from airflow_triggers.sessions.bulk_making import Maker
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import bulk_tables, cache
from tests.conftest import REDIS_URL
from tests.integration.conftest import deployed_survey
from tests.support.dags import dag, deploy
from tests.support.surveys import statuses

ANN = Maker(by="ann")
FAILED = InstanceFilter(statuses=frozenset({InstanceStatus.FAILED}))
FAST = 1000.0


def failed_sessions(count, prefix="order"):
    uids = [f"{prefix}-{number}" for number in range(count)]
    for uid in uids:
        fire_into(uid, "firstPage", {"n": 1}, configuration="survey")
        fail(uid)
    return uids


def fail(uid, name="t_import#0"):
    open_session(uid).record_progress(name, Event.FAIL)


def request(act=None, selection=FAILED, rate=FAST):
    return BulkRequest(act=act or Replay(), selection=selection, rate=rate)


def listed(*keys):
    return InstanceFilter(instances=tuple(InstanceKey(*key) for key in keys))


def make(act=None, selection=FAILED, maker=ANN, rate=FAST):
    return bulk_acts.make(request(act, selection, rate), maker)


def let_fall_due():
    """As if the pauses and leases of all items, and the pace of all bulk acts, were over."""
    with airflow_session() as session:
        session.execute(update(bulk_tables.bulk_item).values(due=datetime.now(UTC)))
        session.execute(update(bulk_tables.bulk_act).values(next_at=datetime.now(UTC)))


def work_off(bulk_act, passes=60):
    """Let a controller work until the bulk act is over. Returns it as it is then."""
    for _ in range(passes):
        Controller().run_once()
        current = bulk_acts.bulk_act_of(bulk_act.bulk_act_id)
        if current.ended:
            return current
        let_fall_due()
    raise AssertionError(f"It is not over: {current}")


def outcomes(bulk_act, **options):
    page = bulk_acts.outcomes_of(bulk_act.bulk_act_id, limit=1000, **options)
    return {(item.session_uid, item.name): (item.outcome, item.reason) for item in page.items}


def counts(bulk_act):
    return {outcome: number for outcome, number in bulk_act.counts.items() if number}


def test_each_failed_instance_is_replayed_once_and_has_its_outcome(survey):
    uids = failed_sessions(3)
    bulk_act = make()
    assert (bulk_act.state, bulk_act.total, bulk_act.pending, bulk_act.by) == ("pending", 3, 3, "ann")
    over = work_off(bulk_act)
    assert (over.state, over.pending, counts(over)) == (BulkState.DONE, 0, {BulkOutcome.DONE: 3})
    for uid in uids:
        assert statuses(uid) == {"t_import#0": "replayed", "t_import#1": "scheduled"}
    page = bulk_acts.outcomes_of(bulk_act.bulk_act_id)
    assert [(item.session_uid, item.replay) for item in page.items] == [(uid, "t_import#1") for uid in uids]
    (event,) = [event for event in open_session(uids[0]).storage.events() if event.kind == "replay"]
    assert event.by == "ann"


def test_the_same_bulk_act_made_again_repairs_nothing_twice(survey):
    keys = [(uid, "t_import#0") for uid in failed_sessions(2)]
    for selection in (listed(*keys), FAILED):
        work_off(make(selection=selection))
    again = work_off(make(selection=listed(*keys)))
    assert counts(again) == {BulkOutcome.UNCHANGED: 2}
    assert all(len(statuses(uid)) == 2 for uid, _ in keys)


@pytest.mark.parametrize(
    ("act", "status", "metadata"),
    [
        (Skip(cascade=True, result={"n": 2}), "skipped", {"result": {"n": 2}}),
        (SetStatus(status="finished", cascade=True), "finished", {}),
        (SetMetadata(metadata={"ticket": 17}), "failed", {"ticket": 17}),
        (ResolveLogs(), "failed", {"logsResolved": True}),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_every_act_can_be_done_in_bulk(survey, act, status, metadata):
    (uid,) = failed_sessions(1)
    open_session(uid).update_instance_metadata("t_import#0", {"logLevel": 40})
    over = work_off(make(act))
    assert counts(over) == {BulkOutcome.DONE: 1}
    instance = open_session(uid).storage["t_import#0"]
    assert instance.status == status
    assert instance.metadata.items() >= metadata.items()
    assert ("t_score#0" in statuses(uid)) is getattr(act, "cascade", False)


def test_a_filter_selects_only_what_the_act_changes(survey):
    failed_sessions(2)
    fire_into("order-9", "firstPage", configuration="survey")
    assert make(selection=InstanceFilter(configuration="survey")).total == 2
    assert make(selection=InstanceFilter(session="order-1")).total == 1
    assert make(selection=InstanceFilter(configuration="other")).total == 0
    assert make(SetStatus(status="abandoned"), selection=InstanceFilter(configuration="survey")).total == 3


def test_a_bulk_act_without_instances_is_done_at_once(survey):
    over = work_off(make(), passes=1)
    assert (over.state, over.total) == (BulkState.DONE, 0)


def test_what_is_repaired_meanwhile_is_left_unchanged(survey):
    uids = failed_sessions(2)
    bulk_act = make()
    open_session(uids[0]).skip_failed_instance("t_import#0")
    over = work_off(bulk_act)
    assert counts(over) == {BulkOutcome.DONE: 1, BulkOutcome.UNCHANGED: 1}
    assert outcomes(bulk_act)[uids[0], "t_import#0"] == (
        BulkOutcome.UNCHANGED,
        "There was nothing to do: it is skipped.",
    )


def test_a_deleted_session_is_refused_even_if_it_was_made_anew(survey):
    uids = failed_sessions(2)
    bulk_act = make()
    for uid in uids:
        delete_session(uid, force=True)
    failed_sessions(1)
    over = work_off(bulk_act)
    assert counts(over) == {BulkOutcome.REFUSED: 2}
    assert statuses(uids[0]) == {"t_import#0": "failed"}


def test_a_list_names_what_does_not_exist(survey):
    (uid,) = failed_sessions(1)
    selection = listed((uid, "t_import#0"), (uid, "t_import#7"), ("nowhere", "t_x#0"), (uid, "t_import#0"))
    over = work_off(make(selection=selection))
    assert counts(over) == {BulkOutcome.DONE: 1, BulkOutcome.REFUSED: 2}
    assert outcomes(over)["nowhere", "t_x#0"] == (BulkOutcome.REFUSED, "There is no such instance.")


def test_cancelling_stops_what_was_not_done(survey):
    failed_sessions(3)
    bulk_act = make(rate=0.01)
    Controller().run_once()
    cancelled = bulk_acts.cancel(bulk_act.bulk_act_id, by="bob")
    assert (cancelled.state, cancelled.cancelled_by) == (BulkState.CANCELLED, "bob")
    assert counts(cancelled) == {BulkOutcome.DONE: 1, BulkOutcome.CANCELLED: 2}
    let_fall_due()
    Controller().run_once()
    assert Counter(len(statuses(f"order-{number}")) for number in range(3)) == {1: 2, 2: 1}
    with pytest.raises(BulkActOver, match="cancelled"):
        bulk_acts.cancel(bulk_act.bulk_act_id)
    with pytest.raises(BulkActNotFound):
        bulk_acts.cancel(bulk_act.bulk_act_id + 1)


def test_the_rate_paces_the_passes(survey):
    failed_sessions(4)
    bulk_act = make(rate=2)
    controller = Controller()
    for _ in range(3):
        controller.run_once()
    # One at once, and the next one half a second later; a pass is faster than that, or was caught up with.
    done = bulk_acts.bulk_act_of(bulk_act.bulk_act_id)
    assert done.state == BulkState.RUNNING
    assert 1 <= counts(done)[BulkOutcome.DONE] <= 3
    with airflow_session() as session:
        next_at = session.scalar(select(bulk_tables.bulk_act.c.next_at))
    assert next_at >= bulk_act.created + timedelta(seconds=0.5)


def test_the_setting_gives_the_rate_where_the_request_does_not(survey, monkeypatch):
    assert make(rate=None).rate == 50
    monkeypatch.setenv("AIRFLOW__TRIGGERS__BULK_RATE", "7")
    assert make(rate=None).rate == 7
    monkeypatch.setenv("AIRFLOW__TRIGGERS__BULK_RATE", "0")
    with pytest.raises(InvalidRate, match="instances a second"):
        make(rate=None)


def test_a_locked_session_is_tried_again_and_at_last_refused(postgresql_survey):
    uids = failed_sessions(2)
    bulk_act = make()
    with open_session(uids[0]).storage.acquire_lock():
        over = work_off(bulk_act)
    assert counts(over) == {BulkOutcome.DONE: 1, BulkOutcome.REFUSED: 1}
    assert outcomes(over)[uids[0], "t_import#0"] == (
        BulkOutcome.REFUSED,
        "Other processes held the session's lock each time.",
    )
    assert statuses(uids[0]) == {"t_import#0": "failed"}


def test_a_broken_session_is_backed_off_and_stops_no_other(survey):
    class Broken(type(open_session(failed_sessions(1)[0]))):
        name = "broken"

        def replay_failed_instance(self, *_, **__):
            raise RuntimeError("no replays today")

    trigger_managers.register("broken", Broken)
    create_session("order-b", configuration="survey", manager="broken")
    fire_into("order-b", "firstPage")
    fail("order-b")
    bulk_act = make()
    Controller().run_once()
    (item,) = [item for item in bulk_acts.outcomes_of(bulk_act.bulk_act_id).items if item.outcome is None]
    assert (item.session_uid, item.attempts, item.reason) == ("order-b", 1, "RuntimeError: no replays today")
    over = work_off(bulk_act)
    assert counts(over) == {BulkOutcome.DONE: 1, BulkOutcome.REFUSED: 1}
    assert statuses("order-b") == {"t_import#0": "failed"}


def test_a_listed_session_in_a_cache_is_repaired_once_though_its_outcome_is_lost(
    postgresql_survey, redis_region, monkeypatch
):
    monkeypatch.setattr(cache, "default_region", lambda: redis_region)
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CACHE_URL", REDIS_URL)
    uid = "cached-1"
    create_session(uid, configuration="survey", storage="cache")
    fire_into(uid, "firstPage")
    fail(uid)
    selection = listed((uid, "t_import#0"), (uid, "t_import#9"))
    assert bulk_acts.preview(request(selection=selection), ANN).allowed == 1
    bulk_act = make(selection=selection)
    # As if the controller had died after the session was saved.
    with monkeypatch.context() as patch:
        patch.setattr(bulk_work, "_settle", lambda *_: None)
        Controller().run_once()
    assert statuses(uid) == {"t_import#0": "replayed", "t_import#1": "scheduled"}
    over = work_off(bulk_act)
    assert counts(over) == {BulkOutcome.UNCHANGED: 1, BulkOutcome.REFUSED: 1}
    assert statuses(uid) == {"t_import#0": "replayed", "t_import#1": "scheduled"}


# -- rights -----------------------------------------------------------------------------------------------------


def only_on(*dag_ids):
    def authorize(configuration, task_name, dag_id):
        if dag_id not in dag_ids:
            raise Refused(f"not on {dag_id}")

    return authorize


def test_a_dry_run_says_what_would_happen_and_writes_nothing(survey):
    uids = failed_sessions(2)
    fire_into(uids[0], "t_import")
    fail(uids[0], "t_score#0")
    maker = Maker(by="ann", authorize=only_on("survey.t_import"))
    selection = listed(*((uid, "t_import#0") for uid in uids), (uids[0], "t_score#0"), ("nowhere", "t_x#0"))
    open_session(uids[1]).skip_failed_instance("t_import#0")
    preview = bulk_acts.preview(request(selection=selection), maker)
    assert (preview.total, preview.allowed, preview.unchanged, preview.refused) == (4, 1, 1, 2)
    assert [(item.session_uid, item.name, item.outcome.value, item.reason) for item in preview.sample] == [
        (uids[0], "t_import#0", "done", None),
        (uids[0], "t_score#0", "refused", "not on survey.t_score"),
        (uids[1], "t_import#0", "unchanged", bulk_making.UNCHANGED),
        ("nowhere", "t_x#0", "refused", "There is no such instance."),
    ]
    with airflow_session() as session:
        assert session.scalar(select(func.count()).select_from(bulk_tables.bulk_act)) == 0


def test_what_the_maker_may_not_do_is_refused_when_it_is_made(survey):
    (uid,) = failed_sessions(1)
    fire_into(uid, "t_import")
    fail(uid, "t_score#0")
    over = work_off(make(maker=Maker(by="ann", authorize=only_on("survey.t_import"))))
    assert outcomes(over) == {
        (uid, "t_import#0"): (BulkOutcome.DONE, None),
        (uid, "t_score#0"): (BulkOutcome.REFUSED, "not on survey.t_score"),
    }
    with pytest.raises(Refused):
        make(maker=Maker(by="ann", authorize=only_on("other")))


def test_what_the_maker_may_not_read_is_not_covered(survey):
    uids = failed_sessions(1)
    assert make(maker=Maker(by="ann", readable=[])).total == 0
    hidden = make(selection=listed((uids[0], "t_import#0")), maker=Maker(by="ann", readable=[None]))
    assert outcomes(hidden) == {(uids[0], "t_import#0"): (BulkOutcome.REFUSED, "There is no such instance.")}


def test_what_comes_under_other_dags_later_is_left_out(survey):
    uids = failed_sessions(2)
    deploy(dag("other"))
    bulk_act = make(maker=Maker(by="ann", authorize=only_on("survey.t_import")))
    open_session(uids[0]).update_configuration({"t_import": {"after": ["firstPage"], "run": "other"}})
    over = work_off(bulk_act)
    assert counts(over) == {BulkOutcome.DONE: 1, BulkOutcome.LEFT_OUT: 1}
    assert statuses(uids[0]) == {"t_import#0": "failed"}
    assert counts(work_off(make())) == {BulkOutcome.DONE: 1}


# -- bounds, pages, cleaning ------------------------------------------------------------------------------------


def test_more_instances_than_the_bound_are_refused_and_nothing_is_made(survey, monkeypatch):
    failed_sessions(3)
    monkeypatch.setattr(bulk_making, "MAX_ITEMS", 2)
    for ask in (bulk_acts.preview, bulk_acts.make):
        with pytest.raises(TooManyInstances):
            ask(request(), ANN)
    assert bulk_acts.list_bulk_acts().bulk_acts == ()


def test_bulk_acts_and_outcomes_come_in_pages(survey):
    failed_sessions(3)
    made = [make(Skip()) for _ in range(3)]
    first = bulk_acts.list_bulk_acts(limit=2)
    rest = bulk_acts.list_bulk_acts(limit=2, after=first.next)
    ids = [act.bulk_act_id for act in (*first.bulk_acts, *rest.bulk_acts)]
    assert ids == [act.bulk_act_id for act in reversed(made)]
    assert rest.next is None
    work_off(made[0])
    names = []
    after = None
    while True:
        page = bulk_acts.outcomes_of(made[0].bulk_act_id, limit=2, after=after, outcome=BulkOutcome.DONE)
        names += [item.session_uid for item in page.items]
        after = page.next
        if after is None:
            break
    assert names == ["order-0", "order-1", "order-2"]
    assert outcomes(made[0], readable=[]) == {}
    assert outcomes(made[0], outcome=BulkOutcome.REFUSED) == {}


def test_old_bulk_acts_are_cleaned_with_their_outcomes_and_open_ones_stay(survey):
    failed_sessions(1)
    over, pending = work_off(make()), make(rate=0.01)
    later = datetime.now(UTC) + timedelta(hours=1)
    assert bulk_acts.count_old(over.created) == 0
    assert bulk_acts.count_old(later) == 1
    assert list(bulk_acts.clean(later, by="ann")) == [over.bulk_act_id]
    assert [act.bulk_act_id for act in bulk_acts.list_bulk_acts().bulk_acts] == [pending.bulk_act_id]
    with airflow_session() as session:
        assert session.scalars(select(bulk_tables.bulk_item.c.bulk_act_id).distinct()).all() == []


def test_the_command_clean_removes_old_bulk_acts_unless_it_is_narrowed(sqlite_airflow_db, capsys):
    deployed_survey()
    failed_sessions(1)
    work_off(make())

    def clean(*options):
        arguments = ["triggers", "clean", "--before", "2099-01-01T00:00:00Z", *options]
        args = get_parser().parse_args(arguments)
        args.func(args)
        return capsys.readouterr().err

    assert "Bulk acts" not in clean("--yes", "--configuration", "survey")
    assert "Bulk acts would be deleted, with their outcomes: 1." in clean("--dry-run")
    assert len(bulk_acts.list_bulk_acts().bulk_acts) == 1
    assert "Bulk acts deleted, with their outcomes: 1." in clean("--yes")
    assert bulk_acts.list_bulk_acts().bulk_acts == ()


def test_an_unreadable_bulk_act_ends_and_takes_no_page_away(survey):
    failed_sessions(1)
    bulk_act = make()
    with airflow_session() as session:
        session.execute(update(bulk_tables.bulk_act).values(arguments={"kwargs": 3}))
    over = work_off(bulk_act)
    assert counts(over) == {BulkOutcome.REFUSED: 1}
    assert [act.bulk_act_id for act in bulk_acts.list_bulk_acts().bulk_acts] == [bulk_act.bulk_act_id]


def test_a_pass_does_not_do_more_than_its_budget(survey, monkeypatch):
    failed_sessions(3)
    bulk_act = make()
    moments = itertools.cycle([0.0, 0.0, bulk.BUDGET + 1])
    monkeypatch.setattr(bulk, "monotonic", lambda: next(moments))
    Controller().run_once()
    assert counts(bulk_acts.bulk_act_of(bulk_act.bulk_act_id)) == {BulkOutcome.DONE: 1}
    # What was taken and not done is free again at once.
    with airflow_session() as session:
        session.execute(update(bulk_tables.bulk_act).values(next_at=datetime.now(UTC)))
    Controller().run_once()
    assert counts(bulk_acts.bulk_act_of(bulk_act.bulk_act_id)) == {BulkOutcome.DONE: 2}


def test_every_word_fits_its_column():
    assert max(map(len, values.BulkOutcome)) <= bulk_tables.bulk_item.c.outcome.type.length
    assert max(map(len, values.BulkState)) <= bulk_tables.bulk_act.c.state.type.length
