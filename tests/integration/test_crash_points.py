"""A process dies at each moment of a fire, a finish, a replay and a skip in turn: it was done or it was not, and once
it was tried again everything is as the plain model says.
"""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import select, update

from airflow_triggers.controller.loop import Controller
from airflow_triggers.errors import SessionNotFound
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.sessions.describing import describe_session
from airflow_triggers.sessions.opening import create_session, fire_into, open_session
from airflow_triggers.storages import cache, tables
from airflow_triggers.storages.sql import SqlStorageBackend
from tests.conftest import REDIS_URL
from tests.support.crashing import dies_at
from tests.support.dags import deploy_configuration, play
from tests.support.hooks import let_fall_due, promised_hooks
from tests.support.model import Model
from tests.support.surveys import view

pytestmark = pytest.mark.timeout(600)

TASKS = {
    "t_import": {"after": ["firstPage"]},
    "t_count": {"after": [], "andEvery": "firstPage"},
    "t_device": {"after": ["never"], "unless": ["firstPage"]},
    "t_score": {"after": ["t_import"]},
    "t_late": {"after": ["firstPage", "extra", "lastPage"]},
}
EXTRA = {"fires": [{"trigger_name": "extra", "trigger_kwargs": {"m": 2}}]}
OWNED = (
    tables.fire,
    tables.instance,
    tables.wait,
    tables.event,
    tables.delayed_fire,
    tables.hook,
    tables.run,
)
LATER = datetime.now(UTC) + timedelta(days=1)


class Told(TriggerManager):
    """Appends a line to a file for each hook that is called."""

    name = "told"
    path = None

    def _post_fire(self, trigger_name, tasks_scheduled):
        self._tell("fire", trigger_name)

    def _post_replay(self, task_instance):
        self._tell("replay", task_instance.name)

    def _post_skip(self, task_instance, cascade):
        self._tell("skip", task_instance.name)

    def _tell(self, hook, about):
        with self.path.open("a") as told:
            told.write(f"{self.storage.uid} {hook} {about}\n")


@pytest.fixture
def told(tmp_path, monkeypatch):
    """The file of the manager's hooks."""
    trigger_managers.register("told", Told)
    monkeypatch.setattr(Told, "path", tmp_path / "hooks")
    Told.path.touch()
    yield Told.path
    trigger_managers.unregister("told")


# -- the acts, each with what it is done to, and what the model says of it ------------------------------------


class Act:
    """What is interrupted. ``hooks``: which ones it owes afterwards."""

    hooks = ()

    def prepare(self, uid, storage):
        create_session(uid, configuration="survey", manager="told", storage=storage)

    def do(self, uid):
        raise NotImplementedError

    def again(self, uid):
        self.do(uid)

    def model(self):
        model = Model()
        model.configure(TASKS)
        return model


class Fire(Act):
    hooks = ("fire firstPage",)

    def do(self, uid):
        return fire_into(uid, "firstPage", {"n": 1}, idempotency_key="k")

    def again(self, uid):
        self.do(uid)
        assert self.do(uid).repeated

    def model(self):
        model = super().model()
        model.fire("firstPage", {"n": 1}, "k")
        return model


class FirstFire(Fire):
    """One that makes the session, too."""

    def prepare(self, uid, storage):
        pass

    def do(self, uid):
        return fire_into(
            uid, "firstPage", {"n": 1}, idempotency_key="k", configuration="survey", manager="told"
        )


class DelayedFire(Fire):
    """The controller fires what was fired for later."""

    def prepare(self, uid, storage):
        super().prepare(uid, storage)
        fire_into(uid, "firstPage", {"n": 1}, idempotency_key="k", fire_at=LATER)
        with airflow_session() as session:
            session.execute(update(tables.delayed_fire).values(due=datetime.now(UTC)))

    def do(self, uid):
        Controller().run_once()

    def again(self, uid):
        for _ in range(2):
            Controller().run_once()
        assert super().do(uid).repeated


