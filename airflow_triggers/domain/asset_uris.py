"""How a trigger is named as an Airflow asset: ``x-triggers://<configuration or ->/<trigger>``, both quoted.

Neighbours: ``operators/`` declare such assets in DAG files, the controller fires for their events.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

SCHEME = "x-triggers://"
ANY_TRIGGER = f"{SCHEME}any"
"""The asset for every trigger: each of its events names the trigger."""

_NO_CONFIGURATION = "-"
_DASH = "%2D"
"""Stands for a configuration with the name ``-``."""


def uri_of(trigger_name: str, configuration: str | None) -> str:
    """The URI of a trigger's asset.

    >>> uri_of("page received", "survey")
    'x-triggers://survey/page%20received'
    """
    authority = quote(configuration, safe="") if configuration else _NO_CONFIGURATION
    if configuration == _NO_CONFIGURATION:
        authority = _DASH
    return f"{SCHEME}{authority}/{quote(trigger_name, safe='')}"


def trigger_of(uri: str) -> tuple[str | None, str | None]:
    """The names of the trigger and the configuration in a URI; None where the URI leaves the choice to the event."""
    configuration, separator, trigger = uri.removeprefix(SCHEME).partition("/")
    if not separator:
        return None, None
    return unquote(trigger), None if configuration in ("", _NO_CONFIGURATION) else unquote(configuration)
