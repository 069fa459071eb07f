"""What a user may do with what is to come or failed, for buttons: fires to come, hooks, asset events, migrations.

The auth manager is asked once for the same DAGs, however many items a page has. Neighbours: ``permissions.py`` asks the
auth manager; the routes' acts ask it again. ``session_acts.py`` and ``instance_acts.py`` have the other acts.
"""

from __future__ import annotations

from functools import cache

from airflow_triggers.api.instance_acts import AllowedAct
from airflow_triggers.api.permissions import CREATE_RUNS, Permissions
from airflow_triggers.domain.concerned_dags import dag_ids_concerned_by, dag_ids_of_session
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.fires import DelayedFire
from airflow_triggers.gateway import Deployment


class ParkedActs:
    """The acts of a request's user on what they may read."""

    def __init__(self, permissions: Permissions) -> None:
        self._may_run_all = cache(lambda dag_ids: permissions.may(CREATE_RUNS, dag_ids))

    def of_delayed_fire(self, configuration: Configuration, fire: DelayedFire) -> dict[str, AllowedAct]:
        """The acts on a fire to come.

        :param configuration: of its session.
        """
        cancel = self._fire(configuration, fire.trigger_name)
        if fire.attempts:
            return {"cancel": cancel, "retry": cancel}
        return {"cancel": cancel, "retry": AllowedAct(False, "Only a fire that failed can be tried again.")}

    def of_hook(self, configuration: Configuration) -> dict[str, AllowedAct]:
        """The acts on a hook of a session with this configuration: it may fire anything."""
        return {"call": self._run_all(configuration, "its session")}

    def of_asset_event(self, configuration: Configuration | None) -> dict[str, AllowedAct]:
        """The acts on an asset event that failed.

        :param configuration: of the session that it names; None: it names none that exists.
        """
        if configuration is not None:
            return {"retry": self._run_all(configuration, "its session")}
        if self._may_run_all(dag_ids_of_session(Configuration())):
            return {"retry": AllowedAct(True)}
        reason = f"It names no session. So it takes the right to {CREATE_RUNS.words} of every DAG."
        return {"retry": AllowedAct(False, f"{reason} {_ADMINISTRATOR}")}

    def of_deployment(self, deployment: Deployment) -> dict[str, AllowedAct]:
        """The acts on a configuration whose sessions the user may read."""
        if not deployment.is_deployed:
            return {
                "migrate": AllowedAct(False, "It is not deployed now. Mend its file, and deploy it again.")
            }
        return {"migrate": self._run_all(deployment.configuration, "the configuration")}

    def _fire(self, configuration: Configuration, trigger_name: str) -> AllowedAct:
        concerned = dag_ids_concerned_by(configuration, trigger_name)
        if concerned:
            if self._may_run_all(concerned):
                return AllowedAct(True)
            subject = f"all DAGs whose tasks use the trigger {trigger_name!r}"
        else:
            if any(self._may_run_all(frozenset({dag_id})) for dag_id in dag_ids_of_session(configuration)):
                return AllowedAct(True)
            subject = "any DAG of its session"
        return AllowedAct(False, f"You may not {CREATE_RUNS.words} of {subject}. {_ADMINISTRATOR}")

    def _run_all(self, configuration: Configuration, owner: str) -> AllowedAct:
        if self._may_run_all(dag_ids_of_session(configuration)):
            return AllowedAct(True)
        return AllowedAct(False, f"You may not {CREATE_RUNS.words} of all DAGs of {owner}. {_ADMINISTRATOR}")


_ADMINISTRATOR = "Ask an administrator of Airflow."
