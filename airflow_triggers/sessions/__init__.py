"""The life of sessions that Airflow's processes share.

``opening.py`` opens, creates and fires into sessions, ``describing.py`` lists and describes them, ``batches.py`` fires
into many at once, ``delayed_fires.py`` lists and cancels fires that are still to come.
"""

from airflow_triggers.domain.fires import DelayedFire, Fire
from airflow_triggers.domain.names import dag_ids_of
from airflow_triggers.sessions.describing import (
    InstanceView,
    SessionDescription,
    SessionSummary,
    configuration_of,
    configurations_of_sessions,
    configured_as,
    describe_session,
    fires_of,
    list_sessions,
    reading,
    shown_description,
)
from airflow_triggers.sessions.opening import (
    Concealed,
    KeptSession,
    SessionFire,
    check_session,
    create_session,
    deployed_configuration,
    fire_into,
    kept_sessions,
    manager_of,
    open_session,
    uid_taken,
)

__all__ = [
    "Concealed",
    "DelayedFire",
    "Fire",
    "InstanceView",
    "KeptSession",
    "SessionDescription",
    "SessionFire",
    "SessionSummary",
    "check_session",
    "configuration_of",
    "configurations_of_sessions",
    "configured_as",
    "create_session",
    "dag_ids_of",
    "deployed_configuration",
    "describe_session",
    "fire_into",
    "fires_of",
    "kept_sessions",
    "list_sessions",
    "manager_of",
    "open_session",
    "reading",
    "shown_description",
    "uid_taken",
]
