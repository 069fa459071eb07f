"""Filters of instances on the command line, and whether an act is for one instance or for many.

Neighbours: ``arguments.py`` has the options; ``cli/instances.py`` and ``cli/repairs.py`` of each
distribution read them.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

from airflow_triggers.cli.twin.arguments import SELECTION
from airflow_triggers.cli.twin.terminal import print_text
from airflow_triggers.cli.twin.values import CommandFailed, WrongArguments

ORDERS = {"uid": "uid", "newest": "-last_modified", "oldest": "last_modified"}
"""The orders of ``sessions list``, and REST's names of them."""

CONSENT = "yes"
"""The word to type before a bulk act is made."""

BULK_ONLY = ("dry_run", "rate", "yes", "watch")


def filter_of(args: Any) -> dict[str, Any]:
    """The conditions that were given, with the keys and in the types of the REST API.

    :raises WrongArguments: when ``--stuck-after`` would narrow nothing.
    """
    if args.stuck_after is not None and args.stuck is None:
        raise WrongArguments("--stuck-after says when an instance is stuck; give --stuck with it.")
    names = [_name_of(argument.flags[0]) for argument in SELECTION]
    conditions = {name: getattr(args, name) for name in names}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in conditions.items()
        if value is not None
    }


def is_bulk(args: Any) -> bool:
    """Whether an act is for many instances: those that match a filter.

    :raises WrongArguments: when the arguments name neither one instance nor many, or both.
    """
    conditions = filter_of(args)
    if args.uid is not None:
        filter_options = [*conditions, *(["all"] if args.all else [])]
        filter_options += [name for name in BULK_ONLY if getattr(args, name)]
        if filter_options:
            raise WrongArguments(
                f"{_flag(filter_options[0])} is for many instances; leave out the UID and the instance."
            )
        if args.instance is None:
            raise WrongArguments(
                "Give a session's UID and a task instance; or a filter, such as --status failed."
            )
        return False
    if args.all and conditions:
        raise WrongArguments(f"--all and {_flag(next(iter(conditions)))} exclude each other; leave one out.")
    if not args.all and not conditions:
        raise WrongArguments(
            "Give a session's UID and a task instance; or a filter, such as --configuration NAME; or --all."
        )
    if args.dry_run and args.watch:
        raise WrongArguments("--dry-run makes no bulk act, and --watch waits for one; leave one out.")
    return True


def sentence_of_preview(preview: Any) -> str:
    """What a bulk act would do, and that its rows are a sample when they are not all.

    :param preview: with ``total``, ``allowed``, ``unchanged``, ``refused`` and ``sample``.
    """
    shown = len(preview.sample)
    sample = f" The {shown} above are a sample." if shown < preview.total else ""
    return (
        f"It would act on {preview.allowed} instances of {preview.total}; {preview.unchanged} would be unchanged, "
        f"{preview.refused} refused.{sample}"
    )


def require_consent(sentence: str) -> None:
    """Ask the user on the terminal to type :data:`CONSENT`.

    :raises CommandFailed: when they type something else, or when stdin is no terminal.
    """
    print_text(f"{sentence} Type '{CONSENT}' to go on.", to=sys.stderr)
    if not sys.stdin.isatty() or input().strip() != CONSENT:
        raise CommandFailed("Nothing was done. In scripts, give --yes.")


def _name_of(flag: str) -> str:
    return flag.lstrip("-").replace("-", "_")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
