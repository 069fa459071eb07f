"""AnswerBody: the base of the models that document answers.

Neighbours: ``datamodels.py`` and ``history_models.py`` have the models. The values come from ``answers/``, which has
the same keys for the command line.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class AnswerBody(BaseModel):
    """An answer. ``model_validate`` reads it from the fields of a value of ``answers/``, at each depth."""

    model_config = ConfigDict(from_attributes=True)
