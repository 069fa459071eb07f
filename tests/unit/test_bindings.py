"""The rows of ``triggers_run`` have one writer."""

from __future__ import annotations

import re

import pytest

from airflow_triggers.domain.runs import PROMISED, Binding, RunKey, SeenRun
from tests.support.environment import ROOT

PACKAGE = ROOT / "airflow_triggers"
WRITES_RUNS = re.compile(r"\b(?:insert|update|delete|insert_or_ignore)\(\s*tables\.run\b(?!\.)")


def writers():
    return {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if WRITES_RUNS.search(path.read_text(encoding="utf-8"))
    }


def test_only_the_bindings_write_which_run_executes_what():
    assert writers() == {"runners/bindings.py"}


def binding(**values):
    of_import = {"dag_id": "survey.t_import", "run_id": "run-1", "session_id": 1, "task_name": "t_import"}
    return Binding(**of_import, number=0, **{"seen_run": SeenRun("queued", 0), **values})


def test_a_binding_names_its_run_and_its_instance():
    assert binding().key == RunKey("survey.t_import", "run-1")
    assert binding().instance_name == "t_import#0"


@pytest.mark.parametrize(
    ("seen_run", "promised_run", "is_promise"),
    [
        (PROMISED, {"dag_id": "survey.t_import"}, True),
        (PROMISED, None, False),
        (SeenRun("queued", 0), {"dag_id": "survey.t_import"}, False),
        (SeenRun("queued", 0), None, False),
    ],
)
def test_a_promise_says_so_and_from_what_its_run_is_created(seen_run, promised_run, is_promise):
    assert binding(seen_run=seen_run, promised_run=promised_run).is_promise is is_promise
