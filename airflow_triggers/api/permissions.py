"""What a user may do with a session. This follows from their rights on its DAGs, in Airflow's auth manager.

``docs/rights.md`` has the rules in sentences. Neighbours: routes ask here before they call ``sessions/``; Airflow's
auth manager decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.batch_apis import IsAuthorizedDagRequest
from airflow.api_fastapi.auth.managers.models.resource_details import (
    AccessView,
    DagAccessEntity,
    DagDetails,
    PoolDetails,
)
from airflow.configuration import conf

from airflow_triggers.domain.acts import InstanceAct, Need
from airflow_triggers.domain.bulk import BulkAct
from airflow_triggers.domain.concerned_dags import (
    EVERY_DAG,
    dag_ids_concerned_by,
    dag_ids_of_instance,
    dag_ids_of_session,
    dag_ids_to_read,
)
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.disclosure import Disclosure
from airflow_triggers.domain.names import compiled_dag_ids_of
from airflow_triggers.errors import Concealed, Refused
from airflow_triggers.gateway import teams
from airflow_triggers.sessions.authorization import AuthorizeAct, AuthorizeFire
from airflow_triggers.sessions.describing import InstanceView
from airflow_triggers.storages.transaction import snapshot


@dataclass(frozen=True)
class Right:
    """A right on a DAG, as Airflow asks its auth manager for it, and the words for a refusal."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    entity: DagAccessEntity | None
    words: str


READ_RUNS = Right("GET", DagAccessEntity.RUN, "read the runs")
READ_RESULTS = Right("GET", DagAccessEntity.XCOM, "read the XComs")
READ_DAG = Right("GET", None, "read")
READ_CODE = Right("GET", DagAccessEntity.CODE, "read the code")
READ_TASK_INSTANCES = Right("GET", DagAccessEntity.TASK_INSTANCE, "read the task instances")
READ_AUDIT_LOG = Right("GET", DagAccessEntity.AUDIT_LOG, "read the audit log")
CREATE_RUNS = Right("POST", DagAccessEntity.RUN, "create runs")
DELETE_RUNS = Right("DELETE", DagAccessEntity.RUN, "delete the runs")
EDIT_TASK_INSTANCES = Right("PUT", DagAccessEntity.TASK_INSTANCE, "edit the task instances")

RIGHT_OF_NEED: Mapping[Need, Right] = {
    Need.EDIT_TASK_INSTANCES: EDIT_TASK_INSTANCES,
    Need.CREATE_RUNS: CREATE_RUNS,
}


