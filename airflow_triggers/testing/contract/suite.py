"""The common base of the contract suite's parts: the storage under test, and its actors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.testing.contract.actors import (
    BreakingRunner,
    RecordingRunner,
    RefusingRunner,
    TracedManager,
    registered,
)


class StorageSuite:
    """Makes the storages under test; the derived classes have the tests."""

    def storage_of(self, uid: str) -> BaseStorageBackend:
        """The storage of the session ``uid``. Override it.

        Two storages with one UID are two views of one session, as in two processes. The store must be empty before each
        test: give the class an ``autouse`` fixture that empties it.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say which storage is under test.")

    def promised_hooks(self, storage: BaseStorageBackend) -> list[str]:
        """The names of the session's pending hooks, oldest first."""
        return [hook.hook for hook in storage.hooks()]

    @pytest.fixture
    def runner(self) -> Iterator[RecordingRunner]:
        """A runner with a record of every start; a refusing and a breaking one are registered too."""
        recording = RecordingRunner()
        with registered(recording, RefusingRunner(), BreakingRunner()):
            yield recording

    @pytest.fixture
    def storage(self) -> BaseStorageBackend:
        """The storage of one session."""
        return self.storage_of("survey-1")

    @pytest.fixture
    def manager(self, storage: BaseStorageBackend, runner: RecordingRunner) -> TracedManager:
        """The manager of this session."""
        return TracedManager(storage)
