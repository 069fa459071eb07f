"""The DAG files of a folder, read in this process as the DAG processor reads them. No database.

Neighbours: ``configuration/check.py`` looks at what they declare.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from airflow.dag_processing.importers import get_importer_registry
from airflow.sdk import DAG
from airflow.utils.file import list_py_file_paths


@dataclass(frozen=True, kw_only=True)
class DagFile:
    """A DAG file.

    :param errors: why it, or a part of it, cannot be imported: a traceback each.
    """

    path: Path
    dags: tuple[DAG, ...]
    errors: tuple[str, ...]


def dag_files(folder: Path) -> Iterator[DagFile]:
    """Import the DAG files in the folder and below, in the order of their paths. Airflow's own rule selects them."""
    for file in sorted(list_py_file_paths(folder)):
        importer = get_importer_registry().get_importer(file)
        if importer is None:
            continue
        result = importer.import_file(file, bundle_path=folder, bundle_name=None)
        errors = tuple(error.stacktrace or error.message for error in result.errors)
        yield DagFile(path=Path(file), dags=tuple(result.dags), errors=errors)
