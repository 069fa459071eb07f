"""Airflow's own API application with our plugin, in the test's process, under a real auth manager and its users.

Neighbours: ``api.py`` mounts our application alone, ``airflow_api.py`` Airflow's, both with invented tokens;
``api_server.py`` starts a real server; ``worlds.py`` fills the database with sessions for the users to see or not.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from airflow.api_fastapi.app import create_app, get_auth_manager, purge_cached_app
from airflow.utils.session import create_session
from fastapi import FastAPI
from fastapi.testclient import TestClient

SIMPLE = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"

CHEAP_HASH = "pbkdf2:sha256:1"
"""How passwords of FAB's users are hashed: fast, since there is nothing to protect."""

Permission = tuple[str, str]
"""FAB's: an action (``can_read``) on a resource (``DAG Runs``, ``DAG:my_dag``)."""


@dataclass(frozen=True)
class AirflowApi:
    """The application and a token of every user, as the auth manager's own login gave it."""

    app: FastAPI
    tokens: dict[str, str] = field(default_factory=dict)

    def log_in(self, user: str) -> None:
        """Get the user's token; the password is the name."""
        with TestClient(self.app) as client:
            answer = client.post("/auth/token", json={"username": user, "password": user})
        assert answer.status_code == 201, (user, answer.text)
        self.tokens[user] = answer.json()["access_token"]

    def headers(self, user: str | None) -> dict[str, str]:
        """The headers of a user's request; None: without a user."""
        return {"Authorization": f"Bearer {self.tokens[user]}"} if user is not None else {}


@contextmanager
def simple_auth_manager(
    users: Mapping[str, str], folder: Path, *, multi_team: bool = False
) -> Iterator[AirflowApi]:
    """Airflow's application under its SimpleAuthManager.

    :param users: user name → role, and teams as in ``user:red|blue``.
    :param folder: the folder for the file of passwords.
    """
    passwords = folder / "passwords.json"
    passwords.write_text(json.dumps({user: user for user in users}))
    settings = {
        "AIRFLOW__CORE__AUTH_MANAGER": SIMPLE,
        "AIRFLOW__CORE__MULTI_TEAM": str(multi_team),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
            f"{user}:{role}" for user, role in users.items()
        ),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
    }
    with _application(settings) as api:
        for user in users:
            api.log_in(user)
        yield api


@contextmanager
def fab_auth_manager(
    roles: Mapping[str, list[Permission]], users: Mapping[str, str], **settings: str
) -> Iterator[AirflowApi]:
    """Airflow's application under FAB's auth manager, with its own roles and more.

    :param roles: the test's roles, by name, each with its permissions.
    :param users: user name → role.
    """
    with _application({"AIRFLOW__CORE__AUTH_MANAGER": FAB, **settings}) as api:
        manager = get_auth_manager()
        # The class caches users by id: its cache outlives this database.
        manager.cache.clear()
        with manager.flask_app.app_context():
            for role, permissions in roles.items():
                _add_role(manager.security_manager, role, permissions)
            for user, role in users.items():
                _add_user(manager.security_manager, user, role)
        for user in users:
            api.log_in(user)
        yield api


def insert_fab_users(roles: Mapping[str, list[Permission]], users: Mapping[str, str]) -> None:
    """Make FAB's roles and users as rows, for a server that starts afterwards; its own roles are added then.

    :param roles: the roles, by name, each with its permissions.
    :param users: user name → role; the password is the name.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what FAB's provider imports is deprecated here and there
        from airflow.providers.fab.auth_manager import models
        from werkzeug.security import generate_password_hash
    pairs = {pair for permissions in roles.values() for pair in permissions}
    with create_session() as session:
        actions = {name: models.Action(name=name) for name, _ in pairs}
        resources = {name: models.Resource(name=name) for _, name in pairs}
        permissions = {
            (action, resource): models.Permission(action=actions[action], resource=resources[resource])
            for action, resource in pairs
        }
        role_of = {
            name: models.Role(name=name, permissions=[permissions[pair] for pair in own])
            for name, own in roles.items()
        }
        for user, role in users.items():
            session.add(
                models.User(
                    username=user,
                    first_name=user,
                    last_name=user,
                    email=f"{user}@example.com",
                    active=True,
                    password=generate_password_hash(user, method=CHEAP_HASH),
                    roles=[role_of[role]],
                )
            )


def _add_role(security_manager, name, permissions):
    role = security_manager.add_role(name)
    for action, resource in permissions:
        security_manager.add_permission_to_role(role, security_manager.create_permission(action, resource))


def _add_user(security_manager, name, role):
    from werkzeug.security import generate_password_hash

    added = security_manager.add_user(
        name,
        first_name=name,
        last_name=name,
        email=f"{name}@example.com",
        role=security_manager.find_role(role),
        hashed_password=generate_password_hash(name, method=CHEAP_HASH),
    )
    assert added, f"FAB did not add the user {name!r} with the role {role!r}"


@contextmanager
def _application(settings: Mapping[str, str]) -> Iterator[AirflowApi]:
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, settings))
        purge_cached_app()
        stack.callback(purge_cached_app)
        with warnings.catch_warnings():
            # FAB's provider uses deprecated parts of Starlette, Flask-Session and Flask-Limiter; these warn.
            warnings.simplefilter("ignore")
            app = create_app(apps="core")
        yield AirflowApi(app)
