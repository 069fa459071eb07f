"""Makes a bulk act: which instances it covers, and what its maker may do. A dry run only says so.

The rights are asked once for each configuration, task and DAG that it covers. Then the matching instances become its
items in one statement, however many they are. Neighbours: ``bulk_acts.py`` is what ``api/`` and ``cli/`` ask;
``storages/bulk.py`` keeps the rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, select, true
from sqlalchemy.orm import Session

from airflow_triggers.domain.bulk import MAX_ITEMS, BulkItem, BulkOutcome, BulkRequest, Scope
from airflow_triggers.domain.concerned_dags import dag_ids_of_instance, dag_ids_to_read
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.disclosure import EVERYTHING, Disclosure
from airflow_triggers.domain.instances import parse_instance_name
from airflow_triggers.domain.selection import InstanceKey
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.domain.validation import caller_name
from airflow_triggers.errors import (
    Concealed,
    Refused,
    RegistryError,
    SessionError,
    StorageError,
    TooManyInstances,
    UnreadableRow,
)
from airflow_triggers.sessions.authorization import AuthorizeAct
from airflow_triggers.sessions.describing import configured_as
from airflow_triggers.sessions.matching import matches
from airflow_triggers.sessions.records import storage_of
from airflow_triggers.sessions.stuck import stopped_dags
from airflow_triggers.storages import bulk, rows, tables
from airflow_triggers.storages.sql import SqlStorageBackend

SAMPLE = 20
"""The most instances shown in a dry run."""

ABSENT = "There is no such instance."
UNCHANGED = "Its status leaves nothing to do."
CHANGED = (
    "Its session changed while the bulk act was made, and nobody checked the rights. Make another bulk act."
)

Group = tuple[str | None, str, str | None]
"""Instances with the same rights: the hash of their configuration, their task's name, the DAG of their runs."""


@dataclass(frozen=True, kw_only=True)
class Maker:
    """Who makes a bulk act, and what they may do.

    :param by: the name; None when not known.
    :param readable: the hashes of the configurations whose sessions they may read; None in the list stands for no
        configuration. None instead of a list: they may read all sessions.
    :param authorize: the check of their rights; None: they may do everything.
    :param disclosure: which DAGs they may see: others do not count as stopped.
    """

    by: str | None = None
    readable: Collection[str | None] | None = None
    authorize: AuthorizeAct | None = None
    disclosure: Disclosure = EVERYTHING


@dataclass(frozen=True, kw_only=True)
class BulkPreview:
    """What a bulk act would do.

    :param allowed: how many instances it would act on.
    :param unchanged: how many it would leave as they are.
    :param refused: how many the maker may not act on, or do not exist.
    :param sample: some of the instances, with what would become of them. ``done`` stands for what would be done.
    """

    total: int
    allowed: int
    unchanged: int
    refused: int
    sample: tuple[BulkItem, ...]


@dataclass(frozen=True, kw_only=True)
class ListedItem:
    """An instance of a list that is kept elsewhere, or missing. Its fields are columns of an item.

    :param owner_id: None when there is no such session.
    :param outcome: None when the act is to be done.
    """

    session_uid: str
    task_name: str
    number: int
    owner_id: int | None = None
    owner_created: datetime | None = None
    configuration_hash: str | None = None
    dag_id: str | None = None
    outcome: BulkOutcome | None = None
    reason: str | None = None


@dataclass
class _Rights:
    """What the maker may do, by group."""

    maker: Maker
    refusals: dict[Group, str | None] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    act: set[str] = field(default_factory=set)
    first_refusal: Refused | None = None

    def ask(self, session: Session, group: Group) -> str | None:
        """Why the maker may not act on the instances of the group; None when they may."""
        if group not in self.refusals:
            self.refusals[group] = self._refusal(session, group)
        return self.refusals[group]

    def _refusal(self, session: Session, group: Group) -> str | None:
        content_hash, task_name, dag_id = group
        try:
            configuration = rows.read_configuration(session, content_hash)
        except UnreadableRow as error:
            return str(error)
        return self.refusal_under(configuration, task_name, dag_id)

    def refusal_under(self, configuration: Configuration, task_name: str, dag_id: str | None) -> str | None:
        """The same for one instance, of a session with this configuration."""
        try:
            if self.maker.authorize is not None:
                self.maker.authorize(configuration, task_name, dag_id)
        except Concealed:
            return ABSENT
        except Refused as refusal:
            self.first_refusal = self.first_refusal or refusal
            return str(refusal)
        self.read |= dag_ids_to_read(configuration)
        self.act |= dag_ids_of_instance(configuration, task_name, dag_id)
        return None

    @property
    def scope(self) -> Scope | None:
        """The DAGs that were asked about; None: nobody asked."""
        if self.maker.authorize is None:
            return None
        return Scope(read=frozenset(self.read), act=frozenset(self.act))


