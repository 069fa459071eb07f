"""``airflow triggers health``: whether controllers are alive and keep up.

Neighbours: ``twin/upkeep.py`` declares it; ``controller/health.py`` reads; ``controller.py`` checks for containers.
"""

from __future__ import annotations

from argparse import Namespace

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers.answers.health import HealthAnswer
from airflow_triggers.cli import rows
from airflow_triggers.cli.terminal import FAILED, ends_with_one_line
from airflow_triggers.controller.health import read_health
from airflow_triggers.controller.process import check_database


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def show_health(args: Namespace) -> None:
    """``airflow triggers health``: exits with 1 unless they are healthy."""
    check_database()
    health = read_health()
    answer = HealthAnswer.of(health)
    if args.output in rows.STRUCTURED:
        rows.print_row(rows.of_answer(answer), args.output)
    else:
        rows.print_row({"status": answer.status, "detail": health.sentence}, args.output)
    if not health.is_healthy:
        raise SystemExit(FAILED)