class Finish(Fire):
    """The controller applies that a run has succeeded, with what its task fired."""

    hooks = ("fire extra", "fire t_import")

    def prepare(self, uid, storage):
        super().prepare(uid, storage)
        super().do(uid)
        play(view("t_import#0", uid), "success", result={"id": 7}, report=EXTRA)

    def do(self, uid):
        Controller().run_once()

    def again(self, uid):
        for _ in range(2):
            Controller().run_once()

    def model(self):
        model = super().model()
        model.finish("t_import#0", {"id": 7}, [("extra", {"m": 2}, None)])
        return model


class Retry(Finish):
    """The controller applies that a task asked to be run again."""

    hooks = ("replay t_import#1",)

    def prepare(self, uid, storage):
        Fire.prepare(self, uid, storage)
        Fire.do(self, uid)
        retry = {"replacement_kwargs": {"firstPage": {"n": 5}}, "cooldown": 60, "retries": 1}
        play(view("t_import#0", uid), "failed", report={"retry": retry})

    def model(self):
        model = Fire.model(self)
        model.fail("t_import#0", "")
        model.replay("t_import#0", {"firstPage": {"n": 5}})
        return model


class Replay(Fire):
    hooks = ("replay t_import#1",)

    def prepare(self, uid, storage):
        super().prepare(uid, storage)
        super().do(uid)
        play(view("t_import#0", uid), "failed")
        Controller().run_once()

    def do(self, uid):
        open_session(uid).replay_failed_instance("t_import#0", {"firstPage": {"n": 2}}, by="ann")

    def again(self, uid):
        if open_session(uid).storage["t_import#0"].status.value == "failed":
            self.do(uid)

    def model(self):
        model = super().model()
        model.fail("t_import#0", "")
        model.replay("t_import#0", {"firstPage": {"n": 2}})
        return model


class Skip(Replay):
    hooks = ("skip t_import#0", "fire t_import")

    def do(self, uid):
        open_session(uid).skip_failed_instance("t_import#0", cascade=True, result={"id": 0}, by="ann")

    def model(self):
        model = Fire.model(self)
        model.fail("t_import#0", "")
        model.skip("t_import#0", True, {"id": 0})
        return model


# -- what is there, as the model has it -----------------------------------------------------------------------


@dataclass(frozen=True)
class Content:
    """A session: instances, fires in their order, and the instances that DAG runs were created for."""

    instances: dict
    fires: list
    runs: list


def content_of(uid):
    """None when there is no such session."""
    with airflow_session() as session:
        confs = session.scalars(select(DagRun.conf).where(DagRun.partition_key == uid)).all()
    runs = [conf["triggers"]["instance_name"] for conf in confs]
    try:
        found = describe_session(uid)
    except SessionNotFound:
        assert runs == []
        return None
    instances = {
        one.instance.name: (
            one.instance.status.value,
            one.instance.kwargs,
            set(one.instance.unless_seen),
            one.instance.metadata.get("parent"),
        )
        for one in found.instances
    }
    fires = [(it.trigger_name, dict(it.kwargs), it.idempotency_key) for it in reversed(found.fires)]
    return Content(instances, fires, sorted(runs))


def demanded(act):
    model = act.model()
    return Content(
        {
            one.name: (one.status, one.kwargs, one.unless_seen, one.metadata.get("parent"))
            for one in model.instances
        },
        [(it["trigger"], it["kwargs"], it["key"]) for it in model.fires],
        sorted(name for name, _ in model.started),
    )


def everything_of(uid):
    """Every row that is the session's, in Airflow's tables and in ours, and what a cache keeps of it."""
    owner = select(tables.session.c.id).where(tables.session.c.uid == uid).scalar_subquery()
    runs = select(DagRun.run_id).where(DagRun.partition_key == uid)
    queries = [
        select(tables.session).where(tables.session.c.uid == uid),
        *(select(one).where(one.c.session_id == owner).order_by(*one.primary_key) for one in OWNED),
        select(DagRun.__table__).where(DagRun.partition_key == uid).order_by(DagRun.id),
        select(TaskInstance.__table__).where(TaskInstance.run_id.in_(runs)).order_by(TaskInstance.id),
    ]
    with airflow_session() as session:
        rows = [session.execute(query).all() for query in queries]
    return rows, cache.default_region().get(cache.KEY_PREFIX + uid)


