"""The commands about deployed configurations: ``configurations …``, ``extensions``.

Neighbours: ``table.py`` lists them.
"""

from __future__ import annotations

from airflow_triggers.cli.twin.arguments import LIMIT, OUTPUT
from airflow_triggers.cli.twin.commands import Command, option, positional

_NAME = positional("name", "The configuration's name")

CONFIGURATIONS = (
    Command(
        "configurations list",
        "configurations:list_configurations",
        "List deployed configurations, with counts of their sessions",
        (
            option("--after", help="Only names after this one: the next page", metavar="NAME"),
            LIMIT,
            OUTPUT,
        ),
        ("configurations list", "configurations list --output json"),
        "A configuration whose file is broken now is among them, with the error and the rules from before.",
    ),
    Command(
        "configurations show",
        "configurations:show_configuration",
        "Show a configuration's tasks, and how many of their instances wait or failed",
        (_NAME, OUTPUT),
        (
            "configurations show questionnaire",
            "{} configurations show questionnaire --output json | jq -r .yaml",
        ),
        "As JSON or YAML it also has its file as written, its graph, its versions and its warnings.",
    ),
    Command(
        "configurations explain",
        "configurations:explain_configuration",
        "Say each rule of a configuration as a sentence",
        (_NAME, OUTPUT),
        ("configurations explain questionnaire",),
    ),
    Command(
        "configurations graph",
        "configurations:draw_configuration",
        "Draw a configuration: which trigger leads to which task",
        (
            _NAME,
            option(
                "--form",
                help="text: a tree for the terminal; mermaid: a flowchart for Markdown (default: text)",
                choices=("text", "mermaid"),
                default="text",
            ),
            OUTPUT,
        ),
        (
            "configurations graph questionnaire",
            "configurations graph questionnaire --form mermaid",
            "configurations graph questionnaire --output json",
        ),
        "As JSON or YAML it has nodes, edges and cycles.",
    ),
    Command(
        "configurations validate",
        "configurations:validate_configuration",
        "Check the text of one configuration file; nothing is deployed",
        (
            positional("file", "The YAML file; - for stdin", metavar="FILE"),
            option(
                "--name",
                help="The configuration's name (default: the file's name without its suffix)",
                metavar="NAME",
            ),
            OUTPUT,
        ),
        ("configurations validate questionnaire.yaml", "{} configurations validate - < questionnaire.yaml"),
        "It checks form, names, cycles, and tasks that can never run. No code is imported, so it cannot tell whether a "
        "function exists: 'airflow triggers check' can, on a folder. The exit code is 1 if there is an error.",
    ),
    Command(
        "extensions",
        "configurations:list_extensions",
        "List the managers, storages and runners that are installed",
        (OUTPUT,),
        ("extensions",),
        "The exit code is 0 even if one of them cannot be used; its problem is listed.",
    ),
)
