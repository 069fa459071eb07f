"""Deployed configurations, as the DAG processor compiled them: read from their manifest DAGs.

Neighbours: ``configuration/compile.py`` makes those DAGs in other processes; ``sessions/`` asks here.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from airflow.models.dag import DagModel, DagTag
from airflow.models.dag_version import DagVersion
from airflow.models.serialized_dag import SerializedDagModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from airflow_triggers.domain.configuration import Configuration
from airflow_triggers.domain.names import MANIFEST_TAG, is_dag_id
from airflow_triggers.errors import UnknownConfiguration

_manifests: dict[str, tuple[str, Configuration]] = {}


def deployed_configuration(session: Session, name: str) -> Configuration:
    """The configuration of this name as the DAG processor last compiled it, read from its manifest DAG.

    :raises UnknownConfiguration: when no deployed configuration has this name. The error names similar ones.
    """
    if not is_dag_id(name):
        # The database is not asked for a name that it could not hold.
        raise _unknown_configuration(session, name)
    latest = (
        select(DagModel.is_stale, SerializedDagModel.dag_hash)
        .join(DagTag, (DagTag.dag_id == DagModel.dag_id) & (DagTag.name == MANIFEST_TAG))
        .join(DagVersion, DagVersion.dag_id == DagModel.dag_id)
        .join(SerializedDagModel, SerializedDagModel.dag_version_id == DagVersion.id)
        .where(DagModel.dag_id == name)
        .order_by(DagVersion.version_number.desc())
        .limit(1)
    )
    row = session.execute(latest).one_or_none()
    if row is None or row.is_stale:
        raise _unknown_configuration(session, name)
    configuration = compiled_configuration(session, name, row.dag_hash)
    if configuration is None:
        raise _unknown_configuration(session, name)
    return configuration


def deployed_configurations(session: Session, names: Collection[str]) -> dict[str, Configuration]:
    """The deployed configurations among the names, each as last compiled."""
    newest = (
        select(func.max(DagVersion.version_number))
        .where(DagVersion.dag_id == DagModel.dag_id)
        .correlate(DagModel)
        .scalar_subquery()
    )
    query = (
        select(DagModel.dag_id, SerializedDagModel.dag_hash)
        .join(DagTag, (DagTag.dag_id == DagModel.dag_id) & (DagTag.name == MANIFEST_TAG))
        .join(DagVersion, (DagVersion.dag_id == DagModel.dag_id) & (DagVersion.version_number == newest))
        .join(SerializedDagModel, SerializedDagModel.dag_version_id == DagVersion.id)
        .where(DagModel.dag_id.in_(names), ~DagModel.is_stale)
    )
    rows = session.execute(query).all() if names else []
    configurations = {row.dag_id: compiled_configuration(session, row.dag_id, row.dag_hash) for row in rows}
    return {
        name: configuration for name, configuration in configurations.items() if configuration is not None
    }


def compiled_configuration(session: Session, name: str, dag_hash: str) -> Configuration | None:
    """The configuration in the manifest with this hash, from memory if it was read before; None when it is gone."""
    cache_entry = _manifests.get(name)
    if cache_entry and cache_entry[0] == dag_hash:
        return cache_entry[1]
    model = SerializedDagModel.get(name, session=session)
    if model is None:
        return None
    configuration = replace(_read_manifest(model), deployed_at=model.last_updated)
    _manifests[name] = (model.dag_hash, configuration)
    return configuration


def deployed_names(session: Session) -> list[str]:
    """The names of all deployed configurations, sorted."""
    query = (
        select(DagModel.dag_id)
        .join(DagTag, (DagTag.dag_id == DagModel.dag_id) & (DagTag.name == MANIFEST_TAG))
        .where(~DagModel.is_stale)
        .order_by(DagModel.dag_id)
    )
    return list(session.scalars(query))


def near_configurations(session: Session, name: str, *, limit: int = 5) -> list[Configuration]:
    """Deployed configurations with names similar to this one, the most similar first."""
    near = get_close_matches(name, deployed_names(session), n=limit)
    configurations = deployed_configurations(session, near)
    return [configurations[near_name] for near_name in near if near_name in configurations]


def deployed_dag_ids(session: Session) -> frozenset[str]:
    """The ids of all deployed DAGs, whoever wrote them."""
    return frozenset(session.scalars(select(DagModel.dag_id).where(~DagModel.is_stale)))


def _read_manifest(model: SerializedDagModel) -> Configuration:
    return Configuration.from_dict(json.loads(manifest_document(model)["doc_json"]))


def manifest_document(model: SerializedDagModel) -> dict[str, Any]:
    """The serialized task of a manifest DAG that carries the configuration, as ``doc_json``."""
    tasks = (model.data or {})["dag"]["tasks"]
    documents: list[dict[str, Any]] = [task["__var"] for task in tasks if "doc_json" in task["__var"]]
    return documents[0]


def _unknown_configuration(session: Session, name: str) -> UnknownConfiguration:
    names = deployed_names(session)
    near = get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return UnknownConfiguration(
        f"There is no deployed configuration {name!r}; deployed are: {', '.join(names) or 'none'}.{hint}"
    )