@dataclass(kw_only=True)
class Making:
    """A bulk act in the making.

    :param now: the moment for the filter's conditions about time.
    """

    request: BulkRequest
    maker: Maker
    now: datetime
    _rights: _Rights = field(init=False)
    _stopped_dag_ids: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._rights = _Rights(self.maker)

    # -- looking ----------------------------------------------------------------------------------------------

    def look(self, session: Session) -> BulkPreview:
        """What the bulk act would do. The rights of every group are asked for, before anything is written.

        :raises TooManyInstances: when it would cover too many.
        """
        if self.request.selection.stuck is not None:
            self._stopped_dag_ids = frozenset(stopped_dags(session, self.maker.disclosure))
        counts = dict.fromkeys(BulkOutcome, 0)
        for *group, changes, number in self._groups(session):
            counts[self._judge(session, group, changes)[0]] += number
        sample = [self._sampled(session, row) for row in self._sample(session)]
        items_elsewhere = self.items_elsewhere(session)
        for item in items_elsewhere:
            counts[item.outcome or BulkOutcome.DONE] += 1
        items = [
            replace(item, outcome=item.outcome or BulkOutcome.DONE) for item in map(_as_item, items_elsewhere)
        ]
        return BulkPreview(
            total=sum(counts.values()),
            allowed=counts[BulkOutcome.DONE],
            unchanged=counts[BulkOutcome.UNCHANGED],
            refused=counts[BulkOutcome.REFUSED],
            sample=(*sample, *items)[:SAMPLE],
        )

    def _groups(self, session: Session) -> list[Any]:
        candidates = self.selected().subquery("chosen").c
        key = (candidates.configuration_hash, candidates.task_name, candidates.dag_id, candidates.changes)
        group_rows = list(session.execute(select(*key, func.count().label("number")).group_by(*key)))
        if sum(row.number for row in group_rows) > MAX_ITEMS:
            raise TooManyInstances(MAX_ITEMS)
        return group_rows

    def _judge(self, session: Session, group: Iterable[Any], changes: bool) -> tuple[BulkOutcome, str | None]:
        refusal = self._rights.ask(session, tuple(group))
        if refusal is not None:
            return BulkOutcome.REFUSED, refusal
        return (BulkOutcome.DONE, None) if changes else (BulkOutcome.UNCHANGED, UNCHANGED)

    def _sample(self, session: Session) -> list[Any]:
        candidates = self.selected().subquery("chosen").c
        order = (candidates.owner_id, candidates.task_name, candidates.number)
        return list(session.execute(select(*candidates).order_by(*order).limit(SAMPLE)))

    def _sampled(self, session: Session, row: Any) -> BulkItem:
        group = (row.configuration_hash, row.task_name, row.dag_id)
        outcome, reason = self._judge(session, group, row.changes)
        name = f"{row.task_name}#{row.number}"
        return BulkItem(position=0, session_uid=row.session_uid, name=name, outcome=outcome, reason=reason)

    def selected(self) -> Select[Any]:
        """The query for the instances in Airflow's database: :data:`bulk.CANDIDATE_COLUMNS`, and ``changes``.

        Without a list, only instances that the act changes.
        """
        owner, instance, run = tables.session.c, tables.instance.c, tables.run.c
        selection, statuses = self.request.selection, self.request.act.statuses
        changes = true() if statuses is None else instance.status.in_(sorted(statuses))
        of_instance = and_(
            run.session_id == instance.session_id,
            run.task_name == instance.task_name,
            run.number == instance.number,
        )
        query = (
            select(
                owner.id.label("owner_id"),
                owner.created.label("owner_created"),
                owner.uid.label("session_uid"),
                owner.configuration_hash,
                instance.task_name,
                instance.number,
                run.dag_id,
                changes.label("changes"),
            )
            .select_from(
                tables.instance.join(tables.session, owner.id == instance.session_id).outerjoin(
                    tables.run, of_instance
                )
            )
            .where(*matches(selection, now=self.now, stopped_dag_ids=self._stopped_dag_ids))
        )
        if selection.instances is None:
            query = query.where(changes)
        if self.maker.readable is not None:
            query = query.where(configured_as(self.maker.readable))
        return query

    def items_elsewhere(self, session: Session) -> list[ListedItem]:
        """The instances of the list that are not in Airflow's database: kept elsewhere, or missing."""
        keys = self.request.selection.instances
        if not keys:
            return []
        candidates = self.selected().subquery("chosen").c
        keys_here = {
            InstanceKey(row.session_uid, f"{row.task_name}#{row.number}")
            for row in session.execute(
                select(candidates.session_uid, candidates.task_name, candidates.number)
            )
        }
        keys_elsewhere = [key for key in dict.fromkeys(keys) if key not in keys_here]
        owners = self._owners_elsewhere(session, {key.session_uid for key in keys_elsewhere})
        return [self._listed(session, key, owners.get(key.session_uid)) for key in keys_elsewhere]

    def _owners_elsewhere(self, session: Session, uids: Collection[str]) -> dict[str, Any]:
        """The rows of those of the sessions that are kept elsewhere, and that the maker may read."""
        owner = tables.session.c
        query = select(*owner).where(owner.uid.in_(uids), owner.storage != SqlStorageBackend.name)
        if self.maker.readable is not None:
            query = query.where(configured_as(self.maker.readable))
        return {row.uid: row for row in session.execute(query)}

    def _listed(self, session: Session, key: InstanceKey, owner: Any) -> ListedItem:
        task_name, number = parse_instance_name(key.name)
        item = ListedItem(session_uid=key.session_uid, task_name=task_name, number=number)
        if owner is None:
            return replace(item, outcome=BulkOutcome.REFUSED, reason=ABSENT)
        run = tables.run.c
        of_instance = (run.session_id == owner.id, run.task_name == task_name, run.number == number)
        dag_id = session.scalar(select(run.dag_id).where(*of_instance))
        item = replace(
            item,
            owner_id=owner.id,
            owner_created=owner.created,
            configuration_hash=owner.configuration_hash,
            dag_id=dag_id,
        )
        try:
            storage = storage_of(SessionUid(key.session_uid), owner.storage)
            configuration, instance = storage.configuration, storage[key.name]
        except (RegistryError, SessionError, StorageError) as error:
            return replace(item, outcome=BulkOutcome.REFUSED, reason=str(error))
        refusal = self._rights.refusal_under(configuration, task_name, dag_id)
        if refusal is not None:
            return replace(item, outcome=BulkOutcome.REFUSED, reason=refusal)
        if not self.request.act.changes(instance):
            return replace(item, outcome=BulkOutcome.UNCHANGED, reason=UNCHANGED)
        return item

    def require_something(self, preview: BulkPreview) -> None:
        """:raises Refused: when the maker may act on none of the instances, for want of a right."""
        refusal = self._rights.first_refusal
        if refusal is not None and preview.refused == preview.total:
            raise refusal

    # -- making -----------------------------------------------------------------------------------------------

    def write(self, session: Session, items_elsewhere: Sequence[ListedItem], *, rate: float) -> int:
        """Make the bulk act and its items, after :meth:`look`. Returns its id. It begins the transaction.

        :raises TooManyInstances: when it would cover too many.
        """
        act = self.request.act
        values = {
            "act": act.kind.value,
            "arguments": act.to_arguments(),
            "selection": self.request.selection.to_dict(),
            "rate": rate,
            "by": caller_name(self.maker.by),
        }
        bulk_act_id = bulk.add_act(session, values, now=self.now)
        count = bulk.add_selected(session, bulk_act_id, self.selected(), now=self.now)
        if count > MAX_ITEMS:
            raise TooManyInstances(MAX_ITEMS)
        for group in bulk.groups_of(session, bulk_act_id):
            reason = self._rights.refusals.get(group, CHANGED)
            if reason is not None:
                bulk.refuse_group(session, bulk_act_id, group, reason=reason, now=self.now)
        bulk.add_items(
            session, bulk_act_id, [asdict(item) for item in items_elsewhere], after=count, now=self.now
        )
        bulk.complete(session, bulk_act_id, total=count + len(items_elsewhere), scope=self._rights.scope)
        return bulk_act_id


def _as_item(item: ListedItem) -> BulkItem:
    name = f"{item.task_name}#{item.number}"
    return BulkItem(
        position=0, session_uid=item.session_uid, name=name, outcome=item.outcome, reason=item.reason
    )
