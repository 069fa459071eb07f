"""What the commands about the past do: ``why``, ``history``, ``unheard``, ``hooks``, ``asset-events``.

Neighbours: ``definition.py`` declares them and imports this module only when one of them runs; ``commands.py`` has the
others; ``rows.py`` prints.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers import history
from airflow_triggers.cli import rows
from airflow_triggers.cli.commands import audited, tells_of_broken_extensions, user
from airflow_triggers.cli.terminal import ends_with_one_line, print_text
from airflow_triggers.domain.fires import Fire
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.history import parked
from airflow_triggers.history.pages import Entry, moment_of
from airflow_triggers.history.reasons import Explanation, Requirement, told_fire
from airflow_triggers.history.run_reasons import moment
from airflow_triggers.history.sentences import told
from airflow_triggers.history.unheard import VainFire

INDENT = "    "
"""Of the further lines of an entry."""


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def explain(args: Namespace) -> None:
    """``airflow triggers why``."""
    explanation = history.why(args.uid, args.name)
    if args.output in rows.STRUCTURED:
        rows.print_row(_of_explanation(explanation), args.output)
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
            yield f"  {requirement.role:8}  {requirement.trigger:{width}}  {_state_of(requirement, explanation.status)}"
    if explanation.reasons:
        yield ""
        yield from (f"  - {reason.text}" for reason in explanation.reasons)
    if explanation.run_id:
        yield ""
        yield f"  DAG run: {explanation.run_id} of {explanation.dag_id}"


def _state_of(requirement: Requirement, status: InstanceStatus | None) -> str:
    if requirement.arrived:
        return (
            f"arrived {told_fire(requirement.fire)}" if requirement.fire else f"arrived: {requirement.note}"
        )
    if requirement.role == "unless" or status not in (None, InstanceStatus.UNSTARTED):
        return (
            "had not fired"
            if requirement.fire is None
            else f"not taken; last fired {told_fire(requirement.fire)}"
        )
    return (
        "missing"
        if requirement.fire is None
        else f"missing, though it was fired {told_fire(requirement.fire)}"
    )


def _of_explanation(explanation: Explanation) -> rows.Row:
    return {
        "name": explanation.name,
        "task": explanation.task,
        "status": explanation.status.value if explanation.status else None,
        "rule": explanation.rule,
        "answer": explanation.answer,
        "reasons": [{"code": reason.code, "text": reason.text} for reason in explanation.reasons],
        "requirements": [_of_requirement(requirement) for requirement in explanation.requirements],
        "dag_id": explanation.dag_id,
        "dag_run_id": explanation.run_id,
    }


def _of_requirement(requirement: Requirement) -> rows.Row:
    return {
        "trigger": requirement.trigger,
        "directive": requirement.role,
        "arrived": requirement.arrived,
        "fire": rows.of_fire(requirement.fire) if requirement.fire else None,
        "note": requirement.note,
        "expected": [rows.of_delayed_fire(delayed_fire) for delayed_fire in requirement.expected],
        "similar": [rows.of_fire(fire) for fire in requirement.similar],
    }


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def show_history(args: Namespace) -> None:
    """``airflow triggers history``: newest last as a story, newest first as data."""
    page = history.history_of(
        args.uid,
        limit=args.limit,
        before=args.before,
        instance=args.instance,
        trigger=args.trigger,
        touched_nothing=args.touched_nothing,
    )
    if args.output in rows.STRUCTURED:
        entries = [_of_entry(entry) for entry in page.entries]
        rows.print_row({"entries": entries, "next": page.next}, args.output)
        return
    if page.next:
        print_text(f"… earlier entries: --before {page.next}")
    for entry in reversed(page.entries):
        by = entry.fired_by if isinstance(entry, Fire) else entry.by
        print_text(f"{moment(moment_of(entry))}  {by or '-':20}  {told(entry)}", indent=INDENT)
    if not page.entries:
        print_text("Nothing of that kind happened.")


def _of_entry(entry: Entry) -> rows.Row:
    if isinstance(entry, Fire):
        return {"kind": "fire", **rows.of_fire(entry), "text": told(entry)}
    return {
        "kind": entry.kind,
        "event_id": entry.event_id,
        "at": entry.at.isoformat(),
        "by": entry.by,
        "instance": entry.instance,
        "details": dict(entry.details),
        "text": told(entry),
    }


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def list_unheard(args: Namespace) -> None:
    """``airflow triggers unheard``."""
    vain_fires = history.vain_fires(
        limit=args.limit, before=args.before, trigger=args.trigger, configuration=args.configuration
    )
    rows.print_rows([_of_vain_fire(vain_fire) for vain_fire in vain_fires], args.output)


def _of_vain_fire(vain_fire: VainFire) -> rows.Row:
    return {
        "uid": vain_fire.uid,
        "fire_id": vain_fire.fire.fire_id,
        "trigger": vain_fire.fire.trigger_name,
        "fired_at": vain_fire.fire.fired_at.isoformat(),
        "fired_by": vain_fire.fire.fired_by,
        "used_by": list(vain_fire.used_by),
        "similar": list(vain_fire.similar),
    }


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def list_hooks(args: Namespace) -> None:
    """``airflow triggers hooks list``."""
    failed_hooks = parked.failed_hooks(limit=args.limit, uid=args.uid, parked=args.parked)
    rows.print_rows([_of_hook(failed_hook) for failed_hook in failed_hooks], args.output)


def _of_hook(failed_hook: parked.ParkedHook) -> rows.Row:
    error: Any = (failed_hook.hook.error or "").strip().splitlines()
    return {
        "uid": failed_hook.uid,
        "id": failed_hook.hook.token,
        "hook": failed_hook.hook.hook,
        "attempts": failed_hook.hook.attempts,
        "due": "parked"
        if failed_hook.hook.parked or failed_hook.hook.due is None
        else failed_hook.hook.due.isoformat(),
        "error": error[-1] if error else None,
    }


@ends_with_one_line
@audited
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_call_hook(args: Namespace) -> None:
    """``airflow triggers hooks call``: exits with 1 when the hook raises again."""
    error = parked.call_hook_again(args.uid, args.id, by=user())
    rows.print_row({"uid": args.uid, "id": args.id, "ended": error is None, "error": error}, args.output)
    if error is not None:
        raise SystemExit(1)


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def list_asset_events(args: Namespace) -> None:
    """``airflow triggers asset-events list``."""
    failed_events = parked.failed_asset_events(limit=args.limit, parked=args.parked)
    rows.print_rows([_of_asset_event(failed_event) for failed_event in failed_events], args.output)


def _of_asset_event(failed_event: parked.FailedAssetEvent) -> rows.Row:
    event = failed_event.event
    return {
        "id": failed_event.event_id,
        "asset": event.uri if event else None,
        "partition_key": event.partition_key if event else None,
        "source": failed_event.source,
        "attempts": failed_event.attempts,
        "due": failed_event.due.isoformat() if failed_event.due else "parked",
        "error": failed_event.error,
    }


@ends_with_one_line
@audited
@suppress_logs_and_warning
@providers_configuration_loaded
def triggers_retry_asset_events(args: Namespace) -> None:
    """``airflow triggers asset-events retry``."""
    parked.retry_asset_events(args.id, by=user())
    rows.print_rows([{"id": event_id, "due": "now"} for event_id in args.id], args.output)
