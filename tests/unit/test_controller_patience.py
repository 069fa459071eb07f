"""The controller's loop when a pass fails: it says so, waits, and goes on."""

from __future__ import annotations

import threading

from airflow_triggers.controller.loop import Controller
from airflow_triggers.errors import SchemaOutdated


class Failing(Controller):
    """Raises what it is told to, pass by pass, and then asks to stop."""

    def __init__(self, *errors):
        super().__init__(interval=0.001)
        self.errors, self.passes = list(errors), 0

    def run_once(self, stop=None):
        self.passes += 1
        if self.errors:
            raise self.errors.pop(0)
        stop.set()
        return 0


def test_a_known_trouble_is_one_line_with_what_to_do(caplog):
    controller = Failing(
        SchemaOutdated("Run 'airflow db migrate'."), SchemaOutdated("Run 'airflow db migrate'.")
    )
    controller.run_forever(threading.Event())
    assert controller.passes == 3
    told = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == 2
    assert "airflow db migrate" in told[0].getMessage()
    assert told[0].exc_info is None


def test_an_unknown_trouble_is_logged_with_its_traceback(caplog):
    controller = Failing(ZeroDivisionError("bug"))
    controller.run_forever(threading.Event())
    assert controller.passes == 2
    (told,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert told.exc_info is not None
