"""Says on stderr that the configuration of a filter does not exist: an empty list looks like an answer.

Neighbours: commands with ``--configuration`` as a filter call it when they have found nothing.
"""

from __future__ import annotations

import sys

from airflow_triggers_client.cli.twin.terminal import print_text
from airflow_triggers_client.client import TriggersClient
from airflow_triggers_client.errors import Forbidden, NotFound


def note_unknown_configuration(client: TriggersClient, name: str | None) -> None:
    """Print the server's sentence about an unknown configuration, with the near match, if neither a session has a
    configuration of this name nor one is deployed.
    """
    if name is None or client.sessions(configuration=name).first(1).items:
        return
    try:
        client.configuration(name)
    except NotFound as error:
        print_text(error, to=sys.stderr)
    except Forbidden:
        # It exists.
        return
