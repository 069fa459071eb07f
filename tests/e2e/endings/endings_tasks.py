"""Trigger tasks that end in every possible way."""

import os
import signal
import time
from datetime import date

from airflow_triggers.errors import NoDatabaseInTask


def kill(context):
    os.kill(os.getpid(), signal.SIGKILL)


def sleep(context):
    time.sleep(60)


def a_list(context):
    return [1]


def fail_once(context):
    if context.airflow["ti"].try_number == 1:
        raise ConnectionError("try again")
    return {"try": context.airflow["ti"].try_number}


def waive(context):
    context.fire("never")
    raise context.skip({"why": "nothing to do"})


def filters(context):
    with context.get_logger_context(context={"respondent": 17}) as logger:
        logger.error("the answers of %s are odd", "somebody", extra={"context": {"page": 3}})
        try:
            logger.info("%s", context.manager.storage.latest_kwargs)
        except NoDatabaseInTask as error:
            logger.info("%s", error)
        return context.filter_kwargs({"filter": {"n": int, "lang": (str, "de"), "when": date}})


def echo(context):
    return context.trigger_kwargs
