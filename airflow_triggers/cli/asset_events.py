"""``airflow triggers asset-events …``: asset events that could not be fired.

Neighbours: ``twin/fires.py`` declares the commands; ``history/parked.py`` reads and retries them.
"""

from __future__ import annotations

from argparse import Namespace

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers.answers.parked import AssetEventAnswer
from airflow_triggers.cli import rows
from airflow_triggers.cli.commands import audited_command, user
from airflow_triggers.cli.terminal import ends_with_one_line
from airflow_triggers.domain.disclosure import EVERYTHING
from airflow_triggers.history import parked

COLUMNS = ("id", "asset", "session_uid", "source", "attempts", "due", "error")


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def list_asset_events(args: Namespace) -> None:
    """``airflow triggers asset-events list``."""
    failed_events = parked.failed_asset_events(limit=args.limit, parked=args.parked)
    event_rows = [_of_asset_event(failed_event) for failed_event in failed_events]
    if args.output not in rows.STRUCTURED:
        event_rows = [{**row, "due": row["due"] or "parked"} for row in event_rows]
    rows.print_rows(event_rows, args.output, columns=COLUMNS)


def _of_asset_event(failed_event: parked.FailedAssetEvent) -> rows.Row:
    event = failed_event.event
    partition_key = event.partition_key if event else None
    return {**rows.of_answer(AssetEventAnswer.of(failed_event, EVERYTHING)), "partition_key": partition_key}


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
def triggers_retry_asset_events(args: Namespace) -> None:
    """``airflow triggers asset-events retry``."""
    parked.retry_asset_events(args.id, by=user())
    rows.print_rows([{"id": event_id, "due": "now"} for event_id in args.id], args.output)
