"""The health of controllers."""

from __future__ import annotations

from airflow_triggers_client.exchange import Request, Steps
from airflow_triggers_client.models import Health
from airflow_triggers_client.service import Service


def health(service: Service) -> Steps[Health]:
    """Whether triggers controllers are alive and keep up."""
    return (yield from service.call(Request("GET", "health", repeatable=True), Health))
