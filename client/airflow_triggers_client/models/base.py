"""What the types of answers have in common.

Members added by a newer server are ignored. Neighbours: the other files of this room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Result(BaseModel):
    """The base of the API's answers."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class TaggedResult(Result):
    """A result that may be read again to see whether it has changed."""

    etag: str | None = Field(default=None, exclude=True)
    """The version that was read. Give it as ``if_match`` to an act: it is refused if somebody has changed it since.
    None: it was part of another answer."""


class AllowedAct(Result):
    """Whether you may do something now."""

    allowed: bool
    reason: str | None
    """Why not, as a sentence."""


Acts = dict[str, AllowedAct]
"""What you may do with an object now, by act. Empty in answers to acts."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a list.

    :param next: the cursor of the next page; None: this is the last page.
    """

    items: Sequence[T]
    next: str | int | None


def texts(values: Sequence[str] | str) -> Sequence[str]:
    """The values; a single text is one value, and not a sequence of its letters."""
    return (values,) if isinstance(values, str) else values
