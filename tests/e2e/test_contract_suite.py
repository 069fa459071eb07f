"""The contract suites, as somebody runs them over a storage and a runner of their own: from the wheel, elsewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
import redis

from tests.conftest import REDIS_URL
from tests.support.environment import ROOT, airflow_environment
from tests.support.venvs import (
    CONSTRAINTS,
    build_example_wheel,
    build_wheel,
    pip,
    venv_upon,
    venv_with_airflow,
)

# Installing Airflow the first time takes a minute or more; it is kept in .test afterwards.
pytestmark = pytest.mark.timeout(900)

EXAMPLE = ROOT / "examples" / "survey_managers"
DEADLINE = 300


@pytest.fixture
def redis_of_its_own(redis_region):
    """The URL of a numbered database of the tests' Redis that nobody uses; it is emptied afterwards."""
    for number in range(15, 0, -1):
        url = REDIS_URL.rpartition("/")[0] + f"/{number}"
        with redis.Redis.from_url(url) as server:
            if server.dbsize() == 0:
                yield url
                server.flushdb()
                return
    pytest.fail(f"Every numbered database of {REDIS_URL} has keys.", pytrace=False)


def test_a_package_runs_the_suites_over_its_own_storage_and_runner(tmp_path, redis_of_its_own):
    venv = venv_upon(venv_with_airflow(), tmp_path / "venv")
    example = build_example_wheel(EXAMPLE, tmp_path / "theirs")
    ours = f"{build_wheel(tmp_path / 'ours')}[pytest,redis]"
    pip(venv, "install", "--constraint", CONSTRAINTS, ours, example)
    project = tmp_path / "project"
    shutil.copytree(EXAMPLE / "tests", project / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    (project / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n")
    (project / "home").mkdir()
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    finished = subprocess.run(
        [venv / "bin/python", "-m", "pytest", "-q", "tests"],
        cwd=project,
        env={**inherited, **airflow_environment(project / "home"), "SURVEY_REDIS_URL": redis_of_its_own},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    passed = re.search(r"(\d+) passed", finished.stdout)
    assert passed, finished.stdout
    assert int(passed[1]) > 100
    assert "skipped" not in finished.stdout
    assert not list((project / "home").rglob("*.db"))
