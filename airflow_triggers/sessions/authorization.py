"""What sessions ask before somebody acts on them: may this caller do it?

Neighbours: ``api/permissions.py`` answers for users of Airflow, ``controller/asset_rights.py`` for asset events. Python
and the command line ask nobody.
"""

from __future__ import annotations

from collections.abc import Callable

from airflow_triggers.domain.configuration import Configuration

Authorize = Callable[[Configuration], None]
"""May the caller act on a session that has the configuration?

It raises :class:`Refused` when not; :class:`Concealed` when the caller is answered as if there were no such session.
"""

AuthorizeFire = Callable[[Configuration, bool], None]
"""As :data:`Authorize`, of a fire. The flag says that the fire makes the session."""


def allow(configuration: Configuration) -> None:
    """The :data:`Authorize` of callers that may do everything."""


def allow_fire(configuration: Configuration, makes_session: bool) -> None:
    """The :data:`AuthorizeFire` of callers that may do everything."""
