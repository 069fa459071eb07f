"""FireTriggerOperator: fires a trigger from any DAG, into this deployment or over a connection into another one.

Neighbours: ``assets.py`` has the asset, whose event carries the fire to the controller; ``hooks/`` has the connection;
``templates.py`` checks parameters from templates and other tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseOperator

from airflow_triggers.domain.validation import (
    excerpt,
    validate_idempotency_key,
    validate_session_uid,
    validate_trigger_kwargs,
    validate_trigger_name,
)
from airflow_triggers.errors import InvalidTrigger
from airflow_triggers.hooks import TriggersHook
from airflow_triggers.operators.assets import any_trigger_asset
from airflow_triggers.operators.templates import TemplatedNames

NAMES = ("trigger", "session_uid", "configuration", "idempotency_key")
"""The parameters with text as their value."""

OPTIONAL = ("trigger_kwargs", "configuration", "idempotency_key")

_LEFT_OUT: Any = object()
"""The default of an optional parameter. A mapped task gets every parameter as a value, and None is a value."""


class FireTriggerOperator(TemplatedNames, BaseOperator):
    """Fires a trigger into a session, once.

    Without a connection it fires into this deployment when its task has succeeded, and needs no credentials. With a
    connection it fires at once over REST, into the deployment that the connection names.

    .. code-block:: python

        FireTriggerOperator(
            task_id="tell",
            trigger="responsesLoaded",
            session_uid="{{ dag_run.conf['respondent'] }}",
            trigger_kwargs={"rows": load.output},
            configuration="questionnaire",
        )

    Every parameter may be a template or the output of another task, in a mapped task too. If one of them turns out to
    be None, empty or of another type, the task fails and fires nothing.

    :param trigger: the trigger's name.
    :param session_uid: the session's UID.
    :param trigger_kwargs: the trigger's kwargs: a mapping, or the output of a task that returns one. Or a template: it
        renders to a mapping (in a DAG with ``render_template_as_native_obj``), or to the JSON text of one.
    :param configuration: a deployed configuration's name: with it, a first fire creates the session.
    :param idempotency_key: makes the fire count once in the session's life. Without it, each success of the task fires;
        with a connection, each task instance fires once, however often it is tried or cleared.
    :param conn_id: a connection of the type ``triggers``, to the deployment with the session; None: this one.
    """

    names = NAMES
    consequence = "FireTriggerOperator fires nothing"

    template_fields = ("trigger", "session_uid", "trigger_kwargs", "configuration", "idempotency_key")
    ui_color = "#e4f0e2"

    def __init__(
        self,
        *,
        trigger: str,
        session_uid: str,
        trigger_kwargs: Mapping[str, Any] | str | None = _LEFT_OUT,
        configuration: str | None = _LEFT_OUT,
        idempotency_key: str | None = _LEFT_OUT,
        conn_id: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**_with_outlet(options, conn_id))
        self.conn_id = conn_id
        self.trigger, self.session_uid = trigger, session_uid
        self.trigger_kwargs = dict(trigger_kwargs) if isinstance(trigger_kwargs, Mapping) else trigger_kwargs
        self.configuration, self.idempotency_key = configuration, idempotency_key
        is_mapped = _is_mapped(self)
        self._absent = {name for name in OPTIONAL if _is_absent(getattr(self, name), is_mapped=is_mapped)}
        for name in self._absent:
            setattr(self, name, None)
        self._read_parameters(self.template_fields)

    @classmethod
    def partial(cls, **options: Any) -> Any:
        """For dynamic task mapping: a mapped task needs its outlet too, otherwise Airflow does not know the asset."""
        present_options = {
            name: value for name, value in options.items() if value is not None or name not in OPTIONAL
        }
        return super().partial(**_with_outlet(present_options, options.get("conn_id")))

    def execute(self, context: Any) -> dict[str, Any] | None:
        """Put the fire into this task's asset event, or fire over the connection.

        After the task's success the controller reads the event and fires.

        :returns: with a connection: what the fire did, as REST answers it.
        :raises InvalidTrigger, InvalidSessionUid: when a rendered value is outside the allowed form.
        :raises airflow_triggers_client.TriggersClientError: when the deployment refuses the fire, or cannot be reached.
        """
        # No SessionUid: Airflow encodes the extra with msgspec, which refuses subclasses of str.
        extra: dict[str, Any] = {
            "trigger": validate_trigger_name(self._text("trigger")),
            "session_uid": validate_session_uid(self._text("session_uid")),
            "kwargs": self._kwargs(),
        }
        if self._is_named("configuration"):
            extra["configuration"] = self._text("configuration")
        if self._is_named("idempotency_key"):
            extra["idempotency_key"] = validate_idempotency_key(self._text("idempotency_key"))
        if self.conn_id is not None:
            return self._fire_over_rest(context, **extra)
        context["outlet_events"][any_trigger_asset()].extra = extra
        return None

    def _fire_over_rest(
        self, context: Any, *, session_uid: str, trigger: str, kwargs: dict[str, Any], **options: Any
    ) -> dict[str, Any]:
        options.setdefault("idempotency_key", TriggersHook.idempotency_key(context=context))
        with TriggersHook(str(self.conn_id)).get_conn() as client:
            self.log.info("Firing %r into session %r over %r.", trigger, session_uid, client)
            result = client.fire(session_uid, trigger, kwargs, **options)
        answer: dict[str, Any] = result.model_dump(mode="json")
        return answer

    def _is_named(self, name: str) -> bool:
        return name not in self._absent or getattr(self, name) is not None

    def _kwargs(self) -> dict[str, Any]:
        if not self._is_named("trigger_kwargs"):
            return {}
        return validate_trigger_kwargs(self._parameters["trigger_kwargs"].mapping(self.trigger_kwargs))


def _is_mapped(operator: BaseOperator) -> bool:
    """Whether Airflow is making the operator for one element of a mapped task."""
    # Airflow has no public name for it.
    return bool(getattr(operator, "_BaseOperator__from_mapped", False))


def _is_absent(value: object, *, is_mapped: bool) -> bool:
    return value is _LEFT_OUT or (value is None and not is_mapped)


def _with_outlet(options: Mapping[str, Any], conn_id: str | None) -> dict[str, Any]:
    """The options with the asset among the outlets, once; without it when the fire goes over a connection.

    :raises InvalidTrigger: when the connection's id is empty.
    """
    if conn_id is not None and not conn_id.strip():
        raise InvalidTrigger(
            f"{FireTriggerOperator.consequence}: 'conn_id' is {excerpt(conn_id)}; expected is the id of a connection, "
            "or None for this deployment."
        )
    asset = any_trigger_asset()
    outlets = [outlet for outlet in options.get("outlets") or () if outlet != asset]
    return {**options, "outlets": outlets if conn_id is not None else [*outlets, asset]}
