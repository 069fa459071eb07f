"""How managers, storages and runners are found by name, and what is said when they are not."""

from __future__ import annotations

import re

import pytest
from airflow.plugins_manager import AirflowPlugin

from airflow_triggers.errors import NotRegistered, RegistryError
from airflow_triggers.extensions import plugins as plugin_managers
from airflow_triggers.extensions.registry import Declaration, Registry
from airflow_triggers.manager.manager import TriggerManager, trigger_managers
from airflow_triggers.runners import BaseTaskRunner, task_runners
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


def plugin_registry():
    return Registry(
        "trigger manager",
        "no.such.group",
        elsewhere=plugin_managers.managers_of_plugins,
        base=TriggerManager,
    )


def registry_of_entry_points(monkeypatch, tmp_path, base, **declared):
    """A registry of a package that is on the path with these entry points of the group ``triggers.test``."""
    info = tmp_path / "shop-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in declared.items()]
    (info / "entry_points.txt").write_text("\n".join(["[triggers.test]", *lines]))
    monkeypatch.syspath_prepend(tmp_path)
    return Registry("trigger manager", "triggers.test", base=base)


def test_what_the_package_declares_is_found():
    assert trigger_managers.get_class("default") is TriggerManager
    assert {"cache", "sql"} <= set(storage_backends.names())
    assert {"airflow", "threading"} <= set(task_runners.names())
    assert trigger_managers.get("default", storage=None).storage is None


def test_an_unknown_name_is_told_with_the_known_ones():
    registry = registry_of(Declaration("finalizing", lambda: Finalizing, "shop"))
    with pytest.raises(
        RegistryError, match=r"no trigger manager 'finalising'; known are: finalizing. Did you mean"
    ):
        registry.get_class("finalising")


@pytest.mark.parametrize("registry", [trigger_managers, storage_backends, task_runners])
@pytest.mark.parametrize("look_up", ["get", "get_class"])
def test_an_unknown_name_is_a_missing_key_with_the_same_message(registry, look_up):
    with pytest.raises(KeyError) as caught:
        getattr(registry, look_up)("nowhere")
    assert isinstance(caught.value, NotRegistered)
    assert str(caught.value) == str(registry.unknown("nowhere"))
    assert str(caught.value).startswith(f"There is no {registry.kind} 'nowhere'; known are: ")


def test_what_is_known_and_broken_is_no_missing_key():
    def load():
        raise ImportError("no module named till")

    with pytest.raises(RegistryError, match="cannot be imported") as caught:
        registry_of(Declaration("till", load, "shop")).get("till")
    assert not isinstance(caught.value, KeyError)


def test_a_class_is_called_with_positional_and_named_arguments():
    storage = storage_backends.get("cache", "order-1")
    assert (storage.name, storage.uid) == ("cache", "order-1")
    assert storage_backends.get("cache", uid="order-1").uid == "order-1"
    manager = trigger_managers.get("default", storage)
    assert type(manager) is TriggerManager
    assert manager.storage is storage
    assert trigger_managers.get("default", storage=storage).storage is storage
    with pytest.raises(RegistryError, match="The storage backend 'cache' cannot be made: TypeError"):
        storage_backends.get("cache", "order-1", "order-2")


def test_two_classes_of_one_name_are_refused_and_one_declared_twice_is_not():
    twice = registry_of(
        Declaration("x", lambda: Finalizing, "shop (shop:Finalizing)"),
        Declaration("x", lambda: Finalizing, "the plugin 'shop'"),
    )
    assert twice.get_class("x") is Finalizing
    two = registry_of(
        Declaration("x", lambda: Finalizing, "shop"), Declaration("x", lambda: Nameless, "store")
    )
    with pytest.raises(RegistryError, match="shop and store each declare a trigger manager named 'x'"):
        two.get_class("x")


def test_one_that_cannot_be_imported_is_told_with_its_package_and_the_others_work(caplog):
    def broken():
        raise ImportError("no module named 'shop'")

    registry = registry_of(
        Declaration("broken", broken, "shop (shop:X)"), Declaration("good", lambda: Finalizing, "store")
    )
    (problem,) = registry.check()
    assert "'broken' of shop (shop:X) cannot be imported: ImportError: no module named 'shop'" in problem
    assert problem in caplog.text
    assert registry.get_class("good") is Finalizing


def test_airflow_plugins_declare_managers(monkeypatch):
    monkeypatch.setattr(plugin_managers.plugins_manager, "_get_plugins", lambda: ([Plugin], {}))
    registry = plugin_registry()
    assert registry.get_class("finalizing") is Finalizing
    with pytest.raises(
        RegistryError, match=r"Nameless of the plugin 'shop' \(shop==1.0\) has no name. Set the class"
    ):
        registry.get_class("Nameless")
    assert any(
        "'no class' of the plugin 'shop' (shop==1.0) is no trigger manager" in it for it in registry.check()
    )


