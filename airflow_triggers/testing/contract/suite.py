"""What the parts of the contract suite have in common: the storage under test, and who acts on it."""

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
    """Makes the storages that the tests use; the classes derived from this one have the tests."""

    def storage_of(self, uid: str) -> BaseStorageBackend:
        """The storage of the session ``uid``. To be overridden.

        Two of one UID are two views of one session, as two processes would have them. The store is empty before each
        test: give the class an ``autouse`` fixture that sees to it.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say which storage is under test.")

    def promised_hooks(self, storage: BaseStorageBackend) -> list[str]:
        """The names of the session's hooks that are still to be called, oldest first."""
        return [hook.hook for hook in storage.hooks()]

    @pytest.fixture
    def runner(self) -> Iterator[RecordingRunner]:
        """Remembers what is started."""
        recording = RecordingRunner()
        with registered(recording, RefusingRunner(), BreakingRunner()):
            yield recording

    @pytest.fixture
    def storage(self) -> BaseStorageBackend:
        """The storage of one session."""
        return self.storage_of("survey-1")

    @pytest.fixture
    def manager(self, storage: BaseStorageBackend, runner: RecordingRunner) -> TracedManager:
        """The manager of that session."""
        return TracedManager(storage)
