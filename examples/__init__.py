"""Example inputs; their configurations are in ``dags/``."""
