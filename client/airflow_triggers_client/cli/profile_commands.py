"""``triggers profiles …``: the servers and credentials of the command.

Neighbours: ``profiles.py`` reads and writes the file. A secret is never printed, and never an argument: other users of
the machine could see arguments.
"""

from __future__ import annotations

import getpass
import os
import sys
from argparse import Namespace

from airflow_triggers_client.cli import output
from airflow_triggers_client.cli.profiles import Profile, profiles_file, read_profiles, write_profiles
from airflow_triggers_client.credentials import credentials_of
from airflow_triggers_client.errors import InvalidArgument
from airflow_triggers_client.transport import checked_url


def list_profiles(args: Namespace) -> None:
    """``triggers profiles list``."""
    profiles = read_profiles(profiles_file(os.environ))
    rows = [
        {
            "profile": name,
            "url": profile.url,
            "username": profile.username,
            "has_token": profile.token is not None,
        }
        for name, profile in profiles.items()
    ]
    if args.output in output.STRUCTURED:
        output.print_value(rows, args.output)
    else:
        output.print_rows(rows, args.output)


def set_profile(args: Namespace) -> None:
    """``triggers profiles set``: the token, or the password, is asked for, or read from stdin."""
    checked_url(args.url)
    _check_name(args.username)
    secret = _secret("Password" if args.username else "Token")
    if args.username:
        profile = Profile(args.url, username=args.username, password=secret)
    else:
        profile = Profile(args.url, token=secret)
    credentials_of(profile.token, profile.username, profile.password)
    path = profiles_file(os.environ)
    write_profiles(path, {**read_profiles(path), args.name: profile})


def remove_profile(args: Namespace) -> None:
    """``triggers profiles remove``."""
    path = profiles_file(os.environ)
    profiles = read_profiles(path)
    if profiles.pop(args.name, None) is None:
        raise InvalidArgument(f"There is no profile {args.name!r} in {path}.")
    write_profiles(path, profiles)


def _check_name(username: str | None) -> None:
    if username is not None and (username != username.strip() or not username.isprintable()):
        raise InvalidArgument(
            f"Expected a user's name of printable characters without surrounding blanks, found {username!r}."
        )


def _secret(kind: str) -> str:
    secret = getpass.getpass(f"{kind}: ") if sys.stdin.isatty() else sys.stdin.readline()
    secret = secret.rstrip("\r\n")
    if secret != secret.strip():
        raise InvalidArgument(
            f"A {kind.lower()} with surrounding blanks cannot be kept in a profile; use the environment."
        )
    if not secret:
        raise InvalidArgument(f"Expected a {kind.lower()} on stdin, found nothing.")
    return secret
