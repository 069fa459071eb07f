"""The table of all commands of ``airflow triggers`` and of the client's ``triggers``, and their nouns.

Every call of ``airflow``, whatever the command, imports this module: it must stay light. Neighbours: ``fires.py``,
``sessions.py``, ``instances.py``, ``bulk.py``, ``configurations.py`` and ``upkeep.py`` have the commands;
``grammar.py`` makes parsers of them.
"""

from __future__ import annotations

from airflow_triggers_client.cli.twin.bulk import BULK_ACTS
from airflow_triggers_client.cli.twin.commands import Command
from airflow_triggers_client.cli.twin.configurations import CONFIGURATIONS
from airflow_triggers_client.cli.twin.fires import FIRES
from airflow_triggers_client.cli.twin.instances import INSTANCES
from airflow_triggers_client.cli.twin.sessions import SESSIONS
from airflow_triggers_client.cli.twin.upkeep import UPKEEP

NOUNS: dict[str, tuple[str, str]] = {
    "asset-events": ("Look at asset events that could not be fired, and have them fired again", ""),
    "bulk-acts": ("Look at acts on many instances, watch them, cancel them", ""),
    "configurations": ("Look at deployed configurations, draw them, check them", ""),
    "delayed-fires": ("Look at fires that are still to come, cancel them, or have them tried again", ""),
    "hooks": ("Look at hooks of managers that raised, and call them again", ""),
    "instances": ("Look at task instances", ""),
    "profiles": (
        "The servers and credentials that this command knows",
        "The file is $TRIGGERS_PROFILES_FILE, or airflow-triggers/profiles.ini in $XDG_CONFIG_HOME (~/.config). Only "
        "its owner may read it (mode 600). 'triggers' takes the profile of --profile, else of TRIGGERS_PROFILE, else "
        "the environment (TRIGGERS_URL, …), else the profile 'default'.",
    ),
    "sessions": ("Look at sessions, create them, move them to the deployed rules, delete them", ""),
}
"""By noun: its summary, and further sentences."""

COMMANDS: tuple[Command, ...] = tuple(
    sorted(
        (*FIRES, *SESSIONS, *INSTANCES, *BULK_ACTS, *CONFIGURATIONS, *UPKEEP),
        key=lambda command: command.name,
    )
)
"""The commands, by name."""
