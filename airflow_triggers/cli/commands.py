"""The commands of ``airflow triggers``: they call ``sessions/`` and print the answer.

Neighbours: ``definition.py`` declares them, and imports this module only when one of them runs; ``rows.py``
shapes the output.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from functools import wraps

from airflow import settings
from airflow.cli.commands.daemon_utils import run_command_with_daemon_option
from airflow.utils.cli import action_cli, suppress_logs_and_warning
from airflow.utils.platform import getuser
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers import metrics, sessions
from airflow_triggers.cli import rows
from airflow_triggers.cli.terminal import Command, ends_with_one_line, print_text
from airflow_triggers.controller import process
from airflow_triggers.errors import TriggersError
from airflow_triggers.manager.installed import extension_problems
from airflow_triggers.sessions import repairs


def audited_command(command: Command) -> Command:
    """Decorate a command with changes to make: the database must be migrated, and its metrics are sent.

    Airflow's decorator puts ``cli_<function's name>`` into the audit log.
    """

    @wraps(command)
    def wrapper(args: Namespace) -> None:
        metrics.initialize()
        command(args)

    logged_command: Command = action_cli(wrapper)
    return logged_command


def tells_of_broken_extensions(command: Command) -> Command:
    """Decorate a command that opens a session: it reports broken managers, storages and runners on stderr.

    The command itself goes on. If one of these problems then ends it, this problem is not reported twice.
    """

    @wraps(command)
    def wrapper(args: Namespace) -> None:
        problems = extension_problems()
        try:
            command(args)
        except TriggersError as error:
            problems = [problem for problem in problems if problem not in str(error)]
            raise
        finally:
            for problem in problems:
                print_text(problem, to=sys.stderr)

    return wrapper


@ends_with_one_line
@audited_command
@providers_configuration_loaded
def triggers_controller(args: Namespace) -> None:
    """``airflow triggers controller``."""
    if settings.engine is not None:
        # A daemon closes every file: no connection may be open by then.
        settings.engine.dispose()
    run_command_with_daemon_option(
        args=args,
        process_name="triggers-controller",
        callback=lambda: process.run_controller(interval=args.interval),
        should_setup_logging=True,
    )


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def list_sessions(args: Namespace) -> None:
    """``airflow triggers sessions list``."""
    summaries = sessions.list_sessions(
        limit=args.limit, after_uid=args.after, configuration=args.configuration, prefix=args.prefix
    )
    session_rows = [rows.of_session(summary) for summary in summaries]
    if args.output not in rows.STRUCTURED:
        session_rows = [rows.with_short_version(row) for row in session_rows]
    rows.print_rows(session_rows, args.output, columns=rows.SESSION_COLUMNS)


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def show_session(args: Namespace) -> None:
    """``airflow triggers sessions show``."""
    description = sessions.describe_session(args.uid)
    if args.output in rows.STRUCTURED:
        rows.print_row(rows.of_description(description), args.output)
    else:
        instance_rows = [rows.of_instance(view) for view in description.instances]
        rows.print_rows(instance_rows, args.output, columns=rows.INSTANCE_COLUMNS)


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_fire(args: Namespace) -> None:
    """``airflow triggers fire``."""
    result = sessions.fire_into(
        args.uid,
        args.trigger,
        args.kwargs,
        configuration=args.configuration,
        manager=args.manager,
        idempotency_key=args.idempotency_key,
        fired_by=user(),
        fire_at=args.fire_at,
    )
    rows.print_row(rows.of_fire_result(result), args.output, columns=rows.FIRE_RESULT_COLUMNS)


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_replay(args: Namespace) -> None:
    """``airflow triggers replay``: prints the new instance."""
    clone = repairs.replay(args.uid, args.instance, args.kwargs, cooldown=args.cooldown, by=user())
    _print_instance(args, clone.name)


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_skip(args: Namespace) -> None:
    """``airflow triggers skip``: prints the skipped instance."""
    instance = repairs.skip(args.uid, args.instance, args.cascade, args.result, by=user())
    _print_instance(args, instance.name)


def _print_instance(args: Namespace, name: str) -> None:
    view = sessions.describe_instance(args.uid, name).view
    rows.print_row(rows.of_instance(view), args.output, columns=rows.INSTANCE_COLUMNS)


def user() -> str:
    """The user of the command line, for histories."""
    return f"cli:{getuser()}"
