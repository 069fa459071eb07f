"""Finds the configuration of a test: a mapping, a YAML file, or a name.

Neighbours: ``configuration/load.py`` reads files; ``acts.py`` configures sessions with the result.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow_triggers.configuration.load import SUFFIXES, load_configuration
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.errors import UnknownConfiguration
from airflow_triggers.testing.near import did_you_mean

ConfigurationSource = Mapping[str, Any] | Configuration | str | os.PathLike[str]
"""Task name → directives; a parsed configuration; a YAML file's path; or its name (``"questionnaire"``)."""


def default_folders() -> tuple[Path, ...]:
    """The folders of configurations, unless a test names others."""
    return Path.cwd() / "dags", Path.cwd()


def configuration_file(source: str | os.PathLike[str], folders: Sequence[Path]) -> Path:
    """The YAML file with this path or name, from the first folder with such a file.

    :raises UnknownConfiguration: naming the folders, with a suggestion.
    """
    path = Path(source)
    names = [path] if path.suffix in SUFFIXES else [Path(f"{path}{suffix}") for suffix in SUFFIXES]
    for folder in folders:
        for name in names:
            if (file := folder / name).is_file():
                return file
    where = [folder / path.parent for folder in folders]
    files_by_stem = {file.stem: file for folder in where if folder.is_dir() for file in folder.iterdir()}
    stems = [stem for stem, file in files_by_stem.items() if file.suffix in SUFFIXES]
    searched_folders = ", ".join(dict.fromkeys(str(folder) for folder in where))
    hint = did_you_mean(path.stem if path.suffix in SUFFIXES else path.name, stems)
    raise UnknownConfiguration(
        f"There is no configuration {str(source)!r}: expected the name or the path of a YAML file in "
        f"{searched_folders}.{hint}"
    )


def read_configuration(
    source: ConfigurationSource, folders: Sequence[Path]
) -> tuple[Mapping[str, Any] | Configuration, Path | None]:
    """The configuration of the source, and the folder of its file if it is a file.

    :raises UnknownConfiguration: when there is no such file.
    :raises ConfigurationError: when the file cannot be used.
    """
    if not isinstance(source, (str, os.PathLike)):
        return source, None
    path = configuration_file(source, folders)
    return load_configuration(path), path.parent
