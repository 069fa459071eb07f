"""TriggerManager, the controller of one session, and the registry of its subclasses.

``manager.py`` has one method per act. Its parts: ``hooks.py`` promises and calls hooks, ``repeats.py`` answers repeated
fires, ``delayed_fires.py`` keeps fires for later, ``repairs.py`` replays and skips, ``updates.py`` adds tasks,
``instance_runners.py`` calls runners, ``remembered.py`` finds the manager with a session's hooks and default runner.
``installed.py`` checks what other packages add.
"""

from airflow_triggers.manager.manager import TriggerManager, trigger_managers

__all__ = ["TriggerManager", "trigger_managers"]
