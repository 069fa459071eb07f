"""The tables of docs/airflow.md: each row through Airflow's public REST API, or its command line."""
