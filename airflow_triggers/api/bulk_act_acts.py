"""What a user may do with a bulk act now, for buttons.

The auth manager is asked once for the same DAGs, however many bulk acts a page has. Neighbours: ``permissions.py`` asks
the auth manager; the route that cancels one asks it again.
"""

from __future__ import annotations

from functools import cache

from airflow_triggers.api.instance_acts import AllowedAct
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.domain.bulk import BulkAct
from airflow_triggers.errors import BulkActOver, UnreadableRow


class BulkActActs:
    """The acts of a request's user on bulk acts that they may see."""

    def __init__(self, permissions: Permissions, user_name: str) -> None:
        self._user_name = user_name
        self._lacking_right = cache(permissions.lacking_right)

    def of(self, bulk_act: BulkAct) -> dict[str, AllowedAct]:
        """The acts on one bulk act, by name."""
        return {"cancel": self._cancel(bulk_act)}

    def _cancel(self, bulk_act: BulkAct) -> AllowedAct:
        if bulk_act.state.is_over:
            return AllowedAct(False, str(BulkActOver(bulk_act.bulk_act_id, bulk_act.state)))
        if bulk_act.by == self._user_name:
            return AllowedAct(True)
        try:
            right = self._lacking_right(bulk_act.instance_act.needs, bulk_act.touched_dag_ids)
        except UnreadableRow as error:
            return AllowedAct(False, str(error))
        if right is None:
            return AllowedAct(True)
        return AllowedAct(
            False, f"You may not {right.words} of all its DAGs. Ask an administrator of Airflow."
        )
