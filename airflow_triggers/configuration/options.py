"""Airflow's own options for a trigger task: which there are, and whether they belong to its DAG or its operator.

Neighbours: ``parse.py`` refuses unknown ones, ``compile.py`` passes them on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

RESULT_TASK_ID = "result_task_id"
"""For a ``run`` that is a DAG: the task whose return value is the result."""

DAG_OPTIONS = frozenset(
    {
        "access_control",
        "dag_display_name",
        "dagrun_timeout",
        "description",
        "is_paused_upon_creation",
        "max_active_runs",
        "max_active_tasks",
        "owner_links",
        "tags",
    }
)

OPERATOR_OPTIONS = frozenset(
    {
        "email",
        "email_on_failure",
        "email_on_retry",
        "execution_timeout",
        "executor",
        "executor_config",
        "max_active_tis_per_dag",
        "max_retry_delay",
        "owner",
        "pool",
        "pool_slots",
        "priority_weight",
        "queue",
        "retries",
        "retry_delay",
        "retry_exponential_backoff",
        "run_as_user",
        "weight_rule",
    }
)

DURATIONS = frozenset({"dagrun_timeout", "execution_timeout", "max_retry_delay", "retry_delay"})
"""Options written as a number of seconds."""


def unknown_options(options: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each option that Airflow does not have, or whose duration is no number."""
    known = DAG_OPTIONS | OPERATOR_OPTIONS | {RESULT_TASK_ID}
    for option, value in options.items():
        if option not in known:
            near = get_close_matches(str(option), known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Known are: {', '.join(sorted(known))}."
            yield f"'airflow' has the option {option!r}, which is unknown.{hint}"
        elif option in DURATIONS and (isinstance(value, bool) or not isinstance(value, int | float)):
            yield f"'airflow' has {option!r} {value!r}, expected a number of seconds."
