"""TriggersHook: what a connection says, and what Airflow's pages learn of its form."""

from __future__ import annotations

import builtins
import sys
from types import SimpleNamespace

import pytest
from airflow._shared.module_loading import import_string
from airflow.providers_manager import ProvidersManager
from airflow.sdk import Connection

from airflow_triggers import TriggersHook
from airflow_triggers.hooks.connection import Server

HOST = "https://airflow.example.com/base"


def server_of(extra=None, **fields):
    connection = Connection(conn_id="shop", conn_type="triggers", **fields)
    return Server.of(connection, extra or {})


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"host": HOST}, HOST),
        ({"host": f"{HOST}/"}, HOST),
        ({"host": "http://localhost:8080"}, "http://localhost:8080"),
        ({"host": "http://localhost", "port": 8080}, "http://localhost:8080"),
        ({"host": "http://localhost:8080", "port": 8080}, "http://localhost:8080"),
        ({"host": "localhost:8080", "port": 8080}, "https://localhost:8080"),
        ({"host": "http://[::1]:8080/base", "port": 8080}, "http://[::1]:8080/base"),
        ({"host": "http://[::1]", "port": 8080}, "http://[::1]:8080"),
        ({"host": "localhost", "port": 8080, "schema": "http"}, "http://localhost:8080"),
        ({"host": "airflow.example.com"}, "https://airflow.example.com"),
    ],
)
def test_the_host_is_a_url_or_the_parts_of_one(fields, url):
    assert server_of(login="shop", password="secret", **fields).url == url


def test_a_password_without_a_login_is_a_token():
    server = server_of({"timeout": "5", "patience": 0}, host=HOST, password="secret")
    assert (server.username, server.password, server.timeout, server.patience) == (None, "secret", 5.0, 0.0)
    assert "secret" not in repr(server)
    assert server_of(host=HOST, login="shop", password="secret").username == "shop"


@pytest.mark.parametrize(
    ("fields", "extra", "message"),
    [
        ({"host": HOST}, {}, "'shop': the password is missing; expected is the user's password, or a token"),
        ({"password": "p"}, {}, "the host is ''; expected is the URL of an Airflow API server"),
        ({"host": "ftp://x", "password": "p"}, {}, "the host is 'ftp://x'; expected"),
        ({"host": "http://x:y", "password": "p"}, {}, "'shop': the host is 'http://x:y'; expected"),
        ({"host": "http://x:99999", "password": "p"}, {}, "'shop': the host is 'http://x:99999'; expected"),
        (
            {"host": "http://x:8080", "port": 8081, "password": "p"},
            {},
            r"'shop': the port is 8081; expected is the port of the host \(8080\), or none",
        ),
        ({"host": HOST, "password": "p"}, {"timeout": 0}, "'shop': 'timeout' of the extra is 0; expected"),
        ({"host": HOST, "password": "p"}, {"timeout": "0.0"}, "'timeout' of the extra is '0.0'; expected"),
        ({"host": HOST, "password": "p"}, {"patience": "inf"}, "'patience' of the extra is 'inf'; expected"),
        ({"host": "https://u:secret@x", "password": "p"}, {}, "the host is .*; expected"),
        ({"host": HOST, "password": "p"}, {"timeout": "soon"}, "'timeout' of the extra is 'soon'; expected"),
        ({"host": HOST, "password": "p"}, {"patience": -1}, "'patience' of the extra is -1; expected"),
        ({"host": HOST, "password": "p"}, {"tokn": "x"}, "the extra has tokn; expected is only timeout and"),
    ],
)
def test_a_connection_that_lacks_something_says_what(fields, extra, message):
    with pytest.raises(ValueError, match=message):
        server_of(extra, **fields)


def context_of(**changes):
    fields = {"dag_id": "etl", "run_id": "run 1", "task_id": "tell", "map_index": -1, "try_number": 1}
    return {"ti": SimpleNamespace(**{**fields, **changes})}


def test_the_key_of_a_task_instance_is_the_same_in_each_try_and_no_other_task_instance_has_it():
    keys = {TriggersHook.idempotency_key(context=context_of(try_number=number)) for number in range(3)}
    assert len(keys) == 1
    others = [{"dag_id": "e"}, {"run_id": "run 2"}, {"task_id": "tel"}, {"map_index": 0}]
    keys |= {TriggersHook.idempotency_key(context=context_of(**other)) for other in others}
    keys |= {TriggersHook.idempotency_key(part, context=context_of()) for part in ("1", 1)}
    assert len(keys) == 7
    long_key = TriggersHook.idempotency_key(context=context_of(dag_id="d" * 250, task_id="t" * 250))
    assert len(long_key) <= 250


def test_without_the_client_the_hook_says_what_to_install(monkeypatch):
    importing = builtins.__import__

    def without_client(name, *arguments, **options):
        if name.startswith("airflow_triggers_client"):
            raise ModuleNotFoundError(name)
        return importing(name, *arguments, **options)

    monkeypatch.setenv("AIRFLOW_CONN_SHOP", f'{{"conn_type": "triggers", "host": "{HOST}", "password": "p"}}')
    monkeypatch.delitem(sys.modules, "airflow_triggers_client", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_client)
    with pytest.raises(ImportError, match=r"pip install 'airflow-triggers\[hook\]'"):
        TriggersHook("shop").get_conn()
    is_fine, message = TriggersHook("shop").test_connection()
    assert (is_fine, "airflow-triggers[hook]" in message) == (False, True)


def test_airflows_pages_get_the_form_of_a_connection_without_importing_the_hook():
    manager = ProvidersManager()
    (metadata,) = [
        hook for hook in manager.iter_connection_type_hook_ui_metadata() if hook.connection_type == "triggers"
    ]
    widgets = {
        widget.field_name
        for name, widget in manager.connection_form_widgets.items()
        if "__triggers__" in name
    }
    behaviour = manager.field_behaviours["triggers"]

    assert metadata.hook_name == "Triggers"
    assert widgets == {"timeout", "patience"}
    assert behaviour["relabeling"]["host"] == "URL of the API server"
    assert "port" in behaviour["hidden_fields"]


def test_airflow_finds_the_hook_of_a_connection_and_can_test_it(recwarn):
    hook = ProvidersManager().hooks["triggers"]

    assert import_string(hook.hook_class_name) is TriggersHook
    assert (hook.connection_id_attribute_name, hook.connection_testable) == ("conn_id", True)
    assert [warning for warning in recwarn if "TriggersHook" in str(warning.message)] == []
