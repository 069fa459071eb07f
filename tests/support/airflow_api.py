"""Airflow's own REST API in the test's process, with users of SimpleAuthManager's roles.

Neighbours: ``api.py`` mounts ours.
"""

from __future__ import annotations

from airflow.api_fastapi.app import cached_app, purge_cached_app
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from fastapi.testclient import TestClient

MANAGER = "tests.support.airflow_api.RoleAuthManager"


class RoleAuthManager(SimpleAuthManager):
    """A token is ``role:name``."""

    def init(self):
        """Do nothing: there are no passwords."""

    async def get_user_from_token(self, token):
        role, _, name = token.partition(":")
        return SimpleAuthManagerUser(username=name, role=role)


def airflow_api(monkeypatch):
    """Airflow's application, until the test ends; :func:`client_of` sends requests to it."""
    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", MANAGER)
    purge_cached_app()
    return cached_app(apps="core")


def client_of(app, name, *, role="op"):
    """A client of the user."""
    headers = {"Authorization": f"Bearer {role}:{name}"}
    return TestClient(app, base_url="http://testserver/api/v2/", headers=headers)
