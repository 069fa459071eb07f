"""Joins what was found to the sentence that says it, so that the sentence ends, and ends once.

What is found may be empty (an exception without a text, a list of nobody), or a sentence of its own. Neighbours: every
module that makes a message of what others say.
"""

from __future__ import annotations

_ENDS = (".", "!", "?", "…")


def sentence(text: str, reason: object = "") -> str:
    """``text: reason.``, or ``text.`` where there is no reason; an end that the reason has is kept.

    >>> sentence("It cannot be read", "No such file.")
    'It cannot be read: No such file.'
    >>> sentence("It cannot be read", ValueError())
    'It cannot be read.'
    """
    reason_text = str(reason).strip()
    text_with_reason = f"{text}: {reason_text}" if reason_text else text
    return text_with_reason if text_with_reason.endswith(_ENDS) else f"{text_with_reason}."


def error_in_short(error: BaseException) -> str:
    """``ValueError: text``, or the type alone where there is no text.

    >>> error_in_short(ValueError())
    'ValueError'
    """
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
