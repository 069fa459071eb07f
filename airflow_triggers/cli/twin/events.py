"""A file of fires, one a line, and the report with the outcome of each line.

A line has its own idempotency key, or the report and the line's number make one. So you can run the command again after
an early end: each line counts once. Neighbours: ``cli/firing.py`` of each distribution fires the lines.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

from airflow_triggers.cli.twin.terminal import print_text
from airflow_triggers.cli.twin.values import CommandFailed, WrongArguments

STDIN = "-"

MEMBERS = (
    "session_uid",
    "trigger",
    "kwargs",
    "configuration",
    "manager",
    "idempotency_key",
    "fire_at",
)
"""The members of a line, which is a JSON object."""

INVALID_LINE = "InvalidLine"
"""The reason of a line that cannot be read."""

SHOWN_REFUSALS = 10
"""How many refused lines stderr names; the report has them all."""

DIGEST_DIGITS = 16

BLOCK = 256 * 1024
"""Bytes of the file read at once."""


@dataclass(frozen=True)
class Line:
    """A line of the file.

    :param number: from 1; empty lines are counted, too.
    :param content: its bytes. A byte order mark is no content: editors put one before a file's first line.
    """

    number: int
    content: bytes = field(repr=False)

    @classmethod
    def of(cls, number: int, content: bytes) -> Line:
        """The line with these bytes in the file."""
        return cls(number, content.removeprefix(codecs.BOM_UTF8))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to fire."""
        return not self.content.strip()

    @property
    def digest(self) -> str:
        """Tells whether the line was changed since an earlier run."""
        return hashlib.sha256(self.content.strip()).hexdigest()[:DIGEST_DIGITS]


@dataclass(frozen=True)
class Events:
    """The lines to fire.

    :param report: the report of earlier runs.
    :param total: how many lines there are; None: not known (stdin).
    """

    file: BufferedReader = field(repr=False)
    report: Report = field(repr=False)
    total: int | None = None

    def lines(self) -> Iterator[Line]:
        """The lines in order, as :meth:`chunks` has them."""
        for lines in self.chunks(1):
            yield from lines

    def chunks(self, most: int) -> Iterator[list[Line]]:
        """The lines, without empty ones, some at a time. Lines of a pipe come as soon as they are written.

        :param most: how many lines at most come at a time.
        :raises CommandFailed: when a line that an earlier run fired is empty now, or missing.
        """
        number, rest = 0, b""
        while content := self.file.read1(BLOCK):
            *complete, rest = (rest + content).split(b"\n")
            lines = [Line.of(number + place, text) for place, text in enumerate(complete, start=1)]
            number += len(complete)
            yield from _slices(self._with_content(lines), most)
        yield from _slices(self._with_content([Line.of(number + 1, rest)]), most)
        self.report.check_end(number + 1)

    def _with_content(self, lines: list[Line]) -> list[Line]:
        for line in lines:
            if line.is_empty:
                # If it was fired, the lines after it have moved: they would be fired again.
                self.report.was_fired(line)
        return [line for line in lines if not line.is_empty]


def _slices(lines: list[Line], most: int) -> Iterator[list[Line]]:
    for start in range(0, len(lines), most):
        yield lines[start : start + most]


@contextmanager
def opened_events(name: str, report: Report) -> Iterator[Events]:
    """The lines of the file, or of stdin.

    :raises CommandFailed: when the file cannot be read, or the report is of other lines.
    """
    if name == STDIN:
        yield Events(_stdin(), report)
        return
    try:
        with Path(name).open("rb") as file:
            total = 0
            for line in Events(file, report).lines():
                # Before anything is fired: the keys of the report belong to these lines.
                report.was_fired(line)
                total += 1
            file.seek(0)
            yield Events(file, report, total)
    except OSError as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: OSError) -> CommandFailed:
    return CommandFailed(f"The file {name!r} cannot be read: {error}")


def _stdin() -> BufferedReader:
    stdin = sys.stdin.buffer
    assert isinstance(stdin, BufferedReader)
    return stdin


