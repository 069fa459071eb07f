"""The commands about bulk acts: ``bulk-acts …``.

Neighbours: ``table.py`` lists them; ``instances.py`` has the acts that make one.
"""

from __future__ import annotations

from airflow_triggers_client.cli.twin.arguments import LIMIT, OUTPUT
from airflow_triggers_client.cli.twin.commands import Command, option, positional

_ID = positional("id", "The bulk act's id, as listed", kind="count")
_AFTER = option(
    "--after", help="Only what comes after this cursor: the next page", kind="count", metavar="CURSOR"
)

BULK_ACTS = (
    Command(
        "bulk-acts list",
        "bulk_acts:list_bulk_acts",
        "List bulk acts, the newest first",
        (_AFTER, LIMIT, OUTPUT),
        ("bulk-acts list", "bulk-acts list --limit 5 --output json"),
    ),
    Command(
        "bulk-acts show",
        "bulk_acts:show_bulk_act",
        "Show how far a bulk act is",
        (_ID, OUTPUT),
        ("bulk-acts show 7", "{} bulk-acts show 7 --output json | jq .counts"),
    ),
    Command(
        "bulk-acts outcomes",
        "bulk_acts:list_outcomes",
        "List what became of each instance of a bulk act",
        (
            _ID,
            option(
                "--outcome",
                help="Only instances with this outcome",
                metavar="OUTCOME",
                choices=("done", "unchanged", "left_out", "refused", "cancelled"),
            ),
            _AFTER,
            LIMIT,
            OUTPUT,
        ),
        ("bulk-acts outcomes 7 --outcome refused",),
    ),
    Command(
        "bulk-acts watch",
        "bulk_acts:watch_bulk_act",
        "Wait until a bulk act is done, with a progress bar",
        (
            _ID,
            option(
                "--interval",
                help="Seconds between two looks (default: 1)",
                kind="positive_seconds",
                default=1.0,
                metavar="SECONDS",
            ),
            OUTPUT,
        ),
        ("bulk-acts watch 7",),
        "The exit code is 1 if it was cancelled, or if an instance was refused or left out. Ctrl-C ends "
        "the watching only.",
    ),
    Command(
        "bulk-acts cancel",
        "bulk_acts:triggers_cancel_bulk_act",
        "Cancel what a bulk act has not done yet; what was done stays done",
        (_ID, OUTPUT),
        ("bulk-acts cancel 7",),
    ),
)
