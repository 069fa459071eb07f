"""Reads configurations from YAML files: safely, each key once, errors with file and line.

Neighbours: ``compile.py`` loads a folder and makes DAGs; ``parse.py`` validates.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from airflow_triggers.configuration.parse import parse_configuration
from airflow_triggers.errors import ConfigurationError
from airflow_triggers.types import Configuration

SUFFIXES = (".yaml", ".yml")


def configuration_files(folder: Path) -> list[Path]:
    """The folder's YAML files, sorted: each is a configuration, named like the file. Hidden files are none.

    :raises ConfigurationError: when there is no such folder.
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the folder of configurations {str(folder)!r}: {error}"
        ) from error
    return [it for it in paths if it.suffix in SUFFIXES and not it.name.startswith(".") and it.is_file()]


def load_configuration(path: Path) -> Configuration:
    """Read one file.

    :raises ConfigurationError: naming the file, and the line where YAML itself is wrong.
    """
    try:
        content = _read(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ConfigurationError(f"{line}{error.problem}, expected YAML.", source=path.name) from error
    except (yaml.YAMLError, ValueError, OSError) as error:
        raise ConfigurationError(f"{error}, expected YAML in UTF-8.", source=path.name) from error
    return parse_configuration(content, name=path.stem, source=path.name)


def _read(text: str) -> Any:
    """Read it by libyaml where PyYAML has it, which is several times as fast; errors are said by PyYAML itself."""
    try:
        return yaml.load(text, Loader=_FastLoader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader


class _OnceEach:
    """For a SafeLoader, which reads plain values only: a key that stands twice in a mapping is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:str" and key_node.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key_node.value!r} stands twice in one mapping",
                    problem_mark=key_node.start_mark,
                )
            seen.add(str(key_node.value))
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)  # type: ignore[misc]
        return mapping


class _Loader(_OnceEach, yaml.SafeLoader):
    pass


class _FastLoader(_OnceEach, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    pass
