"""Operator parameters from templates or other tasks: checks them, and says what is wrong.

Jinja writes a missing value as ``None`` or as nothing, and Airflow passes on whatever another task returned.
Neighbours: ``fire.py`` asks for the values of its parameters here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from jinja2 import Environment, Undefined

from airflow_triggers.domain.validation import JsonFlaw, excerpt, parse_json
from airflow_triggers.errors import InvalidSessionUid, InvalidTrigger

_FIND = "Make sure that what it reads is there (an XCom of a task that has run, a key of the run's conf)."
_QUOTE = (
    "Give it as text. In a DAG with render_template_as_native_obj, text that reads like a Python value becomes one, "
    "unless the template is in quotes: \"'{{ … }}'\"."
)
_AS_JSON = (
    "Give the task's output itself (trigger_kwargs=my_task.output), or write the template with the filter tojson: "
    '"{{ … | tojson }}".'
)


@dataclass(frozen=True)
class TemplatedParameter:
    """A parameter as the DAG file has it.

    :param consequence: what its operator does without a value: the start of an error.
    :param template: the text of its template. For another task's output: the template which would read it. None for
        any other value.
    """

    name: str
    template: str | None
    consequence: str

    @classmethod
    def of(cls, name: str, value: object, *, consequence: str) -> TemplatedParameter:
        """The parameter, before anything is rendered."""
        template = str(value) if isinstance(value, str) or hasattr(value, "resolve") else None
        return cls(name, template, consequence)

    def text(self, value: object) -> str:
        """The value, if it is a text, not empty, and not Jinja's ``None``.

        :raises InvalidTrigger, InvalidSessionUid: otherwise.
        """
        if isinstance(value, str) and value and (value != "None" or self.template == value):
            return value
        is_empty = value is None or isinstance(value, str | Undefined)
        raise self.refusal(value, "a string that is not empty", advice=_FIND if is_empty else _QUOTE)

    def mapping(self, value: object) -> Mapping[str, Any]:
        """The value, if it is a mapping or the JSON text of one.

        :raises InvalidTrigger: otherwise.
        """
        form = "a mapping, or the JSON text of one"
        if isinstance(value, Mapping):
            return value
        if value is None or isinstance(value, Undefined) or value in ("", "None"):
            raise self.refusal(value, form, advice=f"{_FIND} To fire without kwargs, give {{}}.")
        if not isinstance(value, str):
            raise self.refusal(value, form, advice="Let the task that gives it return a mapping.")
        try:
            content = parse_json(value)
        except JsonFlaw as flaw:
            raise self.refusal(value, f"JSON, which {flaw}", advice="Mend the template.") from None
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise self.refusal(value, form, advice=_AS_JSON)
        return content

    def refusal(self, value: object, form: str, *, advice: str) -> InvalidTrigger | InvalidSessionUid:
        """The error: it names the parameter, its template, the result, the expected value, and what to do."""
        result = "an undefined value" if isinstance(value, Undefined) else excerpt(value)
        literal = self.template is None or (isinstance(value, str) and value == self.template)
        gave = result if literal else f"{excerpt(self.template)}, which gave {result}"
        sentence = f"{self.consequence}: {self.name!r} is {gave}; expected is {form}. {advice}"
        return InvalidSessionUid(sentence) if self.name == "session_uid" else InvalidTrigger(sentence)


class TemplatedNames:
    """An operator's part: it refuses a name whose template finds nothing, and says which.

    :cvar names: the templated parameters with text as their value.
    :cvar consequence: what the operator does without a value: the start of an error.
    """

    names: ClassVar[tuple[str, ...]] = ()
    consequence: ClassVar[str] = ""
    _parameters: dict[str, TemplatedParameter]

    def _read_parameters(self, names: Sequence[str]) -> None:
        """Take the parameters as the DAG file has them, before anything is rendered."""
        self._parameters = {
            name: TemplatedParameter.of(name, getattr(self, name), consequence=self.consequence)
            for name in names
        }

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
        operator: Any = super()
        for name in self.names:
            if isinstance(content, str) and content == self._parameters[name].template:
                environment = jinja_env or operator.get_template_env()
                jinja_env = refusing_nothing(environment, self._parameters[name])
                break
        return operator.render_template(content, context, jinja_env, seen_oids)

    def _text(self, name: str) -> str:
        """The rendered value. :raises InvalidTrigger, InvalidSessionUid: when it is no text, or empty."""
        return self._parameters[name].text(getattr(self, name))


def refusing_nothing(environment: Environment, parameter: TemplatedParameter) -> Environment:
    """The environment, with an error for each expression that is None or undefined.

    Otherwise ``order-{{ nothing }}`` would become the name ``order-None``.
    """
    if environment.finalize is not None:
        return environment

    def refuse_nothing(value: Any) -> Any:
        if value is None or isinstance(value, Undefined):
            raise parameter.refusal(value, "a string that is not empty", advice=_FIND)
        return value

    return environment.overlay(finalize=refuse_nothing)
