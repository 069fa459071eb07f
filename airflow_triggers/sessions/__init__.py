"""The life of sessions that Airflow's processes share.

``opening.py`` opens, creates and fires into sessions, by what ``records.py`` says of them and what ``configuring.py``
gives them. ``describing.py`` lists and describes them, ``batches.py`` fires into many at once, ``delayed_fires.py``
lists and cancels fires that are still to come. ``deleting.py`` deletes one session, ``cleaning.py`` those of a time
that is over; ``resolution.py`` tells them which are resolved.
"""

from airflow_triggers.domain.fires import DelayedFire, Fire
from airflow_triggers.domain.names import dag_ids_of
from airflow_triggers.sessions.configuring import deployed_configuration
from airflow_triggers.sessions.deleting import delete_session
from airflow_triggers.sessions.describing import (
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
    "open_session",
    "promised_hook_of",
    "reading",
    "record_of",
    "records_of",
    "shown_description",
    "shown_instance_description",
    "uid_taken",
]
