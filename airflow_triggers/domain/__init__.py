"""Values and rules of the framework, pure: no Airflow, no database, no web framework.

``configuration.py``, ``instances.py``, ``fires.py``, ``runs.py``, ``events.py`` and ``hooks.py`` hold the values,
``states.py`` the rules, ``validation.py`` the limits of users' values.
"""
