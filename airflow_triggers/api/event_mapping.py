"""Which fire a CloudEvent asks for. The settings ``[triggers] cloudevents_…`` change the mapping.

Neighbours: ``cloud_events.py`` reads events; ``routes/cloud_events.py`` fires.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow.configuration import conf
from airflow.exceptions import AirflowConfigException
from cloudevents.core.v1.event import CloudEvent
from pydantic import TypeAdapter, ValidationError

from airflow_triggers.api.cloud_events import InvalidEvent
from airflow_triggers.api.fields import KeptName, ManagerName, TriggerName
from airflow_triggers.api.requests import BatchedFire, Request
from airflow_triggers.domain.configuration import MAX_KEY_LENGTH
from airflow_triggers.domain.fires import SessionFireRequest
from airflow_triggers.domain.validation import excerpt, parse_json
from airflow_triggers.errors import InvalidSessionUid, InvalidTrigger
from airflow_triggers.sentences import sentence

SECTION = "triggers"
FIRE_AT = "fireat"
"""The extension attribute for ``fire_at``. The event's own ``time`` is in the past."""


class Target(Request):
    """What events of a type fire: an entry of ``cloudevents_types``. An empty text: the entry does not say."""

    trigger: TriggerName = ""
    configuration: KeptName = ""
    manager: ManagerName = ""


_TARGETS = TypeAdapter(dict[str, Target])


@dataclass(frozen=True, kw_only=True)
class EventMapping:
    """The settings.

    :param targets: by the type of the event.
    :param type_prefix: the beginning of types that a trigger's name does not have.
    :param session_attribute: the attribute with the session's UID.
    :param configuration_attribute: the attribute with the configuration's name.
    """

    targets: Mapping[str, Target] = field(default_factory=dict)
    type_prefix: str = ""
    session_attribute: str = "subject"
    configuration_attribute: str = "configuration"

    @classmethod
    def from_settings(cls) -> EventMapping:
        """The mapping of Airflow's settings.

        :raises AirflowConfigException: when ``cloudevents_types`` is no JSON object of this form, or names a manager
            that is not installed.
        """
        return cls(
            targets=_targets(conf.get(SECTION, "cloudevents_types", fallback="") or ""),
            type_prefix=conf.get(SECTION, "cloudevents_type_prefix", fallback="") or "",
            session_attribute=conf.get(SECTION, "cloudevents_session_attribute", fallback="") or "subject",
            configuration_attribute=conf.get(SECTION, "cloudevents_configuration_attribute", fallback="")
            or "configuration",
        )

    def request_of(self, event: CloudEvent) -> SessionFireRequest:
        """The fire that the event asks for.

        :raises InvalidEvent: naming the attribute that no fire can have.
        """
        target = self.targets.get(event.get_type(), Target())
        attributes = event.get_attributes()
        session_uid = attributes.get(self.session_attribute)
        if session_uid is None:
            raise InvalidEvent(self.session_attribute, "this attribute is required: the session's UID")
        members = {
            "session_uid": session_uid,
            "trigger": target.trigger or event.get_type().removeprefix(self.type_prefix),
            "kwargs": _kwargs_of(event),
            "configuration": attributes.get(self.configuration_attribute, target.configuration or None),
            "manager": target.manager or None,
            "idempotency_key": idempotency_key_of(event),
            "fire_at": attributes.get(FIRE_AT),
        }
        return self._checked(members)

    def _checked(self, members: Mapping[str, Any]) -> SessionFireRequest:
        attribute_of = {
            "session_uid": self.session_attribute,
            "trigger": "type",
            "kwargs": "data",
            "configuration": self.configuration_attribute,
            "manager": "type",
            "idempotency_key": "id",
            "fire_at": FIRE_AT,
        }
        try:
            return BatchedFire.model_validate(members).to_request()
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            attribute = attribute_of[str(first["loc"][0])]
            raise InvalidEvent.from_check(attribute, first["msg"], excerpt(first["input"])) from error
        except InvalidSessionUid as error:
            session_text = excerpt(members["session_uid"])
            raise InvalidEvent.from_check(self.session_attribute, error, session_text) from error
        except InvalidTrigger as error:
            raise InvalidEvent.from_check("type", error, excerpt(members["trigger"])) from error


def idempotency_key_of(event: CloudEvent) -> str:
    """The key of the event: from its source and id, which identify it. A long one is replaced by its hash."""
    source, event_id = event.get_source(), event.get_id()
    key = f"cloudevent {source} {event_id}"
    # A source with a blank could be taken for another one with another id.
    if " " not in source and len(key) <= MAX_KEY_LENGTH and key.isprintable():
        return key
    text = json.dumps([source, event_id])
    return f"cloudevent sha256:{hashlib.sha256(text.encode('ascii')).hexdigest()}"


def _kwargs_of(event: CloudEvent) -> Mapping[str, Any]:
    data: Any = event.get_data()
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise InvalidEvent("data", "must be a JSON object, the trigger's kwargs", excerpt(data))
    return data


def _targets(text: str) -> dict[str, Target]:
    if not text.strip():
        return {}
    try:
        content = parse_json(text)
        if not isinstance(content, dict):
            raise ValueError("this is no object")
        entries = {
            kind: {"trigger": entry} if isinstance(entry, str) else entry for kind, entry in content.items()
        }
        return _TARGETS.validate_python(entries)
    except ValueError as error:
        form = (
            "[triggers] cloudevents_types is a JSON object, from the type of an event to the name of a trigger, or to "
            'an object {"trigger": …, "configuration": …, "manager": …}'
        )
        raise AirflowConfigException(sentence(f"{form}; found {excerpt(text)}", _flaw(error))) from error


def _flaw(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {str(first['msg']).removeprefix('Value error, ')}"
