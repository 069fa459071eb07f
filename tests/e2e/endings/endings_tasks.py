"""Trigger tasks that end in every possible way."""

import os
import signal
import time

from airflow.sdk.exceptions import AirflowSkipException


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
    raise AirflowSkipException("nothing to do")


def echo(context):
    return context.trigger_kwargs
