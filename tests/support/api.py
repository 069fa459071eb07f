"""The REST application as Airflow mounts it, in the test's own process; the test chooses the users' rights.

Neighbours: ``api_server.py`` starts a real API server.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from airflow.api_fastapi.app import get_auth_manager, init_auth_manager, purge_cached_app
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.auth.middlewares.refresh_token import JWTRefreshMiddleware
from airflow.configuration import conf
from fastapi import FastAPI
from fastapi.testclient import TestClient
from jwt import ExpiredSignatureError, InvalidTokenError

from airflow_triggers.api.app import create_app
from airflow_triggers.api.reachable import Reachable

MANAGER = "tests.support.api.PerDagAuthManager"
COOKIE = "_token"


@dataclass(frozen=True)
class Allowed:
    """Rights of a user: these methods on these entities of these DAGs; None means all of them.

    Pools are the entity ``POOL``, by name.
    """

    methods: set[str] | None = None
    entities: set[str] | None = None
    dag_ids: set[str] | None = None

    def covers(self, method, entity, dag_id):
        return (
            (self.methods is None or method in self.methods)
            and (self.entities is None or entity in self.entities)
            and (self.dag_ids is None or dag_id in self.dag_ids)
        )


EVERYTHING = (Allowed(),)
READING = (Allowed(methods={"GET"}),)


class PerDagAuthManager(SimpleAuthManager):
    """A token is the user's name; rights are given per user, method, entity and DAG."""

    def __init__(self):
        super().__init__()
        self.users = {"admin": EVERYTHING, "viewer": READING}

    def init(self):
        """Do nothing: there are no passwords."""

    async def get_user_from_token(self, token):
        if token == "expired":
            raise ExpiredSignatureError
        if token not in self.users:
            raise InvalidTokenError(f"There is no token {token!r}.")
        return SimpleAuthManagerUser(username=token, role="viewer")

    def is_authorized_dag(self, *, method, user, access_entity=None, details=None):
        entity = access_entity.name if access_entity else "DAG"
        dag_id = details.id if details else None
        return self._allows(user, method, entity, dag_id)

    def is_authorized_pool(self, *, method, user, details=None):
        return self._allows(user, method, "POOL", details.name if details else None)

    def _allows(self, user, method, entity, name):
        return any(right.covers(method, entity, name) for right in self.users[user.get_name()])


@dataclass
class MountedApi:
    """The application, mounted in a root application with Airflow's behaviour."""

    base_path: str = ""
    root: FastAPI = field(init=False)

    def __post_init__(self):
        self.root = FastAPI(root_path=self.base_path)
        has_pages = conf.getboolean("api", "enable_swagger_ui", fallback=True)
        self.root.mount("/triggers", _application(self.base_path, has_reference_pages=has_pages))
        self.root.add_middleware(JWTRefreshMiddleware)
        self.root.add_middleware(Reachable, prefix="/triggers")

    def let(self, user, *rights):
        """Give the user these rights, and no others."""
        get_auth_manager().users[user] = rights

    def client(self, user=None, *, raises=True):
        """A client with the user's bearer token, if any."""
        headers = {"Authorization": f"Bearer {user}"} if user else {}
        base_url = f"http://testserver{self.base_path}/triggers/"
        return TestClient(self.root, base_url=base_url, headers=headers, raise_server_exceptions=raises)


@cache
def _application(base_path, *, has_reference_pages):
    """An application, made once for all tests: it takes longer than most of them. It notes its base path."""
    return create_app()


def mounted_api(monkeypatch, **options):
    """A mounted application, with :class:`PerDagAuthManager` as Airflow's auth manager until the test ends."""
    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", MANAGER)
    purge_cached_app()
    init_auth_manager()
    return MountedApi(**options)
