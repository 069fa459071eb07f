"""``airflow triggers configurations …`` and ``airflow triggers extensions``.

Neighbours: ``twin/configurations.py`` declares the commands; ``sessions/deployments.py`` reads configurations,
``check.py`` checks a folder.
"""

from __future__ import annotations

import sys
from argparse import Namespace

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers import gateway
from airflow_triggers.answers.configurations import (
    ConfigurationAnswer,
    ConfigurationDetailAnswer,
    ValidationAnswer,
)
from airflow_triggers.answers.extensions import ExtensionsAnswer
from airflow_triggers.cli import rows
from airflow_triggers.cli.terminal import FAILED, ends_with_one_line, print_text
from airflow_triggers.cli.twin.problems import problem_line, read_file, stem_of, verdict_of
from airflow_triggers.configuration.posted import check_text
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.errors import UnknownConfiguration
from airflow_triggers.manager.installed import installed_extensions
from airflow_triggers.sessions import deployed_configuration, deployments
from airflow_triggers.storages.transaction import snapshot

COLUMNS = ("name", "version", "is_deployed", "deployed_at", "sessions", "open", "failed", "import_error")
TASK_COLUMNS = ("task", "waiting", "failed", "dag_id", "sentence")
EXTENSION_COLUMNS = ("kind", "name", "class_path", "description", "problem")


def _everything(_: Configuration) -> bool:
    """Who has Airflow's configuration may read all sessions."""
    return True


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def list_configurations(args: Namespace) -> None:
    """``airflow triggers configurations list``."""
    summaries, cursor = deployments.list_configurations(
        limit=args.limit, after=args.after, readable=_everything, configuration_hashes=None
    )
    configuration_rows = [rows.of_answer(ConfigurationAnswer.of(summary)) for summary in summaries]
    if args.output in rows.STRUCTURED:
        rows.print_row({"configurations": configuration_rows, "next": cursor}, args.output)
        return
    short_rows = [{**row, "version": row["version"][: rows.SHORT_VERSION]} for row in configuration_rows]
    rows.print_rows(short_rows, args.output, columns=COLUMNS)
    if cursor:
        print_text(f"… further ones: --after {cursor}", to=sys.stderr)


def _detail(name: str) -> ConfigurationDetailAnswer:
    """:raises UnknownConfiguration: when there is none; it names similar ones."""
    try:
        deployment = deployments.deployment_of(name)
    except UnknownConfiguration:
        # It raises the same error, and names similar configurations.
        deployed_configuration(name)
        raise
    description = deployments.describe_configuration(deployment, configuration_hashes=None)
    return ConfigurationDetailAnswer.of_description(description)


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def show_configuration(args: Namespace) -> None:
    """``airflow triggers configurations show``."""
    row = rows.of_answer(_detail(args.name))
    if args.output in rows.STRUCTURED:
        rows.print_row(row, args.output)
        return
    task_rows = [{"task": name, **task} for name, task in row["tasks"].items()]
    rows.print_rows(task_rows, args.output, columns=TASK_COLUMNS)
    if row["import_error"]:
        print_text(row["import_error"], to=sys.stderr)
    for warning in row["warnings"]:
        print_text(problem_line({**warning, "message": warning["text"]}, args.name), to=sys.stderr)


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def explain_configuration(args: Namespace) -> None:
    """``airflow triggers configurations explain``."""
    sentences = _detail(args.name).sentences
    if args.output in rows.STRUCTURED:
        rows.print_row({"name": args.name, "sentences": dict(sentences)}, args.output)
        return
    for task, sentence in sentences.items():
        print_text(f"{task}: {sentence}")


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def draw_configuration(args: Namespace) -> None:
    """``airflow triggers configurations graph``."""
    graph = _detail(args.name).graph
    if args.output in rows.STRUCTURED:
        rows.print_row(rows.of_answer(graph), args.output)
    else:
        print_text((graph.mermaid if args.form == "mermaid" else graph.text).rstrip("\n"))


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def validate_configuration(args: Namespace) -> None:
    """``airflow triggers configurations validate``: exits with 1 when there is an error."""
    text = read_file(args.file)
    with snapshot() as session:
        dag_ids = gateway.deployed_dag_ids(session)
    answer = ValidationAnswer.of(check_text(text, name=args.name or stem_of(args.file), dag_ids=dag_ids))
    row = rows.of_answer(answer)
    if args.output in rows.STRUCTURED:
        rows.print_row(row, args.output)
    else:
        for problem in row["problems"]:
            print_text(problem_line(problem, args.file))
        print_text(verdict_of(row))
    if not answer.valid:
        raise SystemExit(FAILED)


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def list_extensions(args: Namespace) -> None:
    """``airflow triggers extensions``."""
    row = rows.of_answer(ExtensionsAnswer.of(installed_extensions()))
    if args.output in rows.STRUCTURED:
        rows.print_row(row, args.output)
        return
    extension_rows = [
        {"kind": kind.removesuffix("s"), **extension} for kind, group in row.items() for extension in group
    ]
    rows.print_rows(extension_rows, args.output, columns=EXTENSION_COLUMNS)
