"""How other packages add managers, storages and runners.

``registry.py`` finds them by entry point, ``plugins.py`` finds managers in Airflow plugins.
"""
