"""``triggers fire``: one trigger, or the lines of a file with a progress bar and a report.

Neighbours: ``definition.py`` declares it; ``events.py`` reads the file and writes the report.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from airflow_triggers_client.cli import output
from airflow_triggers_client.cli.arguments import WrongArguments, merged
from airflow_triggers_client.cli.commands import print_result
from airflow_triggers_client.cli.events import EventsFile, Report
from airflow_triggers_client.cli.terminal import print_text
from airflow_triggers_client.client import TriggersClient
from airflow_triggers_client.errors import FiringInterrupted, TriggersClientError
from airflow_triggers_client.models import Fire, FireResult
from airflow_triggers_client.operations.batches import FireProgress

SHOWN_REFUSALS = 10
"""How many refused lines stderr names; the report has them all."""

BAR_WIDTH = 30


def fire(client: TriggersClient, args: Namespace) -> int:
    """``triggers fire``."""
    if args.file is not None:
        return _fire_file(client, args)
    if args.trigger is None or args.report is not None:
        raise WrongArguments(
            "Give a session's UID and a trigger; or --file FILE, and if you like --report FILE."
        )
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
    single = [args.uid, args.trigger, args.kwargs, args.idempotency_key, args.fire_at]
    if any(value is not None for value in single):
        raise WrongArguments(
            "With --file, the lines name session, trigger, kwargs, idempotency key and moment; leave these out."
        )
    events = EventsFile.open(Path(args.file))
    report = Report.open(Path(args.report or f"{args.file}.report"), events)
    with closing(report):
        lines = Lines(events, report, Fire("", "", configuration=args.configuration, manager=args.manager))
        bar = Bar(events.lines)
        try:
            client.fire_many(lines.fires(), progress=lambda state: lines.settle(state, bar))
        except FiringInterrupted as error:
            bar.end()
            raise TriggersClientError(f"{error} Run the same command again to go on.") from error
        lines.end()
        bar.end()
    return _print_account(lines, report, args.output)


@dataclass
class Lines:
    """The lines on their way to the server.

    :param before: the number of lines fired by an earlier run.
    :param refusals: the first refusals, as sentences.
    """

    events: EventsFile
    report: Report
    defaults: Fire
    before: int = 0
    fired_count: int = 0
    refused_count: int = 0
    refusals: list[str] = field(default_factory=list)
    _numbers: deque[int] = field(default_factory=deque)
    _invalid: deque[tuple[int, str]] = field(default_factory=deque)

    def fires(self) -> Iterator[Fire]:
        """The fires of the lines not fired by an earlier run."""
        for number, fire in self.events.fires(self.defaults):
            if number in self.report.fired:
                self.before += 1
            elif isinstance(fire, str):
                self._invalid.append((number, fire))
            else:
                self._numbers.append(number)
                yield replace(fire, idempotency_key=fire.idempotency_key or self.report.key(number))

    def settle(self, state: FireProgress, bar: Bar) -> None:
        """Write the outcome of a request's lines, and of the invalid lines before them."""
        for outcome in state.outcomes:
            number = self._numbers.popleft()
            self.report.add(number, outcome)
            if outcome.result is not None:
                self.fired_count += 1
            else:
                self._refuse(number, str(outcome.error))
        self.end()
        bar.show(
            self.before + self.fired_count + self.refused_count,
            fired_count=self.fired_count,
            refused_count=self.refused_count,
        )

    def end(self) -> None:
        """Write why invalid lines were not sent."""
        while self._invalid:
            number, problem = self._invalid.popleft()
            self.report.refuse(number, "InvalidLine", problem)
            self._refuse(number, problem)
        self.report.flush()

    def _refuse(self, number: int, sentence: str) -> None:
        self.refused_count += 1
        if len(self.refusals) < SHOWN_REFUSALS:
            self.refusals.append(f"line {number}: {sentence}")


@dataclass(frozen=True)
class Bar:
    """A progress bar on stderr, if stderr is a terminal."""

    total: int

    def show(self, count: int, *, fired_count: int, refused_count: int) -> None:
        """Draw the bar over the previous one."""
        if sys.stderr.isatty():
            share = count / self.total if self.total else 1.0
            full = int(share * BAR_WIDTH)
            bar = "#" * full + "-" * (BAR_WIDTH - full)
            print(
                f"\r[{bar}] {share:4.0%}  {fired_count} fired, {refused_count} refused",
                end="",
                file=sys.stderr,
                flush=True,
            )

    def end(self) -> None:
        """End the bar's line."""
        if sys.stderr.isatty():
            print(file=sys.stderr)


def _print_account(lines: Lines, report: Report, form: str) -> int:
    row = {
        "fired": lines.fired_count,
        "fired_before": lines.before,
        "refused": lines.refused_count,
        "report": str(report.path),
    }
    if form in output.STRUCTURED:
        output.print_value(row, form)
    else:
        output.print_rows([row], form)
    for sentence in lines.refusals:
        print_text(sentence, to=sys.stderr)
    if lines.refused_count > len(lines.refusals):
        print_text(
            f"… and {lines.refused_count - len(lines.refusals)} more: see {report.path}", to=sys.stderr
        )
    return 1 if lines.refused_count else 0
