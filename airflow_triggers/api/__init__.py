"""The REST application. The plugin mounts it in the API server at ``/triggers``.

``app.py`` wires it. A request passes ``gate.py`` (who asks?) and comes to a route of ``routes/``: parse by
``requests.py``, authorize by ``permissions.py``, call ``sessions/``, shape the answer by ``datamodels.py``.
``errors.py`` answers errors.
"""
