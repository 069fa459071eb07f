"""Hands DAGs, and what is wrong with a configuration, to the Airflow that parses a DAG file.

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

log = logging.getLogger(__name__)


def register(dags: Iterable[DAG]) -> None:
    """Have the DAG file that is being parsed own the DAGs, as ``with DAG(…):`` in it would."""
    for dag in dags:
        with dag:
            pass


@contextmanager
def of_no_dag_file() -> Iterator[str | None]:
    """Keep DAGs out of the file being parsed: modules with callables may be DAG files of their own.

    :returns: the path of the file being parsed; None if there is none.
    """
    module_name = DagContext.current_autoregister_module_name
    DagContext.current_autoregister_module_name = None
    try:
        yield getattr(sys.modules.get(module_name or ""), "__file__", None)
    finally:
        DagContext.current_autoregister_module_name = module_name


class BrokenConfiguration(DAG):
    """Makes what is wrong with a configuration an import error of its own, while the DAG file's other DAGs load.

    An import error of the DAG file itself would not do: Airflow then marks every DAG of that file as stale
    (``_update_import_errors``), and no session could run anything. So this travels as a DAG; asked to validate, it
    enters the error into the bag that asks, under the configuration's own file, and has itself left out.

    :param path: the configuration's file; None for one that is written in the DAG file.
    """

    def __init__(self, path: Path | None, error: ConfigurationError) -> None:
        source = str(path or error.source)
        name = re.sub(r"[^\w.-]", "_", source)[-150:]
        # Two sources may become one name; the digest keeps their DAGs apart.
        digest = hashlib.sha256(source.encode(errors="surrogateescape")).hexdigest()[:16]
        super().__init__(f"broken_configuration.{name}.{digest}", schedule=None)
        self._path, self._error = path, error

    def validate(self) -> None:
        """Report the error. See the class."""
        frame = inspect.currentframe()
        bag = frame.f_back.f_locals.get("self") if frame and frame.f_back else None
        errors = getattr(bag, "import_errors", None)
        if not isinstance(errors, dict):
            raise self._error
        path = self._path or Path(str(self.fileloc)) / str(self._error.source)
        text = plain(str(self._error))
        errors[plain(_relative(path, getattr(bag, "bundle_path", None)))] = f"ConfigurationError: {text}"
        log.warning("A configuration cannot be used: %s", text)
        raise AirflowClusterPolicySkipDag


def _relative(path: Path, bundle_path: Any) -> str:
    """The path as Airflow names files: within the bundle, if it is."""
    inside = bundle_path is not None and path.is_relative_to(bundle_path)
    return str(path.relative_to(bundle_path) if inside else path)
