"""The login of a user of FAB's auth manager: what is taken from them is missing at their next request."""

from __future__ import annotations

from contextlib import contextmanager

from airflow.api_fastapi.app import get_auth_manager
from fastapi.testclient import TestClient

from tests.support.auth_managers import fab_auth_manager
from tests.support.dags import deploy_configuration

HEALTH = "/triggers/api/v1/health"
FIRE = "/triggers/api/v1/sessions/order-1/fires"
FIRST = {"trigger": "paid", "configuration": "orders"}
CREATING = ("can_create", "DAG Runs")
ORDERS = [("can_edit", "DAG:orders.t_ship"), CREATING]


@contextmanager
def taking(manager):
    """FAB remembers users for ``[fab] cache_ttl`` seconds; afterwards it has forgotten them."""
    with manager.flask_app.app_context():
        yield
    manager.cache.clear()


def test_what_is_taken_from_a_user_of_fab_is_missing_at_the_next_request(sqlite_airflow_db):
    deploy_configuration("orders", t_ship={"after": ["paid"]})
    users = {"shipper": "ships"}
    with fab_auth_manager({"ships": ORDERS}, users) as api, TestClient(api.app) as client:
        client.headers.update(api.headers("shipper"))
        manager, security = get_auth_manager(), get_auth_manager().security_manager
        assert client.post(FIRE, json=FIRST).status_code == 200

        with taking(manager):
            security.remove_permission_from_role(
                security.find_role("ships"), security.get_permission(*CREATING)
            )
        answer = client.post(FIRE, json=FIRST)
        assert (answer.status_code, answer.json()["reason"]) == (404, "UnknownConfiguration")
        assert client.get(HEALTH).status_code == 200

        with taking(manager):
            user = security.find_user(username="shipper")
            user.active = False
            security.update_user(user)
        assert client.get(HEALTH).status_code == 401
