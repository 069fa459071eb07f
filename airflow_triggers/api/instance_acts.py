"""What a user may do with an instance now: its status and their rights, for buttons.

The auth manager is asked once per right and DAG, however many instances a page has. Neighbours: ``permissions.py`` asks
the auth manager; the routes' acts ask it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from airflow_triggers.api.permissions import RIGHT_OF_NEED, Permissions
from airflow_triggers.domain.acts import ActKind, Need
from airflow_triggers.domain.concerned_dags import dag_ids_of_instance
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.instances import InstanceStatus


@dataclass(frozen=True)
class AllowedAct:
    """Whether an act is allowed. ``reason`` is None, or says why it is not."""

    allowed: bool
    reason: str | None = None


_NEEDS: Mapping[ActKind, Need] = {
    ActKind.REPLAY: Need.CREATE_RUNS,
    ActKind.SKIP: Need.EDIT_TASK_INSTANCES,
    ActKind.SET_STATUS: Need.EDIT_TASK_INSTANCES,
    ActKind.SET_METADATA: Need.EDIT_TASK_INSTANCES,
    ActKind.RESOLVE_LOGS: Need.EDIT_TASK_INSTANCES,
}

_OF_FAILED: Mapping[ActKind, str] = {ActKind.REPLAY: "replayed", ActKind.SKIP: "skipped"}
"""The acts on failed instances only, with their participles."""


class InstanceActs:
    """The acts of a request's user on instances."""

    def __init__(self, permissions: Permissions) -> None:
        self._may = cache(lambda need, dag_ids: permissions.may(RIGHT_OF_NEED[need], dag_ids))

    def of(
        self, configuration: Configuration, *, task: str, status: InstanceStatus, dag_id: str | None
    ) -> dict[ActKind, AllowedAct]:
        """The acts on one instance.

        :param configuration: of its session.
        :param dag_id: the DAG of its run; None while it has none.
        """
        dag_ids = dag_ids_of_instance(configuration, task, dag_id)
        return {kind: self._act(kind, need, status, dag_ids) for kind, need in _NEEDS.items()}

    def _act(self, kind: ActKind, need: Need, status: InstanceStatus, dag_ids: frozenset[str]) -> AllowedAct:
        if kind in _OF_FAILED and status is not InstanceStatus.FAILED:
            reason = f"Only failed instances can be {_OF_FAILED[kind]}; this one is {status}."
            return AllowedAct(False, reason)
        if not self._may(need, dag_ids):
            words = RIGHT_OF_NEED[need].words
            return AllowedAct(False, f"You may not {words} of its DAG. Ask an administrator of Airflow.")
        return AllowedAct(True)
