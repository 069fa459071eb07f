"""The commands of ``airflow triggers``: names, arguments and help, for Airflow's parser.

Every call of ``airflow``, whatever the command, imports this module: it must stay light. Neighbours:
``provider_info.py`` names :func:`get_triggers_cli_commands`; ``commands.py`` is imported when a command runs.
"""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any

from airflow.cli.cli_config import (
    ARG_DAEMON,
    ARG_LOG_FILE,
    ARG_OUTPUT,
    ARG_PID,
    ARG_STDERR,
    ARG_STDOUT,
    ARG_VERBOSE,
    ActionCommand,
    Arg,
    GroupCommand,
    lazy_load_command,
)

COMMANDS = "airflow_triggers.cli.commands"
CONTROLLER = "airflow_triggers.cli.controller"
DELAYED = "airflow_triggers.cli.delayed_fires"
MIGRATION = "airflow_triggers.cli.migration"
PAST = "airflow_triggers.cli.history"
CHECK = "airflow_triggers.cli.check"
CLEANING = "airflow_triggers.cli.cleaning"

MAX_DIGITS = 18
"""Every number of 18 digits fits into a database's integers."""


def get_triggers_cli_commands() -> list[GroupCommand]:
    """The commands that Airflow adds to its command line."""
    return [
        GroupCommand(
            name="triggers",
            help="Fire triggers into sessions, look at sessions, repair them",
            subcommands=(
                _ASSET_EVENTS,
                _CHECK,
                _CLEAN,
                _CONTROLLER,
                _DELAYED_FIRES,
                _FIRE,
                _HISTORY,
                _HOOKS,
                _REPLAY,
                _SESSIONS,
                _SKIP,
                _UNHEARD,
                _WHY,
            ),
        )
    ]


def count(text: str) -> int:
    """An argument: a whole number above 0 that fits into a database's integers.

    :raises argparse.ArgumentTypeError: for other texts; the parser shows its message.
    """
    if len(text) > MAX_DIGITS:
        raise argparse.ArgumentTypeError(f"expected at most {MAX_DIGITS} digits, found {text[:40]!r}")
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, found {text!r}")
    return int(text)


def json_object(text: str) -> dict[str, Any]:
    """An argument: a JSON object.

    :raises argparse.ArgumentTypeError: for other texts; the parser shows its message.
    """
    from airflow_triggers.domain.validation import JsonFlaw, excerpt, parse_json

    try:
        content = parse_json(text)
    except JsonFlaw as flaw:
        raise argparse.ArgumentTypeError(f"it {flaw}") from None
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected a JSON object, found {excerpt(text)}: {error}") from None
    if not isinstance(content, dict):
        raise argparse.ArgumentTypeError(f"expected a JSON object, found {excerpt(text)}")
    return content