@dataclass(frozen=True)
class Deaths:
    """How often a process died, and the sessions in which what was left was tried again."""

    moments: int
    uids: list


def die_everywhere(act, *, storage="sql", stores=(), after_death=lambda uid: None):
    """Die at every moment of the act; after each, try again and compare.

    Where no row at all is other than it was before, trying again would be what it was the last time: there the next
    death follows in the same session.

    :param after_death: what time does about what the dead one holds.
    """
    must, uids, fresh, before = demanded(act), [], True, None
    for point in itertools.count(1):
        if fresh:
            uid = f"{type(act).__name__}-{point}-{secrets.token_hex(4)}"  # a Redis may be shared
            uids.append(uid)
            act.prepare(uid, storage)
            before, untouched = content_of(uid), everything_of(uid)
        died = dies_at(point, partial(act.do, uid), stores=stores)
        after_death(uid)
        fresh = point == 1 or not died or everything_of(uid) != untouched
        if fresh:
            assert storage != "sql" or content_of(uid) in (before, must), f"half done at moment {point}"
            act.again(uid)
            let_fall_due()
            Controller().run_once()
            assert content_of(uid) == must, f"not as the model says after it died at moment {point}"
        if not died:
            return Deaths(point - 1, uids)
    raise AssertionError("there is always another number")


def check_hooks(act, path, uids):
    """Each was called at least once, however the process died, and none is owed any more."""
    told = set(path.read_text().splitlines())
    for uid in uids:
        assert told >= {f"{uid} {hook}" for hook in act.hooks}, f"a hook is lost in {uid}"
        assert promised_hooks(SqlStorageBackend(uid)) == []


ACTS = (FirstFire, Fire, DelayedFire, Finish, Retry, Replay, Skip)

ON_SQLITE = (Fire, Finish, Replay, Skip)
"""The statements are the same there; what differs is how it takes locks, and that these show."""

CASES = [("sqlite", act) for act in ON_SQLITE] + [("postgresql", act) for act in ACTS]


@pytest.mark.parametrize(
    ("airflow_db", "act"), CASES, indirect=["airflow_db"], ids=[f"{on}-{act.__name__}" for on, act in CASES]
)
def test_it_is_done_whole_or_not_at_all_and_once_it_is_tried_again(airflow_db, told, act):
    deploy_configuration("survey", **TASKS)
    deaths = die_everywhere(act())
    check_hooks(act(), told, deaths.uids)
    print(deaths)
    assert deaths.moments > 20
    assert len(deaths.uids) > 3


class Create(Act):
    """Makes a session that is kept elsewhere than its runs."""

    def prepare(self, uid, storage):
        pass

    def do(self, uid):
        create_session(uid, configuration="survey", manager="told", storage="cache")


@pytest.mark.parametrize("act", [Create, Fire, Finish, Retry, Replay, Skip], ids=lambda act: act.__name__)
def test_a_session_kept_elsewhere_comes_to_the_same_whenever_a_process_dies_between_the_two_stores(
    act, postgresql_airflow_db, told, redis_region, monkeypatch
):
    """There is no moment at which both are written; the lock of a dead holder is freed by Redis after its time."""
    deploy_configuration("survey", **TASKS)
    monkeypatch.setattr(cache, "default_region", lambda: redis_region)
    monkeypatch.setenv("AIRFLOW__TRIGGERS__CACHE_URL", REDIS_URL)
    redis = redis_region.actual_backend.writer_client
    deaths = die_everywhere(
        act(),
        storage="cache",
        stores=[(redis_region, "set")],
        after_death=lambda uid: redis.delete("_lock" + redis_region.key_mangler(cache.KEY_PREFIX + uid)),
    )
    check_hooks(act(), told, deaths.uids)
    print(deaths)
    assert deaths.moments > 10
