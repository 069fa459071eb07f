"""For DAGs that wait for a session: a sensor, which defers."""

from airflow_triggers.sensors.sensor import TriggerSessionSensor

__all__ = ["TriggerSessionSensor"]
