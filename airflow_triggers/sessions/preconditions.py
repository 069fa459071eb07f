"""Versions of sessions and instances, and the condition that one is still as a caller has read it (optimistic lock).

Neighbours: ``repairs.py`` and ``deleting.py`` check a :class:`Precondition` under the session's lock.
``api/headers.py`` makes it of the header ``If-Match``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from airflow_triggers.domain.configuration import as_json
from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.errors import PreconditionFailed
from airflow_triggers.storages.base import BaseStorageBackend

DIGEST_LENGTH = 16


@dataclass(frozen=True)
class Precondition:
    """The versions that a session, or an instance, may have for an act on it.

    :param versions: from :func:`version_of_session` or :func:`version_of_instance`; None: any version.
    """

    versions: frozenset[str] | None

    def check_session(self, storage: BaseStorageBackend) -> None:
        """Compare with the session. The caller holds its lock, and has written nothing.

        :raises PreconditionFailed: when it has another version.
        """
        if self.versions is not None and version_of_session(storage) not in self.versions:
            raise _changed(f"Session {storage.uid!r}")

    def check_instance(self, storage: BaseStorageBackend, name: str) -> None:
        """Compare with the instance. The caller holds the session's lock.

        :raises PreconditionFailed: when it has another version.
        :raises InstanceNotFound: when there is no such instance.
        """
        if self.versions is not None and version_of_instance(storage[name]) not in self.versions:
            raise _changed(f"Instance {name!r} of session {storage.uid!r}")


def _changed(subject: str) -> PreconditionFailed:
    return PreconditionFailed(
        f"{subject} has changed since you read it. Nothing was changed. Read it again, and decide anew."
    )


def version_of_session(storage: BaseStorageBackend) -> str:
    """A short text that differs after every change of the session."""
    return digest_of(storage.session_version)


def version_of_instance(instance: TaskInstance) -> str:
    """A short text that differs after every change of the instance. Other instances do not change it."""
    content = {
        "status": instance.status.value,
        "kwargs": instance.kwargs,
        "unless_seen": sorted(instance.unless_seen),
        "metadata": instance.metadata,
    }
    return digest_of(as_json(content))


def digest_of(text: str) -> str:
    """A short text that stands for this one: hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_LENGTH]
