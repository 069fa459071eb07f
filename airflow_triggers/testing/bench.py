"""The things shared by the sessions of one test: the cache, the clock, the stubs, the tasks' ``run`` as written.

Neighbours: ``session.py`` is one session on it; ``functions.py`` looks up the work of a task here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from dogpile.cache import make_region

from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.names import compiled_dag_id
from airflow_triggers.manager.manager import TriggerManager
from airflow_triggers.testing.clock import Clock
from airflow_triggers.testing.sources import ConfigurationSource, default_folders, read_configuration
from airflow_triggers.testing.stubs import Stub


class BenchSession(Protocol):
    """A session of a test, as far as the passing of time concerns it."""

    manager: TriggerManager

    def raise_broken_hooks(self) -> None:
        """Raise an error for a hook that raised."""


class Bench:
    """A test's own world, shared with no other test.

    :param now: where the clock begins; None: the present moment.
    :param folders: folders of configurations; None: ``dags`` in the working directory, and this directory.
    """

    def __init__(self, *, now: datetime | None = None, folders: Sequence[str | Path] | None = None) -> None:
        self.region = make_region().configure("dogpile.cache.memory")
        self.clock = Clock(now)
        self.stubs: dict[str, Stub] = {}
        self.sessions: list[BenchSession] = []
        """The sessions of the test, in the order of their making."""
        self.compiled_runs: dict[str, str | Mapping[str, Any]] = {}
        """The id of a task's compiled DAG → the task's ``run``, as written in the deployed configuration."""
        self._folders = (
            default_folders() if folders is None else tuple(Path(folder).absolute() for folder in folders)
        )
        self._imports: list[str] = []

    def read(self, source: ConfigurationSource) -> Mapping[str, Any] | Configuration:
        """The configuration named by the source. See :func:`read_configuration`."""
        configuration, folder = read_configuration(source, self._folders)
        if folder is not None and str(folder) not in self._imports:
            self._imports.append(str(folder))
        if isinstance(configuration, Configuration) and configuration.name is not None:
            self.compiled_runs |= {
                compiled_dag_id(configuration.name, task.name): task.run for task in configuration
            }
        return configuration

    @contextmanager
    def importable(self) -> Iterator[None]:
        """Inside, modules beside the YAML files can be imported, like modules of the DAGs folder in Airflow."""
        new_folders = [folder for folder in self._imports if folder not in sys.path]
        sys.path.extend(new_folders)
        try:
            yield
        finally:
            for folder in new_folders:
                sys.path.remove(folder)
