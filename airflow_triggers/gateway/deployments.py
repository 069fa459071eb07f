"""Everything that Airflow knows of deployed configurations, for people: rules, YAML as written, import errors.

Neighbours: ``manifests.py`` reads the rules alone, for those who act; ``configuration/compile.py`` makes the manifests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from airflow.models.dag import DagModel, DagTag
from airflow.models.dag_version import DagVersion
from airflow.models.errors import ParseImportError
from airflow.models.serialized_dag import SerializedDagModel
from sqlalchemy import ColumnElement, Row, func, select, tuple_
from sqlalchemy.orm import Session

from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.names import DOUBTS, MANIFEST_TAG
from airflow_triggers.gateway.import_errors import OTHERS_LOAD
from airflow_triggers.gateway.manifests import compiled_configuration, manifest_document

SUFFIXES = (".yaml", ".yml")
OF_ITS_DAG_FILE = "Its DAG file cannot be imported. Airflow's list of import errors says why."


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A configuration in Airflow.

    :param configuration: as last compiled. When its file is broken now, these are the rules from before.
    :param is_deployed: whether sessions of it can be made; not when its manifest DAG is stale.
    :param import_error: why its present file, or its DAG file, cannot be used; None: it can.
    """

    configuration: Configuration
    is_deployed: bool
    import_error: str | None

    @property
    def name(self) -> str:
        """The configuration's name, which is also the id of its manifest DAG."""
        return str(self.configuration.name)


@dataclass(frozen=True, kw_only=True)
class ManifestText:
    """What a manifest has for people beside the rules.

    :param yaml: the configuration's file as written; None: it has none, or is too large.
    :param doubts: by task, why the id of its DAG may be a slip, as a sentence.
    """

    yaml: str | None = None
    doubts: Mapping[str, str] = field(default_factory=dict)


def deployments(
    session: Session, *, after: str | None = None, limit: int = 100
) -> tuple[list[Deployment], str | None]:
    """Configurations in the order of their names: those deployed, and those whose present file is broken.

    :param after: only names after this one.
    :param limit: how many manifests are looked at, at most. Some may be left out: stale ones.
    :returns: the configurations, and the name to go on after; None: there are no more.
    """
    query = _manifest_rows().order_by(DagModel.dag_id).limit(limit)
    if after is not None:
        query = query.where(DagModel.dag_id > after)
    rows = session.execute(query).all()
    return list(_deployments_of(session, rows)), rows[-1].dag_id if len(rows) == limit else None


def deployment(session: Session, name: str) -> Deployment | None:
    """The configuration with this name; None when there is none."""
    rows = session.execute(_manifest_rows().where(DagModel.dag_id == name)).all()
    return next(_deployments_of(session, rows), None)


def manifest_text(session: Session, name: str) -> ManifestText:
    """The YAML and the doubts in the manifest of a configuration; empty when it is gone."""
    model = SerializedDagModel.get(name, session=session)
    if model is None:
        return ManifestText()
    document = manifest_document(model)
    doubts = json.loads(document["doc_json"]).get(DOUBTS, {})
    return ManifestText(yaml=document.get("doc_yaml"), doubts=doubts)


def _manifest_rows() -> Any:
    newest = (
        select(func.max(DagVersion.version_number))
        .where(DagVersion.dag_id == DagModel.dag_id)
        .correlate(DagModel)
        .scalar_subquery()
    )
    return (
        select(
            DagModel.dag_id,
            DagModel.is_stale,
            DagModel.relative_fileloc,
            DagModel.bundle_name,
            SerializedDagModel.dag_hash,
        )
        .join(DagTag, (DagTag.dag_id == DagModel.dag_id) & (DagTag.name == MANIFEST_TAG))
        .join(DagVersion, (DagVersion.dag_id == DagModel.dag_id) & (DagVersion.version_number == newest))
        .join(SerializedDagModel, SerializedDagModel.dag_version_id == DagVersion.id)
    )


def _deployments_of(session: Session, rows: Sequence[Row[Any]]) -> Iterator[Deployment]:
    errors = _errors_of(session, rows)
    for row in rows:
        import_error = errors.get(row.dag_id)
        if row.is_stale and import_error is None:
            # It was taken out of its folder.
            continue
        configuration = compiled_configuration(session, row.dag_id, row.dag_hash)
        if configuration is not None:
            yield Deployment(
                configuration=configuration, is_deployed=not row.is_stale, import_error=import_error
            )


# -- import errors ----------------------------------------------------------------------------------------------


def _errors_of(session: Session, rows: Sequence[Row[Any]]) -> dict[str, str]:
    """By name, the import error of each configuration that has one."""
    entries = session.execute(_entries_about(rows)).all() if rows else []
    return {
        row.dag_id: error
        for row in rows
        if (error := _error_of(row, [entry for entry in entries if entry.bundle_name == row.bundle_name]))
    }


def _entries_about(rows: Iterable[Row[Any]]) -> Any:
    """The import errors of the DAG files, and of the bundles' YAML files: outside of the DAG processor they have own
    entries.
    """
    entry = ParseImportError
    files = {(row.relative_fileloc, row.bundle_name) for row in rows if row.relative_fileloc}
    is_yaml: ColumnElement[bool] = entry.filename.endswith(SUFFIXES[0]) | entry.filename.endswith(SUFFIXES[1])
    in_bundle = entry.bundle_name.in_({row.bundle_name for row in rows})
    return select(entry.filename, entry.bundle_name, entry.stacktrace).where(
        tuple_(entry.filename, entry.bundle_name).in_(files) | (is_yaml & in_bundle)
    )


def _error_of(row: Row[Any], entries: Iterable[Any]) -> str | None:
    for entry in entries:
        path = PurePosixPath(entry.filename or "")
        text = entry.stacktrace or ""
        if path.suffix in SUFFIXES and path.stem == row.dag_id:
            return text.removeprefix("ConfigurationError: ")
        if entry.filename == row.relative_fileloc:
            if (own_text := _own_part(row.dag_id, text)) is not None:
                return own_text
            if not text.partition("\n")[0].endswith(OTHERS_LOAD):
                return OF_ITS_DAG_FILE
    return None


def _own_part(name: str, text: str) -> str | None:
    """The part of a DAG file's error about the configuration with this name; see ``import_errors.py``."""
    beginnings = tuple(f"{name}{suffix}: " for suffix in (*SUFFIXES, ""))
    return next((part for part in text.split("\n\n") if part.startswith(beginnings)), None)
