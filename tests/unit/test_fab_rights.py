"""What FAB's auth manager answers about tasks and sessions without a DAG, asked as the REST API asks it."""

from __future__ import annotations

import warnings

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what FAB's provider imports is deprecated here and there
    from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager
    from airflow.providers.fab.auth_manager.models import Action, Permission, Resource, Role, User

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity

from airflow_triggers.api import permissions
from airflow_triggers.api.permissions import Permissions
from airflow_triggers.configuration import parse_configuration
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.errors import Concealed, Refused

ENTITIES = [("can_read", "DAG Runs"), ("can_create", "DAG Runs"), ("can_read", "XComs")]
ONE_DAG = [("can_read", "DAG:survey"), ("can_edit", "DAG:survey")]
ALL_DAGS = [("can_read", "DAGs"), ("can_edit", "DAGs")]

OF_ONE_DAG = parse_configuration({"t_a": {"after": ["x"], "run": "survey"}}, existing_tasks=())
THREADS = parse_configuration(
    {"t_a": {"after": ["x"], "run": "json:dumps", "using": "threading"}}, existing_tasks=()
)


@pytest.fixture
def fab(monkeypatch):
    manager = FabAuthManager()
    monkeypatch.setattr(permissions, "get_auth_manager", lambda: manager)
    return manager


def user_with(*rights):
    """A user whose only role has these permissions."""
    granted = [
        Permission(action=Action(name=action), resource=Resource(name=name)) for action, name in rights
    ]
    return User(username="ann", first_name="Ann", last_name="A.", roles=[Role(name="r", permissions=granted)])


def outcome(require, *arguments):
    try:
        require(*arguments)
    except (Concealed, Refused) as refusal:
        return type(refusal).__name__
    return "allowed"


@pytest.mark.parametrize("configuration", [Configuration(), THREADS])
def test_a_right_on_one_dag_is_none_on_a_session_without_dags(fab, configuration):
    user = Permissions(user_with(*ENTITIES, *ONE_DAG))
    assert outcome(user.require_read, OF_ONE_DAG) == "allowed"
    assert outcome(user.require_fire, OF_ONE_DAG, "x") == "allowed"
    assert outcome(user.require_read, configuration) == "Concealed"
    assert outcome(user.require_fire, configuration, "x") == "Concealed"
    assert user.readable({"without": configuration, "one": OF_ONE_DAG}) == ["one"]


@pytest.mark.parametrize("configuration", [Configuration(), THREADS, OF_ONE_DAG])
def test_the_right_on_all_dags_is_one_on_a_session_without_dags(fab, configuration):
    user = Permissions(user_with(*ENTITIES, *ALL_DAGS))
    assert outcome(user.require_read, configuration) == "allowed"
    assert outcome(user.require_fire, configuration, "x") == "allowed"
    assert user.readable({"hash": configuration}) is None


def test_without_a_dags_id_fab_says_yes_to_who_has_a_right_on_any_dag(fab):
    """Why that is not what is asked."""
    user = user_with(*ENTITIES, *ONE_DAG)
    assert fab.is_authorized_dag(method="GET", access_entity=DagAccessEntity.RUN, user=user)
    assert fab.is_authorized_dag(method="POST", access_entity=DagAccessEntity.RUN, user=user)
