"""The commands about fires: ``fire``, ``delayed-fires``, ``unheard``, ``asset-events``.

Neighbours: ``table.py`` lists them.
"""

from __future__ import annotations

from airflow_triggers.cli.twin.arguments import AFTER, LIMIT, OUTPUT, PARKED, UID
from airflow_triggers.cli.twin.commands import Command, condition, option, positional

_DELAYED_FIRE_ID = positional("id", "The id of the delayed fire, as listed", kind="count")

_LINES = """\
Kwargs are a JSON object, @FILE with one, or key=value. Give --kwargs several times to merge them; a later one wins. A
value is JSON if it can be read so (page=3), else text (lang=nl). A value that begins with a brace, a bracket or a quote
must be JSON.

With --file, each line is a JSON object with session_uid and trigger. It may have kwargs, configuration, manager,
idempotency_key and fire_at. FILE may be - for stdin. The report has the outcome of each line, and the prefix of the
idempotency keys of lines without one. Run the same command again to go on where it ended: lines that were fired are
left out, refused ones are tried again, also after you have corrected them. Each line counts once. Keep the report until
all is done. The exit code is 1 if a line was refused.
"""

FIRES = (
    Command(
        "fire",
        "firing:triggers_fire",
        "Fire a trigger into a session, or many of a file",
        (
            UID.optional(),
            positional("trigger", "The trigger's name").optional(),
            option(
                "--kwargs",
                help="The trigger's kwargs: a JSON object, @FILE with one, or key=value; may be given several times",
                kind="kwargs",
                metavar="KWARGS",
                is_repeatable=True,
            ),
            option(
                "--configuration",
                help="A deployed configuration's name: the first fire makes the session with it",
                metavar="NAME",
            ),
            option(
                "--manager",
                help="The manager of a session made so (default: default); a session that exists must have it",
                metavar="NAME",
            ),
            option(
                "--idempotency-key",
                help="Count once, however often it is repeated with this key",
                metavar="KEY",
            ),
            option(
                "--fire-at",
                help="Not before this moment, in ISO 8601 with its offset from UTC (2031-05-17T08:00:00+02:00)",
                kind="moment",
                metavar="MOMENT",
            ),
            option("--file", help="Fire each line of this file; - for stdin", metavar="FILE"),
            option(
                "--report",
                help="With --file: the outcome of each line, and where to go on (default: FILE.report)",
                metavar="FILE",
            ),
            OUTPUT,
        ),
        (
            "fire respondent-17 pageReceived --kwargs page=3 --kwargs lang=nl",
            "fire respondent-17 pageReceived --kwargs '{\"page\": 3}' --configuration questionnaire",
            "fire respondent-17 pageReceived --kwargs @page.json --idempotency-key page-3",
            "fire respondent-17 reminderDue --fire-at 2031-05-17T08:00:00+02:00",
            "fire --file events.jsonl --configuration questionnaire",
            "zcat events.jsonl.gz | {} fire --file - --report events.report",
        ),
        _LINES,
    ),
    Command(
        "delayed-fires list",
        "delayed_fires:list_delayed_fires",
        "List fires that are still to come, the next first",
        (
            condition("--uid", "Only those into this session", "UID"),
            PARKED,
            AFTER,
            LIMIT,
            OUTPUT,
        ),
        ("delayed-fires list", "delayed-fires list --uid respondent-17 --output json"),
    ),
    Command(
        "delayed-fires cancel",
        "delayed_fires:triggers_cancel_delayed_fire",
        "Cancel a fire that is still to come",
        (UID, _DELAYED_FIRE_ID, OUTPUT),
        ("delayed-fires cancel respondent-17 3",),
        "Its idempotency key stays used: the same fire sent again does not come.",
    ),
    Command(
        "delayed-fires retry",
        "delayed_fires:triggers_retry_delayed_fire",
        "Let a controller try a fire again at once that failed when it was due",
        (UID, _DELAYED_FIRE_ID, OUTPUT),
        ("delayed-fires retry respondent-17 3",),
    ),
    Command(
        "unheard",
        "history:list_unheard",
        "List fires that touched nothing, in all sessions: of misspelt triggers, say",
        (
            condition("--trigger", "Only fires of this trigger", "NAME"),
            condition("--configuration", "Only in sessions of this deployed configuration", "NAME"),
            option(
                "--before", help="Only fires before this one: the next page", kind="count", metavar="FIRE_ID"
            ),
            LIMIT,
            OUTPUT,
        ),
        ("unheard", "unheard --configuration questionnaire --output json"),
    ),
    Command(
        "asset-events list",
        "asset_events:list_asset_events",
        "List asset events that could not be fired, the newest first",
        (PARKED, LIMIT, OUTPUT),
        ("asset-events list --parked",),
    ),
    Command(
        "asset-events retry",
        "asset_events:triggers_retry_asset_events",
        "Let a controller fire asset events again at once",
        (positional("id", "The ids of the events, as listed", kind="count", nargs="+"), OUTPUT),
        ("asset-events retry 41 42",),
    ),
)
