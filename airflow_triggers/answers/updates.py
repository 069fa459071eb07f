"""Answers about updates of a session's rules.

Neighbours: ``sessions/updates.py`` updates; ``api/update_models.py`` documents the keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.domain.reconcile import Preview


@dataclass(frozen=True, kw_only=True)
class UpdateAnswer:
    """What an update did, or would do, to the session's instances, by name.

    :param preview: whether nothing was written.
    :param version: the hash of the session's rules afterwards.
    :param tasks: all tasks of the session afterwards.
    """

    preview: bool
    version: str
    tasks: tuple[str, ...]
    created: tuple[str, ...]
    scheduled: tuple[str, ...]
    changed: tuple[str, ...]
    abandoned: tuple[str, ...]

    @classmethod
    def of(cls, effect: Preview, *, preview: bool) -> UpdateAnswer:
        """The answer for the effect of an update."""
        return cls(
            preview=preview,
            version=effect.configuration.version,
            tasks=tuple(sorted(effect.configuration.tasks)),
            created=_names(effect.create),
            scheduled=_names(effect.starting),
            changed=_names(change.after for change in effect.change),
            abandoned=_names(change.after for change in effect.abandon),
        )


def _names(instances: Iterable[TaskInstance]) -> tuple[str, ...]:
    return tuple(sorted(instance.name for instance in instances))
