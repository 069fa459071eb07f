"""Words sentences for people: joins a message and its reason to one sentence with exactly one end mark, writes moments.

The reason may be empty (an exception without a text, a list without names), or a sentence of its own. Neighbours: every
module with messages made from other people's text.
"""

from __future__ import annotations

from datetime import UTC, datetime

_ENDS = (".", "!", "?", "…")


def sentence(text: str, reason: object = "") -> str:
    """``text: reason.``, or ``text.`` without a reason. The reason's own end mark is kept.

    >>> sentence("It cannot be read", "No such file.")
    'It cannot be read: No such file.'
    >>> sentence("It cannot be read", ValueError())
    'It cannot be read.'
    """
    reason_text = str(reason).strip()
    text_with_reason = f"{text}: {reason_text}" if reason_text else text
    return text_with_reason if text_with_reason.endswith(_ENDS) else f"{text_with_reason}."


def error_in_short(error: BaseException) -> str:
    """``ValueError: text``, or only the type when there is no text.

    >>> error_in_short(ValueError())
    'ValueError'
    """
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def moment(at: datetime | None) -> str:
    """A moment for people, in UTC. The pages in Airflow's UI find it in a sentence, and write it in the reader's zone.

    >>> moment(datetime.fromisoformat("2031-05-17T10:00:00.123456+02:00"))
    '2031-05-17 08:00:00 UTC'
    """
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else "an unknown moment"
