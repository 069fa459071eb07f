"""What sessions ask before somebody acts on them: may this caller do it?

Neighbours: ``api/permissions.py`` answers for users of Airflow, ``controller/asset_rights.py`` for asset events. Python
and the command line ask nobody.
"""

from __future__ import annotations

from collections.abc import Callable

from airflow_triggers.domain.configuration import Configuration

Authorize = Callable[[Configuration], None]
"""Checks whether the caller may act on a session with the configuration.

It raises :class:`Refused` if not, and :class:`Concealed` if the caller must not learn whether the session exists.
"""

AuthorizeFire = Callable[[Configuration, bool], None]
"""Like :data:`Authorize`, for a fire. The flag says whether the fire creates the session."""

AuthorizeAct = Callable[[Configuration, str, str | None], None]
"""Checks whether the caller may do the act: the session's configuration, the task's name, the DAG of the run, if any.

It raises :class:`Refused` if not.
"""


def allow(configuration: Configuration) -> None:
    """The :data:`Authorize` for callers with all rights."""


def allow_fire(configuration: Configuration, makes_session: bool) -> None:
    """The :data:`AuthorizeFire` for callers with all rights."""
