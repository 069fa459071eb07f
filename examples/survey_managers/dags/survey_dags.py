"""Every configuration of this folder as DAGs."""

from airflow_triggers import trigger_dags

trigger_dags(__file__)
