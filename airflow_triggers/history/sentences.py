"""Tells what happened in a session as sentences. Pure.

Neighbours: ``history/`` reads the entries; ``api/`` and ``cli/`` show the sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from airflow_triggers.domain.events import Detail, EventKind, SessionEvent
from airflow_triggers.domain.fires import Fire
from airflow_triggers.sentences import moment, sentence

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
        # Another release, or somebody by hand, wrote the row's details in another form.
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
    cause = f": {details[Detail.CAUSE]}" if details.get(Detail.CAUSE) else ""
    run = f" ({details[Detail.RUN_ID]} of {details[Detail.DAG_ID]})" if details.get(Detail.RUN_ID) else ""
    change = sentence(
        f"{event.instance} became {details[Detail.TO]}, from {details[Detail.FROM]}{cause}{run}"
    )
    return f"{change} {sentence(details[Detail.ERROR])}" if details.get(Detail.ERROR) else change


def _configure(event: SessionEvent, details: Details) -> str:
    names = details[Detail.TASKS]
    parts = [f"The tasks {', '.join(names)} were configured" if names else "No task was configured"]
    if details.get(Detail.REMOVED):
        parts.append(f"{', '.join(details[Detail.REMOVED])} removed")
    if details.get(Detail.HISTORY):
        parts.append("the fires of the past count for them")
    version_note = " The session has the deployed rules now." if details.get(Detail.VERSION) else ""
    return f"{'; '.join(parts)}.{version_note}"


_RECONCILED = {
    "create": "was made",
    "schedule": "was scheduled",
    "change": "took fires of the past",
    "abandon": "was abandoned",
}


def _reconcile(event: SessionEvent, details: Details) -> str:
    new_status = f", and is {details[Detail.TO]}" if details[Detail.EFFECT] in ("create", "change") else ""
    cause = details.get(Detail.CAUSE) or "the fires of the past count for the new rules"
    return sentence(f"{event.instance} {_RECONCILED[details[Detail.EFFECT]]}{new_status}", str(cause))


def _replay(event: SessionEvent, details: Details) -> str:
    kwargs_note = ", with other kwargs" if details.get(Detail.KWARGS_REPLACED) else ""
    pause = f", {details[Detail.COOLDOWN]:g} seconds later" if details.get(Detail.COOLDOWN) else ""
    return f"{event.instance} was replayed as {details[Detail.REPLAY]}{kwargs_note}{pause}."


def _skip(event: SessionEvent, details: Details) -> str:
    return f"{event.instance} was skipped, {'with' if details.get(Detail.CASCADE) else 'without'} a cascade."


def _status(event: SessionEvent, details: Details) -> str:
    return f"The status of {event.instance} was set to {details[Detail.TO]}, from {details[Detail.FROM]}."


def _hook(event: SessionEvent, details: Details) -> str:
    after = details.get(Detail.TRIGGER_NAME) or event.instance
    of = f" (after {after})" if after else ""
    is_parked = event.kind == EventKind.HOOK_PARKED
    consequence = "too often, and is parked" if is_parked else "and is called again later"
    return sentence(f"The hook {details[Detail.HOOK]}{of} raised {consequence}", details[Detail.ERROR])


def _hook_call(event: SessionEvent, details: Details) -> str:
    outcome = "ended" if details.get(Detail.ENDED) else "raised again"
    return f"The hook {details[Detail.HOOK]} was called again, and {outcome}."


def _backoff(event: SessionEvent, details: Details) -> str:
    return sentence(
        f"The outcome of the runs {', '.join(details.get(Detail.RUNS, ()))} could not be applied",
        details.get(Detail.ERROR) or "",
    )


def _withdraw(event: SessionEvent, details: Details) -> str:
    run = f"{details[Detail.RUN_ID]} of {details[Detail.DAG_ID]}"
    return f"The run {run} was not made: {event.instance} does not wait for it."


def _asset_event(event: SessionEvent, details: Details) -> str:
    return sentence(
        f"The asset event {details[Detail.EVENT_ID]} did not fire {details[Detail.TRIGGER]}",
        details[Detail.ERROR],
    )


def _delayed_fire(details: Details) -> str:
    delayed_fire_id = details.get(Detail.DELAYED_FIRE_ID)
    name = f" (delayed fire {delayed_fire_id})" if delayed_fire_id else ""
    return f"{details[Detail.TRIGGER]}, due at {_fire_at(details)}{name}"


def _fire_at(details: Details) -> str:
    return moment(datetime.fromisoformat(details[Detail.FIRE_AT]))


def _unknown(event: SessionEvent, details: Details) -> str:
    about = f" {event.instance}" if event.instance else ""
    return f"{event.kind}{about}."


_SENTENCES: Mapping[str, Callable[[SessionEvent, Details], str]] = {
    EventKind.CONFIGURE: _configure,
    EventKind.RECONCILE: _reconcile,
    EventKind.PROGRESS: _progress,
    EventKind.STATUS: _status,
    EventKind.METADATA: lambda event, details: (
        f"{', '.join(details[Detail.KEYS]) or 'Nothing'} was attached to {event.instance}."
    ),
    EventKind.LOGS_RESOLVED: lambda event, _: f"The log messages of {event.instance} were dealt with.",
    EventKind.REPLAY: _replay,
    EventKind.SKIP: _skip,
    EventKind.DELAY: lambda _, details: f"{details[Detail.TRIGGER]} is to be fired at {_fire_at(details)}.",
    EventKind.DELAYED_FIRE: lambda _, details: (
        f"{details[Detail.TRIGGER]}, due at {_fire_at(details)}, became fire {details[Detail.FIRE_ID]}."
    ),
    EventKind.DELAYED_FIRE_FAILED: lambda _, details: sentence(
        f"{details[Detail.TRIGGER]} could not be fired yet", details[Detail.ERROR]
    ),
    EventKind.DELAYED_FIRE_PARKED: lambda _, details: sentence(
        f"{_delayed_fire(details)}, could not be fired too often, and is parked",
        details[Detail.ERROR],
    ),
    EventKind.DELAYED_FIRE_RETRIED: lambda _, details: f"{_delayed_fire(details)}, is tried again.",
    EventKind.DELAYED_FIRE_CANCELLED: lambda _, details: f"{_delayed_fire(details)}, was cancelled.",
    EventKind.HOOK_FAILED: _hook,
    EventKind.HOOK_PARKED: _hook,
    EventKind.HOOK_CALLED: _hook_call,
    EventKind.BACKOFF: _backoff,
    EventKind.WITHDRAW: _withdraw,
    EventKind.ASSET_EVENT: _asset_event,
}
