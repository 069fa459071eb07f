"""``@trigger_task``: a function in a DAG file becomes a DAG that configurations name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.dag_processing.dagbag import DagBag

from airflow_triggers import trigger_task
from airflow_triggers.errors import ConfigurationError
from airflow_triggers.task.calling import max_retries_of

DAG_FILE = '''
from airflow_triggers import configuration_dags, trigger_task


@trigger_task
def t_plain(context):
    """Greets *somebody*."""
    return {"greeting": context.session_uid}


@trigger_task(dag_id="imports.subject", max_retries=5, retries=2, retry_delay=7, pool="imports", tags=["mine"])
def import_subject(context):
    return {}


assert import_subject(None) == {}
configuration_dags("survey", {"t_import": {"after": ["page"], "run": "imports.subject"}})
'''


def test_each_declared_task_is_a_dag_of_its_file_that_configurations_name(tmp_path):
    (tmp_path / "dag_file.py").write_text(DAG_FILE)
    bag = DagBag(tmp_path, bundle_name="test", bundle_path=tmp_path)
    assert bag.import_errors == {}
    assert set(bag.dags) == {"t_plain", "imports.subject", "survey"}
    plain, subject = bag.dags["t_plain"], bag.dags["imports.subject"]
    assert plain.doc_md == "Greets *somebody*."
    assert plain.fileloc == str(tmp_path / "dag_file.py")
    assert not plain.is_paused_upon_creation
    assert subject.tags == {"trigger task", "mine"}
    (operator,) = subject.tasks
    assert (operator.retries, operator.retry_delay, operator.pool) == (2, timedelta(seconds=7), "imports")
    assert operator.returns_dag_result


def test_the_function_stays_what_it_is_and_knows_its_retries():
    @trigger_task(max_retries=7)
    def t_import(context):
        return {"seen": context}

    assert t_import(1) == {"seen": 1}
    assert max_retries_of(t_import) == 7


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"retrys": 1}, "'retrys', which is unknown. Did you mean 'retries'"),
        ({"retries": "many"}, "'retries' 'many', expected a whole number"),
        ({"dag_id": "no id"}, "the DAG's id may have letters"),
        ({"max_retries": -1}, "'max_retries' is -1, expected a whole number"),
        ({"max_retries": True}, "'max_retries' is True"),
        ({"result_task_id": "run"}, "'result_task_id' is for a 'run' that is a DAG with several tasks"),
    ],
)
def test_what_cannot_be_declared_is_told_with_the_task(options, problem):
    with pytest.raises(ConfigurationError, match=r"@trigger_task '(t_x|no id)': .*" + problem):

        @trigger_task(**options)
        def t_x(context):
            return {}


def test_a_module_that_a_configuration_names_declares_nothing_in_the_file_that_names_it(
    tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "declaring_tasks.py").write_text(
        "from airflow_triggers import trigger_task\n\n\n@trigger_task(max_retries=9)\ndef work(context):\n    pass\n"
    )
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "dag_file.py").write_text(
        "from airflow_triggers import configuration_dags\n\n"
        "configuration_dags('survey', {'t_x': {'after': ['a'], 'run': 'declaring_tasks.work'}})\n"
    )
    bag = DagBag(tmp_path / "dags", bundle_name="test", bundle_path=tmp_path / "dags")
    assert bag.import_errors == {}
    assert set(bag.dags) == {"survey", "survey.t_x"}
