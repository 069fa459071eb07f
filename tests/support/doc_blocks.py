"""The shell blocks of README and docs, and a shell that runs them as a reader would: one after the other, as printed.

Neighbours: ``unit/test_docs.py`` sees to it that no block is forgotten, ``e2e/test_demo.py`` runs them in the demo.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.environment import ROOT

RUN = ("README.md", "docs/client.md", "docs/cli.md", "docs/rest.md", "docs/operations.md", "docs/checking.md")
"""The pages whose blocks are run, in this order: later ones use the sessions of earlier ones."""

NOT_RUN: Mapping[str, str] = {
    "make demo": "it is what the blocks are run in",
    "pip install .": "test_wheel.py installs it",
    "pip install ./client": "test_client.py installs it",
    "# what would happen? nothing is written": "test_api_bulk_acts.py sends these requests",
    "export AIRFLOW_CONN_SURVEY": "its deployment is an example",
    "pip install 'airflow-triggers[": "it needs a release",
    "scripts/deploy/make-env": "it needs Docker; test_compose.py runs what the file says",
    "AIRFLOW__CELERY__EXTRA_CELERY_CONFIG": "a line for an environment; test_compose.py starts workers with it",
    "docker build": "it needs Docker and Kubernetes; test_deployment_files.py checks the values",
    "helm pull": "it needs Helm",
    "airflow triggers asset-events list": "its numbers are examples; test_cli_commands.py gives such commands",
    "airflow triggers hooks call": "its number is an example; test_cli_commands.py gives such a command",
}
"""The beginnings of blocks that are not run, and why."""

STDIN: Mapping[str, str] = {"triggers profiles set": "admin\n"}
"""What a reader types, by the beginning of the block."""


@dataclass(frozen=True)
class Block:
    """A shell block of a page."""

    page: str
    text: str

    @property
    def reason_not_to_run(self) -> str | None:
        """Why it is not run; None: it is."""
        return next((reason for start, reason in NOT_RUN.items() if self.text.startswith(start)), None)

    @property
    def may_be_refused(self) -> bool:
        """Whether it says that an answer in it is an error."""
        return '"reason"' in self.text


def blocks_of(page: str) -> list[Block]:
    """The page's shell blocks, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(page, block) for block in re.findall(r"^```(?:shell|bash|sh)\n(.*?)^```$", text, re.M | re.S)
    ]


def every_page() -> list[str]:
    """README and the pages of the docs, relative to the project's folder."""
    return ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


class Shell:
    """A shell in a folder: blocks see the variables and functions of earlier ones.

    :param replacements: the reader's deployment is another one: text in a block → the text to run instead.
    """

    def __init__(
        self, folder: Path, *, replacements: Mapping[str, str], environment: Mapping[str, str]
    ) -> None:
        self._state = folder / "shell-state"
        self._state.write_text("")
        self._folder = folder
        self._replacements = replacements
        names = ("HOME", "LANG", "PATH")
        self._environment = {name: os.environ[name] for name in names if name in os.environ} | dict(
            environment
        )

    def run(self, block: Block) -> str:
        """Run the block; returns what it printed.

        :raises AssertionError: when a command of it failed, or an answer is an error that the block does not announce.
        """
        text = block.text
        for original, replacement in self._replacements.items():
            text = text.replace(original, replacement)
        script = (
            f"source {self._state}\nset -eEuo pipefail\n{text}\n"
            f"{{ declare -p API TOKEN AIRFLOW_HOME PATH 2>/dev/null; declare -f; }} > {self._state} || true\n"
        )
        answer = subprocess.run(
            ["bash", "-c", script],
            cwd=self._folder,
            env=self._environment,
            input=next((typed for start, typed in STDIN.items() if block.text.startswith(start)), ""),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        output = answer.stdout + answer.stderr
        assert answer.returncode == 0, f"{block.page}:\n{text}\nended with {answer.returncode}:\n{output}"
        refused = "/problems#" in answer.stdout and not block.may_be_refused
        assert not refused, f"{block.page}:\n{text}\nwas refused:\n{output}"
        return answer.stdout
