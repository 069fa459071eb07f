"""The commands about sessions, instances, delayed fires and hooks: they ask the server and print the answer.

Neighbours: ``definition.py`` declares them; ``past.py`` has the commands about the past, ``firing.py`` those that
fire. The structured formats print the REST API's answers; the columns of tables are those of ``airflow triggers``.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from airflow_triggers_client.cli import output
from airflow_triggers_client.client import TriggersClient
from airflow_triggers_client.models import DelayedFire, Hook, Instance, Result, SessionSummary


def list_sessions(client: TriggersClient, args: Namespace) -> None:
    """``triggers sessions list``."""
    page = client.sessions(configuration=args.configuration, prefix=args.prefix, after=args.after).first(
        args.limit
    )
    print_results(page.items, [_session_row(session) for session in page.items], args.output)


def delete_session(client: TriggersClient, args: Namespace) -> None:
    """``triggers sessions delete``."""
    client.delete_session(args.uid, force=args.force)
    row: output.Row = {"uid": args.uid, "deleted": True}
    if args.output in output.STRUCTURED:
        output.print_value(row, args.output)
    else:
        output.print_rows([row], args.output)


def _session_row(session: SessionSummary) -> output.Row:
    return {
        "uid": session.uid,
        "configuration": session.configuration,
        "manager": session.manager,
        "created": session.created.isoformat(),
        "last_modified": session.last_modified.isoformat(),
    }


def show_session(client: TriggersClient, args: Namespace) -> None:
    """``triggers sessions show``."""
    session = client.session(args.uid)
    if args.output in output.STRUCTURED:
        output.print_value(content_of(session), args.output)
    else:
        output.print_rows([_instance_row(instance) for instance in session.instances], args.output)


def _instance_row(instance: Instance) -> output.Row:
    return {
        "instance": instance.name,
        "status": str(instance.status),
        "missing": instance.missing,
        "dag_id": instance.dag_id,
        "dag_run_id": instance.dag_run_id,
    }


def replay(client: TriggersClient, args: Namespace) -> None:
    """``triggers replay``: prints the new instance."""
    clone = client.replay(args.uid, args.instance, args.kwargs, cooldown=args.cooldown)
    print_result(clone, _instance_row(clone), args.output)


def skip(client: TriggersClient, args: Namespace) -> None:
    """``triggers skip``: prints the skipped instance."""
    instance = client.skip(args.uid, args.instance, cascade=args.cascade, result=args.result)
    print_result(instance, _instance_row(instance), args.output)


def list_delayed_fires(client: TriggersClient, args: Namespace) -> None:
    """``triggers delayed-fires list``."""
    page = client.delayed_fires(args.uid, after=args.after).first(args.limit)
    if args.output in output.STRUCTURED:
        fires = [content_of(fire) for fire in page.items]
        output.print_value({"delayed_fires": fires, "next": page.next}, args.output)
        return
    output.print_rows([_delayed_fire_row(fire) for fire in page.items], args.output)
    if page.next:
        print(f"… later ones: --after {page.next}")


def cancel_delayed_fire(client: TriggersClient, args: Namespace) -> None:
    """``triggers delayed-fires cancel``: prints the fire."""
    fire = client.cancel_delayed_fire(args.uid, args.id)
    print_result(fire, _delayed_fire_row(fire), args.output)


def retry_delayed_fire(client: TriggersClient, args: Namespace) -> None:
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


def list_hooks(client: TriggersClient, args: Namespace) -> None:
    """``triggers hooks list``."""
    failed_hooks = [
        hook for hook in client.session(args.uid).hooks if hook.attempts and (hook.parked or not args.parked)
    ]
    hooks = sorted(failed_hooks, key=lambda hook: hook.id, reverse=True)[: args.limit]
    print_results(hooks, [_hook_row(args.uid, hook) for hook in hooks], args.output)


def _hook_row(uid: str, hook: Hook) -> output.Row:
    error = (hook.error or "").strip().splitlines()
    return {
        "uid": uid,
        "id": hook.id,
        "hook": hook.hook,
        "attempts": hook.attempts,
        "due": "parked" if hook.parked or hook.due is None else hook.due.isoformat(),
        "error": error[-1] if error else None,
    }


def call_hook(client: TriggersClient, args: Namespace) -> int:
    """``triggers hooks call``: the exit code is 1 when the hook raises again."""
    call = client.call_hook(args.uid, args.id)
    row = {"uid": args.uid, "id": args.id, "ended": call.ended, "error": call.error}
    print_result(call, row, args.output)
    return 0 if call.ended else 1


def content_of(result: Result) -> object:
    """The result as the API returned it, for the structured formats."""
    return result.model_dump(mode="json")


def print_result(result: Result, row: output.Row, form: str) -> None:
    """Print one result: the whole result in a structured format, else a row."""
    if form in output.STRUCTURED:
        output.print_value(content_of(result), form)
    else:
        output.print_rows([row], form)


def print_results(results: Sequence[Result], rows: Sequence[output.Row], form: str) -> None:
    """Print a list of results."""
    if form in output.STRUCTURED:
        output.print_value([content_of(result) for result in results], form)
    else:
        output.print_rows(rows, form)
