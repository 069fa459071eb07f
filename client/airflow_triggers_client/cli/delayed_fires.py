"""``triggers delayed-fires …``: fires still to come.

Neighbours: ``twin/fires.py`` declares the commands.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from airflow_triggers_client.cli import output
from airflow_triggers_client.cli.results import print_page, print_result
from airflow_triggers_client.client import TriggersClient
from airflow_triggers_client.models import DelayedFire, Page


def list_delayed_fires(client: TriggersClient, args: Namespace) -> None:
    """``triggers delayed-fires list``."""
    if args.uid is None:
        everywhere = client.all_delayed_fires(parked=args.parked, after=args.after).first(args.limit)
        rows = [{"uid": fire.session_uid, **_delayed_fire_row(fire)} for fire in everywhere.items]
        _print_page(everywhere, rows, args.output)
    elif args.parked:
        parked_fires = [fire for fire in client.delayed_fires(args.uid, after=args.after) if fire.parked]
        fires = parked_fires[: args.limit]
        _print_page(Page(fires, None), [_delayed_fire_row(fire) for fire in fires], args.output)
    else:
        page = client.delayed_fires(args.uid, after=args.after).first(args.limit)
        _print_page(page, [_delayed_fire_row(fire) for fire in page.items], args.output)


def _print_page(page: Page[Any], rows: Sequence[output.Row], form: str) -> None:
    print_page(page, rows, form, name="delayed_fires", further="later ones: --after")


def triggers_cancel_delayed_fire(client: TriggersClient, args: Namespace) -> None:
    """``triggers delayed-fires cancel``: prints the fire."""
    fire = client.cancel_delayed_fire(args.uid, args.id)
    print_result(fire, _delayed_fire_row(fire), args.output)


def triggers_retry_delayed_fire(client: TriggersClient, args: Namespace) -> None:
    """``triggers delayed-fires retry``: prints the fire."""
    fire = client.retry_delayed_fire(args.uid, args.id)
    print_result(fire, _delayed_fire_row(fire), args.output)


def _delayed_fire_row(fire: DelayedFire) -> output.Row:
    return {
        "id": fire.id,
        "trigger": fire.trigger,
        "kwargs": fire.kwargs,
        "fire_at": fire.fire_at.isoformat(),
        "fired_by": fire.fired_by,
        "idempotency_key": fire.idempotency_key,
        "parked": fire.parked,
        "error": fire.error,
        **({"cancelled_by": fire.cancelled_by} if fire.cancelled_at else {}),
    }
