"""Repeats: the answer to a fire whose idempotency key was used before.

Neighbours: ``manager.py`` asks before it fires; ``storages/`` keep fires by their keys.
"""

from __future__ import annotations

from airflow_triggers.domain.configuration import as_json
from airflow_triggers.domain.fires import DelayedFire, Fire, FireRequest, FireResult
from airflow_triggers.errors import IdempotencyConflict
from airflow_triggers.storages.base import BaseStorageBackend


def result_of_repeat(storage: BaseStorageBackend, request: FireRequest) -> FireResult | None:
    """The first result of the repeated fire; None when the request repeats none. Under the session's lock.

    :raises IdempotencyConflict: when its key was used for another trigger or other kwargs.
    """
    key = request.idempotency_key
    if key is None or not storage.is_key_used(key):
        return None
    earlier = storage.find_fire(key) or storage.find_delayed_fire(key)
    if earlier is None:
        return None
    if earlier.trigger_name != request.trigger_name or as_json(earlier.kwargs) != as_json(
        request.trigger_kwargs
    ):
        raise _conflict(earlier, request)
    return earlier.to_result(is_repeat=True)


def _conflict(earlier: Fire | DelayedFire, request: FireRequest) -> IdempotencyConflict:
    earlier_fire = (
        f"the fire {earlier.fire_id}"
        if isinstance(earlier, Fire)
        else f"the delayed fire {earlier.delayed_id}"
    )
    return IdempotencyConflict(
        f"The idempotency key {earlier.idempotency_key!r} was used for {earlier_fire} of "
        f"{earlier.trigger_name!r} with {dict(earlier.kwargs)}; this one fires {request.trigger_name!r} with "
        f"{dict(request.trigger_kwargs)}. Use a key of its own for each fire."
    )
