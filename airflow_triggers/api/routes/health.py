"""``/api/v1/health``: whether controllers are alive and keep up.

It tells nothing of sessions, so it takes no rights on DAGs.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from airflow_triggers.answers.health import HealthAnswer
from airflow_triggers.api.routers import make_router
from airflow_triggers.controller.health import read_health
from airflow_triggers.domain.health import MAX_COUNT, Health

router = make_router("", tag="Health")


def _count_field(description: str) -> int:
    field: int = Field(ge=0, le=MAX_COUNT, description=f"{description} {MAX_COUNT} means: so many or more.")
    return field


class ControllersBody(BaseModel):
    """The controllers."""

    alive: int = _count_field("How many controllers gave a sign of life in time.")
    last_pass: datetime | None = Field(
        description="When one of them last finished a pass, or a session within a long pass, to a few seconds. Null: "
        "none has ever run."
    )


class OverdueBody(BaseModel):
    """What should have been done by now."""

    delayed_fires: int = _count_field("How many delayed fires are due.")


class ParkedBody(BaseModel):
    """Work tried too often, or impossible: it waits for people. It does not make the answer unhealthy."""

    hooks: int = _count_field("How many hooks are parked.")
    asset_events: int = _count_field("How many asset events are parked.")
    delayed_fires: int = _count_field("How many delayed fires are parked.")


class HealthBody(BaseModel):
    """The health of the triggers controllers."""

    status: Literal["healthy", "unhealthy"]
    reason: str | None = Field(description="Why it is unhealthy, and what to do; null when it is healthy.")
    at: datetime = Field(description="When this was read, by the clock of the API server.")
    controllers: ControllersBody
    lag: float = Field(
        ge=0,
        description="How many seconds the oldest change has waited to be applied; 0: all is applied.",
    )
    oldest_change: datetime | None = Field(
        description="When that change happened. Changes that failed and are tried again later are left out until then."
    )
    overdue: OverdueBody
    parked: ParkedBody

    @classmethod
    def of(cls, health: Health) -> HealthBody:
        """The answer about this state."""
        return cls.model_validate(asdict(HealthAnswer.of(health)))


@router.get("/health", summary="Read the controllers' health")
def get_health() -> HealthBody:
    """Whether triggers controllers are alive and keep up. The HTTP status is 200 in both cases, like in Airflow's own
    health route.

    It takes a valid token and no rights, costs a few look-ups by index, and tells nothing of sessions.
    """
    return HealthBody.of(read_health())
