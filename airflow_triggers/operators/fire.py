"""FireTriggerOperator: fires a trigger from any DAG, without credentials.

Neighbours: ``assets.py`` has the asset, whose event carries the fire to the controller; ``templates.py`` checks
parameters from templates and other tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseOperator
from jinja2 import Environment

from airflow_triggers.domain.validation import (
    validate_idempotency_key,
    validate_session_uid,
    validate_trigger_kwargs,
    validate_trigger_name,
)
from airflow_triggers.operators.assets import any_trigger_asset
from airflow_triggers.operators.templates import TemplatedParameter, refusing_nothing

NAMES = ("trigger", "session_uid", "configuration", "idempotency_key")
"""The parameters with text as their value."""

OPTIONAL = ("trigger_kwargs", "configuration", "idempotency_key")

_LEFT_OUT: Any = object()
"""The default of an optional parameter. A mapped task gets every parameter as a value, and None is a value."""


class FireTriggerOperator(BaseOperator):
    """Fires a trigger into a session, once, when its task has succeeded.

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
    :param idempotency_key: makes the fire count once in the session's life. Without it, each success of the task fires.
    """

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
        **options: Any,
    ) -> None:
        super().__init__(**_with_outlet(options))
        self.trigger, self.session_uid = trigger, session_uid
        self.trigger_kwargs = dict(trigger_kwargs) if isinstance(trigger_kwargs, Mapping) else trigger_kwargs
        self.configuration, self.idempotency_key = configuration, idempotency_key
        is_mapped = _is_mapped(self)
        self._absent = {name for name in OPTIONAL if _is_absent(getattr(self, name), is_mapped=is_mapped)}
        for name in self._absent:
            setattr(self, name, None)
        self._parameters = {
            name: TemplatedParameter.of(name, getattr(self, name)) for name in self.template_fields
        }

    @classmethod
    def partial(cls, **options: Any) -> Any:
        """For dynamic task mapping: a mapped task needs its outlet too, otherwise Airflow does not know the asset."""
        present_options = {
            name: value for name, value in options.items() if value is not None or name not in OPTIONAL
        }
        return super().partial(**_with_outlet(present_options))

    def render_template(
        self,
        content: Any,
        context: Any,
        jinja_env: Environment | None = None,
        seen_oids: set[int] | None = None,
    ) -> Any:
        """Render as every operator does, but refuse a name when its template finds nothing.

        :raises InvalidTrigger: when an expression of a name's template gives None or is undefined.
        """
        for name in NAMES:
            if isinstance(content, str) and content == self._parameters[name].template:
                environment = jinja_env or self.get_template_env()
                jinja_env = refusing_nothing(environment, self._parameters[name])
                break
        return super().render_template(content, context, jinja_env, seen_oids)

    def execute(self, context: Any) -> None:
        """Put the fire into this task's asset event. After the task's success the controller reads the event and fires.

        :raises InvalidTrigger, InvalidSessionUid: when a rendered value is outside the allowed form.
        """
        # No SessionUid: Airflow encodes the extra with msgspec, which refuses subclasses of str.
        extra = {
            "trigger": validate_trigger_name(self._text("trigger")),
            "session_uid": validate_session_uid(self._text("session_uid")),
            "kwargs": self._kwargs(),
        }
        if self._is_named("configuration"):
            extra["configuration"] = self._text("configuration")
        if self._is_named("idempotency_key"):
            extra["idempotency_key"] = validate_idempotency_key(self._text("idempotency_key"))
        context["outlet_events"][any_trigger_asset()].extra = extra

    def _is_named(self, name: str) -> bool:
        return name not in self._absent or getattr(self, name) is not None

    def _text(self, name: str) -> str:
        return self._parameters[name].text(getattr(self, name))

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


def _with_outlet(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the asset among the outlets, once."""
    asset, outlets = any_trigger_asset(), list(options.get("outlets") or ())
    return {**options, "outlets": outlets if asset in outlets else [*outlets, asset]}
