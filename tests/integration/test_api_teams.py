"""Rights in a deployment with teams, by Airflow's own SimpleAuthManager: each DAG is asked about with its team."""

from __future__ import annotations

import pytest
from airflow.api_fastapi.app import init_auth_manager, purge_cached_app
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.dagbundle import DagBundleModel
from airflow.models.pool import Pool
from airflow.models.team import Team, dag_bundle_team_association_table
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import delete, insert

from airflow_triggers.api.permissions import Permissions
from airflow_triggers.configuration import parse_configuration
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.errors import Concealed, Refused
from tests.support.dags import BUNDLE, dag, deploy
from tests.support.statements import statements

OF_TEAM_A = parse_configuration({"t_a": {"after": ["x"], "run": "dag_of_a"}}, existing_tasks=())
OF_NO_TEAM = parse_configuration({"t_a": {"after": ["x"], "run": "dag_of_nobody"}}, existing_tasks=())
WITHOUT_DAGS = Configuration()


@pytest.fixture(autouse=True)
def teams(airflow_db, monkeypatch):
    """The DAGs of the bundle belong to team a; team b has none."""
    monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", "True")
    purge_cached_app()
    init_auth_manager()
    deploy(dag("dag_of_a"))
    with airflow_session() as session:
        forget(session)
        session.add_all([Team(name="a"), Team(name="b")])
        session.flush()
        session.add(Pool(pool="pool_of_a", slots=1, include_deferred=False, team_name="a"))
        session.execute(
            insert(dag_bundle_team_association_table).values(dag_bundle_name=BUNDLE, team_name="a")
        )
        assert session.get(DagBundleModel, BUNDLE)
    yield
    with airflow_session() as session:
        forget(session)
    purge_cached_app()


def forget(session):
    session.execute(delete(dag_bundle_team_association_table))
    session.execute(delete(Pool).where(Pool.pool == "pool_of_a"))
    session.execute(delete(Team))


def rights_of(role, *team_names):
    user = SimpleAuthManagerUser(username="somebody", role=role, teams=list(team_names))
    return Permissions(user)


def outcome(require, *arguments):
    try:
        require(*arguments)
    except (Concealed, Refused) as refusal:
        return type(refusal).__name__
    return "allowed"


@pytest.mark.parametrize(
    ("rights", "configuration", "read", "fire"),
    [
        (("user", "a"), OF_TEAM_A, "allowed", "allowed"),
        (("user", "b"), OF_TEAM_A, "Concealed", "Concealed"),
        (("viewer", "a"), OF_TEAM_A, "allowed", "Refused"),
        (("viewer", "b"), OF_TEAM_A, "Concealed", "Concealed"),
        (("admin",), OF_TEAM_A, "allowed", "allowed"),
        (("user", "b"), OF_NO_TEAM, "allowed", "allowed"),
        (("user", "a"), WITHOUT_DAGS, "Concealed", "Concealed"),
        (("user", "a", "b"), WITHOUT_DAGS, "allowed", "allowed"),
        (("viewer", "a", "b"), WITHOUT_DAGS, "allowed", "Refused"),
        (("admin",), WITHOUT_DAGS, "allowed", "allowed"),
    ],
)
def test_a_teams_sessions_are_its_own_and_one_without_dags_takes_all_teams(rights, configuration, read, fire):
    permissions = rights_of(*rights)
    assert outcome(permissions.require_read, configuration) == read
    assert outcome(permissions.require_fire, configuration, "x") == fire
    readable = permissions.readable({"hash": configuration})
    assert (readable is None or "hash" in readable) is (read == "allowed")


def test_teams_are_looked_up_once_for_all_configurations():
    configurations = {
        str(number): parse_configuration(
            {"t_a": {"after": ["x"], "run": "dag_of_a"}, "t_b": {"after": ["x"], "run": f"other_{number}"}},
            existing_tasks=(),
        )
        for number in range(20)
    }
    with statements() as sent:
        assert rights_of("viewer", "b").readable(configurations) == []
    assert len([statement for statement in sent if "dag_bundle" in statement]) == 1


def test_a_pool_is_asked_about_with_its_team():
    assert rights_of("viewer", "a").disclosure().pool("pool_of_a")
    assert not rights_of("viewer", "b").disclosure().pool("pool_of_a")
    assert rights_of("viewer", "b").disclosure().pool("default_pool")
