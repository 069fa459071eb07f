"""``triggers sessions …``: list, show, create, delete.

Neighbours: ``twin/sessions.py`` declares the commands; ``migration.py`` has ``sessions migrate``.
"""

from __future__ import annotations

from argparse import Namespace

from airflow_triggers_client.cli import output
from airflow_triggers_client.cli.hints import note_unknown_configuration
from airflow_triggers_client.cli.instances import instance_row
from airflow_triggers_client.cli.results import content_of, print_page, print_result
from airflow_triggers_client.cli.twin.selecting import ORDERS
from airflow_triggers_client.client import TriggersClient
from airflow_triggers_client.models import SessionSummary

SHORT_VERSION = 12
"""The digits shown of a hash."""


def list_sessions(client: TriggersClient, args: Namespace) -> None:
    """``triggers sessions list``."""
    page = client.sessions(
        configuration=args.configuration,
        version=args.version,
        prefix=args.prefix,
        contains=args.contains,
        has_failed=args.has_failed,
        is_open=args.open,
        is_resolved=args.resolved,
        waiting_for=args.waiting_for,
        idle_for=args.idle_for,
        order_by=ORDERS[args.order_by],
        after=args.after,
    ).first(args.limit)
    if not page.items:
        note_unknown_configuration(client, args.configuration)
    rows = [_session_row(session) for session in page.items]
    print_page(page, rows, args.output, name="sessions", further="further ones: --after")


def _session_row(session: SessionSummary) -> output.Row:
    return {
        "uid": session.uid,
        "configuration": session.configuration,
        "version": session.version.hash[:SHORT_VERSION] if session.version else "",
        "is_deployed": session.version.is_deployed if session.version else None,
        "manager": session.manager,
        "storage": session.storage,
        "counts": [f"{count} {status}" for status, count in (session.counts or {}).items()],
        "created": session.created.isoformat(),
        "last_modified": session.last_modified.isoformat(),
    }


def show_session(client: TriggersClient, args: Namespace) -> None:
    """``triggers sessions show``."""
    session = client.session(args.uid)
    if session.instances_next is not None:
        instances = sorted(
            client.session_instances(args.uid), key=lambda instance: (instance.task, instance.number)
        )
        session = session.model_copy(update={"instances": instances})
    if args.output in output.STRUCTURED:
        output.print_value(content_of(session), args.output)
    else:
        output.print_rows([instance_row(instance) for instance in session.instances], args.output)


def triggers_create_session(client: TriggersClient, args: Namespace) -> None:
    """``triggers sessions create``: prints the session, and whether it is new."""
    session = client.create_session(
        args.uid, args.configuration, manager=args.manager, storage=args.storage, metadata=args.metadata
    )
    print_result(session, _session_row(session), args.output)


def triggers_delete_session(client: TriggersClient, args: Namespace) -> None:
    """``triggers sessions delete``."""
    client.delete_session(args.uid, force=args.force)
    row: output.Row = {"uid": args.uid, "deleted": True}
    if args.output in output.STRUCTURED:
        output.print_value(row, args.output)
    else:
        output.print_rows([row], args.output)
