"""What a user may do with a session: what Airflow's auth manager lets them do with the DAGs that it runs.

Neighbours: routes ask here before they call ``sessions.py``; Airflow's auth manager decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.batch_apis import IsAuthorizedDagRequest
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.configuration import conf
from fastapi import HTTPException, Request

from airflow_triggers.api.errors import Refused
from airflow_triggers.sessions import InstanceView, dag_ids_of
from airflow_triggers.types import Configuration


@dataclass(frozen=True)
class Right:
    """What Airflow asks its auth manager about a DAG, and the words for a refusal."""

    method: Literal["GET", "POST", "PUT"]
    entity: DagAccessEntity
    words: str


READ_RUNS = Right("GET", DagAccessEntity.RUN, "read the runs")
READ_RESULTS = Right("GET", DagAccessEntity.XCOM, "read the XComs")
CREATE_RUNS = Right("POST", DagAccessEntity.RUN, "create runs")
EDIT_TASK_INSTANCES = Right("PUT", DagAccessEntity.TASK_INSTANCE, "edit the task instances")


class Permissions:
    """The rights of a request's user.

    A session is read as a whole, with every run's kwargs and results, and those flow from task to task: whoever may
    not read them of ALL its DAGs reads nothing of it.
    """

    def __init__(self, user: BaseUser, request: Request) -> None:
        self.user = user
        self._request = request

    def require_read(self, configuration: Configuration) -> None:
        """:raises Refused: unless runs and XComs of all DAGs of the configuration may be read."""
        dag_ids = _dag_ids(configuration)
        self._require(READ_RUNS, dag_ids)
        self._require(READ_RESULTS, dag_ids)

    def require_create(self, configuration: Configuration) -> None:
        """:raises Refused: unless runs of all DAGs of the configuration may be created."""
        self._require(CREATE_RUNS, _dag_ids(configuration))

    def require_fire(self, configuration: Configuration, trigger_name: str) -> None:
        """:raises Refused: unless runs of every DAG whose task uses the trigger may be created.

        A trigger that no task uses starts nothing, but is recorded: that takes the right on one of the DAGs.
        """
        dag_ids = dag_ids_of(configuration)
        concerned = {task.name for task in configuration.concerned_by(trigger_name)} & dag_ids.keys()
        if concerned:
            self._require(CREATE_RUNS, {dag_ids[name] for name in concerned})
        elif not any(self._has(CREATE_RUNS, {dag_id}) for dag_id in _dag_ids(configuration)):
            self._require(CREATE_RUNS, _dag_ids(configuration))

    def require_firing(
        self, trigger_name: str, configuration: Configuration, makes_session: bool = False
    ) -> None:
        """:raises Refused: see :meth:`require_fire`; to make the session takes the right on all its DAGs."""
        if makes_session:
            self.require_create(configuration)
        else:
            self.require_fire(configuration, trigger_name)

    def require_replay(self, configuration: Configuration, view: InstanceView) -> None:
        """:raises Refused: unless runs of the DAG that the clone will run may be created."""
        self._require(CREATE_RUNS, _dag_ids_of_instance(configuration, view))

    def require_skip(self, configuration: Configuration, view: InstanceView, *, cascade: bool) -> None:
        """:raises Refused: unless the run's task instances may be edited and, to cascade, its name be fired."""
        self._require(EDIT_TASK_INSTANCES, _dag_ids_of_instance(configuration, view))
        if cascade:
            self.require_fire(configuration, view.instance.task.name)

    def readable(self, configurations: Mapping[str, Configuration]) -> list[str] | None:
        """The keys of the configurations whose sessions the user may read; None when that is all of them."""
        dag_ids = {key: _dag_ids(configuration) for key, configuration in configurations.items()}
        if self._reads(frozenset[str]().union(*dag_ids.values())):
            return None
        distinct = {ids: self._reads(ids) for ids in set(dag_ids.values())}
        return [key for key, ids in dag_ids.items() if distinct[ids]]

    def _reads(self, dag_ids: Collection[str]) -> bool:
        return self._has(READ_RUNS, dag_ids) and self._has(READ_RESULTS, dag_ids)

    def _require(self, right: Right, dag_ids: Collection[str]) -> None:
        if not self._has(right, dag_ids):
            raise Refused(
                HTTPStatus.FORBIDDEN,
                "Forbidden",
                f"User {self.user.get_name()!r} may not {right.words} of the DAGs that this concerns. "
                "Ask an administrator of Airflow for that right.",
            )

    def _has(self, right: Right, dag_ids: Collection[str]) -> bool:
        """Whether the user has the right on all the DAGs; on DAGs in general when there is none."""
        if dag_ids and conf.getboolean("core", "multi_team"):
            return all(self._has_with_team(right, dag_id) for dag_id in dag_ids)
        details: Iterable[DagDetails | None] = [DagDetails(id=it) for it in sorted(dag_ids)] or [None]
        asked: list[IsAuthorizedDagRequest] = [
            {"method": right.method, "access_entity": right.entity, "details": it} for it in details
        ]
        manager: Any = get_auth_manager()
        return bool(manager.batch_is_authorized_dag(asked, user=self.user))

    def _has_with_team(self, right: Right, dag_id: str) -> bool:
        """Like Airflow's own routes, which find the DAG's team for the auth manager."""
        try:
            requires_access_dag(right.method, right.entity, dag_id)(self._request, self.user)
        except HTTPException:
            return False
        return True


def _dag_ids(configuration: Configuration) -> frozenset[str]:
    return frozenset(dag_ids_of(configuration).values())


def _dag_ids_of_instance(configuration: Configuration, view: InstanceView) -> set[str]:
    """The DAG of the instance's run, and the one that its task runs now: an update may have changed it."""
    planned = dag_ids_of(configuration).get(view.instance.task.name)
    return {dag_id for dag_id in (planned, view.dag_id) if dag_id is not None}
