"""Statements with a text made once, which go to the database's driver unchanged.

SQLAlchemy remembers the text of a statement, too. But for each execution it computes the cache key, and looks up the
type of every value and every column. This takes as long as the database itself. Neighbours: ``statements.py`` has the
statements, ``transaction.py`` sends them.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnClause, Dialect, Executable, Table, TextClause
from sqlalchemy.sql import visitors

Processor = Callable[[Any], Any]


class PreparedStatement:
    """A statement with a fixed number of values. Only the values differ from time to time.

    :param statement: the driver must return its columns in their final form: text, numbers.
    :param sets: the names of the columns set by an INSERT or an UPDATE.
    """

    def __init__(self, statement: Executable, *, sets: Sequence[str] | None = None) -> None:
        self._statement, self._sets = statement, sets
        self.writes = bool(getattr(statement, "is_dml", False))
        self._latest: tuple[Dialect, DriverText] | None = None

    @cached_property
    def tables(self) -> frozenset[Table] | None:
        """See :func:`tables_of`."""
        return tables_of(self._statement)

    def text(self, dialect: Dialect) -> DriverText:
        """The statement for a driver.

        :raises ValueError: when a returned column is of another kind.
        """
        latest = self._latest
        if latest is None or latest[0] is not dialect:
            latest = self._latest = dialect, self._compile(dialect)
        return latest[1]

    def _compile(self, dialect: Dialect) -> DriverText:
        compiled_statement: Any = self._statement.compile(dialect=dialect, column_keys=self._sets)  # type: ignore[attr-defined]
        constants, variables = {}, []
        for bind, known_as in compiled_statement.bind_names.items():
            processor = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if bind.required:
                variables.append((bind.key, known_as, processor))
            else:
                constants[known_as] = bind.value if processor is None else processor(bind.value)
        return DriverText(
            sql=str(compiled_statement),
            constants=constants,
            variables=tuple(variables),
            order=None if compiled_statement.positiontup is None else tuple(compiled_statement.positiontup),
            row=_row_maker(self._statement, dialect),
        )


@dataclass(frozen=True, kw_only=True)
class DriverText:
    """A statement in one driver's form.

    :param constants: values that are always the same.
    :param variables: the others: the name, the driver's name, and the conversion to the driver's value.
    :param order: the driver's names in their order, for a driver without named parameters.
    :param row: makes a row of the driver's values; None when the statement returns no rows.
    """

    sql: str
    constants: Mapping[str, Any]
    variables: tuple[tuple[str, str, Processor | None], ...]
    order: tuple[str, ...] | None
    row: Callable[[Sequence[Any]], Any] | None

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """The values in the driver's form.

        :raises KeyError: when one is missing.
        """
        driver_values = dict(self.constants)
        for name, known_as, processor in self.variables:
            driver_values[known_as] = values[name] if processor is None else processor(values[name])
        return driver_values if self.order is None else tuple(driver_values[name] for name in self.order)


def tables_of(statement: Executable) -> frozenset[Table] | None:
    """The tables that a statement reads or writes; None when it is not known, because a part is text."""
    elements: list[Any] = list(visitors.iterate(statement))  # type: ignore[arg-type]
    # A column may be the only one that names its table: in UPDATE … FROM, say.
    owners = {element.table for element in elements if isinstance(element, ColumnClause)} - {None}
    elements += [part for owner in owners for part in visitors.iterate(owner)]
    if any(isinstance(element, TextClause) for element in elements):
        return None
    return frozenset(element for element in elements if isinstance(element, Table))


def _row_maker(statement: Any, dialect: Dialect) -> Callable[[Sequence[Any]], Any] | None:
    """A maker of rows: the columns' names, with the driver's values."""
    columns = getattr(statement, "exported_columns", None)
    if not columns:
        return None
    for column in columns:
        if column.type.dialect_impl(dialect).result_processor(dialect, None) is not None:
            raise ValueError(f"The column {column.name} of a prepared statement would have to be converted.")
    row_class: Any = namedtuple("Row", columns.keys())  # type: ignore[misc]
    maker: Callable[[Sequence[Any]], Any] = row_class._make
    return maker
