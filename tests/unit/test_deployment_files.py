"""docker-compose.yaml, Dockerfile, .env and the Helm values: what can be told of them without an engine."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile

import jsonschema
import pytest
import yaml

from scripts.demo.processes import DemoError
from scripts.topology.interpolation import interpolated, read_variables
from scripts.topology.services import read_services
from tests.support.environment import ROOT

COMPOSE = ROOT / "docker-compose.yaml"
SECRETS = (
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "AIRFLOW_FERNET_KEY",
    "AIRFLOW_JWT_SECRET",
    "AIRFLOW_API_SECRET_KEY",
    "AIRFLOW_ADMIN_PASSWORD",
)
COMPLETE = dict.fromkeys(SECRETS, "0secret")


def make_env(path):
    return subprocess.run(
        [ROOT / "scripts/deploy/make-env", path], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def document():
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))


def test_the_compose_file_is_of_the_published_schema():
    subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)],
        check=True,
    )


def test_the_schema_check_can_fail(tmp_path):
    path = tmp_path / "docker-compose.yaml"
    path.write_text(
        COMPOSE.read_text(encoding="utf-8").replace("healthcheck:", "healthchecks:"), encoding="utf-8"
    )
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("value", [None, ""])
def test_without_a_secret_compose_refuses_to_start(secret, value):
    variables = {name: text for name, text in {**COMPLETE, secret: value}.items() if text is not None}
    with pytest.raises(DemoError, match=rf"{secret} is missing in \.env, see \.env\.example"):
        read_services(COMPOSE, variables)
    read_services(COMPOSE, COMPLETE)


def test_the_example_has_no_secret_and_the_script_makes_each_one_anew(tmp_path):
    example = read_variables(ROOT / ".env.example")
    assert example == dict.fromkeys(SECRETS, "")
    made = []
    for name in ("first", "second"):
        assert make_env(tmp_path / name).returncode == 0
        made.append(read_variables(tmp_path / name))
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    for secret in SECRETS:
        assert len(made[0][secret]) >= 32
        assert made[0][secret] != made[1][secret]
        assert re.fullmatch(r"[A-Za-z0-9_=-]+", made[0][secret]), "it stands in URLs"
    assert len(base64.urlsafe_b64decode(made[0]["AIRFLOW_FERNET_KEY"])) == 32
    read_services(COMPOSE, made[0])


def test_an_env_that_exists_is_left_alone(tmp_path):
    path = tmp_path / ".env"
    path.write_text("POSTGRES_PASSWORD=in-use\n", encoding="utf-8")
    refusal = make_env(path)
    assert refusal.returncode != 0
    assert "exists" in refusal.stderr
    assert path.read_text(encoding="utf-8") == "POSTGRES_PASSWORD=in-use\n"
    assert os.listdir(tmp_path) == [".env"]


def test_no_service_runs_as_root_or_may_become_it(document):
    for name, service in document["services"].items():
        assert service["user"].partition(":")[0] not in ("", "0", "root"), name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name


def test_every_service_that_goes_on_is_started_again_and_asked_for_its_health(document):
    for name, service in document["services"].items():
        if name == "airflow-init":
            assert service["restart"] == "on-failure"
            continue
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"], name
    for name in ("airflow-apiserver", "airflow-scheduler", "airflow-worker", "triggers-controller"):
        conditions = {
            other: demand["condition"] for other, demand in document["services"][name]["depends_on"].items()
        }
        assert conditions["postgres"] == conditions["redis"] == "service_healthy"
        assert conditions["airflow-init"] == "service_completed_successfully"


def test_each_image_that_is_built_is_built_once_and_pulled_by_nobody(document):
    builders = {}
    for name, service in document["services"].items():
        if "build" in service:
            builders.setdefault(service["image"], []).append(name)
    assert builders == {"airflow-triggers": ["airflow-init"]}
    for name, service in document["services"].items():
        if service["image"] in builders:
            assert service["pull_policy"] == "never", name
            assert name == "airflow-init" or "airflow-init" in service["depends_on"], name


def test_what_is_kept_is_in_named_volumes(document):
    mounts = [mount for service in document["services"].values() for mount in service.get("volumes", [])]
    names = {mount.partition(":")[0] for mount in mounts if not mount.startswith("./")}
    assert names == set(document["volumes"]) == {"logs", "postgres", "redis", "results"}
    assert {mount for mount in mounts if mount.startswith("./")} == {"./dags:/opt/airflow/dags:ro"}


def test_only_the_api_is_published_and_only_to_this_machine_by_default(document):
    published = {
        name: service["ports"] for name, service in document["services"].items() if "ports" in service
    }
    assert {name: interpolated(port, {}) for name, (port,) in published.items()} == {
        "airflow-apiserver": "127.0.0.1:8080:8080"
    }


def test_the_version_of_airflow_stands_in_one_place_and_is_the_tested_one():
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    version = re.search(r"^apache-airflow==(.+)$", constraints, re.M)[1]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"\d+\.\d+\.\d+", dockerfile) == [version]
    assert version not in COMPOSE.read_text(encoding="utf-8")
    values = yaml.safe_load((ROOT / "deploy/helm-values.yaml").read_text(encoding="utf-8"))
    assert values["airflowVersion"] == version


def test_workers_import_what_the_docs_recommend():
    page = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    recommended = re.search(r"^    AIRFLOW__CELERY__EXTRA_CELERY_CONFIG='(.+)'$", page, re.M)[1]
    services = read_services(COMPOSE, COMPLETE)
    assert services["airflow-worker"].environment["AIRFLOW__CELERY__EXTRA_CELERY_CONFIG"] == recommended
    values = yaml.safe_load((ROOT / "deploy/helm-values.yaml").read_text(encoding="utf-8"))
    assert {"name": "AIRFLOW__CELERY__EXTRA_CELERY_CONFIG", "value": recommended} in values["env"]


def test_the_image_is_made_of_all_that_the_package_needs_and_of_no_secret(tmp_path):
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    context = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    assert "*" in ignored
    assert ".env" not in context
    for name in context:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            tmp_path / "wheels",
            tmp_path,
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "airflow_triggers/plugin.py" in names
    assert "airflow_triggers/storages/alembic.ini" in names


def test_the_helm_values_are_of_the_charts_schema():
    path = os.environ.get("TRIGGERS_TEST_HELM_SCHEMA")
    if not path:
        pytest.skip("TRIGGERS_TEST_HELM_SCHEMA names no values.schema.json of the chart")
    with open(path, encoding="utf-8") as schema:
        values = yaml.safe_load((ROOT / "deploy/helm-values.yaml").read_text(encoding="utf-8"))
        jsonschema.Draft7Validator(json.load(schema)).validate(values)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("$A-${A}", "a-a"),
        ("$$A and $${A}", "$A and ${A}"),
        ("${B:-b}${B-b}", "b"),
        ("${C:-c}${C-c}", "cc"),
        ("${A:?why}${A?why}", "aa"),
        ("${B?why}", ""),
    ],
)
def test_variables_are_replaced_as_compose_does(text, value):
    assert interpolated(text, {"A": "a", "B": ""}) == value


@pytest.mark.parametrize("text", ["${C}", "$C", "${B:?why}", "${C?why}", "a $ alone", "${A:+a}", "${}"])
def test_what_compose_could_not_replace_is_refused(text):
    with pytest.raises(DemoError):
        interpolated(text, {"A": "a", "B": ""})
