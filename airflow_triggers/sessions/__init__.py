"""The life of sessions shared by Airflow's processes.

``opening.py`` opens, creates and fires into sessions; ``records.py`` says where each is kept, ``configuring.py`` gives
it its configuration. ``describing.py`` lists and describes sessions, ``batches.py`` fires into many at once,
``delayed_fires.py`` lists and cancels fires still to come. ``deleting.py`` deletes one session, ``cleaning.py`` many
old ones; ``resolution.py`` says which are resolved.
"""

from airflow_triggers.domain.fires import DelayedFire, Fire
from airflow_triggers.domain.names import dag_ids_of
from airflow_triggers.sessions.configuring import deployed_configuration, near_configurations
from airflow_triggers.sessions.deleting import delete_session
from airflow_triggers.sessions.describing import (
    WHOLE,
    Bounds,
    InstanceDescription,
    InstanceView,
    SessionDescription,
    SessionSummary,
    configuration_of,
    configurations_of_sessions,
    configured_as,
    describe_instance,
    describe_session,
    fires_of,
    list_sessions,
    promised_hook_of,
    reading,
    shown_description,
    shown_instance_description,
)
from airflow_triggers.sessions.opening import create_session, fire_into, fire_request, open_session, uid_taken
from airflow_triggers.sessions.records import SessionRecord, manager_of, record_of, records_of

__all__ = [
    "WHOLE",
    "Bounds",
    "DelayedFire",
    "Fire",
    "InstanceDescription",
    "InstanceView",
    "SessionDescription",
    "SessionRecord",
    "SessionSummary",
    "configuration_of",
    "configurations_of_sessions",
    "configured_as",
    "create_session",
    "dag_ids_of",
    "delete_session",
    "deployed_configuration",
    "describe_instance",
    "describe_session",
    "fire_into",
    "fire_request",
    "fires_of",
    "list_sessions",
    "manager_of",
    "near_configurations",
    "open_session",
    "promised_hook_of",
    "reading",
    "record_of",
    "records_of",
    "shown_description",
    "shown_instance_description",
    "uid_taken",
]
