"""A trigger task's report besides its result: why it failed, what it logged, what it asks for.

Neighbours: ``task/`` fills it in. From a worker it travels as an XCom to the ``controller/``, from a thread directly;
the manager applies it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from airflow_triggers.domain import jsonb
from airflow_triggers.domain.configuration import Kwargs, TriggerKwargs
from airflow_triggers.domain.failures import reported_exception
from airflow_triggers.domain.fires import FireRequest
from airflow_triggers.domain.metadata import COOLDOWN, EXCEPTION_CONTEXT, LOG_LEVEL, RETRIES
from airflow_triggers.domain.validation import (
    MAX_RETRIES,
    excerpt,
    json_text,
    parse_json,
    validate_cooldown,
    validate_instance_metadata,
    validate_replacement_kwargs,
    validate_trigger_kwargs,
)
from airflow_triggers.errors import InvalidReport, TriggersError

REPORT_KEY = "triggers_report"
"""The XCom that carries the report of a task in a worker."""

TEXT_KEY = "json"
"""The only key of a report sent as JSON text."""


@dataclass(frozen=True, kw_only=True)
class RequestedReplay:
    """How to replay a failed instance.

    :param replacement_kwargs: ``{trigger: kwargs}`` for the clone; None: the same.
    :param cooldown: seconds until the clone runs; None: at once.
    :param retries: how many replays in a row the task itself asked for, this one included; 0: somebody else did.
    :raises InvalidTrigger: when the kwargs are outside the allowed form.
    :raises InvalidCooldown: when the cooldown is no number of seconds, or longer than a year.
    :raises InvalidReport: when the retries are no whole number within a database column's range.
    """

    replacement_kwargs: TriggerKwargs | None = None
    cooldown: Annotated[float | None, BeforeValidator(validate_cooldown)] = None
    retries: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "replacement_kwargs", validate_replacement_kwargs(self.replacement_kwargs))
        validate_cooldown(self.cooldown)
        if type(self.retries) is not int or not 0 <= self.retries <= MAX_RETRIES:
            range_text = f"expected a whole number from 0 to {MAX_RETRIES}"
            raise InvalidReport(f"The retries are {excerpt(self.retries)}, {range_text}.")

    @property
    def clone_metadata(self) -> dict[str, Any]:
        """The clone's metadata about the replay."""
        metadata = {COOLDOWN: self.cooldown, RETRIES: self.retries}
        return {key: value for key, value in metadata.items() if value}


@dataclass(frozen=True, kw_only=True)
class TaskReport:
    """A trigger task's report besides its result.

    :param exception: the failed task's exception, in the form of :func:`describe_exception`.
    :param metadata: to be attached to the instance.
    :param fires: the requested fires, in the order of their requests.
    :param log_level: the highest level seen by its logger.
    :param result: its return value, if ``jsonb`` would not keep it exactly.
    :raises InvalidMetadata, InvalidTrigger: when the metadata, the level or the result are outside the allowed form.
    """

    exception: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    fires: tuple[FireRequest, ...] = ()
    retry: RequestedReplay | None = None
    log_level: int = logging.NOTSET
    result: Kwargs | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "metadata", validate_instance_metadata(self.metadata))
        validate_instance_metadata({LOG_LEVEL: self.log_level})
        if self.result is not None:
            object.__setattr__(self, "result", validate_trigger_kwargs(self.result))
        if self.exception is not None:
            object.__setattr__(self, "exception", reported_exception(self.exception))

    @property
    def instance_metadata(self) -> dict[str, Any]:
        """The report's part of the instance's metadata."""
        level = {LOG_LEVEL: self.log_level} if self.log_level else {}
        return {**self.metadata, **(self.exception or {}), **level}

    def to_json(self) -> dict[str, Any]:
        """The filled fields, in JSON's own types: Airflow would turn a tuple into an object with a class name."""
        empty = asdict(TaskReport())
        filled_fields = {key: value for key, value in asdict(self).items() if value != empty[key]}
        plain: dict[str, Any] = json.loads(json.dumps(filled_fields, default=datetime.isoformat))
        return plain

    def to_xcom(self) -> dict[str, Any]:
        """The report as in :meth:`to_json`; as JSON text if ``jsonb`` would change one of the task's values."""
        content = self.to_json()
        values: list[Any] = [self.metadata, self.result, *(fire.trigger_kwargs for fire in self.fires)]
        values += [
            (self.exception or {}).get(EXCEPTION_CONTEXT),
            self.retry and self.retry.replacement_kwargs,
        ]
        return content if all(map(jsonb.survives, values)) else {TEXT_KEY: json_text(content)}

    @classmethod
    def from_json(cls, value: object) -> TaskReport:
        """Read the output of :meth:`to_json` or :meth:`to_xcom`. It may be forged: any code in a worker can write it.

        :raises InvalidReport: when it is outside the allowed form.
        """
        try:
            if isinstance(value, Mapping) and value.keys() == {TEXT_KEY}:
                value = parse_json(str(value[TEXT_KEY]))
            return _adapter.validate_python(value)
        except (ValidationError, TriggersError, ValueError) as error:
            raise InvalidReport(f"The task reported what cannot be used: {error}") from error


_adapter: TypeAdapter[TaskReport] = TypeAdapter(TaskReport)


def merge(reports: Iterable[TaskReport]) -> TaskReport:
    """The reports of a run's tasks as one. For a field with room for one value only, the first report counts."""
    ordered_reports = list(reports)
    return TaskReport(
        exception=next(
            (report.exception for report in ordered_reports if report.exception is not None), None
        ),
        metadata={
            key: value for report in reversed(ordered_reports) for key, value in report.metadata.items()
        },
        fires=tuple(fire for report in ordered_reports for fire in report.fires),
        retry=next((report.retry for report in ordered_reports if report.retry is not None), None),
        log_level=max((report.log_level for report in ordered_reports), default=logging.NOTSET),
        result=next((report.result for report in ordered_reports if report.result is not None), None),
    )
