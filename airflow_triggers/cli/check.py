"""``airflow triggers check``: reads configurations, also in CI, and says what is wrong with them.

It needs no database. If it has one, it asks it for the deployed DAGs. Neighbours: ``twin/upkeep.py`` declares the
command; ``configuration/check.py`` checks.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Collection
from pathlib import Path

from airflow import settings
from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers import gateway
from airflow_triggers.cli import rows
from airflow_triggers.cli.terminal import ends_with_one_line, print_text
from airflow_triggers.configuration.check import LocatedFinding, Report, check_folder
from airflow_triggers.configuration.review import Severity
from airflow_triggers.errors import StorageError
from airflow_triggers.storages.transaction import snapshot


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def check(args: Namespace) -> None:
    """``airflow triggers check``: exits with 1 after an error; with ``--strict``, after a warning too."""
    folder = Path(args.folder or settings.DAGS_FOLDER)
    dag_ids, absence = (
        (None, "--without-database was given") if args.without_database else _deployed_dag_ids()
    )
    report = check_folder(folder, deployed_dag_ids=dag_ids)
    output = "json" if args.json else args.output
    if output in rows.STRUCTURED:
        rows.print_row(_of_report(report, folder, absence), output)
    else:
        _print(report, absence)
    errors, warnings = report.count(Severity.ERROR), report.count(Severity.WARNING)
    if errors or (args.strict and warnings):
        raise SystemExit(1)


def _deployed_dag_ids() -> tuple[Collection[str] | None, str | None]:
    """The deployed DAGs and None; or None and why the DAGs are not known."""
    if settings.engine is None:
        return None, "this process has no database"
    url = settings.engine.url
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        # SQLite creates a missing file on connect, and a check must write nothing.
        return None, f"there is no database {url.database}"
    try:
        with snapshot() as session:
            return gateway.deployed_dag_ids(session), None
    except StorageError as error:
        return None, str(error)


def _print(report: Report, absence: str | None) -> None:
    for located_finding in report.findings:
        print_text(_line(located_finding))
    if absence is not None:
        print_text(f"Airflow's database was not asked for deployed DAGs: {absence}", to=sys.stderr)
    print_text(
        f"{_number(len(report.configurations), 'configuration')}, {_number(report.count(Severity.ERROR), 'error')}, "
        f"{_number(report.count(Severity.WARNING), 'warning')}"
    )


def _line(located_finding: LocatedFinding) -> str:
    finding = located_finding.finding
    place = (
        located_finding.file
        if located_finding.line is None
        else f"{located_finding.file}:{located_finding.line}"
    )
    task = f"task {finding.task!r}: " if finding.task else ""
    return f"{place}: {finding.severity}: {task}{finding.text} [{finding.code}]"


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _of_report(report: Report, folder: Path, absence: str | None) -> rows.Row:
    return {
        "folder": str(folder),
        "configurations": list(report.configurations),
        "errors": report.count(Severity.ERROR),
        "warnings": report.count(Severity.WARNING),
        "database": absence or "asked",
        "findings": [
            {
                "file": located_finding.file,
                "line": located_finding.line,
                "configuration": located_finding.configuration,
                "task": located_finding.finding.task,
                "severity": located_finding.finding.severity.value,
                "code": located_finding.finding.code,
                "text": located_finding.finding.text,
            }
            for located_finding in report.findings
        ],
    }
