"""Hands DAGs and the problems of configurations to Airflow while it parses a DAG file.

Neighbours: ``compile.py`` makes the DAGs.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow.exceptions import AirflowClusterPolicySkipDag
from airflow.sdk import DAG
from airflow.sdk.definitions._internal.contextmanager import DagContext

from airflow_triggers.configuration.foreign import plain
from airflow_triggers.errors import ConfigurationError
from airflow_triggers.gateway.import_errors import FileErrors, spares_other_dags

log = logging.getLogger(__name__)


def register(dags: Iterable[DAG]) -> None:
    """Register the DAGs with the DAG file being parsed, as ``with DAG(…):`` in the file does."""
    for dag in dags:
        # Airflow registers a DAG when its context ends.
        with dag:
            pass


def parsed_file() -> str | None:
    """The path of the DAG file being parsed; None if there is none."""
    module_name = DagContext.current_autoregister_module_name
    return getattr(sys.modules.get(module_name or ""), "__file__", None)


@contextmanager
def of_no_dag_file() -> Iterator[str | None]:
    """Keep DAGs out of the file being parsed: modules with callables may be DAG files of their own.

    :returns: the path of the file being parsed; None if there is none.
    """
    fileloc = parsed_file()
    module_name = DagContext.current_autoregister_module_name
    DagContext.current_autoregister_module_name = None
    try:
        yield fileloc
    finally:
        DagContext.current_autoregister_module_name = module_name


class BrokenConfiguration(DAG):
    """Turns the problems of a configuration into an import error, while the DAG file's other DAGs load.

    It is a DAG because an exception would prevent the file's other DAGs from loading. When Airflow's DAG bag validates
    it, it writes the error into the bag and makes the bag skip it. The error gets the DAG file's name: Airflow keeps it
    under this name until the next parse. In some processes such an error marks the file's other DAGs as stale (see
    ``gateway/import_errors.py``). There the error gets the configuration's own name.

    :param path: the configuration's file; None: the configuration is written in the DAG file.
    """

    def __init__(self, path: Path | None, error: ConfigurationError) -> None:
        source = str(path or error.source)
        name = re.sub(r"[^\w.-]", "_", source)[-150:]
        # Two sources may give the same name; the digest keeps their DAGs apart.
        digest = hashlib.sha256(source.encode(errors="surrogateescape")).hexdigest()[:16]
        super().__init__(f"broken_configuration.{name}.{digest}", schedule=None)
        self.path, self.error = path, error

    def validate(self) -> None:
        """Report the error. See the class."""
        # Airflow passes nothing to validate(): the DAG bag is the "self" of the calling frame.
        frame = inspect.currentframe()
        bag: Any = frame.f_back.f_locals.get("self") if frame and frame.f_back else None
        if not isinstance(getattr(bag, "import_errors", None), dict):
            raise self.error
        text = plain(str(self.error))
        bundle_path = getattr(bag, "bundle_path", None)
        if spares_other_dags():
            if not isinstance(bag.import_errors, FileErrors):
                bag.import_errors = FileErrors(bag.import_errors)
            dag_file = plain(_relative(Path(str(self.fileloc)), bundle_path))
            bag.import_errors.add(dag_file, str(self.path or self.error.source), text)
        else:
            path = self.path or Path(str(self.fileloc)) / str(self.error.source)
            bag.import_errors[plain(_relative(path, bundle_path))] = f"ConfigurationError: {text}"
        log.warning("A configuration cannot be used: %s", text)
        # The bag skips this DAG without an error of its own.
        raise AirflowClusterPolicySkipDag


def _relative(path: Path, bundle_path: Any) -> str:
    """The path as Airflow names files: relative to the bundle if the file is inside."""
    inside = bundle_path is not None and path.is_relative_to(bundle_path)
    return str(path.relative_to(bundle_path) if inside else path)
