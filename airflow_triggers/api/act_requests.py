"""The bodies of acts on instances by hand: a status, metadata.

Neighbours: ``requests.py`` has replays and skips; ``domain/acts.py`` has the acts, ``routes/instances.py`` reads these.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from airflow_triggers.api.fields import Form
from airflow_triggers.api.requests import KWARGS_EXAMPLE, JsonObject, Request
from airflow_triggers.domain.acts import CASCADING_STATUSES, STATUSES_BY_HAND, SetMetadata, SetStatus
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.validation import KEPT_METADATA


def _known_status(status: Any) -> Any:
    if status not in list(InstanceStatus):
        raise ValueError(f"must be one of: {', '.join(STATUSES_BY_HAND)}")
    return status


StatusByHand = Annotated[
    InstanceStatus,
    BeforeValidator(_known_status),
    Form({"enum": [status.value for status in STATUSES_BY_HAND]}),
]
"""The document lists the statuses that people may set; the act refuses the others."""

InstanceMetadata = Annotated[JsonObject, Form({"propertyNames": {"not": {"enum": sorted(KEPT_METADATA)}}})]
"""The document names the framework's own keys; the act refuses them."""

METADATA_EXAMPLE = {"ticket": "OPS-17"}


class SetInstanceStatus(Request):
    """A status to set by hand."""

    status: StatusByHand = Field(
        description="The status. `scheduled` and `running` are refused: only a runner sets them. So is `replayed`.",
        examples=["finished"],
    )
    metadata: InstanceMetadata = Field(
        {}, description="Merged into the instance's metadata.", examples=[METADATA_EXAMPLE]
    )
    cascade: bool = Field(
        False,
        strict=True,
        description=f"Also fire the task's name; only with {' or '.join(CASCADING_STATUSES)}.",
    )
    result: JsonObject | None = Field(
        None, description="The kwargs of that cascade; kept in the metadata.", examples=[KWARGS_EXAMPLE]
    )

    def to_act(self) -> SetStatus:
        """The act.

        :raises InvalidStatus: when people cannot set the status, or no cascade can follow it.
        :raises InvalidMetadata: when the metadata sets a key of the framework.
        """
        return SetStatus(status=self.status, metadata=self.metadata, cascade=self.cascade, result=self.result)


class SetInstanceMetadata(Request):
    """Metadata to merge into an instance's."""

    metadata: InstanceMetadata = Field(
        min_length=1,
        description="Each key replaces the instance's value of the same key; its other keys stay.",
        examples=[METADATA_EXAMPLE],
    )

    def to_act(self) -> SetMetadata:
        """The act.

        :raises InvalidMetadata: when the metadata sets a key of the framework.
        """
        return SetMetadata(metadata=self.metadata)
