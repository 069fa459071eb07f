"""The gateway: the only place that touches Airflow's DAG runs, task instances, XComs and serialized DAGs.

``runs.py`` creates, observes and marks runs; ``run_columns.py`` has the columns compared for many; ``waiting.py`` reads
what they wait for; ``manifests.py`` and ``asset_events.py`` read configurations and events, ``deployments.py`` what
people ask about configurations; ``teams.py`` reads the team of a DAG, ``dag_states.py`` whether it runs; ``wakeup.py``
hears of a task's end. ``dag_files.py`` and ``acceptance.py`` read DAGs as Airflow does, ``import_errors.py`` adds their
import errors; ``audit.py`` writes Airflow's audit log.

Airflow's internals change from release to release. The code to adapt to them is here.
"""

from airflow_triggers.gateway.dag_states import dag_states
from airflow_triggers.gateway.deployments import (
    Deployment,
    ManifestText,
    deployment,
    deployments,
    manifest_text,
)
from airflow_triggers.gateway.manifests import (
    deployed_configuration,
    deployed_configurations,
    deployed_dag_ids,
    deployed_names,
    near_configurations,
)
from airflow_triggers.gateway.run_columns import DagRunColumns
from airflow_triggers.gateway.runs import (
    RETURN_KEY,
    NewRun,
    RunXComs,
    annotate_run,
    check_runnable,
    create_run,
    finish_clearing,
    has_run,
    hold_run,
    missing_dags,
    near_dag_ids,
    read_xcoms,
    see_run,
    skip_run,
    skipped_itself,
    task_states,
)

__all__ = [
    "RETURN_KEY",
    "DagRunColumns",
    "Deployment",
    "ManifestText",
    "NewRun",
    "RunXComs",
    "annotate_run",
    "check_runnable",
    "create_run",
    "dag_states",
    "deployed_configuration",
    "deployed_configurations",
    "deployed_dag_ids",
    "deployed_names",
    "deployment",
    "deployments",
    "finish_clearing",
    "has_run",
    "hold_run",
    "manifest_text",
    "missing_dags",
    "near_configurations",
    "near_dag_ids",
    "read_xcoms",
    "see_run",
    "skip_run",
    "skipped_itself",
    "task_states",
]
