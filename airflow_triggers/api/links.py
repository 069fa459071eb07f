"""Links between operations, for the OpenAPI document: which answer has what another request needs.

The table names them; the link from a page to the next one is derived, so a new list has it. Neighbours: ``document.py``
puts them into the document. Generators of requests follow them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

CURSORS = ("after", "before")
"""The query parameters that take the ``next`` of an answer."""

NEXT_PAGE = "next_page"


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


def next_page_link(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any] | None:
    """The link from a page of a list to the next one, with the same filter; None for an operation without pages.

    :param operation: an operation of the document.
    :param schemas: the document's schemas by name.
    """
    places = [
        f"{parameter['in']}.{parameter['name']}"
        for parameter in operation.get("parameters", [])
        if parameter["in"] in ("path", "query")
    ]
    cursor = next((place for place in places if place in {f"query.{name}" for name in CURSORS}), None)
    if cursor is None:
        return None
    content = operation["responses"]["200"]["content"]["application/json"]
    assert "next" in schemas[content["schema"]["$ref"].rpartition("/")[2]]["properties"]
    return {
        "operationId": operation["operationId"],
        "parameters": {
            place: "$response.body#/next" if place == cursor else f"$request.{place}" for place in places
        },
        "description": "The next page. If `next` is null, this page is the last one.",
    }


def _links(source: str, targets: str, parameters: Mapping[str, str], *, status: int = 200) -> Iterator[Link]:
    """Links from one answer to several operations (their ids, with blanks between) with the same parameters."""
    for target in targets.split():
        yield Link(source, status, target, dict(parameters))


def _instance_at(place: str, session: Mapping[str, str]) -> dict[str, str]:
    return {**session, "path.name": f"$response.body#/{place}/name"}


def _listed(place: str, **names: str) -> dict[str, str]:
    """Path parameters from members of the first item of a list."""
    return {f"path.{name}": f"$response.body#/{place}/0/{member}" for name, member in names.items()}


_SAME_SESSION = {"path.uid": "$request.path.uid"}
_SAME_INSTANCE = {**_SAME_SESSION, "path.name": "$request.path.name"}
_INSTANCE_OF_THE_ANSWER = {**_SAME_SESSION, "path.name": "$response.body#/name"}
_NEW_SESSION = {"path.uid": "$response.body#/uid"}
_SAME_BULK_ACT = {"path.bulk_act_id": "$request.path.bulk_act_id"}
_SAME_CONFIGURATION = "$request.path.name"
_IF_MATCH = {"header.If-Match": "$response.header.ETag"}

_READ_SESSION = "read_session list_session_instances list_fires read_history"
_READ_INSTANCE = "read_instance explain"
_CHANGE_INSTANCE = (
    "replay_instance skip_instance set_instance_status set_instance_metadata resolve_instance_logs"
)
_DELAYED_FIRE_ACTS = "cancel_delayed_fire retry_delayed_fire"
_BULK_ACT = "read_bulk_act list_outcomes cancel_bulk_act"
_BY_CONFIGURATION = "list_sessions list_all count_all"

_SESSIONS = (
    *_links("create_session", f"{_READ_SESSION} fire delete_session", _NEW_SESSION, status=201),
    *_links("create_session", "read_session", _NEW_SESSION),
    *_links("list_sessions", _READ_SESSION, _listed("sessions", uid="uid")),
    *_links(
        "read_session", f"{_READ_INSTANCE} {_CHANGE_INSTANCE}", _instance_at("instances/0", _SAME_SESSION)
    ),
    *_links("read_session", "delete_session update_configuration", {**_SAME_SESSION, **_IF_MATCH}),
    *_links("read_session", "read_history", _SAME_SESSION),
    *_links(
        "read_session",
        _DELAYED_FIRE_ACTS,
        {**_SAME_SESSION, **_listed("delayed_fires", delayed_fire_id="id")},
    ),
    *_links("read_session", "call_hook", {**_SAME_SESSION, **_listed("hooks", hook_id="id")}),
    Link(
        "read_session",
        200,
        "list_session_instances",
        {**_SAME_SESSION, "query.after": "$response.body#/instances_next"},
    ),
    Link("read_session", 200, "list_fires", {**_SAME_SESSION, "query.before": "$response.body#/fires_next"}),
    Link(
        "read_session",
        200,
        "list_delayed_fires",
        {**_SAME_SESSION, "query.after": "$response.body#/delayed_fires_next"},
    ),
    Link(
        "read_session",
        200,
        "list_session_hooks",
        {**_SAME_SESSION, "query.after": "$response.body#/hooks_next"},
    ),
    *_links("update_configuration", "read_session", _SAME_SESSION),
    *_links(
        "update_configuration",
        "read_instance",
        {**_SAME_SESSION, "path.name": "$response.body#/created/0"},
    ),
)

_FIRES = (
    *_links("fire", "read_session list_delayed_fires", _SAME_SESSION),
    *_links("fire", _READ_INSTANCE, {**_SAME_SESSION, "path.name": "$response.body#/touched/0"}),
    *_links(
        "fire",
        "cancel_delayed_fire",
        {**_SAME_SESSION, "path.delayed_fire_id": "$response.body#/delayed_fire_id"},
    ),
    *_links(
        "list_fires", _READ_INSTANCE, {**_SAME_SESSION, "path.name": "$response.body#/fires/0/touched/0"}
    ),
    *_links("list_vain_fires", "read_session list_fires", _listed("fires", uid="session_uid")),
    *_links(
        "list_delayed_fires",
        _DELAYED_FIRE_ACTS,
        {**_SAME_SESSION, **_listed("delayed_fires", delayed_fire_id="id")},
    ),
    *_links(
        "list_all_delayed_fires",
        _DELAYED_FIRE_ACTS,
        _listed("delayed_fires", uid="session_uid", delayed_fire_id="id"),
    ),
    *_links("list_asset_events", "retry_asset_event", _listed("asset_events", event_id="id")),
)

_INSTANCES = (
    *_links(
        "list_all",
        f"{_READ_INSTANCE} {_CHANGE_INSTANCE}",
        _listed("instances", uid="session_uid", name="name"),
    ),
    *_links("list_all", "read_session", _listed("instances", uid="session_uid")),
    *_links(
        "list_session_instances",
        f"{_READ_INSTANCE} {_CHANGE_INSTANCE}",
        _instance_at("instances/0", _SAME_SESSION),
    ),
    *_links("read_instance", _CHANGE_INSTANCE, {**_SAME_INSTANCE, **_IF_MATCH}),
    *_links("read_instance", "explain", _SAME_INSTANCE),
    *_links(
        "read_instance",
        "list_fires read_history",
        {**_SAME_SESSION, "query.instance": "$request.path.name"},
    ),
    *_links("replay_instance", _READ_INSTANCE, _INSTANCE_OF_THE_ANSWER),
)

_HOOKS = (
    *_links("list_hooks", "call_hook", _listed("hooks", uid="session_uid", hook_id="id")),
    *_links("list_session_hooks", "call_hook", {**_SAME_SESSION, **_listed("hooks", hook_id="id")}),
    *_links("call_hook", "list_session_hooks", _SAME_SESSION),
)

_CONFIGURATIONS = (
    *_links("list_configurations", "read_configuration migrate", _listed("configurations", name="name")),
    *_links(
        "list_configurations",
        _BY_CONFIGURATION,
        {"query.configuration": "$response.body#/configurations/0/name"},
    ),
    *_links("read_configuration", "migrate", {"path.name": _SAME_CONFIGURATION}),
    *_links("read_configuration", _BY_CONFIGURATION, {"query.configuration": _SAME_CONFIGURATION}),
    *_links("migrate", "read_session update_configuration", _listed("sessions", uid="uid")),
)

_BULK_ACTS = (
    *_links("make_bulk_act", _BULK_ACT, {"path.bulk_act_id": "$response.body#/id"}, status=202),
    *_links("list_bulk_acts", _BULK_ACT, _listed("bulk_acts", bulk_act_id="id")),
    *_links("read_bulk_act", "list_outcomes cancel_bulk_act", _SAME_BULK_ACT),
    *_links("cancel_bulk_act", "read_bulk_act list_outcomes", _SAME_BULK_ACT),
    *_links("list_outcomes", _READ_INSTANCE, _listed("outcomes", uid="session_uid", name="name")),
)

LINKS = (*_SESSIONS, *_FIRES, *_INSTANCES, *_HOOKS, *_CONFIGURATIONS, *_BULK_ACTS)
