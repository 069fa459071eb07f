"""Arguments that several commands have.

Neighbours: the files of commands (``sessions.py``, ``instances.py``, …) use them.
"""

from __future__ import annotations

from airflow_triggers.cli.twin.commands import condition, option, positional, switch

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
CONFIGURATION = condition("--configuration", "Only sessions of this deployed configuration", "NAME")
PREFIX = condition("--prefix", "Only sessions whose UID begins with this", "TEXT")
DRY_RUN = switch("--dry-run", "Only say what would happen")
YES = option("-y", "--yes", help="Do not ask before", is_switch=True)

SELECTION = (
    option(
        "--status",
        help="Only instances with this status; may be given several times",
        metavar="STATUS",
        choices=STATUSES,
        is_repeatable=True,
    ),
    CONFIGURATION,
    condition("--task", "Only instances of this task", "NAME"),
    option(
        "--since",
        help="Only instances that changed at this moment or later (2031-05-17T08:00:00Z)",
        kind="moment",
        metavar="MOMENT",
    ),
    option("--until", help="Only instances that changed before this moment", kind="moment", metavar="MOMENT"),
    condition(
        "--error-type",
        "Only instances with this exception type, as it is stored (builtins.ValueError)",
        "TYPE",
    ),
    option(
        "--replayed",
        help="Only replays and copies; with no: only others",
        kind="yes_or_no",
        metavar="yes|no",
        nargs="?",
        implied=True,
    ),
    option(
        "--stuck",
        help="Only scheduled or running instances whose DAG is paused or missing, or that are so for longer than "
        "--stuck-after; with no: only others",
        kind="yes_or_no",
        metavar="yes|no",
        nargs="?",
        implied=True,
    ),
    option(
        "--stuck-after",
        help="With --stuck: seconds until one is stuck (default: 3600)",
        kind="seconds",
        metavar="SECONDS",
    ),
    condition("--session", "Only sessions whose UID begins with this", "TEXT"),
)
"""The conditions for instances of all sessions; see ``selecting.py``."""

WATCH = switch("--watch", "Wait until it is done, with a progress bar")

BULK = (
    *SELECTION,
    switch("--all", "All instances that the act would change"),
    switch("--dry-run", "With a filter or --all: only say what would happen"),
    option(
        "--rate",
        help="With a filter or --all: how many instances a second, at most (default: the setting triggers.bulk_rate)",
        kind="rate",
        metavar="NUMBER",
    ),
    YES,
    WATCH,
)
"""The options of an act on many instances."""
