"""The commands about task instances: ``instances …``, ``why``, ``replay``, ``skip``.

Neighbours: ``table.py`` lists them.
"""

from __future__ import annotations

from airflow_triggers.cli.twin.arguments import INSTANCE, OUTPUT, UID
from airflow_triggers.cli.twin.commands import Command, option, positional, switch

INSTANCES = (
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
            UID,
            INSTANCE.saying("A failed task instance, such as 't_import#0'"),
            option(
                "--kwargs",
                help="Kwargs by trigger, a JSON object or @FILE with one, in place of all that it had ({} for none)",
                kind="json",
                metavar="JSON",
            ),
            option("--cooldown", help="Wait so long before it runs", kind="seconds", metavar="SECONDS"),
            OUTPUT,
        ),
        (
            "replay respondent-17 't_importSubject#0'",
            "replay respondent-17 't_importSubject#0' --kwargs '{\"firstPageReceived\": {\"age\": 41}}'",
        ),
        "It runs again as a new instance, which is printed.",
    ),
    Command(
        "skip",
        "repairs:triggers_skip",
        "Skip a failed task instance",
        (
            UID,
            INSTANCE.saying("A failed task instance, such as 't_import#0'"),
            switch("--cascade", "Fire the task's name, as if it had finished"),
            option(
                "--result",
                help="What it is taken to have returned, a JSON object or @FILE with one",
                kind="json",
                metavar="JSON",
            ),
            OUTPUT,
        ),
        (
            "skip respondent-17 't_importSubject#0'",
            "skip respondent-17 't_importSubject#0' --cascade --result '{\"subject\": 17}'",
        ),
    ),
)
