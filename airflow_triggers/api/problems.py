"""Problem details (RFC 9457): the form of every error's body.

Neighbours: ``errors.py`` makes a :class:`Problem` of each error; ``problem_types.py`` lists the types of problems.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.types import Scope

PROBLEM_JSON = "application/problem+json"

PROBLEM_TYPES_PATH = "/api/v1/problems"
"""Where the types are listed, below the application's mount."""

NO_TYPE = "about:blank"
"""RFC 9457's type of a problem that only has the meaning of its HTTP status."""

_UNRESERVED = "/~!$&'()*+,;=:@-._"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong with a request.

    :param reason: a word for programs.
    :param documented_reason: the reason in the list of types. It differs for an error of a user's own: that of its
        base. None: there is no such type.
    :param detail: a sentence for people.
    :param places: each invalid part of the request.
    """

    status: HTTPStatus
    reason: str
    documented_reason: str | None
    detail: str
    places: Sequence[Mapping[str, str]] = ()

    def body(self, scope: Scope, *, item: str = "") -> dict[str, Any]:
        """The members of the answer.

        :param scope: the scope of the request.
        :param item: the part of the request, as a JSON pointer ("/fires/3"); empty: the whole request.
        """
        members: dict[str, Any] = {
            "type": type_of(self.documented_reason, scope),
            "title": title_of(self.documented_reason or self.reason),
            "status": int(self.status),
            "detail": self.detail,
            "instance": _path_of(scope) + (f"#{item}" if item else ""),
            "reason": self.reason,
        }
        return {**members, "errors": list(self.places)} if self.places else members


def type_of(reason: str | None, scope: Scope) -> str:
    """The URI reference of a type of problems. It leads to the list of types."""
    return NO_TYPE if reason is None else f"{scope.get('root_path', '')}{PROBLEM_TYPES_PATH}#{reason}"


def title_of(reason: str) -> str:
    """``SessionNotFound`` as "Session not found"."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", reason)
    return words[:1] + words[1:].lower()


def pointer_of(parts: Sequence[Any]) -> str:
    """A JSON pointer to a part of the body, as the fragment of a URI ("#/kwargs/page")."""
    tokens = (str(part).replace("~", "~0").replace("/", "~1") for part in parts if part != "[key]")
    return "#" + "".join(f"/{_quoted(token)}" for token in tokens)


def _path_of(scope: Scope) -> str:
    """The path as it was sent, as far as a URI can have it."""
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogatepass")
    return quote(raw_path.partition(b"?")[0], safe=f"%{_UNRESERVED}")


def _quoted(token: str) -> str:
    return quote(token.encode("utf-8", "surrogatepass"), safe=_UNRESERVED.replace("/", ""))
