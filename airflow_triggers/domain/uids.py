"""SessionUid: the UID of a session. It exists only when valid.

Neighbours: ``validation.py`` says which UIDs are valid. Every way in (REST, CLI, Python, an asset event) makes the
value; ``sessions/`` and ``storages/`` take it.
"""

from __future__ import annotations

from typing import Any

from airflow_triggers.domain.validation import validate_session_uid


class SessionUid(str):
    """A session UID: 1-200 printable characters without "/" and surrounding blanks, and not "." or "..".

    >>> SessionUid("order-4711")
    'order-4711'

    :param uid: the text; another :class:`SessionUid` is returned unchanged, without a second check.
    :raises InvalidSessionUid: when the text is of another form, or no text.
    """

    __slots__ = ()

    def __new__(cls, uid: Any) -> SessionUid:
        """See the class."""
        return uid if type(uid) is cls else super().__new__(cls, validate_session_uid(uid))
