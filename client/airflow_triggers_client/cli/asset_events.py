"""``triggers asset-events …``: asset events that could not be fired.

Neighbours: ``twin/fires.py`` declares the commands.
"""

from __future__ import annotations

from argparse import Namespace

from airflow_triggers_client.cli import output
from airflow_triggers_client.cli.results import content_of
from airflow_triggers_client.client import TriggersClient


def list_asset_events(client: TriggersClient, args: Namespace) -> None:
    """``triggers asset-events list``."""
    page = client.failed_asset_events(parked=args.parked).first(args.limit)
    if args.output in output.STRUCTURED:
        output.print_value([content_of(event) for event in page.items], args.output)
        return
    rows = [
        {
            "id": event.id,
            "asset": event.asset,
            "session_uid": event.session_uid,
            "source": event.source,
            "attempts": event.attempts,
            "due": event.due.isoformat() if event.due else "parked",
            "error": event.error,
        }
        for event in page.items
    ]
    output.print_rows(rows, args.output)


def triggers_retry_asset_events(client: TriggersClient, args: Namespace) -> None:
    """``triggers asset-events retry``: one after the other; it ends at the first that has not failed."""
    rows: list[output.Row] = [
        {"id": client.retry_asset_event(event_id).id, "due": "now"} for event_id in args.id
    ]
    if args.output in output.STRUCTURED:
        output.print_value(rows, args.output)
    else:
        output.print_rows(rows, args.output)
