"""What a connection of the type ``triggers`` says: the URL of an API server, who asks, and how long to wait.

Neighbours: ``hook.py`` makes clients of it; ``provider_info.py`` describes its form to Airflow's pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from airflow_triggers.domain.validation import excerpt

CONN_TYPE = "triggers"
DEFAULT_CONN_ID = "triggers_default"
SCHEMES = ("http", "https")
EXTRA = ("timeout", "patience")
"""The keys of a connection's extra."""


@dataclass(frozen=True)
class Server:
    """A deployment's API server, and the credentials for it.

    :param username: None: the password is a token.
    :param timeout: seconds to wait for each answer; None: the client's default.
    :param patience: seconds to try again when the server is away; None: the client's default.
    """

    url: str
    username: str | None
    password: str = field(repr=False)
    timeout: float | None = None
    patience: float | None = None

    @classmethod
    def of(cls, connection: Any, extra: Mapping[str, Any]) -> Server:
        """The server of one of Airflow's connections.

        :param extra: the connection's extra; a task and the triggerer read it in different ways.
        :raises ValueError: when the connection lacks something; it names the field and what it expects there.
        """
        if not connection.password:
            raise _refusal(
                connection, "the password", "is missing", "the user's password, or a token (and no login)"
            )
        if unknown_keys := sorted(set(extra) - set(EXTRA)):
            raise _refusal(
                connection, "the extra", f"has {', '.join(unknown_keys)}", f"only {' and '.join(EXTRA)}"
            )
        return cls(
            _url_of(connection),
            connection.login or None,
            connection.password,
            *(_seconds(connection, key, extra.get(key)) for key in EXTRA),
        )


def _url_of(connection: Any) -> str:
    host = str(connection.host or "")
    url = host if "://" in host else f"{connection.schema or 'https'}://{host}"
    parts = urlsplit(url)
    if (
        parts.scheme not in SCHEMES
        or not parts.netloc
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
        or not _has_port_of_numbers(parts)
    ):
        raise _refusal(
            connection,
            "the host",
            f"is {excerpt(host)}",
            "the URL of an Airflow API server, such as https://airflow.example.com",
        )
    port = f":{connection.port}" if connection.port and parts.port is None else ""
    if connection.port and parts.port not in (None, int(connection.port)):
        raise _refusal(
            connection, "the port", f"is {connection.port}", f"the port of the host ({parts.port}), or none"
        )
    return f"{parts.scheme}://{parts.netloc}{port}{parts.path.rstrip('/')}"


def _has_port_of_numbers(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _seconds(connection: Any, key: str, value: object) -> float | None:
    if value in (None, ""):
        return None
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = -1.0
    # The client waits for an answer for some time; it need not try again.
    fits = seconds > 0 if key == "timeout" else seconds >= 0
    if not fits or seconds == float("inf"):
        form = "a number of seconds above 0" if key == "timeout" else "a number of seconds from 0"
        raise _refusal(connection, f"{key!r} of the extra", f"is {excerpt(value)}", form)
    return seconds


def _refusal(connection: Any, place: str, flaw: str, form: str) -> ValueError:
    return ValueError(f"The connection {connection.conn_id!r}: {place} {flaw}; expected is {form}.")
