"""Says on stderr that the configuration of a filter does not exist: an empty list looks like an answer.

Neighbours: commands with ``--configuration`` as a filter call it when they have found nothing.
"""

from __future__ import annotations

import sys

from airflow_triggers.cli.terminal import print_text
from airflow_triggers.errors import UnknownConfiguration
from airflow_triggers.sessions import deployed_configuration, deployments
from airflow_triggers.sessions.listing import SessionFilter, list_page


def note_unknown_configuration(name: str | None) -> None:
    """Print the sentence about an unknown configuration, with the near match, if neither a session has a configuration
    of this name nor one is deployed.
    """
    if name is None or list_page(SessionFilter(configuration=name), limit=1).sessions:
        return
    try:
        deployments.deployment_of(name)
    except UnknownConfiguration:
        _print_near_match(name)


def _print_near_match(name: str) -> None:
    try:
        deployed_configuration(name)
    except UnknownConfiguration as error:
        print_text(error, to=sys.stderr)
