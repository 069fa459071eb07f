"""The committed bundle and types are what the sources give, byte for byte."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from airflow_triggers.api.bundle import BUNDLE
from tests.support.environment import IN_CI, ROOT

# npm's packages are installed the first time.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a fresh build: ``bundle/`` and ``schema.ts``. Skipped without npm; in CI it fails."""
    if shutil.which("npm") is None:
        reason = "npm is not installed (Debian and Ubuntu: 'apt-get install nodejs npm')"
        if IN_CI:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("ui")
    finished = subprocess.run(
        [str(ROOT / "scripts/ci/ui"), "build", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_committed_bundle_is_that_of_the_sources(build: Path) -> None:
    fresh, committed = contents(build / "bundle"), contents(BUNDLE)

    assert fresh.keys() == committed.keys(), "run 'make ui' and commit airflow_triggers/ui/"
    assert [name for name in fresh if fresh[name] != committed[name]] == []


def test_the_committed_types_are_those_of_the_rest_api(build: Path) -> None:
    committed = (ROOT / "ui/src/api/schema.ts").read_text(encoding="utf-8")

    assert (build / "schema.ts").read_text(encoding="utf-8") == committed, "run 'make ui'"


def test_types_checks_and_tests_of_the_sources_pass(build: Path) -> None:
    for script in ("check", "test"):
        finished = subprocess.run(
            ["npm", "run", "--silent", script], cwd=ROOT / "ui", capture_output=True, text=True, check=False
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr


def test_the_lock_file_names_no_registry() -> None:
    lock = (ROOT / "ui/package-lock.json").read_text(encoding="utf-8")

    assert '"resolved"' not in lock
