"""Arguments that several commands have.

Neighbours: the files of commands (``sessions.py``, ``instances.py``, …) use them.
"""

from __future__ import annotations

from airflow_triggers.cli.twin.commands import option, positional, switch

STATUSES = (
    "unstarted",
    "scheduled",
    "running",
    "finished",
    "failed",
    "replayed",
    "skipped",
    "abandoned",
)
STATUSES_BY_HAND = ("unstarted", "finished", "failed", "skipped", "abandoned")
"""The statuses that people may set. The others belong to work that a runner or a replay has begun."""

OUTPUT = option(
    "-o",
    "--output",
    help="The format of what is printed: table, json, yaml or plain (default: table)",
    metavar="FORMAT",
    choices=("table", "json", "yaml", "plain"),
    default="table",
)
UID = positional("uid", "The session's UID")
INSTANCE = positional("instance", "A task instance, such as 't_import#0'")
LIMIT = option("--limit", help="How many at most (default: 50)", kind="count", default=50, metavar="NUMBER")
AFTER = option("--after", help="Only what comes after this cursor: the next page", metavar="CURSOR")
PARKED = switch("--parked", "Only those that are not tried again by themselves")
CONFIGURATION = option("--configuration", help="Only sessions of this deployed configuration", metavar="NAME")
PREFIX = option("--prefix", help="Only sessions whose UID begins with this", metavar="TEXT")
DRY_RUN = switch("--dry-run", "Only say what would happen")
YES = option("-y", "--yes", help="Do not ask before", is_switch=True)
