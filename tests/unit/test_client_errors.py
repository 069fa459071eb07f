"""Answers without success become the client's errors, whoever gave them: the API, a newer one, or a proxy."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import httpx
import pytest

from airflow_triggers.api.errors import STATUS_OF_ERROR, problem_of
from airflow_triggers.errors import SessionNotFound
from airflow_triggers_client import Retries, TriggersClient, TriggersClientError, errors
from airflow_triggers_client.answers import api_error, error_of, result_of, seconds_of
from airflow_triggers_client.exchange import Answer
from airflow_triggers_client.models import FireResult
from tests.support.exchanges import answer


def descendants(kind):
    return {kind}.union(*(descendants(subclass) for subclass in kind.__subclasses__()))


@pytest.mark.parametrize("server_error", STATUS_OF_ERROR, ids=lambda kind: kind.__name__)
def test_every_error_of_the_server_has_the_class_of_its_status(server_error):
    status = STATUS_OF_ERROR[server_error]
    error = api_error(status, {"reason": server_error.__name__, "detail": "A sentence."})

    family = next(kind for kind in descendants(errors.ApiError) if status in vars(kind).get("statuses", ()))
    assert isinstance(error, family)
    assert (error.status, error.reason, str(error)) == (status, server_error.__name__, "A sentence.")


def test_every_reason_with_a_class_of_its_own_is_one_of_the_server():
    reasons = {reason for kind in descendants(errors.ApiError) for reason in kind.reasons}

    assert reasons <= {kind.__name__ for kind in STATUS_OF_ERROR}


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (401, "NotAuthenticated", errors.NotAuthenticated),
        (403, "CrossOrigin", errors.Forbidden),
        (404, "SessionNotFound", errors.SessionNotFound),
        (404, "NotFound", errors.NotFound),
        (409, "InvalidTransition", errors.InvalidTransition),
        (409, "SomethingOfAManager", errors.Conflict),
        (412, "PreconditionFailed", errors.PreconditionFailed),
        (413, "TooLarge", errors.TooLarge),
        (418, "Teapot", errors.ApiError),
        (422, "InvalidBody", errors.InvalidRequest),
        (429, "TooManyRequests", errors.TooManyRequests),
        (500, "InternalError", errors.ServerError),
        (503, "LockTimeout", errors.LockTimeout),
        (503, "NotRegistered", errors.NotInstalled),
        (504, "GatewayTimeout", errors.ServiceUnavailable),
        (599, "Strange", errors.ServerError),
    ],
)
def test_an_answer_is_the_most_exact_error(status, reason, kind):
    assert type(api_error(status, {"reason": reason, "detail": "…"})) is kind


@pytest.mark.parametrize(
    ("problem", "reason", "detail"),
    [
        (
            {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "Gone.", "reason": "X"},
            "X",
            "Gone.",
        ),
        (
            {"type": "https://example.org/problems/session-not-found", "detail": "Gone."},
            "SessionNotFound",
            "Gone.",
        ),
        ({"type": "urn:triggers:SessionNotFound", "title": "No session"}, "SessionNotFound", "No session"),
        ({"type": "/triggers/docs#session_not_found", "title": "No"}, "SessionNotFound", "No"),
        ({"type": "about:blank", "title": "Not here"}, "NotFound", "Not here"),
        (
            {"detail": {"nested": 1}},
            "NotFound",
            "The server answered with status 404: '{\"nested\": 1}'",
        ),
        (
            {"reason": 7, "detail": None, "errors": "none"},
            "NotFound",
            "The server, or a proxy before it, answered with status 404 and without a reason.",
        ),
    ],
)
def test_problem_details_are_read_with_and_without_a_reason(problem, reason, detail):
    error = error_of(answer(404, problem))

    assert (error.reason, str(error), error.problem.body) == (reason, detail, problem)
    assert isinstance(error, errors.NotFound)
    assert isinstance(error, errors.SessionNotFound) == (reason == "SessionNotFound")


def test_the_servers_problem_details_are_read_whole():
    server_error = problem_of(SessionNotFound("order-1"))
    body = server_error.body({"root_path": "/triggers", "path": "/triggers/api/v1/sessions/order-1"})
    error = error_of(answer(404, body))

    assert type(error) is errors.SessionNotFound
    assert (error.status, error.reason, error.detail) == (404, "SessionNotFound", server_error.detail)
    assert error.problem.body["type"] == "/triggers/api/v1/problems#SessionNotFound"
    without_reason = {key: text for key, text in body.items() if key != "reason"}
    assert type(error_of(answer(404, without_reason))) is errors.SessionNotFound


def test_what_a_proxy_answers_in_html_has_the_class_of_its_status():
    error = error_of(Answer(502, {"retry-after": "7"}, b"<html>Bad Gateway</html>"))

    assert type(error) is errors.ServiceUnavailable
    assert (error.reason, error.problem.retry_after) == ("BadGateway", 7.0)


def test_the_problems_of_a_body_are_kept():
    problems = [{"in": "body", "field": "trigger", "problem": "this is required", "found": "nothing"}]

    assert error_of(
        answer(422, {"reason": "InvalidBody", "detail": "…", "errors": problems})
    ).problem.errors == (*problems,)


def test_a_redirection_names_its_target_and_is_not_followed():
    error = error_of(Answer(307, {"location": "https://airflow.example.org/"}, b""))

    assert isinstance(error, errors.UnexpectedAnswer)
    assert "https://airflow.example.org/" in str(error)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"<!doctype html>", "Expected JSON of the triggers API, found '<!doctype html>'"),
        (b'{"fire_id": "seven"}', "FireResult"),
        (b"[]", "FireResult"),
    ],
)
def test_an_answer_of_another_shape_is_unexpected(content, complaint):
    with pytest.raises(errors.UnexpectedAnswer, match=complaint):
        result_of(Answer(200, {}, content), FireResult)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        ("Fri, 27 Nov 2026 12:00:30 GMT", 30.0),
        ("Fri, 27 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-1", None),
    ],
)
def test_retry_after_has_seconds_or_a_date(header, seconds):
    assert seconds_of(header, now=datetime(2026, 11, 27, 12, tzinfo=UTC)) == seconds


@pytest.mark.parametrize(
    "error",
    [api_error(404, {"reason": "SessionNotFound", "detail": "Gone."}), errors.FiringInterrupted("x", 1, [])],
)
def test_an_error_survives_pickling(error):
    copied = pickle.loads(pickle.dumps(error))

    assert (type(copied), str(copied), copied.args) == (type(error), str(error), error.args)


@pytest.mark.parametrize(
    "kind",
    sorted(descendants(httpx.RequestError) | {httpx.InvalidURL}, key=lambda kind: kind.__name__),
    ids=lambda kind: kind.__name__,
)
def test_no_error_of_httpx_reaches_the_caller(kind):
    def handler(request):
        raise kind("it broke")

    with httpx.Client(transport=httpx.MockTransport(handler)) as http:
        client = TriggersClient("http://server.test", token="t", http=http, retries=Retries(patience=0))
        with pytest.raises(TriggersClientError, match="it broke"):
            client.skip("order-1", "t_x#0")
