"""The keys of an instance's metadata, each in one place. What they mean is in SEMANTICS.

Neighbours: ``states.py`` and ``manager/`` write them, ``history/`` and the pages read them. ``events.py`` has the keys
of the history's details.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# -- where it comes from --------------------------------------------------------------------------------------

PARENT = "parent"
"""The name of the instance that a clone was made of."""

DEPTH = "depth"
"""How many ancestors a clone has."""

RETRIES = "retries"
"""How many replays in a row the task itself asked for."""

COOLDOWN = "cooldown"
"""How many seconds a replay waited before it ran."""

APPLIED_FIRES = "appliedFires"
"""Which fires of the past it took when new rules were applied to them: a mapping of trigger to fire id."""

# -- what became of it ----------------------------------------------------------------------------------------

ACTUAL_KWARGS = "actualKwargs"
"""What the instance's work was given."""

RESULT = "result"
"""The kwargs of the cascade: what the task returned, or what was given instead of it."""

CASCADE = "cascade"
"""Whether the skip of an instance had a cascade."""

EXCEPTION_TYPE = "exceptionType"
EXCEPTION_MESSAGE = "exceptionMessage"
EXCEPTION_INFO = "exceptionInfo"
EXCEPTION_CONTEXT = "exceptionContext"
"""What :func:`airflow_triggers.domain.failures.describe_exception` says of a failure; so the three before."""

FAILURE = frozenset({EXCEPTION_TYPE, EXCEPTION_MESSAGE, EXCEPTION_INFO, EXCEPTION_CONTEXT})
"""The keys of a failure."""

TIMESTAMPS = "timestamps"
"""When it was created, reached each status, and was last modified: a mapping to moments in ISO 8601."""

CREATED = "created"
LAST_MODIFIED = "lastModified"
"""Keys of the :data:`TIMESTAMPS`, beside the statuses."""

LOG_LEVEL = "logLevel"
"""The highest level that its logger saw."""

LOGS_RESOLVED = "logsResolved"
"""Whether somebody marked its log messages as dealt with."""

SEEN_RUN = "seenRun"
"""What its DAG run was last seen to be, of sessions kept elsewhere than in Airflow's database."""

UNREADABLE = "unreadable"
"""Why its row cannot be read; then it is the only key."""


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
