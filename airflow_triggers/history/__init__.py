"""What happened in a session, and why something has not.

``pages.py`` reads the history. ``evidence.py`` and ``reasons.py`` explain an instance, ``run_reasons.py`` its DAG run.
``unheard.py`` finds fires without effect; ``parked.py`` finds hooks and asset events with too many failures.
``sentences.py`` words the entries.
"""

from airflow_triggers.history.evidence import why
from airflow_triggers.history.pages import Entry, HistoryPage, history_of
from airflow_triggers.history.unheard import VainFire, vain_fires

__all__ = ["Entry", "HistoryPage", "VainFire", "history_of", "vain_fires", "why"]
