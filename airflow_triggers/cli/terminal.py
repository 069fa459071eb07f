"""How a command ends: errors are one sentence on stderr, without a traceback.

Neighbours: ``twin/terminal.py`` writes text safely; every command is decorated with :func:`ends_with_one_line`.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from functools import wraps

from airflow_triggers.cli.twin.grammar import WRONG_ARGUMENTS
from airflow_triggers.cli.twin.terminal import escaped, print_text
from airflow_triggers.cli.twin.values import CommandFailed, WrongArguments
from airflow_triggers.errors import TriggersError

__all__ = ["FAILED", "Command", "ends_with_one_line", "escaped", "print_text"]

Command = Callable[[Namespace], None]

FAILED = 1
INTERRUPTED = 130
"""As shells number a program that Ctrl-C ended."""


def ends_with_one_line(command: Command) -> Command:
    """Decorate a command: it prints our errors to stderr as sentences, without a traceback.

    The exit code is 1 after an error, 2 when arguments do not go together, 130 after Ctrl-C.
    """

    @wraps(command)
    def wrapper(args: Namespace) -> None:
        try:
            command(args)
            sys.stdout.flush()
        except WrongArguments as error:
            print_text(error, to=sys.stderr)
            raise SystemExit(WRONG_ARGUMENTS) from None
        except (TriggersError, CommandFailed) as error:
            print_text(error, to=sys.stderr)
            raise SystemExit(FAILED) from None
        except KeyboardInterrupt:
            raise SystemExit(INTERRUPTED) from None
        except BrokenPipeError:
            # The reader has closed the pipe ("… history … | head"); nothing more can be written. Python flushes stdout
            # when it exits, and would print an error: the rest goes to devnull.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(FAILED) from None

    return wrapper
