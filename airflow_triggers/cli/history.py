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
from airflow_triggers.cli.commands import audited, ends_with_one_line, tells_of_broken_extensions, user
from airflow_triggers.cli.terminal import print_text
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
    found = history.why(args.uid, args.name)
    if args.output in rows.STRUCTURED:
        rows.print_row(_of_explanation(found), args.output)
    else:
        for line in _lines(found):
            print_text(line, indent=INDENT)


def _lines(found: Explanation) -> Iterator[str]:
    yield found.answer
    yield f"  {found.rule}"
    if found.requirements:
        width = max(len(one.trigger) for one in found.requirements)
        yield ""
        for one in found.requirements:
            yield f"  {one.role:8}  {one.trigger:{width}}  {_state_of(one, found.status)}"
    if found.reasons:
        yield ""
        yield from (f"  - {reason.text}" for reason in found.reasons)
    if found.run_id:
        yield ""
        yield f"  DAG run: {found.run_id} of {found.dag_id}"


def _state_of(one: Requirement, status: InstanceStatus | None) -> str:
    if one.arrived:
        return f"arrived {told_fire(one.fire)}" if one.fire else f"arrived: {one.note}"
    if one.role == "unless" or status not in (None, InstanceStatus.UNSTARTED):
        return "had not fired" if one.fire is None else f"not taken; last fired {told_fire(one.fire)}"
    return "missing" if one.fire is None else f"missing, though it was fired {told_fire(one.fire)}"


def _of_explanation(found: Explanation) -> rows.Row:
    return {
        "name": found.name,
        "task": found.task,
        "status": found.status.value if found.status else None,
        "rule": found.rule,
        "answer": found.answer,
        "reasons": [{"code": one.code, "text": one.text} for one in found.reasons],
        "requirements": [_of_requirement(one) for one in found.requirements],
        "dag_id": found.dag_id,
        "dag_run_id": found.run_id,
    }


def _of_requirement(one: Requirement) -> rows.Row:
    return {
        "trigger": one.trigger,
        "directive": one.role,
        "arrived": one.arrived,
        "fire": rows.of_fire(one.fire) if one.fire else None,
        "note": one.note,
        "expected": [rows.of_delayed_fire(it) for it in one.expected],
        "similar": [rows.of_fire(it) for it in one.similar],
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
    found = history.vain_fires(
        limit=args.limit, before=args.before, trigger=args.trigger, configuration=args.configuration
    )
    rows.print_rows([_of_vain_fire(one) for one in found], args.output)


def _of_vain_fire(one: VainFire) -> rows.Row:
    return {
        "uid": one.uid,
        "fire_id": one.fire.fire_id,
        "trigger": one.fire.trigger_name,
        "fired_at": one.fire.fired_at.isoformat(),
        "fired_by": one.fire.fired_by,
        "used_by": list(one.used_by),
        "similar": list(one.similar),
    }


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def list_hooks(args: Namespace) -> None:
    """``airflow triggers hooks list``."""
    found = parked.failed_hooks(limit=args.limit, uid=args.uid, parked=args.parked)
    rows.print_rows([_of_hook(one) for one in found], args.output)


def _of_hook(one: parked.ParkedHook) -> rows.Row:
    error: Any = (one.hook.error or "").strip().splitlines()
    return {
        "uid": one.uid,
        "id": one.hook.token,
        "hook": one.hook.hook,
        "attempts": one.hook.attempts,
        "due": "parked" if one.hook.parked or one.hook.due is None else one.hook.due.isoformat(),
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
    found = parked.failed_asset_events(limit=args.limit, parked=args.parked)
    rows.print_rows([_of_asset_event(one) for one in found], args.output)


def _of_asset_event(one: parked.FailedAssetEvent) -> rows.Row:
    event = one.event
    return {
        "id": one.event_id,
        "asset": event.uri if event else None,
        "partition_key": event.partition_key if event else None,
        "source": one.source,
        "attempts": one.attempts,
        "due": one.due.isoformat() if one.due else "parked",
        "error": one.error,
    }


@ends_with_one_line
@audited
@suppress_logs_and_warning
@providers_configuration_loaded
def triggers_retry_asset_events(args: Namespace) -> None:
    """``airflow triggers asset-events retry``."""
    parked.retry_asset_events(args.id)
    rows.print_rows([{"id": event_id, "due": "now"} for event_id in args.id], args.output)
