"""The pages in Airflow's UI. A package: the browser of ``conftest.py`` is closed at its end, before other tests."""
