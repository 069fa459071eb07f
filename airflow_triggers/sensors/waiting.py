"""SessionTrigger: a deferred sensor's part in the triggerer. It asks a deployment about a session, again and again.

(Airflow calls what runs in its triggerer a trigger; it has nothing to do with the triggers of this package.)
Neighbours: ``sensor.py`` defers to it; ``condition.py`` says what it asks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_triggers.hooks import TriggersHook
from airflow_triggers.sensors.condition import AWAY, Outcome, SessionCondition
from airflow_triggers_client import AsyncTriggersClient
from airflow_triggers_client.errors import TriggersClientError, WaitTimeout

log = logging.getLogger(__name__)


class SessionTrigger(BaseTrigger):
    """Waits in the triggerer; its only event has the :class:`Outcome`, or an error.

    :param poke_interval: seconds between two looks.
    """

    def __init__(
        self,
        *,
        conn_id: str,
        session_uid: str,
        poke_interval: float,
        instance: str | None = None,
        statuses: Sequence[str] = (),
        trigger: str | None = None,
        fail_early: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_id, self.session_uid, self.poke_interval = conn_id, session_uid, poke_interval
        self.condition = SessionCondition(
            instance=instance, statuses=list(statuses), trigger=trigger, fail_early=fail_early
        )

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """See :meth:`BaseTrigger.serialize`."""
        arguments = {
            "conn_id": self.conn_id,
            "session_uid": self.session_uid,
            "poke_interval": self.poke_interval,
            "instance": self.condition.instance,
            "statuses": list(self.condition.statuses),
            "trigger": self.condition.trigger,
            "fail_early": self.condition.fail_early,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until the outcome is there. The sensor's timeout ends it from outside."""
        try:
            async with await TriggersHook(self.conn_id).aget_conn() as client:
                outcome = await self._wait(client)
        except (ImportError, ValueError, TriggersClientError) as error:
            yield TriggerEvent({"error": str(error)})
            return
        yield TriggerEvent(asdict(outcome))

    async def _wait(self, client: AsyncTriggersClient) -> Outcome:
        condition = self.condition.to_client()
        while True:
            try:
                return await client.wait_for(self.session_uid, until=condition, timeout=0)
            except WaitTimeout:
                pass
            except AWAY as error:
                log.warning("Session %s cannot be read: %s", self.session_uid, error)
            await asyncio.sleep(self.poke_interval)
