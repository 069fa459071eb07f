"""TriggerManager, the controller of one session, and the registry of its subclasses.

``manager.py`` has one method per act, ``hooks.py`` promises and calls hooks, ``installed.py`` checks what other
packages add.
"""

from airflow_triggers.manager.manager import TriggerManager, trigger_managers

__all__ = ["TriggerManager", "trigger_managers"]
