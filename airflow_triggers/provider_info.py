"""Describes this package to Airflow as a provider: commands, settings, the connection type, the manager of our tables.

Airflow calls it in many processes, so it imports nothing heavy. The plugin has an entry point of its own: by default,
Airflow does not load providers' plugins. Neighbours: ``setup.py`` names :func:`get_provider_info` as an entry point.
"""

from __future__ import annotations

from typing import Any

from airflow_triggers import __version__


def get_provider_info() -> dict[str, Any]:
    """The provider's description, in the form of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-triggers",
        "name": "Triggers",
        "description": "Correlates many events per key, over any length of time, and runs Airflow DAGs for them.",
        "versions": [__version__],
        "cli": ["airflow_triggers.cli.definition.get_triggers_cli_commands"],
        "db-managers": ["airflow_triggers.storages.dbmanager.TriggersDBManager"],
        "connection-types": [_CONNECTION_TYPE],
        "config": {"triggers": _SETTINGS},
    }


_SECONDS = {"type": ["number", "null"], "minimum": 0}

_CONNECTION_TYPE: dict[str, Any] = {
    "connection-type": "triggers",
    "hook-class-name": "airflow_triggers.hooks.TriggersHook",
    "hook-name": "Triggers",
    "ui-field-behaviour": {
        "hidden-fields": ["schema", "port", "extra"],
        "relabeling": {
            "host": "URL of the API server",
            "login": "User name (empty: the password is a token)",
            "password": "Password or token",
        },
        "placeholders": {"host": "https://airflow.example.com"},
    },
    "conn-fields": {
        "timeout": {
            "label": "Timeout",
            "description": "Seconds to wait for each answer. Default: 60.",
            "schema": _SECONDS,
        },
        "patience": {
            "label": "Patience",
            "description": "Seconds for which a request is sent again while the server is away. Default: 60.",
            "schema": _SECONDS,
        },
    },
}
"""The form of a connection in Airflow's pages. ``hooks/connection.py`` reads what is filled in."""

_SETTINGS: dict[str, Any] = {
    "description": "Settings of airflow-triggers.",
    "options": {
        "controller_autostart": {
            "description": (
                "Whether every scheduler runs a triggers controller beside it. Turn it off to run controllers as\n"
                "components of their own, with ``airflow triggers controller``.\n"
            ),
            "version_added": "0.1.0",
            "type": "boolean",
            "example": None,
            "default": "True",
        },
        "cache_url": {
            "description": (
                "The Redis in which CacheStorageBackend keeps sessions, for example ``redis://localhost:6379/1``.\n"
                "Without it, a session in a cache is in the memory of the process that made it.\n"
            ),
            "version_added": "0.1.0",
            "type": "string",
            "sensitive": True,
            "example": None,
            "default": "",
        },
        "asset_events_by_hand": {
            "description": (
                "Whether an asset event that a person creates in Airflow (its pages, its REST API) fires the trigger\n"
                "that its asset names together with a configuration. Turned off, only events of tasks fire.\n"
            ),
            "version_added": "0.1.0",
            "type": "boolean",
            "example": None,
            "default": "True",
        },
        "audit_fires": {
            "description": (
                "Whether each fire gets an entry in Airflow's audit log. All other acts on sessions have one anyway.\n"
            ),
            "version_added": "0.1.0",
            "type": "boolean",
            "example": None,
            "default": "False",
        },
        "bulk_rate": {
            "description": (
                "How many task instances a second the controllers do of a bulk act that names no rate of its own\n"
                "(0.01 to 1000).\n"
            ),
            "version_added": "0.1.0",
            "type": "float",
            "example": None,
            "default": "50",
        },
        "cloudevents_types": {
            "description": (
                "Which trigger a CloudEvent fires, by the event's type: a JSON object from the type to the name of a\n"
                "trigger, or to an object with ``trigger``, ``configuration`` and ``manager``. The configuration is\n"
                "for events that name none. The type of any other event is the trigger's name.\n"
            ),
            "version_added": "0.1.0",
            "type": "string",
            "example": '{"com.example.order.paid": {"trigger": "paid", "configuration": "orders"}}',
            "default": "",
        },
        "cloudevents_type_prefix": {
            "description": (
                "The beginning of the types of CloudEvents that the names of triggers do not have. It is cut off.\n"
            ),
            "version_added": "0.1.0",
            "type": "string",
            "example": "com.example.",
            "default": "",
        },
        "cloudevents_session_attribute": {
            "description": "The attribute of a CloudEvent that has the session's UID.\n",
            "version_added": "0.1.0",
            "type": "string",
            "example": None,
            "default": "subject",
        },
        "cloudevents_configuration_attribute": {
            "description": (
                "The extension attribute of a CloudEvent that names the configuration: with it, a first event makes\n"
                "the session.\n"
            ),
            "version_added": "0.1.0",
            "type": "string",
            "example": None,
            "default": "configuration",
        },
        "controller_health_check_threshold": {
            "description": (
                "Seconds after which a triggers controller that gave no sign of life counts as dead, in\n"
                "``airflow triggers controller --check`` and in the REST API's ``/health``.\n"
            ),
            "version_added": "0.1.0",
            "type": "float",
            "example": None,
            "default": "30",
        },
        "controller_lag_threshold": {
            "description": (
                "Seconds that a change may wait until a triggers controller applies it, before the health check says\n"
                "that controllers do not keep up.\n"
            ),
            "version_added": "0.1.0",
            "type": "float",
            "example": None,
            "default": "300",
        },
        "controller_interval": {
            "description": (
                "Seconds until a triggers controller looks again, when nothing has changed. On PostgreSQL it hears of\n"
                "tasks that succeed meanwhile.\n"
            ),
            "version_added": "0.1.0",
            "type": "float",
            "example": None,
            "default": "0.5",
        },
    },
}
