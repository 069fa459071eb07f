"""The commands about deployed configurations: ``configurations …``.

Neighbours: ``table.py`` lists them.
"""

from __future__ import annotations

from airflow_triggers_client.cli.twin.arguments import OUTPUT
from airflow_triggers_client.cli.twin.commands import Command

CONFIGURATIONS: tuple[Command, ...] = ()

_ = OUTPUT
