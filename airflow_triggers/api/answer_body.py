"""AnswerBody: the base of the models for answers.

Neighbours: ``datamodels.py`` and ``history_models.py`` have the models. The values come from ``answers/``, which has
the same keys for the command line.
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class AnswerBody(BaseModel):
    """An answer. ``model_validate`` reads it from the attributes of a value of ``answers/``, nested values too."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of_answer(cls, answer: object, **members: Any) -> Self:
        """The body for a value of ``answers/``, with members that only REST has: ``acts`` above all."""
        return cls.model_validate({**vars(answer), **members})
