"""The controller: compares what the sessions believe with what Airflow's DAG runs say, and applies the difference."""