@dataclass
class Report:
    """The outcome of the lines, written as soon as it is known.

    :param prefix: the beginning of the idempotency keys of lines without a key.
    :param fired: the digests of the fired lines, by number.
    """

    path: Path
    prefix: str
    fired: dict[int, str] = field(default_factory=dict)
    _file: IO[str] | None = field(default=None, repr=False)

    @classmethod
    def open(cls, path: Path) -> Report:
        """The report of an earlier run, to continue; or a new one.

        :raises CommandFailed: when the file is no report, or cannot be read or written.
        """
        try:
            entries = list(_entries(path))
            if not entries:
                prefix = uuid.uuid4().hex
                file = path.open("w", encoding="utf-8")
                file.write(f"{json.dumps({'keys': prefix})}\n")
                file.flush()
                # Without the prefix, another run would give the lines other keys.
                os.fsync(file.fileno())
                return cls(path, prefix, _file=file)
            header = entries[0]
            if not isinstance(header.get("keys"), str):
                raise CommandFailed(f"{path} exists, and is no report. Name another one with --report.")
            digests = {
                entry["line"]: entry["digest"] for entry in entries[1:] if entry.get("status") == "fired"
            }
            file = path.open("a", encoding="utf-8")
            # If a run was killed while it wrote, its last line has no line feed.
            file.write("\n" if _is_torn(path) else "")
            return cls(path, header["keys"], digests, _file=file)
        except (OSError, KeyError) as error:
            raise CommandFailed(f"The report {str(path)!r} cannot be read and written: {error}") from error

    def was_fired(self, line: Line) -> bool:
        """Whether an earlier run fired the line.

        :raises CommandFailed: when the line was another one then.
        """
        digest = self.fired.get(line.number)
        if digest is not None and digest != line.digest:
            raise self._is_of_other_lines(line.number)
        return digest is not None

    def check_end(self, count: int) -> None:
        """Check that no fired line is missing.

        :param count: how many lines there are, with empty ones.
        :raises CommandFailed: when an earlier run fired a later line.
        """
        if self.fired and (last := max(self.fired)) > count:
            raise self._is_of_other_lines(last)

    def _is_of_other_lines(self, number: int) -> CommandFailed:
        return CommandFailed(
            f"Line {number} was fired before, and has been changed since; {self.path} may be the report of "
            "another file. Name another one with --report."
        )

    def key(self, number: int) -> str:
        """The idempotency key for a line without its own."""
        return f"{self.prefix}:{number}"

    def add(self, line: Line, **effect: Any) -> None:
        """Write that the line was fired.

        :param effect: what to remember: the ids of the fire.
        """
        self.fired[line.number] = line.digest
        self._write(line=line.number, status="fired", digest=line.digest, **effect)

    def refuse(self, line: Line, reason: str, detail: str) -> None:
        """Write why a line was not fired. The next run of the file tries it again."""
        self._write(line=line.number, status="refused", reason=reason, detail=detail)

    def flush(self) -> None:
        """Flush everything to the file."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _write(self, **entry: Any) -> None:
        assert self._file is not None
        self._file.write(f"{json.dumps(entry)}\n")


@dataclass
class Account:
    """What became of the lines in this run.

    :param before: the number of lines fired by an earlier run.
    :param refusals: the first refusals, as sentences.
    """

    report: Report
    fired: int = 0
    before: int = 0
    refused: int = 0
    refusals: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """The number of lines with an outcome."""
        return self.fired + self.before + self.refused

    def add(self, line: Line, **effect: Any) -> None:
        """Count a fired line, and write it into the report."""
        self.fired += 1
        self.report.add(line, **effect)

    def refuse(self, line: Line, reason: str, sentence: str) -> None:
        """Count a refused line, and write it into the report."""
        self.refused += 1
        self.report.refuse(line, reason, sentence)
        if len(self.refusals) < SHOWN_REFUSALS:
            self.refusals.append(f"line {line.number}: {sentence}")

    def to_row(self) -> dict[str, Any]:
        """The numbers, to print."""
        return {
            "fired": self.fired,
            "fired_before": self.before,
            "refused": self.refused,
            "report": str(self.report.path),
        }

    def print_refusals(self) -> None:
        """Name the first refused lines on stderr."""
        for sentence in self.refusals:
            print_text(sentence, to=sys.stderr)
        if self.refused > len(self.refusals):
            print_text(
                f"… and {self.refused - len(self.refusals)} more: see {self.report.path}", to=sys.stderr
            )


def check_arguments(args: Any) -> None:
    """Check that the arguments of ``fire`` go together, before a report is made.

    :raises WrongArguments: when they do not.
    :raises CommandFailed: when the file cannot be read.
    """
    if args.file is None and (args.trigger is None or args.report is not None):
        raise WrongArguments(
            "Give a session's UID and a trigger; or --file FILE, and if you like --report FILE."
        )
    single = (args.uid, args.trigger, args.kwargs, args.idempotency_key, args.fire_at)
    if args.file is not None and any(value is not None for value in single):
        raise WrongArguments(
            "With --file, the lines name session, trigger, kwargs, idempotency key and moment; leave these out."
        )
    if args.file == STDIN and args.report is None:
        raise WrongArguments("With --file -, name the report: --report FILE.")
    if args.file not in (None, STDIN):
        try:
            Path(args.file).open("rb").close()
        except OSError as error:
            raise _unreadable(args.file, error) from error


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    """The complete lines of a report."""
    if not path.exists() or not path.stat().st_size:
        return
    is_report = False
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                is_report = True
                yield entry
    if not is_report:
        raise CommandFailed(f"{path} exists, and is no report. Name another one with --report.")


def _is_torn(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
