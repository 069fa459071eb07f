"""What a survey company adds to airflow-triggers: managers, a runner and a storage of its own."""
