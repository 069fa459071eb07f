"""Answers about what is installed: managers, storages and runners.

Neighbours: ``manager/installed.py`` lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from airflow_triggers.manager.installed import InstalledExtension


@dataclass(frozen=True, kw_only=True)
class ExtensionAnswer:
    """A manager, a storage or a runner.

    :param class_path: the dotted path of its class; None: it cannot be loaded, or may not be shown.
    :param description: the first sentence of its class's docstring; None: it has none.
    :param problem: why it cannot be used, as a sentence; None: it can.
    """

    name: str
    class_path: str | None
    description: str | None
    problem: str | None

    @classmethod
    def of(cls, extension: InstalledExtension) -> ExtensionAnswer:
        """The answer for an extension."""
        return cls(
            name=extension.name,
            class_path=extension.class_path,
            description=extension.description,
            problem=extension.problem,
        )

    def in_short(self) -> ExtensionAnswer:
        """The answer for readers to whom Airflow does not show its plugins: without packages and modules."""
        return replace(self, class_path=None, problem=CANNOT_BE_USED if self.problem else None)


CANNOT_BE_USED = "It cannot be used. Airflow's plugins page and the server's log say why."


@dataclass(frozen=True, kw_only=True)
class ExtensionsAnswer:
    """Everything installed, each kind sorted by name."""

    managers: tuple[ExtensionAnswer, ...]
    storages: tuple[ExtensionAnswer, ...]
    runners: tuple[ExtensionAnswer, ...]

    @classmethod
    def of(
        cls, extensions: Mapping[str, tuple[InstalledExtension, ...]], *, in_short: bool = False
    ) -> ExtensionsAnswer:
        """The answer for extensions by kind.

        :param in_short: see :meth:`ExtensionAnswer.in_short`.
        """
        answers = {
            kind: tuple(
                answer.in_short() if in_short else answer for answer in map(ExtensionAnswer.of, installed)
            )
            for kind, installed in extensions.items()
        }
        return cls(**answers)
