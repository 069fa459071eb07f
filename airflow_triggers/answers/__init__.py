"""What REST and the command line answer: the keys of each answer, once.

``sessions.py``, ``instances.py``, ``fires.py``, ``hooks.py``, ``history.py``, ``configurations.py`` and
``extensions.py`` hold frozen values. ``api/`` documents
them in its models, ``cli/rows.py`` prints them. A new field here is in the answers of both; a test compares them.
"""
