"""The entry point of the command ``triggers``: parses, runs, and ends with an exit code.

Exit codes: 0: done. 1: not done; stderr says why, in one sentence. 2: the arguments are wrong. Neighbours:
``definition.py`` has the commands; the module of a command is imported when it runs.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module

from airflow_triggers_client.cli.definition import parser
from airflow_triggers_client.cli.profiles import chosen_profile
from airflow_triggers_client.cli.twin.grammar import WRONG_ARGUMENTS
from airflow_triggers_client.cli.twin.terminal import print_text
from airflow_triggers_client.cli.twin.values import CommandFailed, WrongArguments
from airflow_triggers_client.client import TriggersClient
from airflow_triggers_client.errors import InvalidArgument, TriggersClientError
from airflow_triggers_client.retries import Retries

FAILED = 1
INTERRUPTED = 130
"""As shells number a program that Ctrl-C ended."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, with the process's own arguments if none are given; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # If the terminal lacks a character, it shows an escape sequence.
            stream.reconfigure(errors="backslashreplace")
    args = parser().parse_args(arguments)
    try:
        code = _run(args)
        sys.stdout.flush()
    except (WrongArguments, InvalidArgument) as error:
        print_text(f"triggers: error: {error} See 'triggers --help'.", to=sys.stderr)
        return WRONG_ARGUMENTS
    except (TriggersClientError, CommandFailed) as error:
        print_text(error, to=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has closed the pipe ("triggers history … | head"); nothing more can be written.
        # Python flushes stdout when it exits, and would print an error: the rest goes to devnull.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code


def _run(args: Namespace) -> int:
    module, _, name = args.command.partition(":")
    command = getattr(import_module(f"airflow_triggers_client.cli.{module}"), name)
    if not args.needs_server:
        return command(args) or 0
    with _client(args) as client:
        return command(client, args) or 0


def _client(args: Namespace) -> TriggersClient:
    try:
        profile = chosen_profile(args.profile, os.environ)
        return TriggersClient(
            profile.url,
            token=profile.token,
            username=profile.username,
            password=profile.password,
            retries=Retries(patience=args.patience),
        )
    except InvalidArgument as error:
        # What the profile or the environment has is no argument of the command.
        raise CommandFailed(str(error)) from error
