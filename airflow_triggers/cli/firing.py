"""``airflow triggers fire``: one trigger, or the lines of a file with a progress bar and a report.

Neighbours: ``twin/fires.py`` declares it; ``twin/events.py`` reads the file and writes the report;
``sessions/batches.py`` fires many.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from airflow_triggers import sessions
from airflow_triggers.cli import rows
from airflow_triggers.cli.commands import audited_command, tells_of_broken_extensions, user
from airflow_triggers.cli.terminal import FAILED, ends_with_one_line
from airflow_triggers.cli.twin.events import (
    INVALID_LINE,
    MEMBERS,
    Account,
    Line,
    Report,
    check_arguments,
    opened_events,
)
from airflow_triggers.cli.twin.grammar import near
from airflow_triggers.cli.twin.values import CommandFailed, merged
from airflow_triggers.domain.fires import FireResult, SessionFireRequest
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.domain.validation import JsonFlaw, parse_json, parse_moment
from airflow_triggers.errors import DatabaseFailed, LockTimeout, TriggersError
from airflow_triggers.sessions.batches import fire_all

CHUNK = 200
"""Lines fired together. After each chunk the report is complete."""


@ends_with_one_line
@audited_command
@suppress_logs_and_warning
@providers_configuration_loaded
@tells_of_broken_extensions
def triggers_fire(args: Namespace) -> None:
    """``airflow triggers fire``: exits with 1 when a line of a file was refused."""
    check_arguments(args)
    if args.file is not None:
        _fire_file(args)
        return
    result = sessions.fire_into(
        args.uid,
        args.trigger,
        merged(args.kwargs),
        configuration=args.configuration,
        manager=args.manager,
        idempotency_key=args.idempotency_key,
        fired_by=user(),
        fire_at=args.fire_at,
    )
    rows.print_row(rows.of_fire_result(result), args.output, columns=rows.FIRE_RESULT_COLUMNS)


def _fire_file(args: Namespace) -> None:
    report = Report.open(Path(args.report or f"{args.file}.report"))
    with closing(report), opened_events(args.file, report) as events:
        lines = _Lines(Account(report), args.configuration, args.manager)
        with _progress(events.total) as show:
            for chunk in events.chunks(CHUNK):
                lines.fire(chunk)
                show(lines.account)
    account = lines.account
    rows.print_row(account.to_row(), args.output)
    account.print_refusals()
    if account.refused:
        raise SystemExit(FAILED)


@dataclass
class _Lines:
    """Fires the lines.

    :param configuration: for lines that name none; likewise ``manager``.
    :param locked_uids: sessions that others held for too long. Their later lines must not overtake.
    """

    account: Account
    configuration: str | None
    manager: str | None
    locked_uids: set[str] = field(default_factory=set)

    def fire(self, chunk: list[Line]) -> None:
        """Fire a chunk.

        :raises CommandFailed: when the database fails: the lines after this are not fired.
        """
        lines: list[Line] = []
        requests: list[SessionFireRequest] = []
        for line in chunk:
            if self.account.report.was_fired(line):
                self.account.before += 1
                continue
            try:
                request = self._request(line)
            except (TriggersError, ValueError) as error:
                self.account.refuse(line, INVALID_LINE, str(error))
                continue
            if request.session_uid in self.locked_uids:
                self._refuse_locked(line, request)
                continue
            lines.append(line)
            requests.append(request)
        failure = self._settle(lines, requests)
        self.account.report.flush()
        if failure is not None:
            raise CommandFailed(f"{failure} Run the same command again to go on.") from failure

    def _settle(self, lines: list[Line], requests: list[SessionFireRequest]) -> DatabaseFailed | None:
        failure = None
        outcomes = fire_all(requests, fired_by=user())
        for line, request, outcome in zip(lines, requests, outcomes, strict=True):
            if isinstance(outcome, FireResult):
                self.account.add(
                    line,
                    fire_id=outcome.fire_id,
                    delayed_fire_id=outcome.delayed_fire_id,
                    repeated=outcome.repeated,
                )
            elif isinstance(outcome, DatabaseFailed):
                failure = failure or outcome
            else:
                self.account.refuse(line, type(outcome).__name__, str(outcome))
                if isinstance(outcome, LockTimeout):
                    self.locked_uids.add(request.session_uid)
        return failure

    def _refuse_locked(self, line: Line, request: SessionFireRequest) -> None:
        sentence = (
            f"Others held the session {str(request.session_uid)!r} when an earlier line was to be fired; this line "
            "must not overtake it. Run the same command again."
        )
        self.account.refuse(line, LockTimeout.__name__, sentence)

    def _request(self, line: Line) -> SessionFireRequest:
        """The line as a request.

        :raises TriggersError: when a member is outside the allowed form.
        :raises ValueError: when the line is no JSON object, or has other members.
        """
        try:
            content = parse_json(line.content.decode())
        except JsonFlaw as flaw:
            raise ValueError(f"it {flaw}") from None
        except ValueError as error:
            raise ValueError(f"it cannot be read: {error}") from None
        if not isinstance(content, dict):
            raise ValueError("it is no JSON object")
        for name in content.keys() - set(MEMBERS):
            raise ValueError(
                f"it has no member {name!r}; expected {', '.join(MEMBERS)}.{near(name, MEMBERS)}"
            )
        for name in ("session_uid", "trigger"):
            if content.get(name) is None:
                raise ValueError(f"it lacks {name!r}")
        kwargs, fire_at, key = (content.get(name) for name in ("kwargs", "fire_at", "idempotency_key"))
        return SessionFireRequest(
            session_uid=SessionUid(content["session_uid"]),
            trigger_name=content["trigger"],
            trigger_kwargs={} if kwargs is None else kwargs,
            configuration=_name(content, "configuration") or self.configuration,
            manager=_name(content, "manager") or self.manager,
            idempotency_key=self.account.report.key(line.number) if key is None else key,
            fire_at=None if fire_at is None else parse_moment(fire_at),
        )


def _name(content: dict[str, object], member: str) -> str | None:
    name = content.get(member)
    if name is not None and not isinstance(name, str):
        raise ValueError(f"{member!r} is a name; found {name!r}")
    return name


@contextmanager
def _progress(total: int | None) -> Iterator[Callable[[Account], None]]:
    """Give a function to call after each chunk. If stderr is a terminal, it shows a progress bar there."""
    if not sys.stderr.isatty():
        yield lambda account: None
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("lines", total=total)
        yield lambda account: bar.update(
            task,
            completed=account.count,
            description=f"lines; {account.fired} fired, {account.refused} refused",
        )
