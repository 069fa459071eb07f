"""How a configuration's parts are named in Airflow: DAG ids, tags, which DAG a task runs, and pages of sessions.

Neighbours: ``configuration/compile.py`` makes the DAGs under these names; the runner and the API look them up. The
servers know nothing more about a ``run``: they cannot import what only DAG files can.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlencode

from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.errors import ConfigurationError

MANIFEST_TAG = "triggers"
"""The tag of every manifest DAG."""


DOUBTS = "doubts"
"""The key in a manifest's content for doubts about DAG ids: by task, why a function may be meant."""


COMPILED_TASK_ID = "run"
"""The id of a compiled DAG's only task."""


FORM = frozenset({"session_uid", "trigger_kwargs"})
"""The params of a compiled DAG. Airflow asks for them when somebody triggers the DAG by hand."""


RUN_ID_PREFIX = "triggers__"
"""The prefix of all run ids made for sessions."""


CONFIGURATION_TAG_PREFIX = "triggers:"

MAX_DAG_ID_LENGTH = 250

MAX_COMPILED_DAG_ID_BYTES = 248
"""The limit for compiled DAGs. The log folder of a DAG is named ``dag_id=…``, with 255 bytes at most."""

MAX_CONFIGURATION_NAME_LENGTH = 100 - len(CONFIGURATION_TAG_PREFIX)
"""Airflow's tags have at most 100 characters."""

_DAG_ID = re.compile(r"[\w.-]+")
_CALLABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


SESSION_LINK = "Session"
"""The button on a task instance's page that leads to its session; :data:`INSTANCE_LINK` leads to its instance."""

INSTANCE_LINK = "Instance"

PAGE = "plugin/triggers"
"""Our page in Airflow, relative to Airflow's own address."""


class RunKind(StrEnum):
    """What a task's ``run`` is."""

    CALLABLE = "callable"  #: ``module:function``, compiled to a DAG with one operator
    OPERATOR = "operator"  #: a mapping with ``operator``, compiled to a DAG with that operator
    DAG = "dag"  #: the id of a deployed DAG, run as it is


def run_kind(run: str | Mapping[str, Any]) -> RunKind:
    """The kind of a ``run`` in the canonical form of manifests and sessions (a callable has a colon)."""
    if not isinstance(run, str):
        return RunKind.OPERATOR
    return RunKind.CALLABLE if ":" in run else RunKind.DAG


def is_dag_id(text: str) -> bool:
    """Whether Airflow accepts it as a DAG's id."""
    return len(text) <= MAX_DAG_ID_LENGTH and _DAG_ID.fullmatch(text) is not None


def is_compiled_dag_id(text: str) -> bool:
    """Whether Airflow accepts it as a DAG's id, and can keep its logs."""
    return is_dag_id(text) and len(text.encode()) <= MAX_COMPILED_DAG_ID_BYTES


def is_callable_path(text: str) -> bool:
    """Whether it has the form ``package.module:function``."""
    return _CALLABLE.fullmatch(text) is not None


def configuration_tag(name: str) -> str:
    """The tag of all compiled DAGs of a configuration: ``triggers:questionnaire``."""
    return f"{CONFIGURATION_TAG_PREFIX}{name}"


def manifest_dag_id(name: str) -> str:
    """The id of the DAG with the whole configuration: the configuration's name."""
    return name


def compiled_dag_id(name: str, task_name: str) -> str:
    """``questionnaire.t_importSubject``."""
    return f"{name}.{task_name}"


def compiled_dag_ids_of(configuration: Configuration) -> frozenset[str]:
    """The DAGs compiled from a deployed configuration: its manifest, and one for each callable and operator."""
    name = str(configuration.name)
    tasks = (task for task in configuration if run_kind(task.run) is not RunKind.DAG)
    return frozenset({manifest_dag_id(name), *(compiled_dag_id(name, task.name) for task in tasks)})


def dag_id_of(configuration: Configuration, task: TaskConfig) -> str:
    """The DAG for an instance of the task.

    :raises ConfigurationError: when a configuration made at run time has a callable or an operator: only a deployed
        configuration can compile it to a DAG.
    """
    kind = run_kind(task.run)
    if kind is RunKind.DAG:
        return str(task.run)
    if configuration.name is None:
        raise ConfigurationError(
            f"task {task.name!r}: 'run' is the {kind.value} {task.run!r}, expected the id of a deployed DAG: a "
            "configuration made at run time cannot compile one (a trigger task's DAG is fine, "
            "'questionnaire.t_import')."
        )
    return compiled_dag_id(configuration.name, task.name)


def dag_ids_of(configuration: Configuration) -> dict[str, str | None]:
    """The DAG of each task, by task name; None: another runner starts it, without a DAG."""
    return {task.name: _dag_id_or_none(configuration, task) for task in configuration}


def session_page(session_uid: str) -> str:
    """The URL of a session's page, relative to Airflow's own address.

    >>> session_page("order 1")
    'plugin/triggers?view=session&session=order%201'
    """
    return _page(view="session", session=session_uid)


def instance_page(session_uid: str, instance_name: str) -> str:
    """The URL of an instance's page, relative to Airflow's own address."""
    return _page(view="session", session=session_uid, instance=instance_name)


def _page(**query: str) -> str:
    return f"{PAGE}?{urlencode(query, quote_via=quote, safe='')}"


def _dag_id_or_none(configuration: Configuration, task: TaskConfig) -> str | None:
    try:
        return dag_id_of(configuration, task)
    except ConfigurationError:
        return None
