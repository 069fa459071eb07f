"""Import errors of single configurations, entered under their DAG file while its other DAGs stay active.

At every refresh of a bundle, Airflow deletes import errors whose name is no DAG file. For an error under a DAG file's
name, Airflow marks every DAG of this file as stale. So configurations' errors go under the DAG file's name, and the
process that writes them skips the mark. Neighbours: ``listener.py`` prepares the DAG processor;
``configuration/dag_file.py`` enters the errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import event, false, inspect, select
from sqlalchemy.orm import ORMExecuteState, Session

OTHERS_LOAD = "The other DAGs of this file are active."
"""The end of the first line of a file's import error, if nothing else is wrong with the file."""

_state = {"spares": False}


def spare_other_dags() -> None:
    """Have this process leave DAGs active when it writes an import error of single configurations.

    Its forks, which parse DAG files, know of it: see :func:`spares_other_dags`.
    """
    if not _state["spares"]:
        event.listen(Session, "do_orm_execute", _spare)
        _state["spares"] = True


def spares_other_dags() -> bool:
    """Whether :func:`spare_other_dags` prepared the process that writes the errors of files parsed here."""
    return _state["spares"]


class FileErrors(dict[str, str]):
    """A bag's import errors by file, those of single configurations and Airflow's own side by side.

    Airflow keeps one text for each file. The texts of configurations are sorted, so the text of a file is the same
    after each parse.
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(errors)
        self._airflow_errors = dict(errors)
        self._configuration_errors: dict[str, dict[str, str]] = {}

    def add(self, file: str, source: str, text: str) -> None:
        """Add the error of one configuration of a DAG file.

        :param source: where the configuration stands. It sorts the texts of a file.
        """
        self._configuration_errors.setdefault(file, {})[source] = text
        self._write(file)

    def __setitem__(self, file: str, text: str) -> None:
        self._airflow_errors[file] = text
        self._write(file)

    def update(self, *errors: Any, **named_errors: str) -> None:
        """Enter errors of Airflow's own, as ``dict.update``."""
        for file, text in dict(*errors, **named_errors).items():
            self[file] = text

    def _write(self, file: str) -> None:
        texts = self._configuration_errors.get(file, {})
        parts = [text for _, text in sorted(texts.items())]
        if file in self._airflow_errors:
            parts = [self._airflow_errors[file], *parts]
        elif parts:
            count = "1 configuration" if len(parts) == 1 else f"{len(parts)} configurations"
            parts = [f"ConfigurationError: {count} of this DAG file cannot be used. {OTHERS_LOAD}", *parts]
        super().__setitem__(file, "\n\n".join(parts))


def _spare(state: ORMExecuteState) -> None:
    """Let Airflow's stale mark match no row when only configurations of the file are wrong."""
    # Airflow's models are imported late: a process that parses DAG files imports this module, too.
    from airflow.models.dag import DagModel
    from airflow.models.errors import ParseImportError

    if not state.is_update or state.bind_mapper is not inspect(DagModel):
        return
    statement: Any = state.statement
    parameters = statement.compile().params
    file, bundle = parameters.get("relative_fileloc_1"), parameters.get("bundle_name_1")
    if not parameters.get("has_import_errors") or file is None or bundle is None:
        return
    entry = select(ParseImportError.stacktrace).where(
        ParseImportError.filename == file, ParseImportError.bundle_name == bundle
    )
    # Airflow's sessions do not flush by themselves, so a new error may still be pending.
    state.session.flush()
    if _is_of_configurations_only(state.session.scalar(entry)):
        state.statement = statement.where(false())


def _is_of_configurations_only(text: str | None) -> bool:
    return (text or "").partition("\n")[0].endswith(OTHERS_LOAD)
