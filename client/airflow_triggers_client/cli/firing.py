"""``triggers fire``: one trigger, or the lines of a file with a progress bar and a report.

Neighbours: ``twin/fires.py`` declares it; ``twin/events.py`` reads the file and writes the report.
"""

from __future__ import annotations

import reprlib
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from airflow_triggers_client.cli import output
from airflow_triggers_client.cli.bar import Bar
from airflow_triggers_client.cli.results import print_result
from airflow_triggers_client.cli.twin.events import (
    INVALID_LINE,
    MEMBERS,
    Account,
    Events,
    Line,
    Report,
    check_arguments,
    opened_events,
)
from airflow_triggers_client.cli.twin.grammar import near
from airflow_triggers_client.cli.twin.values import CommandFailed, json_value, merged, moment
from airflow_triggers_client.client import TriggersClient
from airflow_triggers_client.errors import FiringInterrupted
from airflow_triggers_client.models import Fire, FireResult
from airflow_triggers_client.operations.batches import FireOutcome

CHUNK = 1000
"""Lines read at a time. After each chunk the report is complete."""


def triggers_fire(client: TriggersClient, args: Namespace) -> int:
    """``triggers fire``: the exit code is 1 when a line of a file was refused."""
    check_arguments(args)
    if args.file is not None:
        return _fire_file(client, args)
    result = client.fire(
        args.uid,
        args.trigger,
        merged(args.kwargs),
        configuration=args.configuration,
        manager=args.manager,
        idempotency_key=args.idempotency_key,
        fire_at=args.fire_at,
    )
    print_result(result, _result_row(result), args.output)
    return 0


def _result_row(result: FireResult) -> output.Row:
    return {
        "fire_id": result.fire_id,
        **({"delayed_fire_id": result.delayed_fire_id} if result.delayed_fire_id else {}),
        "trigger": result.trigger,
        "touched": result.touched,
        "created": result.created,
        "scheduled": result.scheduled,
        "abandoned": result.abandoned,
        "repeated": result.repeated,
        **({"fire_at": result.fire_at.isoformat()} if result.fire_at else {}),
        **({"cancelled": True} if result.cancelled else {}),
    }


def _fire_file(client: TriggersClient, args: Namespace) -> int:
    report = Report.open(Path(args.report or f"{args.file}.report"))
    with closing(report), opened_events(args.file, report) as events:
        lines = Lines(Account(report), Fire("", "", configuration=args.configuration, manager=args.manager))
        try:
            lines.fire_all(client, events)
        except CommandFailed:
            lines.account.print_refusals()
            raise
    row = lines.account.to_row()
    if args.output in output.STRUCTURED:
        output.print_value(row, args.output)
    else:
        output.print_rows([row], args.output)
    lines.account.print_refusals()
    return 1 if lines.account.refused else 0


@dataclass
class Lines:
    """Fires the lines.

    :param defaults: the configuration and the manager of lines that name none.
    """

    account: Account
    defaults: Fire

    def fire_all(self, client: TriggersClient, events: Events) -> None:
        """Fire the lines, some at a time.

        :raises CommandFailed: when the server stays away: the lines after this are not fired.
        """
        account, bar = self.account, Bar(events.total)
        try:
            for chunk in events.chunks(CHUNK):
                self._fire(client, chunk)
                account.report.flush()
                bar.show(account.count, f"{account.fired} fired, {account.refused} refused")
        finally:
            bar.end()

    def _fire(self, client: TriggersClient, chunk: list[Line]) -> None:
        fires = list(self._fires(chunk))
        open_lines = dict(enumerate(line for line, _ in fires))
        try:
            client.fire_many(
                [fire for _, fire in fires], progress=lambda state: self._settle(open_lines, state.outcomes)
            )
        except FiringInterrupted as error:
            self._settle(open_lines, error.outcomes)
            raise CommandFailed(self._interruption(open_lines, error)) from error

    def _fires(self, chunk: list[Line]) -> Iterator[tuple[Line, Fire]]:
        """The lines not fired by an earlier run, with their fires."""
        for line in chunk:
            if self.account.report.was_fired(line):
                self.account.before += 1
                continue
            fire = fire_of(line, self.defaults)
            if isinstance(fire, str):
                self.account.refuse(line, INVALID_LINE, fire)
                continue
            if fire.idempotency_key is None:
                fire = replace(fire, idempotency_key=self.account.report.key(line.number))
            yield line, fire

    def _settle(self, open_lines: dict[int, Line], outcomes: Sequence[FireOutcome]) -> None:
        for outcome in outcomes:
            line, result = open_lines.pop(outcome.index), outcome.result
            if result is None:
                self.account.refuse(line, type(outcome.error).__name__, str(outcome.error))
            else:
                self.account.add(
                    line,
                    fire_id=result.fire_id,
                    delayed_fire_id=result.delayed_fire_id,
                    repeated=result.repeated,
                )

    def _interruption(self, open_lines: dict[int, Line], error: FiringInterrupted) -> str:
        """The account of the whole run, up to the first line without an outcome."""
        account = self.account
        before = f" ({account.before} more by an earlier run)" if account.before else ""
        first = min(line.number for line in open_lines.values())
        return (
            f"{account.fired} lines were fired{before}, and {account.refused} were refused. Line {first} is the first "
            f"without an outcome: {error.__cause__} Run the same command again to go on."
        )


def fire_of(line: Line, defaults: Fire) -> Fire | str:
    """The fire of a line, or why there is none."""
    try:
        content = json_value(line.content)
    except (ValueError, RecursionError) as error:
        return f"it cannot be read: {error}"
    if not isinstance(content, dict):
        return "it is no JSON object"
    members = {name: value for name, value in content.items() if value is not None}
    if flaw := _missing_or_unknown(content.keys(), members.keys()) or _of_another_form(members):
        return flaw
    try:
        if "fire_at" in members:
            members["fire_at"] = moment(members["fire_at"])
    except ArgumentTypeError as error:
        return f"'fire_at': {error}"
    return replace(defaults, **members)


def _missing_or_unknown(names: Set[str], given: Set[str]) -> str | None:
    for name in names - set(MEMBERS):
        return f"it has no member {name!r}; expected {', '.join(MEMBERS)}.{near(name, MEMBERS)}"
    for name in ("session_uid", "trigger"):
        if name not in given:
            return f"it lacks {name!r}"
    return None


def _of_another_form(members: Mapping[str, object]) -> str | None:
    for name, value in members.items():
        kind, form = (dict, "a JSON object") if name == "kwargs" else (str, "text of at least one character")
        if not isinstance(value, kind) or value == "":
            return f"{name!r} is {form}; found {type(value).__name__} {reprlib.repr(value)}"
    return None
