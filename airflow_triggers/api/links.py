"""Links between operations, for the OpenAPI document: which answer has what another request needs.

Neighbours: ``document.py`` puts them into the document. Generators of requests follow them.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Link:
    """From an answer to a further request.

    :param source: the operation with the answer.
    :param status: the answer's HTTP status.
    :param target: the further operation.
    :param parameters: of the target, as runtime expressions of OpenAPI.
    """

    source: str
    status: int
    target: str
    parameters: dict[str, str] = field(hash=False)


_SAME_SESSION = {"path.uid": "$request.path.uid"}
_SAME_INSTANCE = {**_SAME_SESSION, "path.name": "$request.path.name"}
_NEW_SESSION = {"path.uid": "$response.body#/uid"}
_FIRST_INSTANCE = {**_SAME_SESSION, "path.name": "$response.body#/instances/0/name"}
_IF_MATCH = {"header.If-Match": "$response.header.ETag"}

LINKS = (
    *(
        Link("create_session", 201, target, _NEW_SESSION)
        for target in ("read_session", "fire", "list_fires", "delete_session")
    ),
    Link("list_sessions", 200, "read_session", {"path.uid": "$response.body#/sessions/0/uid"}),
    Link("read_session", 200, "read_instance", _FIRST_INSTANCE),
    Link("read_session", 200, "explain", _FIRST_INSTANCE),
    Link("read_session", 200, "delete_session", {**_SAME_SESSION, **_IF_MATCH}),
    Link("read_session", 200, "read_history", _SAME_SESSION),
    Link("fire", 200, "read_session", _SAME_SESSION),
    Link("fire", 200, "list_delayed_fires", _SAME_SESSION),
    Link("read_instance", 200, "replay_instance", {**_SAME_INSTANCE, **_IF_MATCH}),
    Link("read_instance", 200, "skip_instance", {**_SAME_INSTANCE, **_IF_MATCH}),
    *(
        Link(
            "list_delayed_fires",
            200,
            target,
            {**_SAME_SESSION, "path.delayed_fire_id": "$response.body#/delayed_fires/0/id"},
        )
        for target in ("cancel_delayed_fire", "retry_delayed_fire")
    ),
)
