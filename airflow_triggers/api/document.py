"""The OpenAPI document: what FastAPI's own leaves out.

Neighbours: ``app.py`` makes the application; the models and routes say the rest.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from airflow_triggers.api.problems import PROBLEM_JSON


class DocumentedApi(FastAPI):
    """FastAPI, whose document is exact about our answers."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document; made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            for operations in document["paths"].values():
                for operation in operations.values():
                    _state_problem_json(operation["responses"])
        assert self.openapi_schema is not None
        return self.openapi_schema


def _state_problem_json(responses: dict[str, Any]) -> None:
    """State the media type of errors: FastAPI states that of successes for all."""
    for status, response in responses.items():
        if int(status) >= HTTPStatus.BAD_REQUEST:
            (content,) = response["content"].values()
            response["content"] = {PROBLEM_JSON: content}
