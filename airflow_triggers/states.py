"""The old address of the rules, for documented imports. The rules live in ``domain/states.py``."""

from airflow_triggers.domain.states import TRANSITIONS, Event

__all__ = ["TRANSITIONS", "Event"]
