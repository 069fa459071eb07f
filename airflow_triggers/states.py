"""The old address of the rules, for imports that were documented; the rules live in ``domain/states.py``."""

from airflow_triggers.domain.states import TRANSITIONS, Event

__all__ = ["TRANSITIONS", "Event"]
