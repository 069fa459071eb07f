"""Settings of ``[triggers]`` that more than one room reads.

Neighbours: ``provider_info.py`` declares the settings; ``audit.py`` and ``asset_events.py`` read their own.
"""

from __future__ import annotations

from airflow.configuration import conf


def bulk_rate() -> float:
    """The setting ``[triggers] bulk_rate``: how many instances a second a bulk act does, if it does not say."""
    return conf.getfloat("triggers", "bulk_rate", fallback=50.0)
