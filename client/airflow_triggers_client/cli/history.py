"""The commands about the past: ``triggers why``, ``history`` and ``unheard``.

Neighbours: ``twin/`` declares them.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime, timezone

from airflow_triggers_client.cli import output
from airflow_triggers_client.cli.hints import note_unknown_configuration
from airflow_triggers_client.cli.results import content_of, print_page
from airflow_triggers_client.cli.twin.terminal import print_text
from airflow_triggers_client.client import TriggersClient
from airflow_triggers_client.models import Arrival, Explanation, InstanceStatus, Requirement, UnheardFire

INDENT = "    "
"""Of the further lines of an entry."""


def explain(client: TriggersClient, args: Namespace) -> None:
    """``triggers why``."""
    explanation = client.why(args.uid, args.name)
    if args.output in output.STRUCTURED:
        output.print_value(content_of(explanation), args.output)
    else:
        for line in _lines(explanation):
            print_text(line, indent=INDENT)


def _lines(explanation: Explanation) -> Iterator[str]:
    yield explanation.answer
    yield f"  {explanation.rule}"
    if explanation.requirements:
        width = max(len(requirement.trigger) for requirement in explanation.requirements)
        yield ""
        for requirement in explanation.requirements:
            state = _state_of(requirement, explanation.status)
            yield f"  {requirement.directive:8}  {requirement.trigger:{width}}  {state}"
    if explanation.reasons:
        yield ""
        yield from (f"  - {reason.text}" for reason in explanation.reasons)
    if explanation.dag_run_id:
        yield ""
        yield f"  DAG run: {explanation.dag_run_id} of {explanation.dag_id}"


def _state_of(requirement: Requirement, status: InstanceStatus | str | None) -> str:
    fire = requirement.fire
    if requirement.arrived:
        return f"arrived {_arrival(fire)}" if fire else f"arrived: {requirement.note}"
    if requirement.directive == "unless" or status not in (None, InstanceStatus.UNSTARTED):
        return f"not taken; last fired {_arrival(fire)}" if fire else "had not fired"
    return f"missing, though it was fired {_arrival(fire)}" if fire else "missing"


def _arrival(fire: Arrival) -> str:
    by = f" by {fire.by}" if fire.by else ""
    return f"at {_moment(fire.at)}{by} (fire {fire.fire_id})"


def _moment(at: datetime) -> str:
    return at.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def show_history(client: TriggersClient, args: Namespace) -> None:
    """``triggers history``: newest last as a story, newest first as data."""
    page = client.history(
        args.uid,
        instance=args.instance,
        trigger=args.trigger,
        touched_nothing=args.touched_nothing,
        before=args.before,
    ).first(args.limit)
    if args.output in output.STRUCTURED:
        entries = [content_of(entry) for entry in page.items]
        output.print_value({"entries": entries, "next": page.next}, args.output)
        return
    if page.next:
        print_text(f"… earlier entries: --before {page.next}", to=sys.stderr)
    for entry in reversed(page.items):
        print_text(f"{_moment(entry.at)}  {entry.by or '-':20}  {entry.text}", indent=INDENT)
    if not page.items:
        print_text("Nothing of that kind happened.")


def list_unheard(client: TriggersClient, args: Namespace) -> None:
    """``triggers unheard``."""
    fires = client.unheard(trigger=args.trigger, configuration=args.configuration, before=args.before)
    page = fires.first(args.limit)
    if not page.items:
        note_unknown_configuration(client, args.configuration)
    rows = [_unheard_row(fire) for fire in page.items]
    print_page(page, rows, args.output, name="fires", further="earlier fires: --before")


def _unheard_row(fire: UnheardFire) -> output.Row:
    return {
        "uid": fire.session_uid,
        "fire_id": fire.fire_id,
        "trigger": fire.trigger,
        "fired_at": fire.fired_at.isoformat(),
        "fired_by": fire.fired_by,
        "used_by": fire.used_by,
        "similar": fire.similar,
    }
