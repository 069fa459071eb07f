"""What routes get from a request's headers: an idempotency key, the condition of an act, an entity tag.

Neighbours: ``header_values.py`` has the forms; ``sessions/preconditions.py`` checks a condition under the session's
lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from airflow_triggers.api.errors import AsciiJSONResponse
from airflow_triggers.api.header_values import EntityTagsText, IdempotencyKeyText, opaque_tags
from airflow_triggers.domain.validation import excerpt
from airflow_triggers.sessions.preconditions import Precondition, digest_of

IDEMPOTENCY_KEY = "Idempotency-Key"

ETAG_HEADER: Mapping[str, Any] = {
    "ETag": {
        "description": "The version of the answer, for `If-Match` and `If-None-Match`.",
        "schema": {"type": "string", "pattern": r'^"[0-9a-f]{16}\.[0-9a-f]{16}"$'},
    }
}

TAGGED: dict[int | str, dict[str, Any]] = {
    HTTPStatus.OK.value: {"headers": ETAG_HEADER},
    HTTPStatus.NOT_MODIFIED.value: {
        "description": "Nothing has changed since the answer with the tag of `If-None-Match`.",
        "headers": ETAG_HEADER,
    },
}
"""The documented answers of a route that reads with :func:`tagged_answer`."""


CHANGED: dict[int | str, dict[str, Any]] = {
    HTTPStatus.PRECONDITION_FAILED.value: {
        "description": "It has changed since the answer with the tag of `If-Match`."
    }
}
"""The further documented answer of a route that takes ``If-Match``."""


IdempotencyKeyHeader = Annotated[
    IdempotencyKeyText | None,
    Header(
        alias=IDEMPOTENCY_KEY,
        description="The body's `idempotency_key`, as a header: a string in quotes, or without.",
        examples=['"respondent-17/page-1"'],
    ),
]
"""See :func:`the_only_key`."""


def the_only_key(request: Request, key: str | None) -> str | None:
    """The key of the header.

    :param key: as :data:`IdempotencyKeyHeader` has it.
    :raises RequestValidationError: when the header is sent twice with different values.
    """
    values = set(request.headers.getlist(IDEMPOTENCY_KEY))
    if len(values) > 1:
        raise invalid_header(IDEMPOTENCY_KEY, "must be sent once", ", ".join(sorted(values)))
    return key


def key_of_fire(body_key: str | None, header_key: str | None) -> str | None:
    """The fire's idempotency key: from the body, or from the header.

    :raises RequestValidationError: when both name one, and these differ.
    """
    if body_key is not None and header_key is not None and body_key != header_key:
        expected = f"must be the 'idempotency_key' of the body, {excerpt(body_key)}, or be left out"
        raise invalid_header(IDEMPOTENCY_KEY, expected, header_key)
    return header_key if body_key is None else body_key


def invalid_header(name: str, expected: str, value: str) -> RequestValidationError:
    """The error for a header with this value."""
    return RequestValidationError(
        [{"type": "value_error", "loc": ("header", name), "msg": expected, "input": value}]
    )


async def get_if_match(
    if_match: Annotated[
        EntityTagsText | None,
        Header(
            alias="If-Match",
            description="The `ETag` of an earlier answer: the act is refused (412) if its subject has changed since.",
            examples=['"0123456789abcdef.0123456789abcdef"'],
        ),
    ] = None,
) -> Precondition | None:
    """The condition of the act; None: there is none.

    A tag's part before the dot is the version. Only this is compared: the rest also depends on the reader's rights.
    """
    if if_match is None:
        return None
    tags = opaque_tags(if_match)
    return Precondition(None if tags is None else frozenset(tag.partition(".")[0] for tag in tags))


IfMatchDep = Annotated[Precondition | None, Depends(get_if_match)]


async def get_if_none_match(
    if_none_match: Annotated[
        EntityTagsText | None,
        Header(
            alias="If-None-Match",
            description="The `ETag` of an earlier answer: if it still holds, the answer is 304, without a body.",
            examples=['"0123456789abcdef.0123456789abcdef"'],
        ),
    ] = None,
) -> frozenset[str]:
    """The tags that the caller has an answer for."""
    return frozenset() if if_none_match is None else _weak_tags(if_none_match)


IfNoneMatchDep = Annotated[frozenset[str], Depends(get_if_none_match)]


def _weak_tags(text: str) -> frozenset[str]:
    # RFC 9110 compares If-None-Match weakly.
    return frozenset({"*"}) if text == "*" else opaque_tags(text.replace("W/", "")) or frozenset()


def tagged_answer(body: BaseModel, version: str, known_tags: frozenset[str]) -> Response:
    """The answer with its entity tag; 304 without a body if the caller has it already.

    The tag is strong: it also stands for the content, because an answer shows more than the version counts (what
    Airflow and the user's rights add).

    :param version: of the session, or of the instance (``sessions/preconditions.py``).
    """
    answer = AsciiJSONResponse(body.model_dump(mode="json", by_alias=True))
    tag = f"{version}.{digest_of(bytes(answer.body).decode('ascii'))}"
    answer.headers["ETag"] = f'"{tag}"'
    if known_tags & {tag, "*"}:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": f'"{tag}"'})
    return answer
