"""A wave of a survey: a session over sessions. Each finalized member reports to it; it ends after enough reports.

Neighbours: ``plugin.py`` registers both managers.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from airflow_triggers import InstanceStatus, TaskInstance, TriggerManager
from airflow_triggers.errors import IdempotencyConflict
from survey_managers.finalizing import FINALIZED, FinalizingManager
from survey_managers.once import fire_once

log = logging.getLogger(__name__)

MEMBER_FINISHED = "memberFinished"
ADD_MEMBER = "t_addMember"
WAVE_COMPLETE = "waveComplete"


class WaveMemberManager(FinalizingManager):
    """Manages a member: when the member is finalized, it fires its UID and its result into its wave.

    The session's metadata name the wave (``{"wave": "wave-2026-1"}``). The result is made of the return values of the
    tasks with the directive ``reported: true``.
    """

    name = "wave-member"

    def _post_fire(self, trigger_name: str, tasks_scheduled: Sequence[TaskInstance]) -> None:
        super()._post_fire(trigger_name, tasks_scheduled)
        wave = self.storage.metadata.get("wave")
        if trigger_name == FINALIZED and wave is not None:
            self._report_to(wave)

    def _report_to(self, wave: str) -> None:
        """Report once (idempotent). As long as the wave does not exist, this hook fails and is called again."""
        # Imported here because every task's process imports a plugin's managers.
        from airflow_triggers.sessions.opening import fire_into

        uid = self.storage.uid
        kwargs = {"member": uid, "result": self._result()}
        try:
            fire_into(
                wave, MEMBER_FINISHED, kwargs, idempotency_key=f"member/{uid}", fired_by=f"session {uid}"
            )
        except IdempotencyConflict:
            log.info("%s is in %s already, with the result that it had then", uid, wave)

    def _result(self) -> dict[str, Any]:
        fired = self.storage.latest_kwargs
        return {
            task.name: dict(fired[task.name])
            for task in self.storage.tasks.values()
            if task.extra.get("reported") and task.name in fired
        }


class WaveManager(TriggerManager):
    """Manages a wave: after enough members have reported, it fires ``waveComplete`` once, with all results.

    The metadata say how many are enough (``{"members": 50}``); without this number the wave never ends. A member counts
    when its instance of ``t_addMember`` has finished.
    """

    name = "wave"

    def _post_fire(self, trigger_name: str, tasks_scheduled: Sequence[TaskInstance]) -> None:
        if trigger_name == ADD_MEMBER:
            fire_once(self, WAVE_COMPLETE, self._results)

    def _results(self) -> Mapping[str, Any] | None:
        added = [
            one.kwargs[MEMBER_FINISHED]
            for one in self.storage.instances_of_task(ADD_MEMBER)
            if one.status is InstanceStatus.FINISHED
        ]
        results = {member["member"]: member["result"] for member in added}
        wanted = self.storage.metadata.get("members")
        return None if wanted is None or len(results) < wanted else {"results": results}
