"""Paged lists of the API.

Neighbours: the other operations make listings; ``client.py`` and ``async_client.py`` iterate over them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from airflow_triggers_client.answers import parse
from airflow_triggers_client.errors import InvalidArgument, UnexpectedAnswer
from airflow_triggers_client.exchange import QueryValue, Request, Steps
from airflow_triggers_client.models import Page
from airflow_triggers_client.service import Service

T = TypeVar("T")

LARGEST_PAGE = 200
"""The most items that the API gives at once."""


@dataclass(frozen=True)
class Listing(Generic[T]):
    """A list of the API, not read yet.

    :param path: the list's path, below the API.
    :param key: the key of the items in an answer.
    :param item: the type of an item.
    :param cursor_name: the parameter for a page's ``next``.
    :param cursor: where to begin; None: at the beginning.
    :param query: other parameters of the request.
    """

    path: str
    key: str
    item: Any
    cursor_name: str
    cursor: str | int | None = None
    query: Mapping[str, QueryValue] = field(default_factory=dict)

    def page(self, service: Service, *, cursor: str | int | None, size: int) -> Steps[Page[T]]:
        """One page of ``size`` items at most, from the cursor on."""
        query = {**self.query, "limit": size, self.cursor_name: cursor}
        answer = yield from service.call(Request("GET", self.path, query, repeatable=True), dict[str, Any])
        if self.key not in answer:
            raise UnexpectedAnswer(f"The server's answer to GET {self.path} lacks {self.key!r}.")
        items: list[T] = parse(answer[self.key], list[self.item])  # type: ignore[name-defined]
        return Page(items, parse(answer.get("next"), str | int | None))  # type: ignore[arg-type]

    def first(self, service: Service, *, count: int) -> Steps[Page[T]]:
        """The first ``count`` items, read in as many pages as needed.

        :raises InvalidArgument: when ``count`` is below 1.
        """
        if count < 1:
            raise InvalidArgument(f"A list is read from 1 item up; found {count!r}.")
        items: list[T] = []
        cursor = self.cursor
        while True:
            size = min(LARGEST_PAGE, count - len(items))
            page = yield from self.page(service, cursor=cursor, size=size)
            items += page.items
            cursor = page.next
            if cursor is None or len(items) >= count:
                return Page(items, cursor)
