"""The values of the headers ``Idempotency-Key``, ``If-Match``, ``If-None-Match``: their checks and their forms.

Neighbours: ``fields.py`` has the types in queries, paths and bodies; ``headers.py`` gives routes these values.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from airflow_triggers.api.fields import Form, JsonSchema
from airflow_triggers.domain.configuration import MAX_KEY_LENGTH

_IN_QUOTES = r'(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])'
_PLAIN = rf"[\x21\x23-\x7e](?:[\x20-\x7e]{{0,{MAX_KEY_LENGTH - 2}}}[\x21-\x7e])?"

IDEMPOTENCY_KEY: JsonSchema = {"pattern": rf'^(?:"{_IN_QUOTES}{{1,{MAX_KEY_LENGTH}}}"|{_PLAIN})$'}
"""A string of RFC 8941 in quotes, or the same text without quotes. Both are ASCII."""

_TAG = r'(?:W/)?"[\x21\x23-\x7e]*"'

ENTITY_TAGS: JsonSchema = {"pattern": rf"^(?:\*|{_TAG}(?:[ \t]*,[ \t]*{_TAG})*)$"}
"""``*``, or entity tags of RFC 9110."""


def _idempotency_key(text: str) -> str:
    if not re.fullmatch(IDEMPOTENCY_KEY["pattern"], text):
        raise ValueError(
            f'must be 1-{MAX_KEY_LENGTH} printable ASCII characters, in quotes ("order-17") or without'
        )
    return unquoted(text)


def unquoted(text: str) -> str:
    """The content of a string in quotes; other text as it is."""
    is_quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if is_quoted else text


def _entity_tags(text: str) -> str:
    if not re.fullmatch(ENTITY_TAGS["pattern"], text):
        raise ValueError('must be entity tags in quotes, such as "1f0c.9a3b", or *')
    return text


def opaque_tags(text: str) -> frozenset[str] | None:
    """The strong entity tags of a header's value, without quotes; None for ``*``."""
    if text == "*":
        return None
    return frozenset(tag for weak, tag in re.findall(r'(W/)?"([^"]*)"', text) if not weak)


IdempotencyKeyText = Annotated[str, Form(IDEMPOTENCY_KEY), AfterValidator(_idempotency_key)]
EntityTagsText = Annotated[str, Form(ENTITY_TAGS), AfterValidator(_entity_tags)]
