"""``airflow triggers hooks …``: hooks of managers that raised.

Neighbours: ``twin/sessions.py`` declares the commands; ``history/parked.py`` calls a hook again.
"""

from __future__ import annotations

from argparse import Namespace

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers.answers.hooks import HookCallAnswer
from airflow_triggers.cli import rows
from airflow_triggers.cli.commands import audited_command, tells_of_broken_extensions, user
from airflow_triggers.cli.terminal import ends_with_one_line
from airflow_triggers.history import parked
from airflow_triggers.sessions import promised_hook_of

HOOK_COLUMNS = ("uid", "id", "hook", "attempts", "due", "error")
HOOK_CALL_COLUMNS = ("uid", "id", "ended", "error")


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def list_hooks(args: Namespace) -> None:
    """``airflow triggers hooks list``."""
    failed_hooks = parked.failed_hooks(limit=args.limit, uid=args.uid, parked=args.parked)
    hook_rows = [_of_hook(failed_hook) for failed_hook in failed_hooks]
    rows.print_rows(hook_rows, args.output, columns=HOOK_COLUMNS)


def _of_hook(failed_hook: parked.ParkedHook) -> rows.Row:
    """A hook in short: only the last line of a traceback."""
    row = rows.of_hook(failed_hook.hook)
    lines = (failed_hook.hook.error or "").strip().splitlines()
    short = {"due": row["due"] or "parked", "error": lines[-1] if lines else None}
    return {"uid": failed_hook.uid, "session_uid": failed_hook.uid, **row, **short}


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_call_hook(args: Namespace) -> None:
    """``airflow triggers hooks call``: exits with 1 when the hook raises again."""
    error = parked.call_hook_again(args.uid, args.id, by=user())
    hook = None if error is None else promised_hook_of(args.uid, args.id)
    session_and_hook = {"uid": args.uid, "session_uid": args.uid, "id": args.id}
    row = {**session_and_hook, **rows.of_answer(HookCallAnswer.of(error, hook))}
    rows.print_row(row, args.output, columns=HOOK_CALL_COLUMNS)
    if error is not None:
        raise SystemExit(1)
