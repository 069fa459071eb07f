"""An Airflow plugin with managers to register: the alternative to an entry point for each."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from survey_managers.wave import WaveManager, WaveMemberManager


class SurveyPlugin(AirflowPlugin):
    """Airflow finds it by the entry point ``airflow.plugins``, airflow-triggers by its attribute."""

    name = "survey_managers"
    trigger_managers = [WaveManager, WaveMemberManager]  # noqa: RUF012  (Airflow declares its own so)
