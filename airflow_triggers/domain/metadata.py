"""The keys of an instance's metadata and of the history's details, each in one place.

Neighbours: ``states.py`` and ``manager/`` write them, ``history/`` and the pages read them.
"""

from __future__ import annotations

SEEN_RUN = "seenRun"
"""The key of an instance's metadata that says what its DAG run was last seen to be, of sessions kept elsewhere."""
