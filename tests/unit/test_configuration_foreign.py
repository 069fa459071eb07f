"""Code of users that runs while a DAG file is parsed: its fault has a reason, and what comes from outside passes."""

from __future__ import annotations

import signal
import sys
import threading

import pytest
from airflow.sdk.exceptions import AirflowTaskTimeout

from airflow_triggers.configuration.foreign import MAX_REASON_LENGTH, ForeignError, foreign_code


class Odd(BaseException):
    """No Exception, and without a text."""

    def __str__(self):
        raise ValueError


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (RecursionError("deep"), "RecursionError: deep"),
        (MemoryError(), "MemoryError"),
        (Odd(), "Odd"),
        (ValueError("a\0b\ud800"), "ValueError: a\N{REPLACEMENT CHARACTER}b?"),
    ],
)
def test_whatever_is_raised_comes_out_as_a_reason_that_can_be_stored(error, reason):
    with pytest.raises(ForeignError) as caught, foreign_code(), foreign_code():
        raise error
    assert str(caught.value) == reason
    assert caught.value.cause is error


def test_a_reason_is_not_endless():
    with pytest.raises(ForeignError) as caught, foreign_code():
        raise ValueError("x" * 100_000)
    assert len(str(caught.value)) < MAX_REASON_LENGTH + 100


def test_airflows_timeout_for_the_file_passes():
    with pytest.raises(AirflowTaskTimeout), foreign_code():
        raise AirflowTaskTimeout


def test_ctrl_c_passes_and_its_handler_is_as_before():
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), foreign_code(), foreign_code():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is handler


def test_where_signals_end_the_process_an_interrupt_is_raised_by_the_code_itself():
    handler = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        with pytest.raises(ForeignError), foreign_code():
            raise KeyboardInterrupt
    finally:
        signal.signal(signal.SIGINT, handler)


def test_in_a_thread_no_interrupt_comes_from_outside():
    errors = []

    def run():
        try:
            with foreign_code():
                raise KeyboardInterrupt
        except ForeignError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert len(errors) == 1


def test_it_needs_no_airflow(monkeypatch):
    monkeypatch.delitem(sys.modules, "airflow.sdk.exceptions")
    with pytest.raises(ForeignError), foreign_code():
        raise SystemExit
