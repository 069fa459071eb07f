"""The hooks of a manager: the enum that the framework uses, and the methods that users override."""

from __future__ import annotations

from airflow_triggers import TriggerManager
from airflow_triggers.domain.hooks import Hook


def test_the_hooks_are_the_managers_methods_of_these_names():
    assert {hook.value for hook in Hook} == {
        name for name in vars(TriggerManager) if name.startswith("_post_")
    }
