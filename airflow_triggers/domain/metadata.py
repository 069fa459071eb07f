"""The keys of an instance's metadata, each in one place. What they mean is in docs/semantics.md.

Neighbours: ``states.py`` and ``manager/`` write them, ``history/`` and the pages read them. ``events.py`` has the keys
of the history's details.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# -- where it comes from --------------------------------------------------------------------------------------

PARENT = "parent"
"""The name of a clone's original instance."""

DEPTH = "depth"
"""How many ancestors a clone has."""

RETRIES = "retries"
"""How many replays in a row the task itself asked for."""

COOLDOWN = "cooldown"
"""How many seconds a replay waited before it ran."""

APPLIED_FIRES = "appliedFires"
"""The past fires that the instance took when new rules were applied to them: trigger → fire id."""

WITHDRAWN = "withdrawn"
"""Whether new rules abandoned the instance: its task was removed, or no fire makes it. It no longer counts as one."""

# -- what became of it ----------------------------------------------------------------------------------------

ACTUAL_KWARGS = "actualKwargs"
"""The kwargs given to the instance's work."""

RESULT = "result"
"""The kwargs of the cascade: the task's return value, or the value given instead of it."""

CASCADE = "cascade"
"""Whether the skip of an instance had a cascade."""

EXCEPTION_TYPE = "exceptionType"
EXCEPTION_MESSAGE = "exceptionMessage"
EXCEPTION_INFO = "exceptionInfo"
EXCEPTION_CONTEXT = "exceptionContext"
"""Set, like the three keys before, by :func:`airflow_triggers.domain.failures.describe_exception`."""

FAILURE = frozenset({EXCEPTION_TYPE, EXCEPTION_MESSAGE, EXCEPTION_INFO, EXCEPTION_CONTEXT})
"""The keys of a failure."""

TIMESTAMPS = "timestamps"
"""When the instance was created, reached each status, and was last modified: name → moment in ISO 8601."""

CREATED = "created"
LAST_MODIFIED = "lastModified"
"""Keys of the :data:`TIMESTAMPS` other than the statuses, with the one before."""

LOG_LEVEL = "logLevel"
"""The highest level logged by the instance's logger."""

LOGS_RESOLVED = "logsResolved"
"""Whether somebody marked the instance's log messages as resolved."""

SEEN_RUN = "seenRun"
"""The last seen state of the instance's DAG run, for sessions outside of Airflow's database."""

UNREADABLE = "unreadable"
"""Why the instance's row cannot be read. The metadata has no other key then."""


def ancestry(parent: str, *, depth: int) -> dict[str, Any]:
    """The metadata for a clone's origin.

    :param parent: the name of the instance.
    :param depth: how many ancestors the clone has, the parent included.
    """
    return {PARENT: parent, DEPTH: depth}


def skip_metadata(*, cascade: bool, result: Mapping[str, Any] | None) -> dict[str, Any]:
    """The metadata after a skip.

    :param result: the value given instead of a result.
    """
    return {CASCADE: cascade, RESULT: result}


def timestamps_of(metadata: Mapping[str, Any]) -> Mapping[str, str]:
    """The :data:`TIMESTAMPS` in an instance's metadata; an empty mapping where there are none."""
    moments: Mapping[str, str] = metadata.get(TIMESTAMPS, {})
    return moments
