"""Validates and converts trigger kwargs by a schema of pydantic models or types.

Neighbours: ``context.py`` offers it as ``context.filter_kwargs``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, create_model

from airflow_triggers.domain.configuration import TriggerKwargs
from airflow_triggers.errors import InvalidTriggerKwargs

KwargsSchema = Mapping[str, Any]
"""Trigger → the type of its kwargs: a pydantic model, a mapping of field → type or (type, default), or another type."""

_MAX_SHOWN = 80


def filter_kwargs(trigger_kwargs: TriggerKwargs, schema: KwargsSchema) -> dict[str, Any]:
    """The kwargs of the schema's triggers, converted: a model's instance, a dict of the fields, or a value of the type.

    Triggers and fields outside the schema are left out; a trigger without kwargs counts as ``{}``.

    :raises InvalidTriggerKwargs: when kwargs do not fit; it lists every wrong field of every trigger.
    :raises TypeError: when the schema itself cannot be used.
    """
    values, problems = {}, []
    for trigger, trigger_schema in schema.items():
        try:
            values[trigger] = _convert(trigger, trigger_schema, trigger_kwargs.get(trigger, {}))
        except ValidationError as error:
            problems += [(trigger, *problem) for problem in _problems(error)]
    if problems:
        raise InvalidTriggerKwargs(problems)
    return values


def _convert(trigger: str, trigger_schema: Any, kwargs: Any) -> Any:
    if not isinstance(trigger_schema, Mapping):
        return _adapter(trigger, trigger_schema).validate_python(kwargs)
    fields = {f"f{at}": _field(name, kind) for at, (name, kind) in enumerate(trigger_schema.items())}
    try:
        model = create_model(trigger, __config__=ConfigDict(arbitrary_types_allowed=True), **fields)
    except Exception as error:
        raise TypeError(f"The schema of the trigger {trigger!r} cannot be used: {error}") from error
    model_instance = model.model_validate(kwargs)
    return {name: getattr(model_instance, key) for key, name in zip(fields, trigger_schema, strict=True)}


def _field(name: str, kind: Any) -> Any:
    """A field with any name. The name is an alias, so even a name forbidden by Python or pydantic works."""
    from pydantic import Field

    annotation, *default = kind if isinstance(kind, tuple) else (kind,)
    return annotation, Field(*default or (...,), alias=name)


def _adapter(trigger: str, trigger_schema: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(trigger_schema)
    except Exception as error:
        raise TypeError(
            f"The schema of the trigger {trigger!r} is {trigger_schema!r}, expected a pydantic model, a mapping of "
            f"field → type, or a type: {error}"
        ) from error


def _problems(error: ValidationError) -> Iterator[tuple[str, str, str]]:
    for problem in error.errors(include_url=False):
        input_text = repr(problem["input"])
        missing = problem["type"] == "missing"
        excerpt = "nothing" if missing else input_text[:_MAX_SHOWN] + "…" * (len(input_text) > _MAX_SHOWN)
        yield ".".join(str(part) for part in problem["loc"]), problem["msg"], excerpt
