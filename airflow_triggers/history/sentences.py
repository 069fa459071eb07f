"""Tells what happened in a session as sentences. Pure.

Neighbours: ``history/`` reads the entries; ``api/`` and ``cli/`` show the sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_triggers.domain.events import EventKind, SessionEvent
from airflow_triggers.domain.fires import Fire
from airflow_triggers.sentences import sentence

Details = Mapping[str, Any]


def sentence_of(entry: Fire | SessionEvent) -> str:
    """What happened, in one sentence, without who and when.

    >>> from datetime import datetime
    >>> sentence_of(
    ...     Fire(
    ...         trigger_name="paid",
    ...         kwargs={},
    ...         fired_at=datetime.min,
    ...         created=("t_ship#0",),
    ...         touched=("t_ship#0",),
    ...     )
    ... )
    'paid was fired: made t_ship#0.'
    """
    if isinstance(entry, Fire):
        return f"{entry.trigger_name} was fired: {_effect(entry)}."
    sentence_of_kind = _SENTENCES.get(entry.kind, _unknown)
    try:
        return sentence_of_kind(entry, entry.details)
    except (AttributeError, KeyError, TypeError, ValueError):
        # Whoever wrote the row, wrote it otherwise.
        return f"{_unknown(entry, entry.details)} Its details cannot be read."


def _effect(fire: Fire) -> str:
    reached_names = tuple(name for name in fire.touched if name not in fire.created)
    effects = {
        "made": fire.created,
        "reached": reached_names,
        "scheduled": fire.scheduled,
        "abandoned": fire.abandoned,
    }
    parts = [f"{verb} {', '.join(names)}" for verb, names in effects.items() if names]
    return "; ".join(parts) or "touched nothing"


def _progress(event: SessionEvent, details: Details) -> str:
    cause = f": {details['cause']}" if details.get("cause") else ""
    run = f" ({details['run_id']} of {details['dag_id']})" if details.get("run_id") else ""
    change = sentence(f"{event.instance} became {details['to']}, from {details['from']}{cause}{run}")
    return f"{change} {sentence(details['error'])}" if details.get("error") else change


def _replay(event: SessionEvent, details: Details) -> str:
    kwargs_note = ", with other kwargs" if details.get("kwargs_replaced") else ""
    pause = f", {details['cooldown']:g} seconds later" if details.get("cooldown") else ""
    return f"{event.instance} was replayed as {details['replay']}{kwargs_note}{pause}."


def _skip(event: SessionEvent, details: Details) -> str:
    return f"{event.instance} was skipped, {'with' if details.get('cascade') else 'without'} a cascade."


def _status(event: SessionEvent, details: Details) -> str:
    return f"The status of {event.instance} was set to {details['to']}, from {details['from']}."


def _hook(event: SessionEvent, details: Details) -> str:
    after = details.get("trigger_name") or event.instance
    of = f" (after {after})" if after else ""
    is_parked = event.kind == EventKind.HOOK_PARKED
    then = "too often, and is parked" if is_parked else "and is called again later"
    return sentence(f"The hook {details['hook']}{of} raised {then}", details["error"])


def _hook_call(event: SessionEvent, details: Details) -> str:
    outcome = "ended" if details.get("ended") else "raised again"
    return f"The hook {details['hook']} was called again, and {outcome}."


def _backoff(event: SessionEvent, details: Details) -> str:
    return sentence(
        f"What the runs {', '.join(details.get('runs', ()))} did could not be applied",
        details.get("error") or "",
    )


def _withdraw(event: SessionEvent, details: Details) -> str:
    return f"The run {details['run_id']} of {details['dag_id']} was not made: {event.instance} does not wait for it."


def _asset_event(event: SessionEvent, details: Details) -> str:
    return sentence(
        f"The asset event {details['event_id']} did not fire {details['trigger']}", details["error"]
    )


def _delayed_id(details: Details) -> str:
    delayed_fire_id = details.get("delayed_fire_id")
    return f" (delayed fire {delayed_fire_id})" if delayed_fire_id else ""


def _unknown(event: SessionEvent, details: Details) -> str:
    about = f" {event.instance}" if event.instance else ""
    return f"{event.kind}{about}."


_SENTENCES: Mapping[str, Callable[[SessionEvent, Details], str]] = {
    EventKind.CONFIGURE: lambda _, details: (
        f"The tasks {', '.join(details['tasks'])} were configured."
        if details["tasks"]
        else "No task was configured."
    ),
    EventKind.PROGRESS: _progress,
    EventKind.STATUS: _status,
    EventKind.METADATA: lambda event, details: (
        f"{', '.join(details['keys']) or 'Nothing'} was attached to {event.instance}."
    ),
    EventKind.LOGS_RESOLVED: lambda event, _: f"The log messages of {event.instance} were dealt with.",
    EventKind.REPLAY: _replay,
    EventKind.SKIP: _skip,
    EventKind.DELAY: lambda _, details: f"{details['trigger']} is to be fired at {details['fire_at']}.",
    EventKind.DELAYED_FIRE: lambda _, details: (
        f"{details['trigger']}, due at {details['fire_at']}, became fire {details['fire_id']}."
    ),
    EventKind.DELAYED_FIRE_FAILED: lambda _, details: sentence(
        f"{details['trigger']} could not be fired yet", details["error"]
    ),
    EventKind.DELAYED_FIRE_PARKED: lambda _, details: sentence(
        f"{details['trigger']}, due at {details['fire_at']}{_delayed_id(details)}, could not be fired too often, "
        "and is parked",
        details["error"],
    ),
    EventKind.DELAYED_FIRE_RETRIED: lambda _, details: (
        f"{details['trigger']}, due at {details['fire_at']}{_delayed_id(details)}, is tried again."
    ),
    EventKind.DELAYED_FIRE_CANCELLED: lambda _, details: (
        f"{details['trigger']}, due at {details['fire_at']}{_delayed_id(details)}, was cancelled."
    ),
    EventKind.HOOK_FAILED: _hook,
    EventKind.HOOK_PARKED: _hook,
    EventKind.HOOK_CALLED: _hook_call,
    EventKind.BACKOFF: _backoff,
    EventKind.WITHDRAW: _withdraw,
    EventKind.ASSET_EVENT: _asset_event,
}
