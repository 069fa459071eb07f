"""The demo: a real Airflow, the questionnaire, and triggers fired at it from ``examples/respondents.jsonl``."""
