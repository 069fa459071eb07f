"""How managers, storages and runners are found by name, and what is said when they are not."""

from __future__ import annotations

import pytest
from airflow.plugins_manager import AirflowPlugin

from airflow_triggers import plugin_managers
from airflow_triggers.errors import RegistryError
from airflow_triggers.manager import TriggerManager, trigger_managers
from airflow_triggers.registry import Declared, Registry
from airflow_triggers.runners import task_runners
from airflow_triggers.storages import storage_backends


class Finalizing(TriggerManager):
    name = "finalizing"


class Nameless(TriggerManager):
    pass


class Plugin(AirflowPlugin):
    name = "shop"
    source = "shop==1.0"
    trigger_managers = [Finalizing, Nameless, "no class"]  # noqa: RUF012


def registry_of(*declared):
    return Registry("trigger manager", "no.such.group", elsewhere=lambda: declared)


def test_what_the_package_declares_is_found():
    assert trigger_managers.get_class("default") is TriggerManager
    assert {"cache", "sql"} <= set(storage_backends.names())
    assert {"airflow", "threading"} <= set(task_runners.names())
    assert trigger_managers.get("default", storage=None).storage is None


def test_an_unknown_name_is_told_with_the_known_ones():
    registry = registry_of(Declared("finalizing", lambda: Finalizing, "shop"))
    with pytest.raises(
        RegistryError, match=r"no trigger manager 'finalising'; known are: finalizing. Did you mean"
    ):
        registry.get_class("finalising")


def test_two_classes_of_one_name_are_refused_and_one_declared_twice_is_not():
    twice = registry_of(
        Declared("x", lambda: Finalizing, "shop (shop:Finalizing)"),
        Declared("x", lambda: Finalizing, "the plugin 'shop'"),
    )
    assert twice.get_class("x") is Finalizing
    two = registry_of(Declared("x", lambda: Finalizing, "shop"), Declared("x", lambda: Nameless, "store"))
    with pytest.raises(RegistryError, match="shop and store each declare a trigger manager named 'x'"):
        two.get_class("x")


def test_one_that_cannot_be_imported_is_told_with_its_package_and_the_others_work(caplog):
    def broken():
        raise ImportError("no module named 'shop'")

    registry = registry_of(
        Declared("broken", broken, "shop (shop:X)"), Declared("good", lambda: Finalizing, "store")
    )
    (problem,) = registry.check()
    assert "'broken' of shop (shop:X) cannot be imported: ImportError: no module named 'shop'" in problem
    assert problem in caplog.text
    assert registry.get_class("good") is Finalizing


def test_airflow_plugins_declare_managers(monkeypatch):
    monkeypatch.setattr(plugin_managers.plugins_manager, "_get_plugins", lambda: ([Plugin], {}))
    registry = Registry("trigger manager", "no.such.group", elsewhere=plugin_managers.managers_of_plugins)
    assert registry.get_class("finalizing") is Finalizing
    with pytest.raises(
        RegistryError, match=r"Nameless of the plugin 'shop' \(shop==1.0\) has no name. Set the class"
    ):
        registry.get_class("Nameless")
    assert any(
        "'no class' of the plugin 'shop' (shop==1.0) is no trigger manager" in it for it in registry.check()
    )


def test_a_registered_class_goes_before_a_declared_one():
    registry = registry_of(Declared("x", lambda: Nameless, "shop"))
    registry.register("x", Finalizing)
    assert registry.get_class("x") is Finalizing
