"""Counts the statements that are sent to the metadata database."""

from __future__ import annotations

from airflow import settings
from sqlalchemy import event


def statements_of(act):
    """How many statements the act sends."""
    sent = []

    def note(connection, cursor, statement, *_):
        sent.append(statement)

    event.listen(settings.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(settings.engine, "before_cursor_execute", note)
    return len(sent)
