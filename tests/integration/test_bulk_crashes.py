"""Controllers die at random moments of a bulk act: every instance is replayed exactly once, whoever takes it next."""

from __future__ import annotations

import os
import random
from collections import Counter
from datetime import UTC, datetime

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import func, select, update

from airflow_triggers.controller.loop import Controller
from airflow_triggers.domain.acts import Replay
from airflow_triggers.domain.bulk import BulkOutcome, BulkRequest
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.selection import InstanceFilter
from airflow_triggers.sessions import bulk_acts
from airflow_triggers.sessions.bulk_making import Maker
from airflow_triggers.storages import bulk_tables, tables
from tests.support.crashing import DyingProcess
from tests.support.failing import insert_failed

SESSIONS = int(os.environ.get("TRIGGERS_TEST_BULK_SESSIONS", "60"))
OF_EACH = 5
CONTROLLERS = 2
MOMENTS = max(1_500, SESSIONS * OF_EACH)
"""A controller dies after so many statements, commits included, at most."""

pytestmark = pytest.mark.timeout(max(300, SESSIONS * 5))


def end_leases():
    """As if the leases of all controllers were over: of the dead ones, and of those that are still at work."""
    with airflow_session() as session:
        now, item = datetime.now(UTC), bulk_tables.bulk_item.c
        open_ids = select(bulk_tables.bulk_act.c.id).where(bulk_tables.bulk_act.c.ended.is_(None))
        session.execute(
            update(bulk_tables.bulk_act).where(bulk_tables.bulk_act.c.id.in_(open_ids)).values(next_at=now)
        )
        session.execute(
            update(bulk_tables.bulk_item).where(item.outcome.is_(None), item.due > now).values(due=now)
        )


def is_over(bulk_act_id):
    return bulk_acts.bulk_act_of(bulk_act_id).ended is not None


def test_every_instance_is_replayed_exactly_once_though_controllers_are_killed(postgresql_survey):
    total = SESSIONS * OF_EACH
    insert_failed(sessions=SESSIONS, of_each=OF_EACH)
    selection = InstanceFilter(statuses=frozenset({InstanceStatus.FAILED}))
    request = BulkRequest(act=Replay(), selection=selection, rate=1000)
    bulk_act_id = bulk_acts.make(request, Maker(by="ann")).bulk_act_id
    dice = random.Random(17)

    def work_off():
        controller = Controller()
        while not is_over(bulk_act_id):
            controller.run_once()

    death_count = 0
    while not is_over(bulk_act_id):
        processes = [DyingProcess(dice.randrange(1, MOMENTS), work_off) for _ in range(CONTROLLERS)]
        death_count += processes.pop().wait()
        # The others are at work: what they have taken is free for the next ones, too.
        end_leases()
        death_count += sum(process.wait() for process in processes)
        end_leases()

    print(f"{total} instances, {death_count} deaths")
    assert death_count > 3
    over = bulk_acts.bulk_act_of(bulk_act_id)
    assert {outcome: number for outcome, number in over.counts.items() if number} == {BulkOutcome.DONE: total}
    with airflow_session() as session:
        instance = tables.instance.c
        statuses = session.execute(select(instance.status, func.count()).group_by(instance.status)).all()
        parents = Counter(
            (row.session_id, row.metadata["parent"])
            for row in session.execute(select(tables.instance).where(instance.number >= OF_EACH))
        )
        replays = select(func.count()).where(tables.event.c.kind == "replay")
        assert dict(tuple(row) for row in statuses) == {"replayed": total, "scheduled": total}
        assert set(parents.values()) == {1}
        assert len(parents) == total
        assert session.scalar(select(func.count()).select_from(tables.run)) == total
        assert session.scalar(select(func.count()).select_from(DagRun)) == total
        assert session.scalar(replays) == total
        assert session.scalar(select(func.count()).where(Log.event == "triggers_replay")) == total
