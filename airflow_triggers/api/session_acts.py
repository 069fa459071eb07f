"""What a user may do with a session now, for buttons.

Neighbours: ``instance_acts.py`` has the acts on its instances; ``permissions.py`` asks the auth manager.
"""

from __future__ import annotations

from airflow_triggers.api.instance_acts import AllowedAct
from airflow_triggers.api.permissions import CREATE_RUNS, DELETE_RUNS, Permissions, Right
from airflow_triggers.domain.concerned_dags import dag_ids_of_session, dag_ids_to_read
from airflow_triggers.domain.configuration import Configuration


class SessionActs:
    """The acts of a request's user on sessions that they may read."""

    def __init__(self, permissions: Permissions) -> None:
        self._permissions = permissions

    def of(self, configuration: Configuration) -> dict[str, AllowedAct]:
        """The acts on a session with this configuration, by name."""
        return {
            "fire": self._fire(configuration),
            "delete": self._act(DELETE_RUNS, dag_ids_to_read(configuration)),
            "update": self._act(CREATE_RUNS, dag_ids_of_session(configuration)),
        }

    def _fire(self, configuration: Configuration) -> AllowedAct:
        dag_ids = dag_ids_of_session(configuration)
        if any(self._permissions.may(CREATE_RUNS, {dag_id}) for dag_id in sorted(dag_ids)):
            return AllowedAct(True)
        return AllowedAct(False, f"You may not {CREATE_RUNS.words} of any of its DAGs. {_ADMINISTRATOR}")

    def _act(self, right: Right, dag_ids: frozenset[str]) -> AllowedAct:
        if self._permissions.may(right, dag_ids):
            return AllowedAct(True)
        return AllowedAct(False, f"You may not {right.words} of all its DAGs. {_ADMINISTRATOR}")


_ADMINISTRATOR = "Ask an administrator of Airflow."
