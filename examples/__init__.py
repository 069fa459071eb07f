"""Example inputs; ``dags/`` holds the configurations that they are for."""
