"""``airflow triggers bulk-acts …``, and the bulk acts of ``replay``, ``skip``, ``status``, ….

Neighbours: ``twin/bulk.py`` declares the commands; ``sessions/bulk_acts.py`` makes bulk acts, controllers do them.
"""

from __future__ import annotations

import sys
import time
from argparse import Namespace

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded
from rich.console import Console
from rich.progress import Progress

from airflow_triggers.answers.bulk_acts import BulkActAnswer, BulkPreviewAnswer, OutcomeAnswer
from airflow_triggers.cli import rows
from airflow_triggers.cli.commands import audited_command, user
from airflow_triggers.cli.hints import note_unknown_configuration
from airflow_triggers.cli.terminal import FAILED, ends_with_one_line, print_text
from airflow_triggers.cli.twin.selecting import filter_of, require_consent, sentence_of_preview
from airflow_triggers.domain.acts import InstanceAct
from airflow_triggers.domain.bulk import BulkAct, BulkOutcome, BulkRequest, BulkState
from airflow_triggers.domain.selection import InstanceFilter
from airflow_triggers.sessions import bulk_acts
from airflow_triggers.sessions.bulk_making import Maker

COLUMNS = ("id", "act", "state", "total", "pending", "counts", "by", "created")
OUTCOME_COLUMNS = ("session_uid", "name", "outcome", "replay", "reason")
SAMPLE_COLUMNS = ("session_uid", "name", "outcome", "reason")

UNSUCCESSFUL = (BulkOutcome.REFUSED, BulkOutcome.LEFT_OUT, BulkOutcome.CANCELLED)
WATCH_INTERVAL = 1.0


def make_bulk_act(args: Namespace, act: InstanceAct) -> None:
    """Make a bulk act of the instances that match the filter; or with ``--dry-run``, say what it would do."""
    selection = InstanceFilter.from_dict(filter_of(args))
    request, maker = BulkRequest(act=act, selection=selection, rate=args.rate), Maker(by=user())
    if args.dry_run or not args.yes:
        preview = BulkPreviewAnswer.of(bulk_acts.preview(request, maker))
        if not preview.total:
            note_unknown_configuration(args.configuration)
        if args.dry_run:
            _print_preview(preview, args.output)
            return
        require_consent(f"This is a bulk act ({act.kind.value}) on {preview.allowed} instances.")
    bulk_act = bulk_acts.make(request, maker)
    if not bulk_act.total:
        print_text("No instance matches the filter: the bulk act does nothing.", to=sys.stderr)
        note_unknown_configuration(args.configuration)
    if args.watch:
        bulk_act = _watched(bulk_act, WATCH_INTERVAL)
    _print_bulk_act(bulk_act, args.output)
    if args.watch:
        _exit_of(bulk_act)


def _print_preview(preview: BulkPreviewAnswer, output: str) -> None:
    row = rows.of_answer(preview)
    if output in rows.STRUCTURED:
        rows.print_row(row, output)
        return
    rows.print_rows(row["sample"], output, columns=SAMPLE_COLUMNS)
    print_text(sentence_of_preview(preview), to=sys.stderr)


def _print_bulk_act(bulk_act: BulkAct, output: str) -> None:
    rows.print_row(_row_of(bulk_act, output), output, columns=COLUMNS)


def _row_of(bulk_act: BulkAct, output: str) -> rows.Row:
    row = rows.of_answer(BulkActAnswer.of(bulk_act))
    if output not in rows.STRUCTURED:
        row["counts"] = [f"{count} {outcome}" for outcome, count in row["counts"].items() if count]
    return row


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def list_bulk_acts(args: Namespace) -> None:
    """``airflow triggers bulk-acts list``."""
    page = bulk_acts.list_bulk_acts(limit=args.limit, after=args.after)
    act_rows = [_row_of(bulk_act, args.output) for bulk_act in page.bulk_acts]
    if args.output in rows.STRUCTURED:
        rows.print_row({"bulk_acts": act_rows, "next": page.next}, args.output)
        return
    rows.print_rows(act_rows, args.output, columns=COLUMNS)
    if page.next:
        print_text(f"… earlier ones: --after {page.next}", to=sys.stderr)


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def show_bulk_act(args: Namespace) -> None:
    """``airflow triggers bulk-acts show``."""
    _print_bulk_act(bulk_acts.bulk_act_of(args.id), args.output)


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def list_outcomes(args: Namespace) -> None:
    """``airflow triggers bulk-acts outcomes``."""
    page = bulk_acts.outcomes_of(
        args.id,
        limit=args.limit,
        after=args.after,
        outcome=None if args.outcome is None else BulkOutcome(args.outcome),
    )
    outcome_rows = [rows.of_answer(OutcomeAnswer.of(item)) for item in page.items]
    if args.output in rows.STRUCTURED:
        rows.print_row({"outcomes": outcome_rows, "next": page.next}, args.output)
        return
    rows.print_rows(outcome_rows, args.output, columns=OUTCOME_COLUMNS)
    if page.next:
        print_text(f"… later ones: --after {page.next}", to=sys.stderr)


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
def triggers_cancel_bulk_act(args: Namespace) -> None:
    """``airflow triggers bulk-acts cancel``: prints the bulk act."""
    _print_bulk_act(bulk_acts.cancel(args.id, by=user()), args.output)


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def watch_bulk_act(args: Namespace) -> None:
    """``airflow triggers bulk-acts watch``: exits with 1 unless everything was done."""
    bulk_act = _watched(bulk_acts.bulk_act_of(args.id), args.interval)
    _print_bulk_act(bulk_act, args.output)
    _exit_of(bulk_act)


def _watched(bulk_act: BulkAct, interval: float) -> BulkAct:
    """Wait until the bulk act is over, and return it then. If stderr is a terminal, it shows a progress bar there."""
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(f"Bulk act {bulk_act.bulk_act_id}", total=bulk_act.total)
        while bulk_act.state in (BulkState.PENDING, BulkState.RUNNING):
            bar.update(task, completed=bulk_act.total - bulk_act.pending)
            time.sleep(interval)
            bulk_act = bulk_acts.bulk_act_of(bulk_act.bulk_act_id)
    return bulk_act


def _exit_of(bulk_act: BulkAct) -> None:
    """:raises SystemExit: with 1 when not everything was done."""
    if any(bulk_act.counts.get(outcome) for outcome in UNSUCCESSFUL):
        raise SystemExit(FAILED)
