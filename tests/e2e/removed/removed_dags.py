"""Airflow reads files that mention "airflow" and "dag": the trigger tasks of this folder."""

from airflow_triggers import trigger_dags

trigger_dags(__file__)
