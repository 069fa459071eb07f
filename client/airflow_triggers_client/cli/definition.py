"""The commands of ``triggers``: names, arguments, help and examples.

The nouns and verbs are those of ``airflow triggers``, as far as the REST API has them; a test compares both.
Neighbours: ``main.py`` parses with :func:`parser`; the module of a command is imported when it runs.
"""

from __future__ import annotations

import argparse
from typing import Any

from airflow_triggers_client.cli.arguments import count, json_object, kwargs, moment, profile_name, seconds

DESCRIPTION = """\
Fire triggers into sessions of airflow-triggers over REST, look at sessions, repair them.

The server and the credentials come from a profile (see 'triggers profiles --help'), or from the environment:
TRIGGERS_URL with TRIGGERS_TOKEN, or with TRIGGERS_USERNAME and TRIGGERS_PASSWORD.
"""

EXIT_CODES = """\
exit codes:
  0  it was done
  1  it was not; stderr says why
  2  the arguments are wrong
"""

PROFILES = """\
The file is $TRIGGERS_PROFILES_FILE, or airflow-triggers/profiles.ini in $XDG_CONFIG_HOME (~/.config). Only its owner
may read it (mode 600). 'triggers' takes the profile of --profile, else of TRIGGERS_PROFILE, else the environment
(TRIGGERS_URL, …), else the profile 'default'.
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; its result has ``command``: the module and the function to run."""
    top = _Parser(prog="triggers", description=DESCRIPTION, epilog=EXIT_CODES)
    top.add_argument("--version", action=_Version, help="Print the version of this client")
    verbs = top.add_subparsers(metavar="COMMAND", required=True)
    _delayed_fires(
        _noun(verbs, "delayed-fires", "Look at fires that are still to come, cancel them, try them again")
    )
    _fire(verbs)
    _history(verbs)
    _hooks(_noun(verbs, "hooks", "Look at hooks of managers that raised, and call them again"))
    _profiles(_noun(verbs, "profiles", "The servers and credentials that this command knows", PROFILES))
    _replay(verbs)
    _sessions(_noun(verbs, "sessions", "Look at sessions"))
    _skip(verbs)
    _unheard(verbs)
    _why(verbs)
    return top


