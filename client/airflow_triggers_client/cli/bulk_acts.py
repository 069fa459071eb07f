"""``triggers bulk-acts …``, and the bulk acts of ``replay``, ``skip``, ``status``, ….

Neighbours: ``twin/bulk.py`` declares the commands.
"""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from airflow_triggers_client.cli import output
from airflow_triggers_client.cli.bar import Bar
from airflow_triggers_client.cli.hints import note_unknown_configuration
from airflow_triggers_client.cli.results import content_of, print_page, print_result
from airflow_triggers_client.cli.twin.selecting import filter_of, require_consent, sentence_of_preview
from airflow_triggers_client.cli.twin.terminal import print_text
from airflow_triggers_client.client import TriggersClient
from airflow_triggers_client.models import BulkAct, BulkOutcome, BulkPreview, InstanceFilter
from airflow_triggers_client.operations.bulk_acts import Act

UNSUCCESSFUL = (BulkOutcome.REFUSED, BulkOutcome.LEFT_OUT, BulkOutcome.CANCELLED)
WATCH_INTERVAL = 1.0


def make_bulk_act(client: TriggersClient, args: Namespace, act: Act, arguments: Mapping[str, Any]) -> int:
    """Make a bulk act of the instances that match the filter; or with ``--dry-run``, say what it would do."""
    conditions = {name: getattr(args, name) for name in filter_of(args)}
    selection = InstanceFilter(**conditions)
    if args.dry_run or not args.yes:
        preview = client.preview_bulk_act(act, selection, arguments)
        if not preview.total:
            note_unknown_configuration(client, args.configuration)
        if args.dry_run:
            _print_preview(preview, args.output)
            return 0
        require_consent(f"This is a bulk act ({act}) on {preview.allowed} instances.")
    bulk_act = client.make_bulk_act(act, selection, arguments, rate=args.rate)
    if not bulk_act.total:
        print_text("No instance matches the filter: the bulk act does nothing.", to=sys.stderr)
        note_unknown_configuration(client, args.configuration)
    if args.watch:
        bulk_act = _watched(client, bulk_act, WATCH_INTERVAL)
    print_result(bulk_act, _row_of(bulk_act), args.output)
    return _exit_code_of(bulk_act) if args.watch else 0


def _print_preview(preview: BulkPreview, form: str) -> None:
    if form in output.STRUCTURED:
        output.print_value(content_of(preview), form)
        return
    output.print_rows([sample.model_dump(mode="json") for sample in preview.sample], form)
    print_text(sentence_of_preview(preview), to=sys.stderr)


def _row_of(bulk_act: BulkAct) -> output.Row:
    return {
        "id": bulk_act.id,
        "act": bulk_act.act,
        "state": str(bulk_act.state),
        "total": bulk_act.total,
        "pending": bulk_act.pending,
        "counts": [f"{count} {outcome}" for outcome, count in bulk_act.counts.items() if count],
        "by": bulk_act.by,
        "created": bulk_act.created.isoformat(),
    }


def list_bulk_acts(client: TriggersClient, args: Namespace) -> None:
    """``triggers bulk-acts list``."""
    page = client.bulk_acts(after=args.after).first(args.limit)
    rows = [_row_of(bulk_act) for bulk_act in page.items]
    print_page(page, rows, args.output, name="bulk_acts", further="earlier ones: --after")


def show_bulk_act(client: TriggersClient, args: Namespace) -> None:
    """``triggers bulk-acts show``."""
    bulk_act = client.bulk_act(args.id)
    print_result(bulk_act, _row_of(bulk_act), args.output)


def list_outcomes(client: TriggersClient, args: Namespace) -> None:
    """``triggers bulk-acts outcomes``."""
    page = client.bulk_outcomes(args.id, outcome=args.outcome, after=args.after).first(args.limit)
    columns = ("session_uid", "name", "outcome", "replay", "reason")
    outcomes = [outcome.model_dump(mode="json") for outcome in page.items]
    rows = [{column: outcome[column] for column in columns} for outcome in outcomes]
    print_page(page, rows, args.output, name="outcomes", further="later ones: --after")


def triggers_cancel_bulk_act(client: TriggersClient, args: Namespace) -> None:
    """``triggers bulk-acts cancel``: prints the bulk act."""
    bulk_act = client.cancel_bulk_act(args.id)
    print_result(bulk_act, _row_of(bulk_act), args.output)


def watch_bulk_act(client: TriggersClient, args: Namespace) -> int:
    """``triggers bulk-acts watch``: the exit code is 1 unless everything was done."""
    bulk_act = _watched(client, client.bulk_act(args.id), args.interval)
    print_result(bulk_act, _row_of(bulk_act), args.output)
    return _exit_code_of(bulk_act)


def _watched(client: TriggersClient, bulk_act: BulkAct, interval: float) -> BulkAct:
    """Wait until the bulk act is over, and return it then."""
    bar = Bar(bulk_act.total)
    try:
        while not bulk_act.is_over:
            bar.show(bulk_act.total - bulk_act.pending, f"{bulk_act.pending} pending")
            time.sleep(interval)
            bulk_act = client.bulk_act(bulk_act.id)
    finally:
        bar.end()
    return bulk_act


def _exit_code_of(bulk_act: BulkAct) -> int:
    return 1 if any(bulk_act.counts.get(outcome.value) for outcome in UNSUCCESSFUL) else 0
