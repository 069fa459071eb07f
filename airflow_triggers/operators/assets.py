"""The assets of triggers: each event of such an asset fires its trigger, wherever the event comes from.

Neighbours: ``domain/asset_uris.py`` names them, the controller reads their events.
"""

from __future__ import annotations

from airflow.sdk import Asset

from airflow_triggers.domain.asset_uris import ANY_TRIGGER, SCHEME, uri_of
from airflow_triggers.domain.validation import validate_trigger_name
from airflow_triggers.errors import InvalidTrigger

GROUP = "triggers"


def trigger_asset(trigger_name: str, *, configuration: str | None = None) -> Asset:
    """The asset of a trigger, for the ``outlets`` of any task.

    .. code-block:: python

        page_received = trigger_asset("pageReceived", configuration="questionnaire")


        @task(outlets=[page_received])
        def load(respondent, *, outlet_events):
            # The partition key is the session's UID.
            outlet_events[page_received].add_partitions(respondent)
            outlet_events[page_received].extra = {"kwargs": {"page": 3}}

    When the task has succeeded, the trigger is fired once, with the ``kwargs`` of ``extra``. The partition key is the
    session's UID; without a key of its own, the event has the key of the task's run. "Create asset event" in Airflow's
    pages and REST API does the same.

    :param configuration: a deployed configuration's name: with it, a first event creates the session.
    :raises InvalidTrigger: when a name is outside the allowed form.
    """
    uri = uri_of(validate_trigger_name(trigger_name), _configuration_name(configuration))
    return Asset(name=f"trigger {uri.removeprefix(SCHEME)}", uri=uri, group=GROUP)


def any_trigger_asset() -> Asset:
    """The asset of :class:`FireTriggerOperator`: its events' ``extra`` names the trigger."""
    return Asset(name="any trigger", uri=ANY_TRIGGER, group=GROUP)


def _configuration_name(name: object) -> str | None:
    if name is None or (isinstance(name, str) and name.strip()):
        return name
    raise InvalidTrigger(
        f"The 'configuration' of a trigger's asset is a deployed configuration's name, or is left out; found {name!r}."
    )
