"""The server and the credentials: from the environment, or from a profile in a file readable by its owner only.

Neighbours: ``main.py`` makes a client of a profile; ``profile_commands.py`` writes the file.
"""

from __future__ import annotations

import configparser
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from airflow_triggers_client.cli.twin.grammar import near
from airflow_triggers_client.cli.twin.values import CommandFailed
from airflow_triggers_client.errors import InvalidArgument
from airflow_triggers_client.transport import checked_url

KEYS = ("url", "token", "username", "password")
DEFAULT = "default"
Section = Mapping[str, str]
"""The keys and values of a profile as they stand in the file."""

OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class Profile:
    """A server and credentials.

    :param url: of Airflow's API server.
    :param token: a token; None: the profile has a user's name and password.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def to_section(self) -> Section:
        """The profile as a section of the file."""
        return {key: value for key in KEYS if (value := getattr(self, key)) is not None}


def profiles_file(environment: Mapping[str, str]) -> Path:
    """The file: ``TRIGGERS_PROFILES_FILE``, else one in the user's folder of configurations."""
    if path := environment.get("TRIGGERS_PROFILES_FILE"):
        return _expanded(path)
    folder = environment.get("XDG_CONFIG_HOME") or "~/.config"
    return _expanded(folder) / "airflow-triggers" / "profiles.ini"


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise CommandFailed(f"The folder of {path} cannot be found: {error}") from error


def chosen_profile(name: str | None, environment: Mapping[str, str]) -> Profile:
    """The profile with this name; without a name, the profile of the environment, else the one called ``default``.

    All parts of a profile come from one place: a token is never sent to the URL of another profile.

    :param name: the value of ``--profile``; None: ``TRIGGERS_PROFILE``, if it is set.
    :raises InvalidArgument: when there is no such profile, or it cannot be used.
    :raises CommandFailed: when the file cannot be read.
    """
    name = name or environment.get("TRIGGERS_PROFILE")
    if not name and environment.get("TRIGGERS_URL"):
        return _profile(
            "The environment (TRIGGERS_URL, …)",
            {
                key: environment[f"TRIGGERS_{key.upper()}"]
                for key in KEYS
                if environment.get(f"TRIGGERS_{key.upper()}")
            },
        )
    path = profiles_file(environment)
    sections = read_sections(path)
    if (name or DEFAULT) not in sections:
        profiles_note = f"it has {', '.join(sections)}" if sections else "it has none"
        raise InvalidArgument(
            f"There is no profile {name or DEFAULT!r} in {path}: {profiles_note}. Add it with 'triggers profiles set "
            f"{name or DEFAULT} --url URL', or set TRIGGERS_URL and TRIGGERS_TOKEN."
        )
    return profile_in(path, name or DEFAULT, sections)


def read_sections(path: Path) -> dict[str, Section]:
    """The sections of the file, by the profile's name; none if there is no file.

    Nobody has checked them: a bad profile is an error of the command that uses it, and of no other.

    :raises CommandFailed: when others may read or write the file, or it cannot be read.
    """
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if os.name == "posix" and mode & OTHERS:
                raise CommandFailed(
                    f"Others may read or write {path} (mode {mode:03o}), and it has credentials. Run: chmod 600 {path}"
                )
            parser = _parser()
            parser.read_file(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error}") from error
    except (UnicodeDecodeError, configparser.Error) as error:
        # The error has the line, which may be a secret: neither its text nor its traceback may show it.
        raise CommandFailed(f"{path} cannot be read: {_flaw_of(error)}") from None
    return {name: dict(parser[name]) for name in parser.sections()}


def profile_in(path: Path, name: str, sections: Mapping[str, Section]) -> Profile:
    """The profile of a section.

    :raises InvalidArgument: when it cannot be used.
    """
    return _profile(f"The profile {name!r} in {path}", sections[name])


def write_sections(path: Path, sections: Mapping[str, Section]) -> None:
    """Write the file atomically, readable for its owner alone: a reader sees the old file or the new one.

    :raises CommandFailed: when it cannot be written.
    """
    parser = _parser()
    parser.read_dict(sections)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A temporary file has the mode 600.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="utf-8", delete=False) as file:
            parser.write(file)
        os.replace(file.name, path)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written: {error}") from error


def _parser() -> configparser.RawConfigParser:
    # No section is a default for the others. "%" in a password has no special meaning.
    return configparser.RawConfigParser(default_section="\0", delimiters=("=",), comment_prefixes=("#",))


def _flaw_of(error: UnicodeDecodeError | configparser.Error) -> str:
    """Where the file has another form, and which one was expected. It shows nothing of the line."""
    if isinstance(error, UnicodeDecodeError):
        return "expected text in UTF-8."
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"line {error.lineno}: expected a profile's name, '[name]', before the first key."
    if isinstance(error, configparser.DuplicateSectionError):
        return f"line {error.lineno}: the profile stands there twice; expected each profile once."
    if isinstance(error, configparser.DuplicateOptionError):
        return f"line {error.lineno}: the key stands there twice; expected each key once."
    lines = ", ".join(str(number) for number, _ in getattr(error, "errors", ()))
    return f"line {lines}: expected 'key = value', with a key of {', '.join(KEYS)}."


def shown_url(section: Section) -> str | None:
    """The section's URL; None: it has none, or a text that may be something else, such as a secret."""
    url = section.get("url", "")
    try:
        checked_url(url)
    except InvalidArgument:
        return None
    return None if len(url.split()) > 1 else url


def _profile(origin: str, values: Section) -> Profile:
    """The profile with these values.

    :param origin: where they come from: begins the error's sentence.
    :raises InvalidArgument: when they are no profile.
    """
    unknown = sorted(set(values) - set(KEYS))
    if unknown:
        # A line of a broken secret may look like a key: it is not shown.
        raise InvalidArgument(
            f"{origin} has an unknown key; expected 'key = value', with a key of {', '.join(KEYS)}."
            f"{near(unknown[0], KEYS)}"
        )
    for key, value in values.items():
        if "\n" in value:
            raise InvalidArgument(
                f"{origin} has an indented line, which continues the value of {key!r}; expected 'key = value'."
            )
    if values.get("url") and shown_url(values) is None:
        raise InvalidArgument(
            f"{origin} has a url that is none; expected one such as 'http://localhost:8080', without a user, a "
            "password and blanks."
        )
    has_token = bool(values.get("token"))
    has_user = bool(values.get("username")) and bool(values.get("password"))
    parts = {key for key in ("username", "password") if values.get(key)}
    if not values.get("url") or has_token == has_user or (has_token and parts):
        keys = ", ".join(key for key in KEYS if values.get(key)) or "nothing"
        raise InvalidArgument(
            f"{origin} has {keys}; expected a url, and a token, or a username with a password."
        )
    return Profile(**values)