def test_a_registered_class_goes_before_a_declared_one():
    registry = registry_of(Declaration("x", lambda: Nameless, "shop"))
    registry.register("x", Finalizing)
    assert registry.get_class("x") is Finalizing


class OwnName(TriggerManager):
    name = "own"


def no_class(storage):
    """A function is no manager."""


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("Nameless", "has no name. Set the class attribute 'name', 'mine'."),
        ("OwnName", "has the name 'own'. Declare it under the name that is its class attribute 'name'."),
        (
            "no_class",
            "is no trigger manager. Declare a class that derives from airflow_triggers.manager.manager.Tr",
        ),
        ("Missing", "cannot be imported: AttributeError: .* Repair or reinstall that package."),
    ],
)
def test_an_entry_point_that_is_no_named_manager_is_told_with_its_package_and_what_to_do(
    monkeypatch, tmp_path, declared, said
):
    value = f"{__name__}:{declared}"
    registry = registry_of_entry_points(
        monkeypatch, tmp_path, TriggerManager, mine=value, finalizing=f"{__name__}:Finalizing"
    )
    (problem,) = registry.problems()
    assert re.match(rf"The trigger manager 'mine' of shop \({re.escape(value)}\) {said}", problem)
    with pytest.raises(RegistryError, match="of shop"):
        registry.get_class("mine")
    assert registry.get_class("finalizing") is Finalizing


def test_a_module_that_ends_the_process_when_it_is_imported_does_not(monkeypatch, tmp_path):
    (tmp_path / "ends_the_process.py").write_text("import sys\nsys.exit(3)\n")
    registry = registry_of_entry_points(monkeypatch, tmp_path, TriggerManager, mine="ends_the_process:Mine")
    (problem,) = registry.problems()
    assert "'mine' of shop (ends_the_process:Mine) cannot be imported: SystemExit: 3" in problem


def test_a_class_that_leaves_its_contract_open_is_told_with_what_it_lacks(monkeypatch, tmp_path):
    registry = registry_of_entry_points(monkeypatch, tmp_path, BaseTaskRunner, idle=f"{__name__}:IdleRunner")
    (problem,) = registry.problems()
    assert "lacks replayed, skip. Define what its base class leaves open." in problem


class IdleRunner(BaseTaskRunner):
    name = "idle"

    def run(self, start):
        """Nothing."""


class Unreadable(AirflowPlugin):
    name = "unreadable"

    @property
    def trigger_managers(self):
        raise RuntimeError("no settings")


def plugin_with(managers):
    return type("Odd", (AirflowPlugin,), {"name": "odd", "source": "odd==1.0", "trigger_managers": managers})


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        (plugin_with(None), r"'trigger_managers' of the plugin 'odd' \(odd==1.0\) is None, expected a list"),
        (plugin_with(Finalizing), r"is <class '.*Finalizing'>, expected a list of classes"),
        (plugin_with("finalizing"), "is 'finalizing', expected a list of classes"),
        (
            plugin_with([{"name": "x"}]),
            r"\{'name': 'x'\} of the plugin 'odd' \(odd==1.0\) is no trigger manager",
        ),
        (plugin_with([Registry]), r"Registry of the plugin 'odd' \(odd==1.0\) is no trigger manager"),
        (plugin_with([Plugin]), r"The trigger manager 'shop' of the plugin 'odd' .* is no trigger manager"),
        (Unreadable(), r"is RuntimeError\('no settings'\), expected a list of classes"),
    ],
)
def test_a_plugin_whose_managers_are_something_else_is_told_and_the_other_plugins_managers_work(
    monkeypatch, plugin, said
):
    good = plugin_with([Finalizing])
    monkeypatch.setattr(plugin_managers.plugins_manager, "_get_plugins", lambda: ([plugin, good], {}))
    registry = plugin_registry()
    (problem,) = registry.problems()
    assert re.search(said, problem)
    assert registry.get_class("finalizing") is Finalizing


def test_a_plugin_that_airflow_could_not_load_is_told_when_a_name_is_missed_and_only_then(monkeypatch):
    plugins = ([plugin_with([Finalizing])], {"shop.plugin": "No module named 'till'"})
    monkeypatch.setattr(plugin_managers.plugins_manager, "_get_plugins", lambda: plugins)
    registry = plugin_registry()
    assert registry.problems() == []
    with pytest.raises(
        RegistryError, match=r"could not load the plugin 'shop\.plugin': No module named 'till'"
    ):
        registry.get_class("tills")


def test_what_the_package_declares_is_without_problems():
    assert [trigger_managers.problems(), storage_backends.problems(), task_runners.problems()] == [[], [], []]
