"""How other packages add managers, storages and runners.

``registry.py`` finds them by entry point, ``plugins.py`` finds managers that an Airflow plugin declares.
"""
