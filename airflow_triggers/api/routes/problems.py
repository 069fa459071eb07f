"""``/api/v1/problems``: the types of problems. The ``type`` of each error's answer leads here.

It tells nothing of sessions, so it takes no rights on DAGs.
"""

from __future__ import annotations

from fastapi import Request
from pydantic import BaseModel, Field

from airflow_triggers.api.problem_types import problem_types
from airflow_triggers.api.problems import type_of
from airflow_triggers.api.routers import make_router

router = make_router("", tag="Problems")


class ProblemTypeBody(BaseModel):
    """A type of problems."""

    type: str = Field(
        description="The `type` of its problems.", examples=["/triggers/api/v1/problems#SessionNotFound"]
    )
    reason: str = Field(description="The `reason` of its problems.", examples=["SessionNotFound"])
    title: str = Field(examples=["Session not found"])
    status: int = Field(description="The HTTP status.", examples=[404])
    description: str = Field(description="Its meaning.", examples=["No session has that UID."])


class ProblemTypesBody(BaseModel):
    """All types of problems, ordered by status."""

    problems: list[ProblemTypeBody]


@router.get("/problems", summary="List the types of problems")
def list_problem_types(request: Request) -> ProblemTypesBody:
    """Each reason of an error with its HTTP status and its meaning. A manager of your own may raise further ones; they
    have the type of their base.
    """
    return ProblemTypesBody(
        problems=[
            ProblemTypeBody(
                type=type_of(kind.reason, request.scope),
                reason=kind.reason,
                title=kind.title,
                status=kind.status,
                description=kind.description,
            )
            for kind in problem_types()
        ]
    )
