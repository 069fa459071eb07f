"""The commands about sessions: ``sessions …``, ``history``, ``hooks``, ``clean``.

Neighbours: ``table.py`` lists them.
"""

from __future__ import annotations

from airflow_triggers_client.cli.twin.arguments import (
    CONFIGURATION,
    DRY_RUN,
    LIMIT,
    OUTPUT,
    PARKED,
    PREFIX,
    UID,
    YES,
)
from airflow_triggers_client.cli.twin.commands import (
    Argument,
    Command,
    Place,
    condition,
    option,
    positional,
    switch,
)


def _yes_or_no(flag: str, text: str) -> Argument:
    return option(flag, help=text, kind="yes_or_no", metavar="yes|no", nargs="?", implied=True)


SESSIONS = (
    Command(
        "sessions list",
        "sessions:list_sessions",
        "List sessions, with how many instances they have in each status",
        (
            CONFIGURATION,
            condition("--version", "Only sessions with this version of their rules, a hash", "HASH"),
            PREFIX,
            condition("--contains", "Only sessions with this part in their UID", "TEXT"),
            _yes_or_no("--has-failed", "Only sessions with failed instances; with no: only others"),
            _yes_or_no("--open", "Only sessions with instances that are not resolved; with no: only others"),
            _yes_or_no(
                "--resolved",
                "Only sessions in which nothing waits, runs or is still to come; with no: only others",
            ),
            condition(
                "--waiting-for", "Only sessions with an instance that waits for this trigger", "TRIGGER"
            ),
            option(
                "--idle-for",
                help="Only sessions whose last change is longer ago",
                kind="seconds",
                metavar="SECONDS",
            ),
            option(
                "--order-by",
                help="uid; newest: the last change first; oldest: the oldest change first (default: uid)",
                choices=("uid", "newest", "oldest"),
                default="uid",
            ),
            option(
                "--after",
                help="Only sessions after this cursor: the next page. In the order of UIDs, a UID",
                metavar="CURSOR",
            ),
            LIMIT,
            OUTPUT,
        ),
        (
            "sessions list --configuration questionnaire",
            "sessions list --prefix respondent- --limit 200 --output plain",
            "sessions list --has-failed --order-by newest",
            "sessions list --waiting-for questionnaireComplete --idle-for 86400",
        ),
    ),
    Command(
        "sessions show",
        "sessions:show_session",
        "Show a session's task instances, what they wait for, and their DAG runs",
        (UID, OUTPUT),
        ("sessions show respondent-17", "{} sessions show respondent-17 --output json | jq .latest_triggers"),
    ),
    Command(
        "sessions create",
        "sessions:triggers_create_session",
        "Create a session of a deployed configuration",
        (
            UID,
            option(
                "--configuration",
                help="The deployed configuration's name",
                metavar="NAME",
                is_required=True,
            ),
            option("--manager", help="Its trigger manager (default: default)", metavar="NAME"),
            option("--storage", help="Its storage backend (default: Airflow's database)", metavar="NAME"),
            option(
                "--metadata",
                help="Your application's own data in the session: a JSON object, or @FILE with one",
                kind="json",
                metavar="JSON",
            ),
            OUTPUT,
        ),
        (
            "sessions create respondent-17 --configuration questionnaire",
            'sessions create respondent-17 --configuration questionnaire --metadata \'{"country": "NL"}\'',
        ),
        "A session that exists with the same configuration, manager and storage stays as it is. A first fire that "
        "names a configuration creates the session too.",
    ),
    Command(
        "sessions delete",
        "sessions:triggers_delete_session",
        "Delete a session with its history; its DAG runs stay in Airflow",
        (UID, switch("--force", "Delete it although it is not resolved"), OUTPUT),
        ("sessions delete respondent-17", "sessions delete respondent-17 --force"),
    ),
    Command(
        "sessions update",
        "updates:triggers_update_session",
        "Add tasks to a session's rules, or replace tasks by name",
        (
            UID,
            option(
                "--tasks",
                help="Task name → directives, as in a configuration file: a JSON object, or @FILE with one",
                kind="json",
                metavar="JSON",
                is_required=True,
            ),
            option(
                "--history",
                help="apply: the fires of the past count for these tasks (default: ignore)",
                choices=("ignore", "apply"),
                default="ignore",
            ),
            DRY_RUN,
            OUTPUT,
        ),
        (
            "sessions update respondent-17 --tasks @late.json --history apply --dry-run",
            "sessions update respondent-17 --tasks "
            '\'{"t_late": {"after": ["pageReceived"], "run": "questionnaire.t_importSubject"}}\'',
        ),
        "The other tasks stay. A later deployment does not change the session's own rules. Nothing that has run is run "
        "again. It prints the instances that the new rules create, start, change and abandon.",
    ),
    Command(
        "sessions migrate",
        "migration:triggers_migrate_sessions",
        "Move open sessions to the rules that are deployed now",
        (
            option(
                "--configuration",
                help="The deployed configuration's name",
                metavar="NAME",
                is_required=True,
            ),
            PREFIX,
            option("--after", help="Only sessions after this UID", metavar="UID"),
            option(
                "--history",
                help=(
                    "apply: the fires of the past count for new and changed tasks; for all tasks of a session that "
                    "has the deployed rules already (default: ignore)"
                ),
                choices=("ignore", "apply"),
                default="ignore",
            ),
            switch(
                "--replace-own-tasks",
                "Also move sessions whose tasks were changed at run time: their own tasks go",
            ),
            DRY_RUN,
            OUTPUT,
        ),
        (
            "sessions migrate --configuration questionnaire --dry-run",
            "sessions migrate --configuration questionnaire --history apply",
        ),
        "Each session is moved in a transaction of its own. A session that has the deployed rules is left alone, so an "
        "interrupted migration can be run again. The exit code is 1 if a session was refused.",
    ),
    Command(
        "history",
        "history:show_history",
        "Show what happened in a session: fires, changes of status, repairs",
        (
            UID,
            condition("--instance", "Only what concerns this task instance", "NAME"),
            condition("--trigger", "Only fires of this trigger", "NAME"),
            switch("--touched-nothing", "Only fires that had no effect"),
            option(
                "--before",
                help="Only what happened before this cursor: the page that came before",
                metavar="CURSOR",
            ),
            LIMIT,
            OUTPUT,
        ),
        ("history respondent-17", "history respondent-17 --instance 't_importSubject#0' --limit 10"),
        "As text, the newest entry is last. As JSON or YAML, it is first.",
    ),
    Command(
        "hooks list",
        "hooks:list_hooks",
        "List hooks that raised, the newest first",
        (condition("--uid", "Only those of this session", "UID"), PARKED, LIMIT, OUTPUT),
        ("hooks list --parked", "hooks list --uid respondent-17"),
    ),
    Command(
        "hooks call",
        "hooks:triggers_call_hook",
        "Call a hook again",
        (UID, positional("id", "The hook's id, as listed", kind="count"), OUTPUT),
        ("hooks call respondent-17 42",),
        "The exit code is 1 if it raises again.",
    ),
    Command(
        "clean",
        "cleaning:triggers_clean",
        "Delete resolved sessions in which nothing was done since a moment",
        (
            option(
                "--before",
                help="In ISO 8601 with its offset from UTC (2031-05-17T00:00:00Z)",
                kind="moment",
                metavar="MOMENT",
                is_required=True,
            ),
            CONFIGURATION,
            PREFIX,
            switch("--include-unresolved", "Also sessions that are not resolved"),
            switch("--dry-run", "Only count them"),
            option(
                "--batch-size",
                help="Sessions deleted in one transaction, 10000 at most (default: 500)",
                kind="count",
                default=500,
                metavar="NUMBER",
            ),
            YES,
            OUTPUT,
        ),
        (
            "clean --before 2031-01-01T00:00:00Z --dry-run",
            "clean --before 2031-01-01T00:00:00Z --configuration questionnaire --yes",
        ),
        "Their histories are deleted, too. Their DAG runs stay in Airflow.\n\nA session is resolved when it has "
        "instances, all of them are finished, skipped, replayed or abandoned, and no DAG run, delayed fire or hook of "
        "it is still to come. Its idempotency keys go with it.",
        place=Place.AIRFLOW,
    ),
)
