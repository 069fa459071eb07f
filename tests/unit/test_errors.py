"""Every error of the tree: its text is its message, it is copied and pickled whole; which built-in errors it is."""

from __future__ import annotations

import copy
import pickle
import traceback
from functools import partial

import pytest

from airflow_triggers import errors
from airflow_triggers.errors import TriggersError

MESSAGE = "There is no 'such thing'\nin \"here\"."

ARGUMENTS = {
    errors.SessionUnresolved: (("order-1", ["t_a#0 is running"]), None),
    errors.UnsupportedDatabase: (("mysql",), None),
    errors.SessionNotFound: (
        ("order-1",),
        "There is no session 'order-1'. Create it first, or name a configuration when firing into it.",
    ),
    errors.InvalidTransition: (
        ("replay", "t_a#0", "running", ("failed", "skipped")),
        "Cannot replay t_a#0: it is running, and only failed or skipped instances can be.",
    ),
    errors.InvalidTriggerKwargs: (
        ([("page", "number", "not an integer", "'x'")],),
        "1 problem in the trigger kwargs:\n  - page.number: not an integer; found 'x'",
    ),
    errors.UnreadableRow: (("the task instance t_a#0", "its kwargs are no JSON object"), None),
    errors.DelayedFireNotFound: (("order-1", 7), None),
    errors.ProgressNotRecorded: (("run-1", "etl", 10, "builtins.OverflowError: too large"), None),
    errors.InvalidAssetEvent: ((7, "names no trigger"), "The asset event 7 names no trigger."),
    errors.RefusedAssetEvent: ((7, "was created by hand"), "The asset event 7 was created by hand."),
    errors.MaxRetriesExceeded: (("t_a#3", 3, {"seen": 1}), None),
    errors.BulkActNotFound: ((7,), "There is no bulk act 7: it was cleaned, or there never was one."),
    errors.BulkActOver: (
        (7, "done"),
        "The bulk act 7 cannot be cancelled: it is done. Nothing was changed.",
    ),
    errors.TooManyInstances: ((100_000,), None),
    errors.NoDatabaseInTask: (("instances", "order-1"), None),
}
"""Of errors that make their message themselves the arguments, and the message where it is short."""

KEY_ERRORS = {
    errors.SessionNotFound,
    errors.InstanceNotFound,
    errors.DelayedFireNotFound,
    errors.TaskNotFound,
    errors.NothingParked,
    errors.BulkActNotFound,
    errors.UnknownConfiguration,
    errors.NotRegistered,
}


def descendants(kind):
    return {kind}.union(*(descendants(child) for child in kind.__subclasses__()))


TREE = sorted(
    (kind for kind in descendants(TriggersError) if kind.__module__ == errors.__name__),
    key=lambda kind: kind.__name__,
)


def sample(kind):
    """An error of the class, and its message; None where the class makes a long one itself."""
    arguments, message = ARGUMENTS.get(kind, ((MESSAGE,), MESSAGE))
    return kind(*arguments), message


def pickled(protocol, error):
    return pickle.loads(pickle.dumps(error, protocol))


@pytest.fixture(params=TREE, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


def test_an_errors_text_is_its_message(kind):
    error, message = sample(kind)
    assert str(error) == error.args[0] == (message or error.args[0])
    assert "".join(traceback.format_exception_only(error)) == f"{kind.__module__}.{kind.__name__}: {error}\n"


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        *(partial(pickled, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)),
    ],
)
def test_an_error_is_copied_and_pickled_whole(kind, copied):
    error, _ = sample(kind)
    error.add_note("seen twice")
    twin = copied(error)
    assert type(twin) is kind
    assert (str(twin), twin.args, vars(twin)) == (str(error), error.args, vars(error))
    assert twin.__notes__ == ["seen twice"]


def test_what_is_not_there_is_a_missing_key_and_what_is_not_allowed_a_wrong_value():
    assert {kind for kind in TREE if issubclass(kind, LookupError)} >= KEY_ERRORS
    assert all(issubclass(kind, KeyError) for kind in TREE if issubclass(kind, LookupError))
    refusals = {kind for kind in TREE if kind.__name__.startswith("Invalid")} - {errors.InvalidResult}
    assert all(issubclass(kind, ValueError) for kind in refusals)


def test_every_error_stands_in_the_tree_of_the_documentation(kind):
    assert f" {kind.__name__} " in f" {errors.__doc__} ".replace("\n", " ")


def test_an_error_of_ones_own_with_arguments_of_its_own_behaves_alike():
    error = SurveyGone(17, closed_by="ann")
    twin = pickle.loads(pickle.dumps(error))
    assert str(twin) == str(error) == "The survey 17 is gone."
    assert (twin.number, twin.closed_by) == (17, "ann")


class SurveyGone(errors.SessionError, KeyError):
    def __init__(self, number, *, closed_by):
        self.number, self.closed_by = number, closed_by
        super().__init__(f"The survey {number} is gone.")
