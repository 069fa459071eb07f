"""What the types of answers have in common.

Members added by a newer server are ignored. Neighbours: the other files of this room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class Result(BaseModel):
    """The base of the API's answers."""

    model_config = ConfigDict(frozen=True, extra="ignore")


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a list.

    :param next: the cursor of the next page; None: this is the last page.
    """

    items: Sequence[T]
    next: str | int | None