class Permissions:
    """The rights of a request's user.

    You read a session as a whole, with every run's kwargs and results, and these flow from task to task. So reading
    takes the right to read runs and XComs of ALL its DAGs. An act takes the right only on the DAGs on which the user
    acts directly: the configuration's author has decided what follows.

    Every ``require_…`` raises :class:`Refused`. When the user may do nothing with such a session, it is
    :class:`Concealed`.
    """

    def __init__(self, user: BaseUser) -> None:
        self.user = user
        self._details: dict[str, list[DagDetails]] = {}
        self.near_configuration_names: dict[str, str | None] = {}
        """By unknown name: the configuration that may have been meant, for a batch of fires that name it."""

    # -- reading ----------------------------------------------------------------------------------------------

    def may_read(self, configuration: Configuration) -> bool:
        """Whether the user may read runs and XComs of all DAGs of the configuration, former ones included."""
        return self._may_read_dags(dag_ids_to_read(configuration))

    def require_read(self, configuration: Configuration) -> None:
        """Require :meth:`may_read`."""
        dag_ids = dag_ids_to_read(configuration)
        self._require(READ_RUNS, dag_ids, configuration)
        self._require(READ_RESULTS, dag_ids, configuration)

    def readable(self, configurations: Mapping[str, Configuration]) -> list[str | None] | None:
        """The keys of the configurations whose sessions the user may read; None when the user may read all.

        In the list, None stands for sessions without a configuration.
        """
        dag_ids: dict[str | None, frozenset[str]] = {None: dag_ids_to_read(Configuration())}
        dag_ids |= {key: dag_ids_to_read(configuration) for key, configuration in configurations.items()}
        if self._may_read_dags(frozenset[str]().union(*dag_ids.values())):
            return None
        readable = {ids: self._may_read_dags(ids) for ids in set(dag_ids.values())}
        return [key for key, ids in dag_ids.items() if readable[ids]]

    def _may_read_dags(self, dag_ids: Collection[str]) -> bool:
        return self._has(READ_RUNS, dag_ids) and self._has(READ_RESULTS, dag_ids)

    def disclosure(self) -> Disclosure:
        """Which facts of Airflow an answer may show beside the session.

        The auth manager is asked once per DAG and pool, when the answer needs it.
        """
        return Disclosure(
            dag=self._cached_check(READ_DAG),
            runs=self._cached_check(READ_RUNS),
            task_instances=self._cached_check(READ_TASK_INSTANCES),
            audit_log=self._cached_check(READ_AUDIT_LOG),
            pool=cache(self._may_read_pool),
            cluster=cache(self._may_read_cluster),
        )

    def may_read_yaml(self, configuration: Configuration) -> bool:
        """Whether the user may read the configuration's file as written: the code of all DAGs compiled from it."""
        return self._has(READ_CODE, compiled_dag_ids_of(configuration))

    def may_read_import_error(self, configuration: Configuration) -> bool:
        """Whether Airflow's list of import errors shows the user an error of this configuration."""
        return self._may_view(AccessView.IMPORT_ERRORS) and self._has(
            READ_DAG, compiled_dag_ids_of(configuration)
        )

    def may_read_plugins(self) -> bool:
        """Whether Airflow shows the user its plugins."""
        return self._may_view(AccessView.PLUGINS)

    def readable_dag_ids(self) -> set[str]:
        """The ids of all DAGs that the user may read."""
        manager: Any = get_auth_manager()
        return set(manager.get_authorized_dag_ids(user=self.user, method="GET"))

    def _cached_check(self, right: Right) -> Callable[[str], bool]:
        return cache(lambda dag_id: self._has(right, {dag_id}))

    def _may_read_pool(self, name: str) -> bool:
        details = PoolDetails(name=name)
        if conf.getboolean("core", "multi_team"):
            with snapshot() as session:
                details.team_name = teams.team_of_pool(session, name)
        manager: Any = get_auth_manager()
        return bool(manager.is_authorized_pool(method="GET", details=details, user=self.user))

    def _may_read_cluster(self) -> bool:
        return self._may_view(AccessView.CLUSTER_ACTIVITY)

    def _may_view(self, view: AccessView) -> bool:
        manager: Any = get_auth_manager()
        return bool(manager.is_authorized_view(access_view=view, user=self.user))

    # -- acting -----------------------------------------------------------------------------------------------

    def require_create(self, configuration: Configuration) -> None:
        """Require the right to create runs of all DAGs of the configuration."""
        self._require(CREATE_RUNS, dag_ids_of_session(configuration), configuration)

    def require_fire(self, configuration: Configuration, trigger_name: str) -> None:
        """Require the right to create runs of every DAG whose task uses the trigger.

        A trigger without such a task starts nothing, but it is recorded. This takes the right on one of the DAGs.
        """
        if not self.may_fire(configuration, trigger_name):
            self.require_something(configuration)
            raise self._refusal(CREATE_RUNS)

    def may_fire(self, configuration: Configuration, trigger_name: str) -> bool:
        """Whether :meth:`require_fire` lets the user fire the trigger."""
        dag_ids = dag_ids_concerned_by(configuration, trigger_name)
        return self._has(CREATE_RUNS, dag_ids) if dag_ids else self._may_fire_something(configuration)

    def authorizer_of(self, trigger_name: str) -> AuthorizeFire:
        """The check to call before the user fires the trigger."""
        return partial(self.require_firing, trigger_name)

    def require_firing(
        self, trigger_name: str, configuration: Configuration, makes_session: bool = False
    ) -> None:
        """Require :meth:`require_fire`. Making the session takes the right on all its DAGs."""
        if makes_session:
            self.require_create(configuration)
        else:
            self.require_fire(configuration, trigger_name)

    def require_migrate(self, configuration: Configuration) -> None:
        """Require the rights to read the session and to create runs of all its DAGs."""
        self.require_read(configuration)
        self.require_create(configuration)

    def require_act(self, configuration: Configuration, view: InstanceView, act: InstanceAct) -> None:
        """Require the rights that an act on an instance takes, on the instance's DAG.

        With a cascade, the given result stands for the result of a run of this DAG. So it takes the right to create
        one too, and no right on the DAGs that follow.
        """
        self._require_needs(act, configuration, view.instance.task.name, view.dag_id)

    def authorizer_of_act(self, act: InstanceAct) -> AuthorizeAct:
        """The check to call for the instances of a bulk act. Instances that the user may not read are concealed."""

        def authorize(configuration: Configuration, task_name: str, run_dag_id: str | None) -> None:
            if not self.may_read(configuration):
                raise Concealed
            self._require_needs(act, configuration, task_name, run_dag_id)

        return authorize

    def require_bulk_act(self, bulk_act: BulkAct) -> None:
        """Require the rights of a bulk act on all DAGs that it may touch.

        :raises UnreadableRow: when its row cannot be read.
        """
        if right := self.lacking_right(bulk_act.instance_act.needs, bulk_act.touched_dag_ids):
            raise self._refusal(right)

    def lacking_right(self, needs: Collection[Need], dag_ids: Collection[str]) -> Right | None:
        """The first of the needed rights that the user does not have on all the DAGs; None: they have each of them."""
        rights = (RIGHT_OF_NEED[need] for need in Need if need in needs)
        return next((right for right in rights if not self.may(right, dag_ids)), None)

    def _require_needs(
        self, act: InstanceAct, configuration: Configuration, task_name: str, run_dag_id: str | None
    ) -> None:
        dag_ids = dag_ids_of_instance(configuration, task_name, run_dag_id)
        for need in Need:
            if need in act.needs:
                self._require(RIGHT_OF_NEED[need], dag_ids, configuration)

    def require_delete(self, configuration: Configuration) -> None:
        """Require the rights to read the session and to delete runs of all its DAGs.

        The runs stay in Airflow, but the session's knowledge of them is deleted.
        """
        self.require_read(configuration)
        self._require(DELETE_RUNS, dag_ids_to_read(configuration), configuration)

    def _may_fire_something(self, configuration: Configuration) -> bool:
        return any(self._has(CREATE_RUNS, {dag_id}) for dag_id in sorted(dag_ids_of_session(configuration)))

    def require_something(self, configuration: Configuration) -> None:
        """Require :meth:`knows`.

        :raises Concealed: when the user does not.
        """
        if not self.knows(configuration):
            raise Concealed

    def knows(self, configuration: Configuration) -> bool:
        """Whether the user may read such a session, or fire something into it."""
        return self.may_read(configuration) or self._may_fire_something(configuration)

    def may(self, right: Right, dag_ids: Collection[str]) -> bool:
        """Whether the user has the right on all these DAGs, for an answer that only says so."""
        return self._has(right, dag_ids)

    # -- asking the auth manager ------------------------------------------------------------------------------

    def _require(self, right: Right, dag_ids: Collection[str], configuration: Configuration) -> None:
        if self._has(right, dag_ids):
            return
        self.require_something(configuration)
        raise self._refusal(right)

    def _refusal(self, right: Right) -> Refused:
        return Refused(
            f"User {self.user.get_name()!r} may not {right.words} of the DAGs that this concerns. "
            "Ask an administrator of Airflow for that right.",
        )

    def _has(self, right: Right, dag_ids: Collection[str]) -> bool:
        """Whether the user has the right on all the DAGs."""
        questions: list[IsAuthorizedDagRequest] = [
            {"method": right.method, "access_entity": right.entity, "details": details}
            for details in self._details_of(dag_ids)
        ]
        manager: Any = get_auth_manager()
        return bool(manager.batch_is_authorized_dag(questions, user=self.user))

    def _details_of(self, dag_ids: Collection[str]) -> list[DagDetails]:
        """The DAGs in the form of the auth manager's questions; each is looked up once per request."""
        if new := set(dag_ids) - self._details.keys():
            self._details |= _read_details(new)
        return [details for dag_id in sorted(dag_ids) for details in self._details[dag_id]]


def _read_details(dag_ids: set[str]) -> dict[str, list[DagDetails]]:
    """The DAGs with their teams, as Airflow's own routes ask about them. :data:`EVERY_DAG` belongs to every team."""
    if not conf.getboolean("core", "multi_team"):
        return {dag_id: [DagDetails(id=dag_id)] for dag_id in dag_ids}
    with snapshot() as session:
        team_of = teams.teams_of_dags(session, dag_ids)
        every_team = teams.team_names(session) if EVERY_DAG in dag_ids else set()
    details = {dag_id: [DagDetails(id=dag_id, team_name=team_of.get(dag_id))] for dag_id in dag_ids}
    if EVERY_DAG in dag_ids:
        details[EVERY_DAG] += [DagDetails(id=EVERY_DAG, team_name=team) for team in sorted(every_team)]
    return details
