"""``triggers profiles …``: the servers and credentials of the command.

Neighbours: ``profiles.py`` reads and writes the file. A secret is never printed, and never an argument: other users of
the machine could see arguments.
"""

from __future__ import annotations

import getpass
import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from airflow_triggers_client.cli import output
from airflow_triggers_client.cli.profiles import (
    Profile,
    Section,
    profile_in,
    profiles_file,
    read_sections,
    shown_url,
    write_sections,
)
from airflow_triggers_client.cli.twin.terminal import print_text
from airflow_triggers_client.cli.twin.values import CommandFailed
from airflow_triggers_client.credentials import credentials_of
from airflow_triggers_client.errors import InvalidArgument
from airflow_triggers_client.transport import checked_url


def list_profiles(args: Namespace) -> None:
    """``triggers profiles list``."""
    path = profiles_file(os.environ)
    sections = read_sections(path)
    rows = [
        {
            "profile": name,
            "url": shown_url(section),
            "username": _line(section.get("username")),
            "has_token": bool(section.get("token")),
        }
        for name, section in sections.items()
    ]
    if args.output in output.STRUCTURED:
        output.print_value(rows, args.output)
    else:
        output.print_rows(rows, args.output)
    for name in sections:
        _print_flaw(path, name, sections)


def _print_flaw(path: Path, name: str, sections: Mapping[str, Section]) -> None:
    try:
        profile_in(path, name, sections)
    except InvalidArgument as error:
        print_text(error, to=sys.stderr)


def _line(value: str | None) -> str | None:
    """The value, unless an indented line continues it: that line may be a secret."""
    return None if value is None or "\n" in value else value


def set_profile(args: Namespace) -> None:
    """``triggers profiles set``: the token, or the password, is asked for, or read from stdin."""
    checked_url(args.url)
    _check_name(args.username)
    secret = _secret("Password" if args.username else "Token")
    if args.username:
        profile = Profile(args.url, username=args.username, password=secret)
    else:
        profile = Profile(args.url, token=secret)
    try:
        credentials_of(profile.token, profile.username, profile.password)
    except InvalidArgument as error:
        raise CommandFailed(str(error)) from None
    path = profiles_file(os.environ)
    write_sections(path, {**read_sections(path), args.name: profile.to_section()})


def remove_profile(args: Namespace) -> None:
    """``triggers profiles remove``."""
    path = profiles_file(os.environ)
    sections = read_sections(path)
    if sections.pop(args.name, None) is None:
        raise CommandFailed(f"There is no profile {args.name!r} in {path}.")
    write_sections(path, sections)


def _check_name(username: str | None) -> None:
    if username is not None and (username != username.strip() or not username.isprintable()):
        raise InvalidArgument(
            f"Expected a user's name of printable characters without surrounding blanks, found {username!r}."
        )


def _secret(kind: str) -> str:
    secret = getpass.getpass(f"{kind}: ") if sys.stdin.isatty() else sys.stdin.readline()
    secret = secret.rstrip("\r\n")
    if secret != secret.strip():
        raise CommandFailed(
            f"A {kind.lower()} with surrounding blanks cannot be kept in a profile; use the environment."
        )
    if not secret:
        raise CommandFailed(f"Expected a {kind.lower()} on stdin, found nothing.")
    return secret
