"""Pages of bounded work: the next rows of an order that match, looked for in windows that grow.

Neighbours: ``cursors.py`` makes a place a text; ``instances.py`` and ``listing.py`` make their pages with these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

MOST_CANDIDATES = 2_000
"""The most rows of an index at which one page looks, unless it asks for more.

So a filter that matches nothing costs about the same among 1,000 rows and among 1,000,000. There, its page is empty and
has a cursor.
"""

FIRST_WINDOW = 200
_GROWTH = 4

Place = tuple[Any, ...]


def next_rows(
    windows: Callable[[Place | None, int], Iterable[Any]],
    *,
    order: Sequence[str],
    place: Place | None,
    limit: int,
    ranges: int = 1,
) -> tuple[list[Any], Place | None]:
    """The next rows that match, at most ``limit``, and the place where the next page begins; None: there is none.

    :param windows: the rows of a window after a place, in the order of the list: those that match (``matches``), and
        the last candidate of each range (``is_end``), after which the range may have more. Its second argument is the
        number of candidates of each range.
    :param order: the names of the columns of a place.
    :param ranges: the number of ranges. They share :data:`MOST_CANDIDATES`.
    """
    rows: list[Any] = []
    size, rest = max(FIRST_WINDOW, limit + 1), MOST_CANDIDATES
    while size:
        end_place = None
        for row in windows(place, size):
            row_place = tuple(getattr(row, name) for name in order)
            if row.matches:
                rows.append(row)
            if len(rows) > limit:
                return rows[:limit], tuple(getattr(rows[limit - 1], name) for name in order)
            if row.is_end:
                # Beyond it, rows of this range are missing between the others.
                end_place = row_place
                break
        if end_place is None:
            return rows, None
        place, rest = end_place, rest - size * ranges
        size = min(size * _GROWTH, max(rest, 0) // max(ranges, 1))
    return rows, place
