"""The client's types have every member of the REST API's answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_triggers_client import models
from airflow_triggers_client.cli.results import content_of

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs/openapi.json").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]

TYPES = {
    "ActBody": models.AllowedAct,
    "ActionableConfiguration": models.DeployedConfiguration,
    "ActionableDelayedFire": models.DelayedFire,
    "ActionableHook": models.Hook,
    "ActionableInstance": models.InstanceDetail,
    "ActionableSession": models.Session,
    "AssetEventBody": models.AssetEvent,
    "BulkActBody": models.BulkAct,
    "BulkPreviewBody": models.BulkPreview,
    "ChainedInstanceBody": models.ChainedInstance,
    "ConfigurationBody": models.ConfigurationSummary,
    "ExplanationBody": models.Explanation,
    "FireBody": models.FireRecord,
    "FireResultBody": models.FireResult,
    "HealthBody": models.Health,
    "HookCallBody": models.HookCall,
    "InstanceBody": models.Instance,
    "InstanceCountsBody": models.InstanceCounts,
    "InstanceGroupBody": models.InstanceGroup,
    "InstanceSummaryBody": models.InstanceSummary,
    "MigrationPageBody": models.MigrationPage,
    "OutcomeBody": models.InstanceOutcome,
    "RunBody": models.DagRun,
    "SessionBody": models.SessionSummary,
    "SessionDelayedFireBody": models.SessionDelayedFire,
    "SessionHookBody": models.SessionHook,
    "SessionMigrationBody": models.SessionMigration,
    "UpdateBody": models.ConfigurationUpdate,
    "ValidationBody": models.Validation,
    "VainFireBody": models.UnheardFire,
}


@pytest.mark.parametrize("schema", TYPES)
def test_a_type_has_every_member_of_an_answer(schema):
    assert SCHEMAS[schema]["properties"].keys() <= TYPES[schema].model_fields.keys()


INSTANCE = {
    "name": "t_x#1",
    "task": "t_x",
    "number": 1,
    "status": "finished",
    "kwargs": {},
    "missing": [],
    "metadata": {},
    "dag_id": "orders.t_x",
    "dag_run_id": "r",
    "can_replay": False,
    "can_skip": False,
    "is_resolved": True,
}
DETAIL = {
    **INSTANCE,
    "chain": [
        {
            "name": "t_x#0",
            "status": "replayed",
            "created": "2026-01-01T00:00:00Z",
            "parent": None,
            "error_type": "builtins.KeyError",
            "error_message": "'n'",
        }
    ],
    "run": {
        "dag_id": "orders.t_x",
        "dag_run_id": "r",
        "state": "success",
        "queued_at": None,
        "started_at": "2026-01-01T00:00:00Z",
        "ended_at": None,
    },
    "acts": {"replay": {"allowed": False, "reason": "It is finished."}},
}


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (models.InstanceDetail, DETAIL),
        (models.InstanceDetail, INSTANCE),
        (models.Instance, INSTANCE),
        (models.InstanceDetail, {**DETAIL, "run": None}),
    ],
)
def test_a_command_prints_the_members_of_the_answer_and_no_others(kind, content):
    assert content_of(kind.model_validate(content)) == content


def test_an_instance_has_its_chain_its_run_and_its_acts():
    instance = models.InstanceDetail.model_validate(DETAIL)

    assert instance.chain[0].status is models.InstanceStatus.REPLAYED
    assert instance.run.state == "success"
    assert instance.acts["replay"].reason == "It is finished."
