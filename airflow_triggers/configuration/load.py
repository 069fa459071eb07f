"""Reads configurations from YAML files; errors have file and line.

Neighbours: ``yaml_document.py`` reads the YAML, ``parse.py`` validates it; ``compile.py`` loads a folder.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import yaml

from airflow_triggers.configuration.parse import parse_configuration
from airflow_triggers.configuration.yaml_document import MAX_FILE_SIZE, read_document, sentence_of
from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.errors import ConfigurationError
from airflow_triggers.sentences import sentence

SUFFIXES = (".yaml", ".yml")


def configuration_files(folder: Path) -> list[Path]:
    """The folder's YAML files, sorted: each is a configuration, named like the file. Hidden files are left out.

    :raises ConfigurationError: when there is no such folder.
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise ConfigurationError(
            sentence(f"cannot read the folder of configurations {str(folder)!r}", error)
        ) from error
    return [
        path for path in paths if path.suffix in SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]


def load_configuration(path: Path) -> Configuration:
    """Read one file. The configuration has its text as ``source``.

    :raises ConfigurationError: naming the file, and the line where YAML itself is wrong.
    """
    try:
        text = read_text(path)
    except (UnicodeDecodeError, OSError) as error:
        raise ConfigurationError(f"{error}, expected YAML in UTF-8.", source=path.name) from error
    return read_configuration(text, name=path.stem, source=path.name)


def read_configuration(text: str, *, name: str | None, source: str | None = None) -> Configuration:
    """Read the text of a file. The configuration has it as ``source``.

    :param name: the configuration's name; None: it has none yet.
    :param source: where it was read, for messages.
    :raises ConfigurationError: naming the line where YAML itself is wrong.
    """
    try:
        content = read_document(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(sentence_of(error), source=source) from error
    return replace(parse_configuration(content, name=name, source=source), source=text)


def read_text(path: Path) -> str:
    """The text of a configuration's file.

    :raises ConfigurationError: when the file is too large.
    :raises UnicodeDecodeError: when it is not UTF-8.
    :raises OSError: when it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(MAX_FILE_SIZE + 1)
    if len(content) > MAX_FILE_SIZE:
        raise ConfigurationError(
            f"the file has more than {MAX_FILE_SIZE} bytes, expected {MAX_FILE_SIZE} at most: use several files.",
            source=path.name,
        )
    return content.decode("utf-8")
