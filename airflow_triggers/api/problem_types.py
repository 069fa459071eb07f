"""The types of problems: each reason with its HTTP status and its meaning.

``GET /api/v1/problems`` answers with them, and ``docs/rest.md`` has them as a table. Neighbours: ``errors.py`` has the
status of each error; ``problems.py`` makes the URIs.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from airflow_triggers.api.errors import REASON_OF_ERROR, STATUS_OF_ERROR
from airflow_triggers.api.problems import title_of
from airflow_triggers.errors import TriggersError

REQUEST_PROBLEMS: dict[str, tuple[HTTPStatus, str]] = {
    "NotAuthenticated": (HTTPStatus.UNAUTHORIZED, "The request has no valid token of Airflow's."),
    "CrossOrigin": (
        HTTPStatus.FORBIDDEN,
        "A request with the login cookie came from another site's page. Only Airflow's own pages may change anything.",
    ),
    "NotFound": (HTTPStatus.NOT_FOUND, "No route has this path."),
    "MethodNotAllowed": (HTTPStatus.METHOD_NOT_ALLOWED, "The path does not take the method."),
    "TooLarge": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is larger than the route takes."),
    "InvalidBody": (HTTPStatus.UNPROCESSABLE_ENTITY, "The body is not valid; `errors` has each place."),
    "InvalidEvent": (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "A CloudEvent is not valid; `errors` names the attribute.",
    ),
    "InvalidHeader": (HTTPStatus.UNPROCESSABLE_ENTITY, "A header is not valid; `errors` has each place."),
    "InvalidQuery": (HTTPStatus.UNPROCESSABLE_ENTITY, "The query is not valid; `errors` has each place."),
    "InvalidSetting": (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "A setting of the server is not valid; nothing was done, and the server's log has it.",
    ),
    "InternalError": (HTTPStatus.INTERNAL_SERVER_ERROR, "An unexpected failure; the server's log has it."),
}
"""Problems that no error of ours stands for."""


@dataclass(frozen=True)
class ProblemType:
    """A type of problems.

    :param description: its meaning, one sentence.
    """

    reason: str
    status: HTTPStatus
    description: str

    @property
    def title(self) -> str:
        """A few words for people, the same for each problem of the type."""
        return title_of(self.reason)


def problem_types() -> list[ProblemType]:
    """All types, ordered by status and reason."""
    return sorted(_problem_types(), key=lambda kind: (kind.status, kind.reason))


def _problem_types() -> Iterator[ProblemType]:
    for reason, (status, description) in REQUEST_PROBLEMS.items():
        yield ProblemType(reason, status, description)
    own_words = set(STATUS_OF_ERROR) - set(REASON_OF_ERROR)
    reasons = {kind.__name__ for kind in own_words}
    for kind, status in STATUS_OF_ERROR.items():
        reason = REASON_OF_ERROR.get(kind, kind.__name__)
        # The reason of another error, such as that of a concealed session, stands for itself.
        if kind in own_words or reason not in reasons:
            yield ProblemType(reason, status, _meaning_of(kind))


def _meaning_of(kind: type[TriggersError]) -> str:
    """The first sentence of the error's docstring. Python's option ``-OO`` removes docstrings."""
    text = " ".join(inspect.cleandoc(kind.__doc__ or title_of(kind.__name__)).partition("\n\n")[0].split())
    sentence = re.match(r".*?\.(?= [A-Z]|$)", text)
    return (sentence[0] if sentence else text).replace("``", "`")


def table_of_types() -> str:
    """The types as a table in Markdown, for ``docs/rest.md``."""
    rows = (f"| `{kind.reason}` | {kind.status.value} | {kind.description} |" for kind in problem_types())
    return "\n".join(["| reason | status | meaning |", "|---|---|---|", *rows])
