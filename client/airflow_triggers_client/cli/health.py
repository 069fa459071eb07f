"""``triggers health``: whether triggers controllers are alive and keep up.

Neighbours: ``twin/upkeep.py`` declares it.
"""

from __future__ import annotations

from argparse import Namespace

from airflow_triggers_client.cli.results import print_result
from airflow_triggers_client.client import TriggersClient


def show_health(client: TriggersClient, args: Namespace) -> int:
    """``triggers health``: the exit code is 1 unless they are healthy."""
    health = client.health()
    row = {
        "status": health.status,
        "detail": health.reason or f"{health.controllers.alive} alive, lag {health.lag:.1f} s",
    }
    print_result(health, row, args.output)
    return 0 if health.is_healthy else 1
