"""The packaging of airflow-triggers: what is installed, and where Airflow finds it.

The tools' settings (ruff, mypy, pytest, import-linter) are in ``pyproject.toml``, the exact versions
that the tests run with in ``constraints.txt``.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


def version() -> str:
    """The version, as the package itself says it."""
    source = (HERE / "airflow_triggers/__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    assert found, "airflow_triggers/__init__.py does not say its __version__"
    return found[1]


setup(
    name="airflow-triggers",
    version=version(),
    description="Correlates many events per key, over any length of time, and runs Airflow DAGs for them.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license_expression="Apache-2.0",
    license_files=["LICENSE"],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Plugins",
        "Framework :: Apache Airflow",
        "Framework :: Apache Airflow :: Provider",
        "Intended Audience :: Developers",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Typing :: Typed",
    ],
    python_requires=">=3.11",
    packages=find_packages(include=["airflow_triggers", "airflow_triggers.*"]),
    package_data={
        "airflow_triggers": [
            "py.typed",
            "configuration/schema.json",
            "storages/alembic.ini",
            "storages/migrations/**/*",
            "ui/**/*",
        ],
    },
    exclude_package_data={"": ["**/__pycache__/*", "*.pyc"]},
    install_requires=[
        "apache-airflow>=3.3,<4",
        "cloudevents>=2.2,<3",
        "dogpile.cache>=1.3",
        # Airflow brings these too; they are named because the package imports them itself.
        "alembic>=1.13",
        "cachetools>=6",
        "fastapi>=0.115",
        "fastapi-offline>=1.7",
        "pydantic>=2.7",
        "PyYAML>=6",
        "SQLAlchemy>=2",
    ],
    extras_require={
        # The hook's REST client, a distribution of its own in client/.
        "hook": ["airflow-triggers-client>=0.1,<1"],
        "postgres": ["apache-airflow-providers-postgres>=6"],
        "pytest": ["pytest>=8"],
        "redis": ["redis>=5"],
        "test": [
            "apache-airflow-providers-celery>=3.26",
            "apache-airflow-providers-fab>=3.10",
            "apache-airflow-providers-postgres>=6",
            "build",
            # Airflow's provider 3.26 imports what Celery 5.7 no longer has.
            "celery<5.7",
            "check-jsonschema",
            "httpx",
            "hypothesis",
            "import-linter",
            "jsonschema",
            "jsonschema-rs",
            "mypy",
            "playwright",
            "pymysql",
            "pytest",
            "pytest-timeout",
            "pytest-xdist",
            "redis>=5",
            "ruff",
            "schemathesis",
            "statsd>=3.3",
            "types-PyYAML",
            "types-psutil",
            "types-psycopg2",
        ],
    },
    entry_points={
        "airflow.plugins": ["triggers = airflow_triggers.plugin:TriggersPlugin"],
        "apache_airflow_provider": ["provider_info = airflow_triggers.provider_info:get_provider_info"],
        "pytest11": ["airflow_triggers = airflow_triggers.testing.pytest_plugin"],
        "triggers.managers": ["default = airflow_triggers.manager:TriggerManager"],
        "triggers.storages": [
            "cache = airflow_triggers.storages.cache:CacheStorageBackend",
            "sql = airflow_triggers.storages.sql:SqlStorageBackend",
        ],
        "triggers.runners": [
            "airflow = airflow_triggers.runners.airflow:AirflowTaskRunner",
            "threading = airflow_triggers.runners.threading:ThreadingTaskRunner",
        ],
    },
)
