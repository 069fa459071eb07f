"""The commands about task instances: ``instances …``, ``why``, ``replay``, ``skip``, ``status``, …

Neighbours: ``table.py`` lists them.
"""

from __future__ import annotations

from airflow_triggers_client.cli.twin.arguments import (
    AFTER,
    BULK,
    INSTANCE,
    LIMIT,
    OUTPUT,
    SELECTION,
    STATUSES_BY_HAND,
    UID,
)
from airflow_triggers_client.cli.twin.commands import Command, option, positional, switch

_RESULT = option(
    "--result",
    help="What it is taken to have returned, a JSON object or @FILE with one",
    kind="json",
    metavar="JSON",
)
_METADATA = option(
    "--metadata",
    help="Metadata to merge into the instance's, a JSON object or @FILE with one",
    kind="json",
    metavar="JSON",
)

_MANY = (
    " With a filter or --all instead of the UID and the instance, it does so to all that match now. That is a "
    "bulk act: controllers do it, a session a transaction. See 'bulk-acts --help'."
)

INSTANCES = (
    Command(
        "instances list",
        "instances:list_instances",
        "List task instances of all sessions, the newest change first",
        (*SELECTION, AFTER, LIMIT, OUTPUT),
        (
            "instances list --status failed --since 2031-05-17T00:00:00Z",
            "instances list --stuck --configuration questionnaire",
            "{} instances list --status failed --output json | jq -r .instances[].error_message",
        ),
        "Sessions in other storages than Airflow's database are left out. A page may be short without being the last "
        "one: the filter matched few of the instances at which it looked.",
    ),
    Command(
        "instances counts",
        "instances:count_instances",
        "Count task instances of all sessions, in groups",
        (
            *SELECTION,
            option(
                "--group-by",
                help="What to group by: configuration, task, error_type or status; may be given several times",
                metavar="WHAT",
                choices=("configuration", "task", "error_type", "status"),
                is_repeatable=True,
            ),
            OUTPUT,
        ),
        (
            "instances counts --status failed --group-by configuration --group-by task --group-by error_type",
            "instances counts --group-by status --session respondent-",
        ),
        "The largest groups come first, 100 at most.",
    ),
    Command(
        "instances show",
        "instances:show_instance",
        "Show a task instance and its DAG run",
        (UID, INSTANCE, OUTPUT),
        ("instances show respondent-17 't_importSubject#0' --output yaml",),
        "As JSON or YAML it has the kwargs that it took, and its metadata: result, exception, timestamps.",
    ),
    Command(
        "why",
        "history:explain",
        "Explain why a task instance has not run",
        (
            UID,
            positional("name", "A task instance, such as 't_import#0'; or a task: its latest instance"),
            OUTPUT,
        ),
        ("why respondent-17 t_importSubject", "why respondent-17 't_importSubject#0' --output json"),
        "It says which triggers arrived and when, which are missing, and what its DAG run waits for in Airflow.",
    ),
    Command(
        "replay",
        "repairs:triggers_replay",
        "Replay a failed task instance",
        (
            UID.optional(),
            INSTANCE.saying("A failed task instance, such as 't_import#0'").optional(),
            option(
                "--kwargs",
                help="Kwargs by trigger, a JSON object or @FILE with one, in place of all that it had ({} for none)",
                kind="json",
                metavar="JSON",
            ),
            option("--cooldown", help="Wait so long before it runs", kind="seconds", metavar="SECONDS"),
            *BULK,
            OUTPUT,
        ),
        (
            "replay respondent-17 't_importSubject#0'",
            "replay --configuration questionnaire --task t_importSubject --since 2031-05-17T00:00:00Z --dry-run",
            "replay --configuration questionnaire --error-type builtins.TimeoutError --yes --watch",
            "replay respondent-17 't_importSubject#0' --kwargs '{\"firstPageReceived\": {\"age\": 41}}'",
        ),
        "It runs again as a new instance, which is printed." + _MANY,
    ),
    Command(
        "skip",
        "repairs:triggers_skip",
        "Skip a failed task instance",
        (
            UID.optional(),
            INSTANCE.saying("A failed task instance, such as 't_import#0'").optional(),
            switch("--cascade", "Fire the task's name, as if it had finished"),
            _RESULT,
            *BULK,
            OUTPUT,
        ),
        (
            "skip respondent-17 't_importSubject#0'",
            "skip respondent-17 't_importSubject#0' --cascade --result '{\"subject\": 17}'",
            "skip --configuration questionnaire --task t_importSubject --dry-run",
        ),
        "It is waived, and does not run again." + _MANY,
    ),
    Command(
        "status",
        "repairs:triggers_set_status",
        "Set a task instance's status by hand",
        (
            UID.optional(),
            INSTANCE.optional(),
            option(
                "--to",
                help="The status to set: " + ", ".join(STATUSES_BY_HAND),
                metavar="STATUS",
                choices=STATUSES_BY_HAND,
                is_required=True,
            ),
            _METADATA,
            switch("--cascade", "Also fire the task's name; only with --to finished or --to skipped"),
            _RESULT,
            *BULK,
            OUTPUT,
        ),
        (
            "status respondent-17 't_importSubject#0' --to finished --cascade --result '{\"subject\": 17}'",
            "status --to skipped --status failed --configuration questionnaire --dry-run",
            "status respondent-17 't_importSubject#0' --to abandoned --metadata '{\"ticket\": \"OPS-17\"}'",
        ),
        "The status stays. The instance's DAG run goes on, and its outcome no longer counts until somebody clears the "
        "run in Airflow." + _MANY,
    ),
    Command(
        "metadata",
        "repairs:triggers_set_metadata",
        "Merge metadata into a task instance's",
        (
            UID.optional(),
            INSTANCE.optional(),
            option(
                "--set",
                help="What to merge: a JSON object, @FILE with one, or key=value; may be given several times",
                kind="kwargs",
                metavar="METADATA",
                is_repeatable=True,
                is_required=True,
            ),
            *BULK,
            OUTPUT,
        ),
        (
            "metadata respondent-17 't_importSubject#0' --set ticket=OPS-17 --set attempts=3",
            "metadata --status failed --task t_importSubject --set ticket=OPS-17 --yes",
        ),
        "Each key replaces the instance's value of the same key; its other keys stay. A value is JSON if it can be "
        "read so, else text." + _MANY,
    ),
    Command(
        "resolve-logs",
        "repairs:triggers_resolve_logs",
        "Mark a task instance's log messages as dealt with",
        (UID.optional(), INSTANCE.optional(), *BULK, OUTPUT),
        ("resolve-logs respondent-17 't_importSubject#0'", "resolve-logs --session respondent- --yes"),
        "They no longer count as unresolved." + _MANY,
    ),
)
