"""Filters of instances on the command line, as the REST API has them.

Neighbours: ``arguments.py`` has the options; ``cli/instances.py`` of each distribution reads them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow_triggers.cli.twin.arguments import SELECTION

ORDERS = {"uid": "uid", "newest": "-last_modified", "oldest": "last_modified"}
"""The orders of ``sessions list``, and REST's names of them."""


def filter_of(args: Any) -> dict[str, Any]:
    """The conditions that were given, with the keys and in the types of the REST API."""
    names = [_name_of(argument.flags[0]) for argument in SELECTION]
    conditions = {name: getattr(args, name) for name in names}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in conditions.items()
        if value is not None
    }


def _name_of(flag: str) -> str:
    return flag.lstrip("-").replace("-", "_")
