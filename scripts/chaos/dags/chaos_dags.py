"""The trigger tasks of this folder, as DAGs for Airflow."""

from airflow_triggers import trigger_dags

trigger_dags(__file__)
