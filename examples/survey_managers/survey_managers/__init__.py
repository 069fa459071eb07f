"""A survey company's extensions of airflow-triggers: its own managers, runner and storage."""
