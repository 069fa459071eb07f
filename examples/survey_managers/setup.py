"""The packaging of a survey company's own managers, runner and storage, with entry points for airflow-triggers."""

from setuptools import setup

setup(
    name="survey-managers",
    version="1.0.0",
    description="Managers, a runner and a storage of our surveys, for airflow-triggers.",
    python_requires=">=3.11",
    packages=["survey_managers"],
    package_data={"survey_managers": ["py.typed"]},
    install_requires=["airflow-triggers"],
    extras_require={"redis": ["redis>=5"]},
    entry_points={
        "triggers.managers": ["finalizing = survey_managers.finalizing:FinalizingManager"],
        "triggers.runners": ["daytime = survey_managers.daytime:DaytimeTaskRunner"],
        "triggers.storages": ["redis = survey_managers.redis_storage:RedisStorageBackend"],
        "airflow.plugins": ["survey_managers = survey_managers.plugin:SurveyPlugin"],
    },
)
