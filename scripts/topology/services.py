"""The services of a Compose file, as values.

Neighbours: ``interpolation.py`` has the variables, ``containers.py`` makes processes of services. An unknown key of a
service is refused: so everything in the file is tested.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scripts.demo.processes import DemoError
from scripts.topology.interpolation import interpolated

OF_CONTAINERS_ONLY = {
    "build",
    "cap_drop",
    "image",
    "ports",
    "pull_policy",
    "security_opt",
    "stop_grace_period",
    "user",
}
"""Keys that isolate or publish a container, and change nothing in its process."""

OF_PROCESSES = {
    "command",
    "depends_on",
    "deploy",
    "environment",
    "healthcheck",
    "restart",
    "volumes",
}

DURATION = re.compile(r"(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+)s)?")


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """The health check of a container.

    :param command: exits with 0 when the container is healthy.
    :param timeout: seconds.
    """

    command: tuple[str, ...]
    timeout: float


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A volume. :param source: a named volume, or a path relative to the file (it begins with a dot)."""

    source: str
    target: str


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service of the file.

    :param command: empty: the image's own.
    :param conditions: the condition that another service must meet first, by its name.
    """

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    healthcheck: HealthCheck | None
    conditions: Mapping[str, str]
    mounts: tuple[Mount, ...]
    replicas: int
    restart: str


def read_services(path: Path, variables: Mapping[str, str]) -> dict[str, Service]:
    """The services by name, with anchors and variables resolved.

    :raises DemoError: when a variable is missing, or a service has an unknown key.
    """
    document = _resolution(yaml.safe_load(path.read_text(encoding="utf-8")), variables)
    return {name: _service(name, service) for name, service in document["services"].items()}


def _resolution(node: Any, variables: Mapping[str, str]) -> Any:
    match node:
        case str():
            return interpolated(node, variables)
        case list():
            return [_resolution(item, variables) for item in node]
        case dict():
            return {key: _resolution(value, variables) for key, value in node.items()}
        case _:
            return node


def _service(name: str, node: dict[str, Any]) -> Service:
    if unknown := node.keys() - OF_CONTAINERS_ONLY - OF_PROCESSES:
        raise DemoError(
            f"The service {name!r} has {', '.join(sorted(unknown))}. "
            "scripts/topology/services.py must say what that means for a process."
        )
    return Service(
        name=name,
        image=node["image"],
        command=_words(node.get("command", [])),
        environment={key: str(value) for key, value in node.get("environment", {}).items()},
        healthcheck=_healthcheck(node.get("healthcheck")),
        conditions={
            dependency: demand["condition"] for dependency, demand in node.get("depends_on", {}).items()
        },
        mounts=tuple(_mount(text) for text in node.get("volumes", [])),
        replicas=int(node.get("deploy", {}).get("replicas", 1)),
        restart=node.get("restart", "no"),
    )


def _words(command: str | list[str]) -> tuple[str, ...]:
    return tuple(shlex.split(command) if isinstance(command, str) else command)


def _mount(text: str) -> Mount:
    source, target, *_ = text.split(":")
    return Mount(source=source, target=target)


def _healthcheck(node: dict[str, Any] | None) -> HealthCheck | None:
    if node is None:
        return None
    kind, *words = node["test"]
    command = {"CMD": tuple(words), "CMD-SHELL": ("/bin/sh", "-c", *words)}[kind]
    return HealthCheck(command=command, timeout=_seconds(node["timeout"]))


def _seconds(text: str) -> float:
    match = DURATION.fullmatch(text)
    if match is None:
        raise DemoError(f"{text!r} is no duration such as '30s' or '2m'.")
    return 60 * int(match["minutes"] or 0) + int(match["seconds"] or 0)