def aware_datetime(text: str) -> datetime:
    """An argument: a moment with a timezone.

    :raises argparse.ArgumentTypeError: for other texts; the parser shows its message.
    """
    from airflow_triggers.domain.validation import parse_moment
    from airflow_triggers.errors import InvalidTrigger

    try:
        return parse_moment(text)
    except InvalidTrigger as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive_seconds(text: str) -> float:
    """An argument: a number of seconds above 0.

    :raises argparse.ArgumentTypeError: for other texts; the parser shows its message.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, found {text[:80]!r}")
    return seconds


def number(text: str) -> float:
    """An argument: a number. The command checks its range.

    :raises argparse.ArgumentTypeError: for other texts; the parser shows its message.
    """
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, found {text!r}") from None


def _arg(flag: str, **options: Any) -> Arg:
    return Arg((flag,), **options)


_UID = _arg("uid", help="The session's UID")
_INSTANCE = _arg("instance", help="A failed task instance, such as 't_import#0'")
_CONFIGURATION = _arg(
    "--configuration", help="A deployed configuration's name: the first fire makes the session with it"
)
_LIMIT = _arg("--limit", type=count, default=50, help="How many at most (default: 50)")
_PARKED = _arg("--parked", action="store_true", help="Only those that are not tried again by themselves")
_RESULTS = (ARG_OUTPUT, ARG_VERBOSE)

_CONTROLLER = ActionCommand(
    name="controller",
    help="Run a triggers controller, which brings what happens to DAG runs back into sessions",
    description=(
        "Run a triggers controller, which brings what happens to DAG runs back into sessions.\n\n"
        "Schedulers run one each, unless the setting triggers.controller_autostart is off. Any number may run.\n\n"
        "With --check, run none: say in one sentence whether controllers are alive and keep up, and exit with 0; or "
        "with 1, saying what to do. For the health check of a container, --check --local."
    ),
    func=lazy_load_command(f"{CONTROLLER}.triggers_controller"),
    args=(
        _arg(
            "--interval",
            type=positive_seconds,
            help="Seconds to wait when nothing has changed (default: the setting triggers.controller_interval)",
        ),
        _arg(
            "--check",
            action="store_true",
            help="Only check that a controller is alive, and that controllers keep up",
        ),
        _arg(
            "--local",
            action="store_true",
            help="Only check that a controller of this host is alive (implies --check)",
        ),
        ARG_PID,
        ARG_DAEMON,
        ARG_STDOUT,
        ARG_STDERR,
        ARG_LOG_FILE,
        ARG_VERBOSE,
    ),
)

_SESSIONS = GroupCommand(
    name="sessions",
    help="Look at sessions, move them to the deployed rules, delete them",
    subcommands=(
        ActionCommand(
            name="delete",
            help="Delete a session with its history; its DAG runs stay in Airflow",
            func=lazy_load_command(f"{CLEANING}.triggers_delete_session"),
            args=(
                _UID,
                _arg("--force", action="store_true", help="Delete it although it is not resolved"),
                *_RESULTS,
            ),
        ),
        ActionCommand(
            name="list",
            help="List sessions, ordered by UID",
            func=lazy_load_command(f"{COMMANDS}.list_sessions"),
            args=(
                _arg("--configuration", help="Only sessions of this deployed configuration"),
                _arg("--prefix", help="Only sessions whose UID begins with this"),
                _arg("--after", metavar="UID", help="Only sessions after this UID: the next page"),
                _LIMIT,
                *_RESULTS,
            ),
        ),
        ActionCommand(
            name="show",
            help="Show a session's task instances, what they wait for, and their DAG runs",
            func=lazy_load_command(f"{COMMANDS}.show_session"),
            args=(_UID, *_RESULTS),
        ),
        ActionCommand(
            name="migrate",
            help="Move open sessions to the rules that are deployed now",
            description=(
                "Move open sessions to the rules that are deployed now, each in a transaction of its own. A session "
                "that has them is left alone, so an interrupted migration can be run again. The exit status is 1 if a "
                "session was refused."
            ),
            func=lazy_load_command(f"{MIGRATION}.triggers_migrate_sessions"),
            args=(
                _arg("--configuration", required=True, help="The deployed configuration's name"),
                _arg("--prefix", help="Only sessions whose UID begins with this"),
                _arg("--after", metavar="UID", help="Only sessions after this UID"),
                _arg(
                    "--history",
                    choices=("ignore", "apply"),
                    default="ignore",
                    help=(
                        "apply: the fires of the past count for new and changed tasks; for all tasks of a session that "
                        "has the deployed rules already (default: ignore)"
                    ),
                ),
                _arg(
                    "--replace-own-tasks",
                    action="store_true",
                    help="Also move sessions whose tasks were changed at run time: their own tasks go",
                ),
                _arg("--dry-run", action="store_true", help="Only say what would happen"),
                *_RESULTS,
            ),
        ),
    ),
)

_CHECK = ActionCommand(
    name="check",
    help="Check configurations before they are deployed",
    description=(
        "Check configurations before they are deployed, as CI does: YAML files of the folder, and whatever its DAG "
        "files compile. The folder's modules are imported.\n\nExits with 1 when there is an error, or with --strict "
        "a warning. Needs no database; if there is one, it is asked for the deployed DAGs."
    ),
    func=lazy_load_command(f"{CHECK}.check"),
    args=(
        Arg(("folder",), nargs="?", metavar="FOLDER", help="The folder (default: Airflow's DAGs folder)"),
        _arg("--json", action="store_true", help="Print the findings as JSON, as --output json"),
        _arg("--strict", action="store_true", help="Warnings make it fail, too"),
        _arg("--without-database", action="store_true", help="Do not ask the database for deployed DAGs"),
        *_RESULTS,
    ),
)

_CLEAN = ActionCommand(
    name="clean",
    help="Delete resolved sessions in which nothing was done since a moment",
    description=(
        "Delete resolved sessions in which nothing was done since a moment, with their histories. Their DAG runs stay "
        "in Airflow.\n\nA session is resolved when it has instances, all of them are finished, skipped, replayed or "
        "abandoned, and no DAG run, delayed fire or hook of it is still to come. Its idempotency keys go with it."
    ),
    func=lazy_load_command(f"{CLEANING}.triggers_clean"),
    args=(
        _arg(
            "--before",
            metavar="MOMENT",
            type=aware_datetime,
            required=True,
            help="In ISO 8601 with its offset from UTC (2031-05-17T00:00:00Z)",
        ),
        _arg("--configuration", help="Only sessions of this deployed configuration"),
        _arg("--prefix", help="Only sessions whose UID begins with this"),
        _arg("--include-unresolved", action="store_true", help="Also sessions that are not resolved"),
        _arg("--dry-run", action="store_true", help="Only count them"),
        _arg(
            "--batch-size",
            type=count,
            default=500,
            help="Sessions deleted in one transaction, 10000 at most (default: 500)",
        ),
        Arg(("-y", "--yes"), action="store_true", help="Do not ask before"),
        *_RESULTS,
    ),
)

_FIRE = ActionCommand(
    name="fire",
    help="Fire a trigger into a session",
    func=lazy_load_command(f"{COMMANDS}.triggers_fire"),
    args=(
        _UID,
        _arg("trigger", help="The trigger's name"),
        _arg("--kwargs", metavar="JSON", type=json_object, help="The trigger's kwargs, a JSON object"),
        _CONFIGURATION,
        _arg(
            "--manager",
            help="The manager of a session made so (default: default); a session that exists must have it",
        ),
        _arg(
            "--idempotency-key",
            metavar="KEY",
            help="Count once, however often it is repeated with this key",
        ),
        _arg(
            "--fire-at",
            metavar="MOMENT",
            type=aware_datetime,
            help="Not before this moment, in ISO 8601 with its offset from UTC (2031-05-17T08:00:00+02:00)",
        ),
        *_RESULTS,
    ),
)

_REPLAY = ActionCommand(
    name="replay",
    help="Replay a failed task instance",
    func=lazy_load_command(f"{COMMANDS}.triggers_replay"),
    args=(
        _UID,
        _INSTANCE,
        _arg(
            "--kwargs",
            metavar="JSON",
            type=json_object,
            help="Kwargs by trigger, a JSON object, in place of all that it had ({} for none)",
        ),
        _arg("--cooldown", metavar="SECONDS", type=number, help="Wait so long before it runs"),
        *_RESULTS,
    ),
)

_SKIP = ActionCommand(
    name="skip",
    help="Skip a failed task instance",
    func=lazy_load_command(f"{COMMANDS}.triggers_skip"),
    args=(
        _UID,
        _INSTANCE,
        _arg("--cascade", action="store_true", help="Fire the task's name, as if it had finished"),
        _arg(
            "--result",
            metavar="JSON",
            type=json_object,
            help="What it is taken to have returned, a JSON object",
        ),
        *_RESULTS,
    ),
)

_WHY = ActionCommand(
    name="why",
    help="Explain why a task instance has not run",
    description=(
        "Explain why a task instance has not run: which triggers arrived and when, which are missing, and what its "
        "DAG run waits for in Airflow."
    ),
    func=lazy_load_command(f"{PAST}.explain"),
    args=(
        _UID,
        _arg("name", help="A task instance, such as 't_import#0'; or a task: its latest instance"),
        *_RESULTS,
    ),
)

_HISTORY = ActionCommand(
    name="history",
    help="Show what happened in a session: fires, changes of status, repairs",
    func=lazy_load_command(f"{PAST}.show_history"),
    args=(
        _UID,
        _arg("--instance", help="Only what concerns this task instance"),
        _arg("--trigger", help="Only fires of this trigger"),
        _arg("--touched-nothing", action="store_true", help="Only fires that had no effect"),
        _arg("--before", metavar="CURSOR", help="Only what happened before: the page that came before"),
        _LIMIT,
        *_RESULTS,
    ),
)

_UNHEARD = ActionCommand(
    name="unheard",
    help="List fires that touched nothing, in all sessions: of misspelt triggers, say",
    func=lazy_load_command(f"{PAST}.list_unheard"),
    args=(
        _arg("--trigger", help="Only fires of this trigger"),
        _arg("--configuration", help="Only in sessions of this deployed configuration"),
        _arg("--before", metavar="FIRE_ID", type=count, help="Only fires before this one: the next page"),
        _LIMIT,
        *_RESULTS,
    ),
)

_HOOKS = GroupCommand(
    name="hooks",
    help="Look at hooks of managers that raised, and call them again",
    subcommands=(
        ActionCommand(
            name="list",
            help="List hooks that raised, the newest first",
            func=lazy_load_command(f"{PAST}.list_hooks"),
            args=(_arg("--uid", help="Only those of this session"), _PARKED, _LIMIT, *_RESULTS),
        ),
        ActionCommand(
            name="call",
            help="Call a hook again, in this process",
            func=lazy_load_command(f"{PAST}.triggers_call_hook"),
            args=(_UID, _arg("id", type=count, help="The hook's id, as listed"), *_RESULTS),
        ),
    ),
)

_DELAYED_FIRE_ID = _arg("id", type=count, help="The id of the delayed fire, as listed")

_DELAYED_FIRES = GroupCommand(
    name="delayed-fires",
    help="Look at fires that are still to come, cancel them, or have them tried again",
    subcommands=(
        ActionCommand(
            name="list",
            help="List fires that are still to come, the next first",
            func=lazy_load_command(f"{DELAYED}.list_delayed_fires"),
            args=(
                _arg("--uid", help="Only those into this session"),
                _PARKED,
                _arg("--after", metavar="CURSOR", help="Only what comes after: the next page"),
                _LIMIT,
                *_RESULTS,
            ),
        ),
        ActionCommand(
            name="cancel",
            help="Take back a fire that is still to come",
            func=lazy_load_command(f"{DELAYED}.triggers_cancel_delayed_fire"),
            args=(_UID, _DELAYED_FIRE_ID, *_RESULTS),
        ),
        ActionCommand(
            name="retry",
            help="Have a controller try a fire again at once that could not be fired when it was due",
            func=lazy_load_command(f"{DELAYED}.triggers_retry_delayed_fire"),
            args=(_UID, _DELAYED_FIRE_ID, *_RESULTS),
        ),
    ),
)

_ASSET_EVENTS = GroupCommand(
    name="asset-events",
    help="Look at asset events that could not be fired, and have them fired again",
    subcommands=(
        ActionCommand(
            name="list",
            help="List asset events that could not be fired, the newest first",
            func=lazy_load_command(f"{PAST}.list_asset_events"),
            args=(_PARKED, _LIMIT, *_RESULTS),
        ),
        ActionCommand(
            name="retry",
            help="Have a controller fire them again at once",
            func=lazy_load_command(f"{PAST}.triggers_retry_asset_events"),
            args=(_arg("id", type=count, nargs="+", help="The ids of the events, as listed"), *_RESULTS),
        ),
    ),
)
