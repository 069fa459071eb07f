"""``triggers hooks …``: hooks of managers that raised.

Neighbours: ``twin/sessions.py`` declares the commands.
"""

from __future__ import annotations

from argparse import Namespace

from airflow_triggers_client.cli import output
from airflow_triggers_client.cli.results import print_result, print_results
from airflow_triggers_client.client import TriggersClient
from airflow_triggers_client.models import Hook


def list_hooks(client: TriggersClient, args: Namespace) -> None:
    """``triggers hooks list``."""
    if args.uid is None:
        page = client.failed_hooks(parked=args.parked).first(args.limit)
        print_results(page.items, [_hook_row(hook.session_uid, hook) for hook in page.items], args.output)
        return
    failed_hooks = [
        hook for hook in client.session_hooks(args.uid) if hook.attempts and (hook.parked or not args.parked)
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


def triggers_call_hook(client: TriggersClient, args: Namespace) -> int:
    """``triggers hooks call``: the exit code is 1 when the hook raises again."""
    call = client.call_hook(args.uid, args.id)
    row = {"uid": args.uid, "id": args.id, "ended": call.ended, "error": call.error}
    print_result(call, row, args.output)
    return 0 if call.ended else 1
