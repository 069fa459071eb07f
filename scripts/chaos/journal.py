"""The journal: every request of the clients before it is sent, every answer, every kill; one JSON object a line.

Neighbours: ``clients.py`` and ``killer.py`` write it; the checker rebuilds from it what must be.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Line = dict[str, Any]


@dataclass
class Journal:
    """Written by many threads, line by line.

    :param path: the file.
    """

    path: Path
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _start: float = field(default_factory=time.monotonic, init=False)

    def write(self, kind: str, **details: Any) -> None:
        """Keep what happens.

        :param kind: ``intent`` (a request is about to be sent), ``ack`` (it was done), ``refused`` (it was answered
            with an error), ``unavailable`` (with one that says to try again), ``kill``, ``ended``.
        """
        line = json.dumps({"at": round(time.monotonic() - self._start, 3), "kind": kind, **details})
        with self._lock, self.path.open("a", encoding="utf-8") as journal:
            journal.write(line + "\n")

    def read(self) -> list[Line]:
        """Everything that was kept until now."""
        with self._lock:
            return read_lines(self.path)


def read_lines(path: Path) -> list[Line]:
    """A file of JSON lines; a missing one is empty, and so is a line that somebody is still writing."""
    if not path.exists():
        return []
    return [
        json.loads(line)
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True)
        if line[-1] == "\n"
    ]