class _Parser(argparse.ArgumentParser):
    """A parser that keeps the line breaks of its description and examples."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)


class _Version(argparse.Action):
    """Prints the version; the package is imported only then."""

    def __init__(self, **options: Any) -> None:
        super().__init__(nargs=0, **options)

    def __call__(self, caller: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"airflow-triggers-client {version('airflow-triggers-client')}")
        caller.exit()


Verbs = Any
"""The subcommands of a parser, to which others are added."""


def _noun(verbs: Verbs, name: str, summary: str, description: str = "") -> Verbs:
    noun = verbs.add_parser(name, help=summary, description=f"{summary}.\n\n{description}".rstrip())
    return noun.add_subparsers(metavar="COMMAND", required=True)


def _verb(
    verbs: Verbs, name: str, command: str, summary: str, *examples: str, needs_server: bool = True
) -> argparse.ArgumentParser:
    """A command, with the options common to all commands."""
    lines = "".join(f"\n  {example}" for example in examples)
    verb: argparse.ArgumentParser = verbs.add_parser(
        name, help=summary, description=f"{summary}.", epilog=f"examples:{lines}\n\n{EXIT_CODES}"
    )
    verb.set_defaults(command=command, needs_server=needs_server)
    if needs_server:
        verb.add_argument("--profile", help="The profile that names the server (see 'triggers profiles')")
        verb.add_argument(
            "--patience",
            type=seconds,
            default=30.0,
            metavar="SECONDS",
            help="How long to try again while the server is away (default: 30)",
        )
    return verb


def _output(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "-o",
        "--output",
        choices=("table", "json", "yaml", "plain"),
        default="table",
        help="The format of what is printed (default: table)",
    )


def _uid(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("uid", help="The session's UID")


def _limit(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--limit", type=count, default=50, help="How many at most (default: 50)")


# -- nouns ----------------------------------------------------------------------------------------------------


def _sessions(verbs: Verbs) -> None:
    verb = _verb(
        verbs,
        "list",
        "commands:list_sessions",
        "List sessions, ordered by UID",
        "triggers sessions list --configuration questionnaire",
        "triggers sessions list --prefix respondent- --limit 200 --output plain",
    )
    verb.add_argument("--configuration", help="Only sessions of this deployed configuration")
    verb.add_argument("--prefix", help="Only sessions whose UID begins with this")
    verb.add_argument("--after", metavar="UID", help="Only sessions after this UID: the next page")
    _limit(verb)
    _output(verb)
    verb = _verb(
        verbs,
        "show",
        "commands:show_session",
        "Show a session's task instances, what they wait for, and their DAG runs",
        "triggers sessions show respondent-17",
        "triggers sessions show respondent-17 --output json | jq .latest_triggers",
    )
    _uid(verb)
    _output(verb)
    verb = _verb(
        verbs,
        "delete",
        "commands:delete_session",
        "Delete a session with its history; its DAG runs stay in Airflow",
        "triggers sessions delete respondent-17",
        "triggers sessions delete respondent-17 --force",
    )
    _uid(verb)
    verb.add_argument("--force", action="store_true", help="Delete it although it is not resolved")
    _output(verb)


def _fire(verbs: Verbs) -> None:
    verb = _verb(
        verbs,
        "fire",
        "firing:fire",
        "Fire a trigger into a session, or many of a file",
        "triggers fire respondent-17 pageReceived --kwargs page=3 --kwargs lang=nl",
        "triggers fire respondent-17 pageReceived --kwargs '{\"page\": 3}' --configuration questionnaire",
        "triggers fire respondent-17 reminderDue --fire-at 2031-05-17T08:00:00+02:00",
        "triggers fire --file events.jsonl --configuration questionnaire",
    )
    verb.add_argument("uid", nargs="?", help="The session's UID")
    verb.add_argument("trigger", nargs="?", help="The trigger's name")
    verb.add_argument(
        "--kwargs",
        metavar="KWARGS",
        type=kwargs,
        action="append",
        help="The trigger's kwargs: a JSON object, @FILE that has one, or key=value; may be given several times",
    )
    verb.add_argument(
        "--configuration", help="A deployed configuration's name: the first fire makes the session with it"
    )
    verb.add_argument(
        "--manager",
        help="The manager of a session made so (default: default); a session that exists must have it",
    )
    verb.add_argument(
        "--idempotency-key", metavar="KEY", help="Count once, however often it is repeated with this key"
    )
    verb.add_argument(
        "--fire-at",
        metavar="MOMENT",
        type=moment,
        help="Not before this moment, in ISO 8601 with its offset from UTC (2031-05-17T08:00:00+02:00)",
    )
    verb.add_argument(
        "--file",
        metavar="FILE",
        help='Fire each line of this file, a JSON object: {"session_uid": …, "trigger": …}, and if you like "kwargs", '
        '"configuration", "manager", "idempotency_key", "fire_at". Run the same again to go on where it ended',
    )
    verb.add_argument(
        "--report",
        metavar="FILE",
        help="With --file: what became of each line, and where to go on (default: FILE.report)",
    )
    _output(verb)


def _replay(verbs: Verbs) -> None:
    verb = _verb(
        verbs,
        "replay",
        "commands:replay",
        "Replay a failed task instance",
        "triggers replay respondent-17 't_importSubject#0'",
        "triggers replay respondent-17 't_importSubject#0' --kwargs '{\"firstPageReceived\": {\"age\": 41}}'",
    )
    _uid(verb)
    verb.add_argument("instance", help="A failed task instance, such as 't_import#0'")
    verb.add_argument(
        "--kwargs",
        metavar="JSON",
        type=json_object,
        help="Kwargs by trigger, a JSON object or @FILE, in place of all that it had ({} for none)",
    )
    verb.add_argument("--cooldown", metavar="SECONDS", type=seconds, help="Wait so long before it runs")
    _output(verb)


def _skip(verbs: Verbs) -> None:
    verb = _verb(
        verbs,
        "skip",
        "commands:skip",
        "Skip a failed task instance",
        "triggers skip respondent-17 't_importSubject#0'",
        "triggers skip respondent-17 't_importSubject#0' --cascade --result '{\"subject\": 17}'",
    )
    _uid(verb)
    verb.add_argument("instance", help="A failed task instance, such as 't_import#0'")
    verb.add_argument("--cascade", action="store_true", help="Fire the task's name, as if it had finished")
    verb.add_argument(
        "--result",
        metavar="JSON",
        type=json_object,
        help="What it is taken to have returned, a JSON object or @FILE",
    )
    _output(verb)


def _why(verbs: Verbs) -> None:
    verb = _verb(
        verbs,
        "why",
        "past:explain",
        "Explain why a task instance has not run",
        "triggers why respondent-17 t_importSubject",
        "triggers why respondent-17 't_importSubject#0' --output json",
    )
    _uid(verb)
    verb.add_argument("name", help="A task instance, such as 't_import#0'; or a task: its latest instance")
    _output(verb)


def _history(verbs: Verbs) -> None:
    verb = _verb(
        verbs,
        "history",
        "past:show_history",
        "Show what happened in a session: fires, changes of status, repairs",
        "triggers history respondent-17",
        "triggers history respondent-17 --instance 't_importSubject#0' --limit 10",
    )
    _uid(verb)
    verb.add_argument("--instance", help="Only what concerns this task instance")
    verb.add_argument("--trigger", help="Only fires of this trigger")
    verb.add_argument("--touched-nothing", action="store_true", help="Only fires that had no effect")
    verb.add_argument(
        "--before", metavar="CURSOR", help="Only what happened before: the page that came before"
    )
    _limit(verb)
    _output(verb)


def _unheard(verbs: Verbs) -> None:
    verb = _verb(
        verbs,
        "unheard",
        "past:list_unheard",
        "List fires that touched nothing, in all sessions: of misspelt triggers, say",
        "triggers unheard --configuration questionnaire",
    )
    verb.add_argument("--trigger", help="Only fires of this trigger")
    verb.add_argument("--configuration", help="Only in sessions of this deployed configuration")
    verb.add_argument(
        "--before", metavar="FIRE_ID", type=count, help="Only fires before this one: the next page"
    )
    _limit(verb)
    _output(verb)


def _hooks(verbs: Verbs) -> None:
    verb = _verb(
        verbs,
        "list",
        "commands:list_hooks",
        "List hooks of a session that raised, the newest first",
        "triggers hooks list --uid respondent-17 --parked",
    )
    verb.add_argument("--uid", required=True, help="Those of this session")
    verb.add_argument(
        "--parked", action="store_true", help="Only those that are not tried again by themselves"
    )
    _limit(verb)
    _output(verb)
    verb = _verb(
        verbs,
        "call",
        "commands:call_hook",
        "Call a hook again, in the API server",
        "triggers hooks call respondent-17 42",
    )
    _uid(verb)
    verb.add_argument("id", type=count, help="The hook's id, as listed")
    _output(verb)


def _delayed_fires(verbs: Verbs) -> None:
    verb = _verb(
        verbs,
        "list",
        "commands:list_delayed_fires",
        "List fires of a session that are still to come, the next first",
        "triggers delayed-fires list --uid respondent-17",
    )
    verb.add_argument("--uid", required=True, help="Those into this session")
    verb.add_argument("--after", metavar="CURSOR", help="Only what comes after: the next page")
    _limit(verb)
    _output(verb)
    for name, summary in (
        ("cancel", "Take back a fire that is still to come"),
        ("retry", "Have a controller try a fire again at once that could not be fired when it was due"),
    ):
        verb = _verb(
            verbs,
            name,
            f"commands:{name}_delayed_fire",
            summary,
            f"triggers delayed-fires {name} respondent-17 3",
        )
        _uid(verb)
        verb.add_argument("id", type=count, help="The id of the delayed fire, as listed")
        _output(verb)


def _profiles(verbs: Verbs) -> None:
    verb = _verb(
        verbs,
        "list",
        "profile_commands:list_profiles",
        "List the profiles, without their secrets",
        "triggers profiles list",
        needs_server=False,
    )
    _output(verb)
    verb = _verb(
        verbs,
        "set",
        "profile_commands:set_profile",
        "Add a profile, or change it; the token, or the password, is asked for, or read from stdin",
        "triggers profiles set default --url https://airflow.example.org --username shop",
        "vault read -field=token … | triggers profiles set ci --url https://airflow.example.org",
        needs_server=False,
    )
    verb.add_argument(
        "name", type=profile_name, help="The profile's name; 'default' is taken where none is named"
    )
    verb.add_argument("--url", required=True, help="The URL of Airflow's API server, with its base path")
    verb.add_argument("--username", help="The user whose password is read; without it, a token is")
    verb = _verb(
        verbs,
        "remove",
        "profile_commands:remove_profile",
        "Remove a profile",
        "triggers profiles remove ci",
        needs_server=False,
    )
    verb.add_argument("name", help="The profile's name")
