"""FireTriggerOperator: fires a trigger from any DAG, without credentials.

Neighbours: ``assets.py`` has the asset whose event carries the fire to the controller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseOperator

from airflow_triggers.operators.assets import any_trigger_asset
from airflow_triggers.validation import validate_session_uid, validate_trigger_kwargs, validate_trigger_name


class FireTriggerOperator(BaseOperator):
    """Fires a trigger into a session, once, when its task has succeeded.

    .. code-block:: python

        FireTriggerOperator(
            task_id="tell",
            trigger="responsesLoaded",
            session_uid="{{ dag_run.conf['respondent'] }}",
            trigger_kwargs={"rows": "{{ ti.xcom_pull(task_ids='load') }}"},
            configuration="questionnaire",
        )

    :param trigger: the trigger's name (templated).
    :param session_uid: the session's UID (templated).
    :param trigger_kwargs: the trigger's kwargs (templated).
    :param configuration: a deployed configuration's name (templated): with it, a first fire creates the session.
    :param idempotency_key: makes the fire count once for the life of the session (templated); without it, each
        success of the task counts.
    """

    template_fields = ("trigger", "session_uid", "trigger_kwargs", "configuration", "idempotency_key")
    ui_color = "#e4f0e2"

    def __init__(
        self,
        *,
        trigger: str,
        session_uid: str,
        trigger_kwargs: Mapping[str, Any] | None = None,
        configuration: str | None = None,
        idempotency_key: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**_with_outlet(options))
        self.trigger, self.session_uid, self.trigger_kwargs = trigger, session_uid, dict(trigger_kwargs or {})
        self.configuration, self.idempotency_key = configuration, idempotency_key

    @classmethod
    def partial(cls, **options: Any) -> Any:
        """For dynamic task mapping: a mapped task declares its outlet too, or Airflow does not know the asset."""
        return super().partial(**_with_outlet(options))

    def execute(self, context: Any) -> None:
        """Have the controller fire, by the event that the success of this task makes.

        :raises InvalidTrigger, InvalidSessionUid: when what the templates gave is outside the allowed form.
        """
        asked = {
            "trigger": validate_trigger_name(self.trigger),
            "session_uid": validate_session_uid(self.session_uid),
            "kwargs": validate_trigger_kwargs(self.trigger_kwargs),
            "configuration": self.configuration,
            "idempotency_key": self.idempotency_key,
        }
        event = context["outlet_events"][any_trigger_asset()]
        event.extra = {key: value for key, value in asked.items() if value is not None}


def _with_outlet(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the asset among the outlets, once."""
    asset, others = any_trigger_asset(), list(options.get("outlets") or ())
    return {**options, "outlets": others if asset in others else [*others, asset]}
