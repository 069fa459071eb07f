"""The commands about the installation: ``health``, ``controller``, ``check``, ``profiles``.

Neighbours: ``table.py`` lists them.
"""

from __future__ import annotations

from airflow_triggers_client.cli.twin.arguments import OUTPUT
from airflow_triggers_client.cli.twin.commands import Command, Place, option, positional, switch

UPKEEP = (
    Command(
        "health",
        "health:show_health",
        "Show whether triggers controllers are alive and keep up",
        (OUTPUT,),
        ("health", "{} health --output json | jq .parked"),
        "The exit code is 1 if they are not healthy; the reason says what to do.",
    ),
    Command(
        "controller",
        "controller:triggers_controller",
        "Run a triggers controller, which brings what happens to DAG runs back into sessions",
        (
            option(
                "--interval",
                help="Seconds to wait when nothing has changed (default: the setting triggers.controller_interval)",
                kind="positive_seconds",
                metavar="SECONDS",
            ),
            switch("--check", "Only check that a controller is alive, and that controllers keep up"),
            switch("--local", "Only check that a controller of this host is alive (implies --check)"),
        ),
        ("controller", "controller --check --local"),
        "Schedulers run one each, unless the setting triggers.controller_autostart is off. Any number may run.\n\nWith "
        "--check, it runs none. It says in one sentence whether controllers are alive and keep up. The exit code is 0; "
        "or 1, and the sentence says what to do. Use --check --local for the health check of a container.",
        place=Place.AIRFLOW,
    ),
    Command(
        "check",
        "check:check",
        "Check configurations before they are deployed",
        (
            positional("folder", "The folder (default: Airflow's DAGs folder)", metavar="FOLDER").optional(),
            switch("--json", "Print the findings as JSON, as --output json"),
            switch("--strict", "Warnings make it fail, too"),
            switch("--without-database", "Do not ask the database for deployed DAGs"),
            OUTPUT,
        ),
        ("check dags/", "check dags/ --strict --without-database --output json"),
        "As CI does: the YAML files of the folder, and whatever its DAG files compile. The folder's modules are "
        "imported.\n\nThe exit code is 1 when there is an error, or with --strict a warning. It needs no "
        "database; if there is one, it is asked for the deployed DAGs.",
        place=Place.AIRFLOW,
    ),
    Command(
        "profiles list",
        "profile_commands:list_profiles",
        "List the profiles, without their secrets",
        (OUTPUT,),
        ("profiles list",),
        place=Place.CLIENT,
        needs_server=False,
    ),
    Command(
        "profiles set",
        "profile_commands:set_profile",
        "Add a profile, or change it; the token, or the password, is asked for, or read from stdin",
        (
            positional("name", "The profile's name; 'default' is taken where none is named", kind="profile"),
            option(
                "--url",
                help="The URL of Airflow's API server, with its base path",
                metavar="URL",
                is_required=True,
            ),
            option(
                "--username",
                help="The user whose password is read; without it, a token is",
                metavar="NAME",
            ),
        ),
        (
            "profiles set default --url https://airflow.example.org --username shop",
            "vault read -field=token … | {} profiles set ci --url https://airflow.example.org",
        ),
        place=Place.CLIENT,
        needs_server=False,
    ),
    Command(
        "profiles remove",
        "profile_commands:remove_profile",
        "Remove a profile",
        (positional("name", "The profile's name"),),
        ("profiles remove ci",),
        place=Place.CLIENT,
        needs_server=False,
    ),
)
