"""Rows that a transaction inserts together: many fires of a batch are one statement.

Neighbours: ``together.py`` begins it for a batch, ``sql.py`` adds the fires, ``transaction.py`` inserts them in time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, insert, select

MORE_IDS = 10
"""Ids taken at once when there are more rows than were expected."""


class PendingRows:
    """Rows of a table in PostgreSQL, each with its id already, but not inserted yet.

    The ids come from the table's sequence, as those of other rows do. So they rise in the order of the rows.

    :param table: its column ``id`` has a sequence.
    :param expected: how many rows will come, as far as is known: so many ids are taken at once.
    """

    def __init__(self, table: Table, *, expected: int) -> None:
        self.table = table
        self._expected = expected
        self._ids: deque[int] = deque()
        self._rows: list[dict[str, Any]] = []

    def __bool__(self) -> bool:
        """Whether there are rows to insert."""
        return bool(self._rows)

    def add(self, row: Mapping[str, Any], connection: Connection) -> int:
        """Add a row without its id.

        :returns: the id.
        """
        if not self._ids:
            count, self._expected = self._expected or MORE_IDS, 0
            self._ids.extend(connection.scalars(self._take_ids, {"count": count}))
        row_id = self._ids.popleft()
        self._rows.append({**row, "id": row_id})
        return row_id

    @property
    def _take_ids(self) -> Any:
        sequence = func.pg_get_serial_sequence(self.table.name, "id")
        return select(func.nextval(sequence)).select_from(func.generate_series(1, bindparam("count")))

    def insert(self, connection: Connection) -> None:
        """Insert the rows. Whether or not this succeeds, they do not wait any longer."""
        rows, self._rows = self._rows, []
        connection.execute(insert(self.table), rows)

    def forget(self) -> None:
        """Forget the rows: the writes of their transaction, or of a part of it, are undone."""
        self._rows.clear()
