"""The journal: every request of the clients before it is sent, every answer, every kill; one JSON object a line.

Neighbours: ``clients.py`` and ``killer.py`` write it; ``demand.py`` rebuilds the demanded state from it.
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
        """Write one line.

        :param kind: ``intent`` (a request will be sent now), ``ack`` (success), ``refused`` (the answer was an error),
            ``unavailable`` (the answer was 5xx: try again), ``kill``, ``ended``.
        """
        line = json.dumps({"at": round(time.monotonic() - self._start, 3), "kind": kind, **details})
        with self._lock, self.path.open("a", encoding="utf-8") as journal:
            journal.write(line + "\n")

    def read(self) -> list[Line]:
        """All lines written until now."""
        with self._lock:
            return read_lines(self.path)


def read_lines(path: Path) -> list[Line]:
    """The lines of a JSON lines file; a missing file counts as empty, and an incomplete last line is left out."""
    if not path.exists():
        return []
    return [
        json.loads(line)
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True)
        if line[-1] == "\n"
    ]
