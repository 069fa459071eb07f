"""Counts the statements sent to the metadata database."""

from __future__ import annotations

from contextlib import contextmanager

from airflow import settings
from sqlalchemy import event


@contextmanager
def statements():
    """The statements sent to the database inside the block."""
    sent = []

    def note(connection, cursor, statement, *_):
        sent.append(statement)

    event.listen(settings.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(settings.engine, "before_cursor_execute", note)


def statements_of(act):
    """The number of statements sent by the act."""
    with statements() as sent:
        act()
    return len(sent)
