"""A file of fires, one a line, and the report with the outcome of each line.

A line has its own idempotency key, or the report and the line's number make one. So you can run the command again after
an early end: a fired line counts once. Neighbours: ``firing.py`` fires the lines.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from pydantic import TypeAdapter, ValidationError

from airflow_triggers_client.cli.json_text import json_value
from airflow_triggers_client.errors import InvalidArgument
from airflow_triggers_client.models import Fire
from airflow_triggers_client.operations.batches import FireOutcome


@dataclass(frozen=True)
class EventsFile:
    """A file of fires.

    :param digest: the SHA-256 of its content.
    :param lines: the number of its lines.
    """

    path: Path
    digest: str
    lines: int

    @classmethod
    def open(cls, path: Path) -> EventsFile:
        """The file, read once. :raises InvalidArgument: when it cannot be read."""
        digest, lines = hashlib.sha256(), 0
        try:
            with path.open("rb") as file:
                for line in file:
                    digest.update(line)
                    lines += 1
        except OSError as error:
            raise InvalidArgument(f"The file {str(path)!r} cannot be read: {error}") from error
        return cls(path, digest.hexdigest(), lines)

    def fires(self, defaults: Fire) -> Iterator[tuple[int, Fire | str]]:
        """Each line's number, from 1, with its fire or its problem. Empty lines are left out.

        :param defaults: the configuration and the manager of lines that name none.
        """
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, _fire(line, defaults)


_FIRE = TypeAdapter(Fire)


def _fire(line: bytes, defaults: Fire) -> Fire | str:
    try:
        content = json_value(line)
        fire = _FIRE.validate_python(content) if isinstance(content, dict) else None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except (ValueError, RecursionError) as error:
        return f"it cannot be read: {error}"
    if fire is None:
        return "it is no JSON object"
    return replace(
        fire,
        configuration=fire.configuration or defaults.configuration,
        manager=fire.manager or defaults.manager,
    )


@dataclass
class Report:
    """The outcome of the lines, written as soon as it is known.

    :param prefix: the beginning of the idempotency keys of lines without a key.
    :param fired: the numbers of the fired lines.
    """

    path: Path
    prefix: str
    fired: set[int] = field(default_factory=set)
    _file: IO[str] | None = field(default=None, repr=False)

    @classmethod
    def open(cls, path: Path, events: EventsFile) -> Report:
        """The report of an earlier run of the same file, to continue; or a new one.

        :raises InvalidArgument: when it is the report of another file, or cannot be read or written.
        """
        try:
            entries = _entries(path)
            if not entries:
                header = {"file": events.path.name, "sha256": events.digest, "keys": uuid.uuid4().hex}
                path.write_text(f"{json.dumps(header)}\n", encoding="utf-8")
                return cls(path, header["keys"], _file=path.open("a", encoding="utf-8"))
            header = entries[0]
            if header.get("sha256") != events.digest or not isinstance(header.get("keys"), str):
                raise InvalidArgument(
                    f"{path} is the report of another file, or {events.path} has been changed since. Name another "
                    "report with --report."
                )
            fired_lines = {entry["line"] for entry in entries[1:] if entry.get("status") == "fired"}
            file = path.open("a", encoding="utf-8")
            # If a run was killed while it wrote, its last line has no line feed.
            file.write("\n" if _is_torn(path) else "")
            return cls(path, header["keys"], fired_lines, _file=file)
        except OSError as error:
            raise InvalidArgument(f"The report {str(path)!r} cannot be read and written: {error}") from error

    def key(self, number: int) -> str:
        """The idempotency key for a line without its own."""
        return f"{self.prefix}:{number}"

    def add(self, number: int, outcome: FireOutcome) -> None:
        """Write the outcome of a sent line."""
        if outcome.result is not None:
            self.fired.add(number)
            result = outcome.result
            self._write(
                line=number,
                status="fired",
                fire_id=result.fire_id,
                delayed_fire_id=result.delayed_fire_id,
                repeated=result.repeated,
            )
        else:
            self.refuse(number, type(outcome.error).__name__, str(outcome.error))

    def refuse(self, number: int, reason: str, detail: str) -> None:
        """Write why a line was not fired. The next run of the file tries it again."""
        self._write(line=number, status="refused", reason=reason, detail=detail)

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


def _entries(path: Path) -> list[dict[str, Any]]:
    """The complete lines of a report."""
    if not path.exists():
        return []
    entries = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            entries.append(entry)
    if not entries and path.stat().st_size:
        raise InvalidArgument(f"{path} exists, and is no report. Name another one with --report.")
    return entries


def _is_torn(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) != b"\n"
