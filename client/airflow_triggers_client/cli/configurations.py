"""``triggers configurations …`` and ``triggers extensions``.

Neighbours: ``twin/configurations.py`` declares the commands.
"""

from __future__ import annotations

import sys
from argparse import Namespace

from airflow_triggers_client.cli import output
from airflow_triggers_client.cli.results import content_of
from airflow_triggers_client.cli.twin.problems import problem_line, read_file, stem_of, verdict_of
from airflow_triggers_client.cli.twin.terminal import print_text
from airflow_triggers_client.client import TriggersClient

SHORT_VERSION = 12
"""The digits shown of a hash."""


def list_configurations(client: TriggersClient, args: Namespace) -> None:
    """``triggers configurations list``."""
    page = client.configurations(after=args.after).first(args.limit)
    rows = [configuration.model_dump(mode="json") for configuration in page.items]
    if args.output in output.STRUCTURED:
        output.print_value({"configurations": rows, "next": page.next}, args.output)
        return
    columns = ("name", "version", "is_deployed", "deployed_at", "sessions", "open", "failed", "import_error")
    short_rows = [{**row, "version": row["version"][:SHORT_VERSION]} for row in rows]
    output.print_rows([{column: row[column] for column in columns} for row in short_rows], args.output)
    if page.next:
        print_text(f"… further ones: --after {page.next}", to=sys.stderr)


def show_configuration(client: TriggersClient, args: Namespace) -> None:
    """``triggers configurations show``."""
    configuration = client.configuration(args.name)
    if args.output in output.STRUCTURED:
        output.print_value(content_of(configuration), args.output)
        return
    columns = ("waiting", "failed", "dag_id", "sentence")
    tasks = configuration.tasks.items()
    output.print_rows(
        [{"task": name, **{column: task.get(column) for column in columns}} for name, task in tasks],
        args.output,
    )
    if configuration.import_error:
        print_text(configuration.import_error, to=sys.stderr)
    for warning in configuration.warnings:
        problem = {**warning.model_dump(mode="json"), "message": warning.text}
        print_text(problem_line(problem, args.name), to=sys.stderr)


def explain_configuration(client: TriggersClient, args: Namespace) -> None:
    """``triggers configurations explain``."""
    sentences = client.configuration(args.name).sentences
    if args.output in output.STRUCTURED:
        output.print_value({"name": args.name, "sentences": sentences}, args.output)
        return
    for task, sentence in sentences.items():
        print_text(f"{task}: {sentence}")


def draw_configuration(client: TriggersClient, args: Namespace) -> None:
    """``triggers configurations graph``."""
    graph = client.configuration(args.name).graph
    if args.output in output.STRUCTURED:
        output.print_value(content_of(graph), args.output)
    else:
        print_text((graph.mermaid if args.form == "mermaid" else graph.text).rstrip("\n"))


def validate_configuration(client: TriggersClient, args: Namespace) -> int:
    """``triggers configurations validate``: the exit code is 1 when there is an error."""
    validation = client.validate_configuration(read_file(args.file), name=args.name or stem_of(args.file))
    row = validation.model_dump(mode="json")
    if args.output in output.STRUCTURED:
        output.print_value(row, args.output)
    else:
        for problem in row["problems"]:
            print_text(problem_line(problem, args.file))
        print_text(verdict_of(row))
    return 0 if validation.valid else 1


def list_extensions(client: TriggersClient, args: Namespace) -> None:
    """``triggers extensions``."""
    row = client.extensions().model_dump(mode="json")
    if args.output in output.STRUCTURED:
        output.print_value(row, args.output)
        return
    rows = [
        {"kind": kind.removesuffix("s"), **extension} for kind, group in row.items() for extension in group
    ]
    output.print_rows(rows, args.output)
