"""TriggerSessionSensor: a task that waits for a session, and holds no worker slot meanwhile.

Neighbours: ``condition.py`` says what it waits for, ``waiting.py`` waits in the triggerer, ``hooks/`` has the
connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, NoReturn

from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
)

from airflow_triggers.domain.instances import InstanceStatus, parse_instance_name
from airflow_triggers.domain.validation import excerpt, validate_session_uid, validate_trigger_name
from airflow_triggers.errors import InvalidTrigger
from airflow_triggers.hooks import DEFAULT_CONN_ID, TriggersHook
from airflow_triggers.operators.templates import TemplatedNames

POKE_INTERVAL = 30.0
FINISHED = (InstanceStatus.FINISHED.value,)
FAILURES = (AirflowFailException, AirflowSensorTimeout, AirflowTaskTimeout)
"""The errors that ``soft_fail`` turns into a skip, in Airflow's sensors."""

STATUSES = tuple(status.value for status in InstanceStatus)


class TriggerSessionSensor(TemplatedNames, BaseSensorOperator):
    """Waits until a session is resolved, one of its instances has a status, or a trigger has fired.

    .. code-block:: python

        TriggerSessionSensor(task_id="wait", session_uid="{{ dag_run.conf['respondent'] }}")
        TriggerSessionSensor(task_id="wait", session_uid="…", instance="t_importSubject#0", fail_early=True)
        TriggerSessionSensor(task_id="wait", session_uid="…", trigger="responsesLoaded", timeout=3600)

    It asks over REST, this deployment too: tasks and the triggerer have no database in Airflow 3. A session that does
    not exist yet is waited for. While the deployment is away, the sensor goes on waiting.

    Its result is ``{"session": …}``, ``{"instance": …, "status": …, "result": …}`` or ``{"trigger": …, "kwargs": …,
    "fired_at": …}``.

    :param session_uid: the session's UID; may be a template.
    :param instance: an instance's name, such as ``t_importSubject#0``; may be a template.
    :param statuses: one of these the instance must have; None: ``finished``.
    :param trigger: a trigger's name; may be a template.
    :param fail_early: fail as soon as the instance has another status that only a repair changes. Without ``instance``:
        as soon as any instance of the session has failed.
    :param conn_id: a connection of the type ``triggers``.
    :param deferrable: wait in the triggerer. False: wait in the worker, in Airflow's ``mode``.
    :param poke_interval: seconds between two looks.
    :param timeout: seconds to wait at most. Then the task fails, or is skipped with ``soft_fail``.
    :raises InvalidTrigger: when both ``instance`` and ``trigger`` are given, ``statuses`` without ``instance``, or a
        status that does not exist.
    """

    names = ("session_uid", "instance", "trigger")
    consequence = "TriggerSessionSensor waits for nothing"
    template_fields = ("session_uid", "instance", "trigger")
    ui_color = "#e4f0e2"

    def __init__(
        self,
        *,
        session_uid: str,
        instance: str | None = None,
        statuses: Sequence[str] | None = None,
        trigger: str | None = None,
        fail_early: bool = False,
        conn_id: str = DEFAULT_CONN_ID,
        deferrable: bool = True,
        poke_interval: timedelta | float = POKE_INTERVAL,
        **options: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **options)
        if instance is not None and trigger is not None:
            raise InvalidTrigger(
                f"{self.consequence}: it has both 'instance' ({instance!r}) and 'trigger' ({trigger!r}); expected is "
                "one of them, or neither for the whole session."
            )
        if statuses is not None and instance is None:
            raise InvalidTrigger(
                f"{self.consequence}: it has 'statuses' ({excerpt(statuses)}) without 'instance'; expected is the "
                "instance that shall have one of them."
            )
        self.session_uid, self.instance, self.trigger = session_uid, instance, trigger
        self.statuses = _checked_statuses(FINISHED if statuses is None else statuses)
        self.fail_early, self.conn_id, self.deferrable = fail_early, conn_id, deferrable
        self._waits_for = tuple(name for name in ("instance", "trigger") if getattr(self, name) is not None)
        self._read_parameters(self.template_fields)

    def execute(self, context: Any) -> Any:
        """Look once, and defer if there is nothing yet; or wait in the worker.

        :raises InvalidTrigger, InvalidSessionUid: when a rendered value is outside the allowed form.
        :raises AirflowSkipException: when the waiting has failed, with ``soft_fail`` or ``never_fail``.
        """
        self._check()
        if not self.deferrable:
            return super().execute(context)
        first_look = self._first_look(context)
        if first_look.is_done:
            return first_look.xcom_value
        return self._defer()

    def _first_look(self, context: Any) -> PokeReturnValue:
        """A look whose errors count as in Airflow's own ``execute``, which would not defer after it."""
        try:
            return self.poke(context)
        except AirflowSkipException:
            raise
        except FAILURES as failure:
            if self.soft_fail:
                raise AirflowSkipException("Skipping due to soft_fail is set to True.") from failure
            if self.never_fail:
                raise AirflowSkipException("Skipping due to never_fail is set to True.") from failure
            raise
        except Exception as error:
            if self.silent_fail:
                self.log.exception("The first look failed.")
                return PokeReturnValue(is_done=False)
            if self.never_fail:
                raise AirflowSkipException("Skipping due to never_fail is set to True.") from error
            raise

    def _defer(self) -> NoReturn:
        from airflow_triggers.sensors.waiting import SessionTrigger

        trigger = SessionTrigger(
            conn_id=self.conn_id,
            session_uid=self.session_uid,
            poke_interval=self.poke_interval,
            **self._condition_arguments(),
        )
        self.defer(trigger=trigger, method_name="execute_complete", timeout=timedelta(seconds=self.timeout))

    def poke(self, context: Any) -> PokeReturnValue:
        """One look.

        :raises AirflowFailException: when ``fail_early`` ends the waiting.
        :raises airflow_triggers_client.TriggersClientError: when the deployment refuses the request.
        """
        with TriggersHook(self.conn_id).get_conn() as client:
            # The client is an optional package: it is there by now.
            from airflow_triggers.sensors.condition import SessionCondition, look

            outcome = look(client, self.session_uid, SessionCondition(**self._condition_arguments()))
        if outcome is None:
            return PokeReturnValue(is_done=False)
        return PokeReturnValue(is_done=True, xcom_value=self._result_of(**asdict(outcome)))

    def execute_complete(self, context: Any, event: Mapping[str, Any]) -> dict[str, Any]:
        """The triggerer has ended the waiting.

        :param event: the fields of an ``Outcome``, or ``error``.
        :raises AirflowFailException: when ``fail_early`` ended it.
        :raises RuntimeError: when the deployment refused the triggerer's request. ``soft_fail`` does not hide this.
        """
        if "error" in event:
            raise RuntimeError(event["error"])
        return self._result_of(**event)

    def _result_of(self, *, has_come: bool, value: dict[str, Any], reason: str) -> dict[str, Any]:
        if not has_come:
            raise AirflowFailException(f"Session {self.session_uid!r}: {reason}")
        return value

    def _check(self) -> None:
        """:raises InvalidTrigger, InvalidSessionUid: when a rendered value is outside the allowed form."""
        validate_session_uid(self._text("session_uid"))
        for name in self._waits_for:
            value = self._text(name)
            if name == "trigger":
                validate_trigger_name(value)
            else:
                _check_instance_name(value)

    def _condition_arguments(self) -> dict[str, Any]:
        return {
            "instance": self.instance,
            "statuses": self.statuses if self.instance is not None else (),
            "trigger": self.trigger,
            "fail_early": self.fail_early,
        }


def _checked_statuses(statuses: Sequence[str]) -> tuple[str, ...]:
    names = (statuses,) if isinstance(statuses, str) else tuple(map(str, statuses))
    if not names or set(names) - set(STATUSES):
        raise InvalidTrigger(
            f"{TriggerSessionSensor.consequence}: 'statuses' is {excerpt(list(names))}; expected are some of "
            f"{', '.join(STATUSES)}."
        )
    return names


def _check_instance_name(name: str) -> None:
    try:
        parse_instance_name(name)
    except ValueError:
        raise InvalidTrigger(
            f"{TriggerSessionSensor.consequence}: 'instance' is {excerpt(name)}; expected is the name of a task "
            "instance, such as 't_importSubject#0'."
        ) from None
