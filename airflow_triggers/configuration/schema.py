"""Publishes the JSON Schema of a configuration file: ``python -m airflow_triggers.configuration.schema > schema.json``.

Neighbours: ``model.py`` is the described form; a test keeps ``schema.json`` in step.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from airflow_triggers.configuration.model import TASK_NAME_SCHEMA, Directives

SCHEMA_FILE = Path(__file__).with_name("schema.json")


def configuration_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a configuration file: task name → directives."""
    task = Directives.model_json_schema(ref_template="#/$defs/{model}")
    definitions = task.pop("$defs", {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "airflow-triggers configuration",
        "description": "Trigger tasks by name: after X and Y, and every Z, run R unless U.",
        "type": "object",
        "propertyNames": TASK_NAME_SCHEMA,
        "additionalProperties": {"$ref": "#/$defs/TriggerTask"},
        "$defs": {**definitions, "TriggerTask": task},
    }


def rendered() -> str:
    """The schema as it stands in the file."""
    return json.dumps(configuration_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(rendered())
