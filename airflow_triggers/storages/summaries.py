"""What a row of an instance says for lists: columns that repeat a part of its metadata.

A list over all sessions reads these columns, and never the metadata. Neighbours: ``rows.py`` adds them to each row
written; ``tables.py`` has the columns.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.metadata import (
    CREATED,
    EXCEPTION_MESSAGE,
    EXCEPTION_TYPE,
    LAST_MODIFIED,
    PARENT,
    timestamps_of,
)
from airflow_triggers.storages.stored import UNREADABLE_MOMENT
from airflow_triggers.storages.tables import (
    AIRFLOW_ID_LENGTH,
    MAX_ERROR_MESSAGE_LENGTH,
    MAX_ERROR_TYPE_LENGTH,
)


def summary_columns(instance: TaskInstance) -> dict[str, Any]:
    """The columns of ``triggers_instance`` that follow from the instance's metadata.

    ``changed_at`` is the moment at which the instance came into its present status.
    """
    metadata, moments = instance.metadata, timestamps_of(instance.metadata)
    changed_at = moments.get(instance.status.value) or moments.get(LAST_MODIFIED)
    error_type, message = metadata.get(EXCEPTION_TYPE), metadata.get(EXCEPTION_MESSAGE)
    return {
        "created_at": _moment(moments.get(CREATED) or changed_at),
        "changed_at": _moment(changed_at),
        "error_type": None if error_type is None else error_type_text(error_type),
        "error_message": None if error_type is None else _text(message or "", MAX_ERROR_MESSAGE_LENGTH),
        "depth": instance.depth,
        "parent": None if PARENT not in metadata else _text(metadata[PARENT], AIRFLOW_ID_LENGTH),
    }


def error_type_text(error_type: object) -> str:
    """An exception's type as the column has it: long ones are cut off."""
    return _text(error_type, MAX_ERROR_TYPE_LENGTH)


def _moment(text: str | None) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text else UNREADABLE_MOMENT
    except (OverflowError, TypeError, ValueError):
        return UNREADABLE_MOMENT


def _text(value: object, length: int) -> str:
    """The first line, as every database can keep it."""
    lines = str(value).replace("\0", "\N{REPLACEMENT CHARACTER}").splitlines() or [""]
    return lines[0].encode(errors="replace").decode()[:length]
