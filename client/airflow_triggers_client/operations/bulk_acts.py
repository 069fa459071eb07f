"""Bulk acts: one act on many instances, which controllers do. Make one, look at it, cancel it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from airflow_triggers_client.errors import InvalidArgument
from airflow_triggers_client.exchange import Request, Steps
from airflow_triggers_client.models import BulkAct, BulkOutcome, BulkPreview, InstanceFilter, InstanceOutcome
from airflow_triggers_client.operations.listing import Listing
from airflow_triggers_client.service import Service, body, identifier, path

Act = Literal["replay", "skip", "set_status", "set_metadata", "resolve_logs"]
Instances = InstanceFilter | Iterable[tuple[str, str]]
"""A filter; or instances, each as its session's UID and its name."""


def make_bulk_act(
    service: Service,
    act: Act,
    instances: Instances,
    arguments: Mapping[str, Any] | None = None,
    *,
    rate: float | None = None,
) -> Steps[BulkAct]:
    """Do one act to many instances. They are fixed now; controllers do it later, a session a transaction.

    The request is not sent again when the answer is lost: look at ``bulk_acts()`` then. Making the same again repairs
    nothing twice.

    :param instances: a filter; or pairs of a session's UID and an instance's name.
    :param arguments: those of the act: ``kwargs``, ``cooldown``; ``cascade``, ``result``; ``status``; ``metadata``.
    :param rate: how many instances a second, at most; None: as the server's setting says.
    :raises InvalidArgument: when an instance is no such pair.
    """
    content = {**_content_of(act, instances, arguments), "rate": rate}
    return (yield from service.call(Request("POST", "bulk-acts", body=body(content), is_long=True), BulkAct))


def preview_bulk_act(
    service: Service, act: Act, instances: Instances, arguments: Mapping[str, Any] | None = None
) -> Steps[BulkPreview]:
    """What a bulk act would do, rights included. Nothing is written. The parameters are those of ``make_bulk_act``."""
    content = {**_content_of(act, instances, arguments), "dry_run": True}
    request = Request("POST", "bulk-acts", body=body(content), repeatable=True, is_long=True)
    return (yield from service.call(request, BulkPreview))


def _content_of(act: str, instances: Instances, arguments: Mapping[str, Any] | None) -> dict[str, Any]:
    values = {name: value for name, value in (arguments or {}).items() if value is not None}
    if isinstance(instances, InstanceFilter):
        return {"act": act, "arguments": values, "filter": instances.to_dict()}
    return {"act": act, "arguments": values, "instances": [_key(pair) for pair in instances]}


def _key(pair: object) -> dict[str, str]:
    match pair:
        case (str(session_uid), str(name)):
            return {"session_uid": session_uid, "name": name}
    raise InvalidArgument(
        f"A bulk act takes a filter, or pairs of a session's UID and an instance's name; found {pair!r}."
    )


def bulk_acts(*, after: int | None = None) -> Listing[BulkAct]:
    """The bulk acts that you may see, newest first.

    :param after: only those after this cursor: the ``next`` of a page.
    """
    return Listing("bulk-acts", "bulk_acts", BulkAct, "after", after)


def bulk_act(service: Service, bulk_act_id: int) -> Steps[BulkAct]:
    """How far a bulk act is."""
    return (
        yield from service.call(
            Request("GET", path("bulk-acts", identifier(bulk_act_id)), repeatable=True), BulkAct
        )
    )


def bulk_outcomes(
    bulk_act_id: int, *, outcome: BulkOutcome | str | None = None, after: int | None = None
) -> Listing[InstanceOutcome]:
    """What became of each instance of a bulk act, in their order.

    :param outcome: only instances with this outcome.
    :param after: only those after this cursor: the ``next`` of a page.
    """
    query = {"outcome": None if outcome is None else str(outcome)}
    place = path("bulk-acts", identifier(bulk_act_id), "outcomes")
    return Listing(place, "outcomes", InstanceOutcome, "after", after, query)


def cancel_bulk_act(service: Service, bulk_act_id: int) -> Steps[BulkAct]:
    """Cancel what a bulk act has not done yet. What was done stays done.

    :raises Conflict: when it is over.
    """
    return (
        yield from service.call(
            Request("POST", path("bulk-acts", identifier(bulk_act_id), "cancel")), BulkAct
        )
    )
