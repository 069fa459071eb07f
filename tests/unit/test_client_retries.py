"""What the client sends again, and when: only what is safe, after growing pauses, for as long as it is patient."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import httpx
import pytest

from airflow_triggers_client import AsyncTriggersClient, Retries, TriggersClient, errors
from airflow_triggers_client.credentials import Password, SuppliedToken
from airflow_triggers_client.models import InstanceFilter, InstanceStatus
from airflow_triggers_client.operations import delayed_fires, fires, history, instances, sessions, waiting
from tests.support.exchanges import LOST, UNREACHABLE, Script, answer, refusal

FIRED = answer(
    200,
    {"fire_id": 7, "trigger": "paid", "touched": [], "created": [], "scheduled": [], "abandoned": []},
)
INSTANCE = answer(
    200,
    {
        "name": "t_x#0",
        "task": "t_x",
        "number": 0,
        "status": "finished",
        "kwargs": {},
        "missing": [],
        "metadata": {},
        "dag_id": None,
        "dag_run_id": None,
        "can_replay": False,
        "can_skip": False,
        "is_resolved": True,
    },
)
SESSION = answer(
    200,
    {
        "uid": "order-1",
        "manager": "default",
        "storage": "sql",
        "configuration": "orders",
        "created": "2026-01-01T00:00:00Z",
        "last_modified": "2026-01-01T00:00:00Z",
        "metadata": {},
        "tasks": {},
        "instances": [],
        "latest_triggers": {},
        "fires": [],
        "delayed_fires": [],
        "hooks": [],
    },
)

FIRE = lambda service: fires.fire(service, "order-1", "paid")  # noqa: E731
READ = lambda service: instances.instance(service, "order-1", "t_x#0")  # noqa: E731
CREATE = lambda service: sessions.create_session(service, "order-1", "orders")  # noqa: E731
REPLAY = lambda service: instances.replay(service, "order-1", "t_x#0")  # noqa: E731
UPDATE = lambda service: sessions.update_configuration(service, "order-1", {"t_x": {}})  # noqa: E731
METADATA_AS_READ = lambda service: instances.set_metadata(  # noqa: E731
    service, "order-1", "t_x#0", {"a": 1}, if_match='"v"'
)
LOGS_AS_READ = lambda service: instances.resolve_logs(  # noqa: E731
    service, "order-1", "t_x#0", if_match='"v"'
)
CANCEL = lambda service: delayed_fires.cancel_delayed_fire(service, "order-1", 3)  # noqa: E731
CALL_HOOK = lambda service: history.call_hook(service, "order-1", 3)  # noqa: E731

NOTHING_DONE = [UNREACHABLE, refusal(503, "LockTimeout"), refusal(429, "TooManyRequests")]
MAY_PASS = [
    LOST,
    answer(502),
    answer(504),
    refusal(500, "InternalError"),
    refusal(503, "DatabaseFailed"),
]
LASTING = [
    refusal(404, "SessionNotFound"),
    refusal(409, "IdempotencyConflict"),
    refusal(422, "InvalidBody"),
    refusal(500, "RunnerError"),
    refusal(503, "SchemaOutdated"),
    refusal(503, "NotRegistered"),
]


@pytest.mark.parametrize("reply", [*NOTHING_DONE, *MAY_PASS], ids=repr)
@pytest.mark.parametrize(("operation", "success"), [(FIRE, FIRED), (READ, INSTANCE), (CREATE, SESSION)])
def test_what_may_be_repeated_is_sent_again_until_it_succeeds(operation, success, reply):
    script = Script([reply, reply, success])

    script.run(operation(script.service()))

    assert len(script.requests) == 3
    assert len(set(map(repr, script.requests))) == 1


@pytest.mark.parametrize("reply", NOTHING_DONE, ids=repr)
def test_an_act_is_sent_again_when_nothing_was_done(reply):
    script = Script([reply, INSTANCE])

    script.run(REPLAY(script.service()))

    assert len(script.requests) == 2


@pytest.mark.parametrize("operation", [REPLAY, CANCEL, CALL_HOOK, UPDATE, METADATA_AS_READ, LOGS_AS_READ])
@pytest.mark.parametrize("reply", MAY_PASS, ids=repr)
def test_an_act_that_may_have_been_done_is_not_sent_again(operation, reply):
    script = Script([reply, INSTANCE])

    with pytest.raises((errors.AnswerLost, errors.ServerError)):
        script.run(operation(script.service()))

    assert len(script.requests) == 1


@pytest.mark.parametrize("reply", LASTING, ids=repr)
@pytest.mark.parametrize("operation", [FIRE, READ])
def test_what_does_not_pass_by_itself_is_not_tried_again(operation, reply):
    script = Script([reply])

    with pytest.raises(errors.ApiError):
        script.run(operation(script.service()))

    assert len(script.requests) == 1


def test_every_try_of_a_fire_has_the_same_key_and_every_fire_another():
    script = Script([LOST, FIRED])
    service = script.service()
    script.run(FIRE(service))
    script.run(FIRE(service))

    first, again, other = [json.loads(request.body)["idempotency_key"] for request in script.requests]

    assert first == again
    assert other != first


def test_a_key_of_the_callers_is_used():
    script = Script([FIRED])
    script.run(fires.fire(script.service(), "order-1", "paid", idempotency_key="invoice-9"))

    assert json.loads(script.requests[0].body)["idempotency_key"] == "invoice-9"


def test_pauses_grow_to_the_longest_and_end_with_the_patience():
    script = Script([UNREACHABLE])

    with pytest.raises(errors.ServerUnreachable):
        script.run(FIRE(script.service(patience=30, first_pause=1, longest_pause=5)))

    assert script.pauses == [1, 2, 4, 5, 5, 5, 5]


def test_without_patience_a_request_is_tried_once():
    script = Script([UNREACHABLE])

    with pytest.raises(errors.ServerUnreachable):
        script.run(FIRE(script.service(patience=0)))

    assert (len(script.requests), script.pauses) == (1, [])


def test_a_pause_has_a_part_by_chance():
    pauses = [
        Retries(first_pause=1).pause(0, elapsed=0, chance=chance, retry_after=None) for chance in (0, 0.5, 1)
    ]

    assert pauses == [0.5, 0.75, 1.0]


def test_the_server_may_ask_for_a_longer_pause():
    script = Script([refusal(503, "DatabaseFailed", retry_after="5"), FIRED])
    script.run(FIRE(script.service(first_pause=0.5)))

    assert script.pauses == [5.5]


def test_a_pause_beyond_the_patience_is_not_made():
    script = Script([refusal(429, "TooManyRequests", retry_after="3600")])

    with pytest.raises(errors.TooManyRequests):
        script.run(FIRE(script.service()))

    assert script.pauses == []


NO_SECONDS = [-1, float("nan"), float("inf"), "1", True, [1], timedelta(seconds=1)]


@pytest.mark.parametrize("name", ["patience", "first_pause", "longest_pause"])
@pytest.mark.parametrize("seconds", NO_SECONDS)
def test_a_number_of_seconds_that_is_none_is_refused(name, seconds):
    with pytest.raises(errors.InvalidArgument, match=name):
        Retries(**{name: seconds})


# -- credentials ----------------------------------------------------------------------------------------------

LOGIN = answer(201, {"access_token": "first"})
RENEWED = answer(201, {"access_token": "second"})
REFUSED = refusal(401, "NotAuthenticated")


def test_a_password_gets_a_token_before_the_first_request_and_keeps_it():
    script = Script([LOGIN, FIRED, FIRED])
    service = script.service(Password("admin", "secret"))
    script.run(FIRE(service))
    script.run(FIRE(service))

    assert [(request.path, request.token) for request in script.requests] == [
        ("auth/token", None),
        ("triggers/api/v1/sessions/order-1/fires", "first"),
        ("triggers/api/v1/sessions/order-1/fires", "first"),
    ]
    assert json.loads(script.requests[0].body) == {"username": "admin", "password": "secret"}


def test_a_refused_token_is_renewed_once_even_for_what_may_not_be_repeated():
    script = Script([LOGIN, REFUSED, RENEWED, INSTANCE])
    script.run(REPLAY(script.service(Password("admin", "secret"))))

    assert [request.token for request in script.requests] == [None, "first", None, "second"]


def test_a_token_that_another_thread_renewed_is_taken():
    credentials = Password("admin", "secret")
    script = Script([LOGIN, REFUSED, FIRED])
    steps = FIRE(script.service(credentials))
    reply = None
    for reply in (None, LOGIN, REFUSED):
        if reply is REFUSED:
            credentials._current = "of another thread"
        request = steps.send(reply)

    assert (request.path.rpartition("/")[2], request.token) == ("fires", "of another thread")


def test_two_refused_tokens_are_an_error():
    script = Script([LOGIN, REFUSED, RENEWED, REFUSED])

    with pytest.raises(errors.NotAuthenticated):
        script.run(FIRE(script.service(Password("admin", "secret"))))


def test_a_wrong_password_is_an_error_and_not_tried_again():
    script = Script([answer(401, {"detail": "Invalid credentials"})])

    with pytest.raises(errors.NotAuthenticated, match="Invalid credentials"):
        script.run(FIRE(script.service(Password("admin", "wrong"))))

    assert len(script.requests) == 1


def test_a_login_is_tried_again():
    script = Script([UNREACHABLE, LOST, LOGIN, FIRED])

    script.run(FIRE(script.service(Password("admin", "secret"))))

    assert len(script.requests) == 4


def test_one_token_is_not_renewed():
    script = Script([REFUSED])

    with pytest.raises(errors.NotAuthenticated):
        script.run(FIRE(script.service()))

    assert len(script.requests) == 1


def test_a_function_gives_another_token_when_one_is_refused():
    tokens = iter(["first", "second"])
    script = Script([REFUSED, FIRED])
    script.run(FIRE(script.service(SuppliedToken(lambda: next(tokens)))))

    assert [request.token for request in script.requests] == ["first", "second"]


NO_TOKENS = [None, 7, b"abc", "ä", "", " ", "a b", "a\nb", ["abc"]]


@pytest.mark.parametrize("token", NO_TOKENS, ids=repr)
def test_what_a_function_gives_is_checked_before_it_is_sent(token):
    script = Script([FIRED])

    with pytest.raises(errors.InvalidArgument, match="A token is"):
        script.run(FIRE(script.service(SuppliedToken(lambda: token))))

    assert script.requests == []


def test_blanks_around_a_function_s_token_are_left_out():
    script = Script([FIRED])
    script.run(FIRE(script.service(SuppliedToken(lambda: "abc\n"))))

    assert script.requests[0].token == "abc"


def fired_asynchronously(token):
    """The header of each request that the asynchronous client sends; the first one is refused."""
    headers = []

    def handler(request):
        headers.append(request.headers["Authorization"])
        reply = REFUSED if len(headers) == 1 else FIRED
        return httpx.Response(reply.status, content=reply.content)

    async def act():
        async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as http:
            await AsyncTriggersClient("http://server.test", token=token, http=http).fire("order-1", "paid")

    asyncio.run(act())
    return headers


def test_the_asynchronous_client_awaits_a_token():
    tokens = iter(["first", "second"])

    async def token():
        await asyncio.sleep(0)
        return next(tokens)

    assert fired_asynchronously(token) == ["Bearer first", "Bearer second"]


def test_the_asynchronous_client_takes_a_plain_function():
    tokens = iter(["first", "second"])

    assert fired_asynchronously(lambda: next(tokens)) == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize("token", NO_TOKENS, ids=repr)
def test_an_awaited_token_is_checked(token):
    async def supply():
        return token

    with pytest.raises(errors.InvalidArgument, match="A token is"):
        fired_asynchronously(supply)


def test_the_blocking_client_refuses_an_asynchronous_token():
    async def token():
        return "abc"

    with (
        TriggersClient("http://localhost:1", token=token) as client,
        pytest.raises(errors.InvalidArgument, match="Use AsyncTriggersClient"),
    ):
        client.fire("order-1", "paid")


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"token": b"abc"},
        {"token": 7},
        {"username": "u", "password": b"p"},
        {"username": 7, "password": "p"},
        {"token": "t", "username": "u"},
        {"username": "u"},
        {"password": "p"},
        {"token": ""},
        {"token": "a\nb"},
    ],
)
def test_credentials_that_are_none_are_refused_without_being_shown(credentials):
    with pytest.raises(errors.InvalidArgument) as refused:
        TriggersClient("http://localhost:8080", **credentials)

    assert "a\nb" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8080",
        "ftp://localhost",
        "http://",
        "http://u:p@localhost",
        "http://localhost?x=1",
        "",
        None,
        "http://[::",
    ],
)
def test_a_url_that_is_no_servers_is_refused(url):
    with pytest.raises(errors.InvalidArgument):
        TriggersClient(url, token="t")


def test_nothing_shows_a_secret():
    client = TriggersClient("http://localhost:8080", username="admin", password="hunter2")
    script = Script([answer(201, {"access_token": "secret-token"}), FIRED])
    script.run(FIRE(script.service(client._service.credentials)))

    assert "hunter2" not in f"{client!r} {client._service!r} {script.requests!r}"
    assert "secret-token" not in f"{client._service!r} {script.requests!r}"


# -- the edge -------------------------------------------------------------------------------------------------


def sent(act, url="http://localhost:8080/airflow/"):
    """What httpx is given for an act."""
    requests = []

    def handler(request):
        requests.append(request)
        return httpx.Response(404, json={"reason": "SessionNotFound", "detail": "…"})

    with httpx.Client(transport=httpx.MockTransport(handler)) as http:
        client = TriggersClient(url, token="secret", http=http)
        with pytest.raises(errors.SessionNotFound):
            act(client)
    return requests[0]


def test_names_in_a_path_are_percent_encoded_below_the_servers_own_path():
    request = sent(lambda client: client.instance("a/b?c", "t_x#0"))

    assert request.url.raw_path == b"/airflow/triggers/api/v1/sessions/a%2Fb%3Fc/instances/t_x%230"
    assert request.headers["Authorization"] == "Bearer secret"


def test_filters_that_are_not_given_are_not_sent():
    request = sent(lambda client: client.history("order-1", trigger="a&b").first(5))

    assert request.url.query == b"trigger=a%26b&limit=5"


@pytest.mark.parametrize(
    "status", ["failed", InstanceStatus.FAILED, ["failed"], (InstanceStatus.FAILED,)], ids=repr
)
def test_a_single_status_is_no_sequence_of_letters(status):
    selection = InstanceFilter(status=status)

    assert selection.to_dict() == {"status": ["failed"]}
    assert sent(lambda client: client.instances(selection).first(5)).url.query == b"status=failed&limit=5"


@pytest.mark.parametrize(
    "instances", [("ab", "cd"), "ab", [("order-1", None)], [("order-1",)], [7]], ids=repr
)
def test_what_is_no_pair_is_no_instance_of_a_bulk_act(instances):
    with (
        TriggersClient("http://localhost:1", token="t") as client,
        pytest.raises(errors.InvalidArgument, match="pairs of a session's UID and an instance's name; found"),
    ):
        client.make_bulk_act("skip", instances)


@pytest.mark.parametrize("group_by", ["task", ["task"]])
def test_a_single_group_is_no_sequence_of_letters(group_by):
    request = sent(lambda client: client.instance_counts(group_by=group_by))

    assert request.url.query == b"group_by=task"


@pytest.mark.parametrize("uid", ["", ".", "..", "\ud800"])
def test_a_name_that_no_path_can_have_is_refused_before_anything_is_sent(uid):
    with TriggersClient("http://localhost:1", token="t") as client, pytest.raises(errors.InvalidArgument):
        client.session(uid)


@pytest.mark.parametrize("name", [None, 17, True, 1.5, b"order-1", ["order-1"]])
@pytest.mark.parametrize(
    "act",
    [
        lambda client, name: client.session(name),
        lambda client, name: client.create_session(name, "orders"),
        lambda client, name: client.create_session("order-1", name),
        lambda client, name: client.fire(name, "paid"),
        lambda client, name: client.fire("order-1", name),
        lambda client, name: client.instance("order-1", name),
        lambda client, name: client.why("order-1", name),
        lambda client, name: client.history(name),
        lambda client, name: client.configuration(name),
        lambda client, name: client.delete_session(name),
        lambda client, name: client.wait_for(name, until=waiting.resolved()),
    ],
)
def test_a_name_that_is_no_text_is_refused_before_anything_is_sent(act, name):
    with (
        TriggersClient("http://localhost:1", token="t") as client,
        pytest.raises(errors.InvalidArgument, match="is text; found"),
    ):
        act(client, name)


@pytest.mark.parametrize("number", [None, True, 1.0, "7", "7/retry"])
@pytest.mark.parametrize(
    "act",
    [
        lambda client, number: client.cancel_delayed_fire("order-1", number),
        lambda client, number: client.retry_delayed_fire("order-1", number),
        lambda client, number: client.call_hook("order-1", number),
        lambda client, number: client.retry_asset_event(number),
        lambda client, number: client.bulk_act(number),
        lambda client, number: client.cancel_bulk_act(number),
        lambda client, number: client.bulk_outcomes(number),
    ],
)
def test_an_id_that_is_no_whole_number_is_refused_before_anything_is_sent(act, number):
    with (
        TriggersClient("http://localhost:1", token="t") as client,
        pytest.raises(errors.InvalidArgument, match="An id is a whole number; found"),
    ):
        act(client, number)


@pytest.mark.parametrize("kwargs", [{"x": float("nan")}, {"x": object()}, {"x": {1, 2}}, [1], "text"])
def test_kwargs_that_json_has_not_are_refused_before_anything_is_sent(kwargs):
    with TriggersClient("http://localhost:1", token="t") as client, pytest.raises(errors.InvalidArgument):
        client.fire("order-1", "paid", kwargs)


# -- waiting --------------------------------------------------------------------------------------------------


def test_waiting_looks_again_after_growing_pauses_until_the_time_is_up():
    script = Script([SESSION])

    with pytest.raises(errors.WaitTimeout, match="Waited 4 seconds until it is resolved, in session"):
        script.run(
            waiting.wait_for(
                script.service(), "order-1", until=waiting.resolved(), timeout=4, longest_pause=1
            )
        )

    assert script.pauses == [0.5, 0.75, 1, 1, 0.75]


def test_an_instance_that_is_not_there_yet_is_waited_for():
    script = Script([refusal(404, "InstanceNotFound"), INSTANCE])
    until = waiting.instance_has_status("t_x#0")

    assert script.run(waiting.wait_for(script.service(), "order-1", until=until)).name == "t_x#0"


def test_a_session_that_is_not_there_is_an_error():
    script = Script([refusal(404, "SessionNotFound")])
    until = waiting.instance_has_status("t_x#0")

    with pytest.raises(errors.SessionNotFound):
        script.run(waiting.wait_for(script.service(), "order-1", until=until))


def test_a_status_that_there_is_not_is_refused():
    with pytest.raises(errors.InvalidArgument, match="expected some of unstarted, scheduled"):
        waiting.instance_has_status("t_x#0", "done")


@pytest.mark.parametrize(
    "arguments",
    [
        *({"timeout": seconds} for seconds in NO_SECONDS),
        *({"longest_pause": seconds} for seconds in [*NO_SECONDS, 0, None]),
        {"until": waiting.resolved},
        {"until": "resolved"},
        {"until": None},
        {"until": lambda session: True},
    ],
    ids=lambda arguments: f"{next(iter(arguments))} of {type(next(iter(arguments.values()))).__name__}",
)
def test_nonsense_to_wait_for_is_refused_before_anything_is_sent(arguments):
    script = Script([SESSION])

    with pytest.raises(errors.InvalidArgument, match="; found "):
        script.run(
            waiting.wait_for(script.service(), "order-1", **{"until": waiting.resolved(), **arguments})
        )

    assert (script.requests, script.pauses) == ([], [])


def test_without_time_waiting_looks_once():
    script = Script([SESSION])

    with pytest.raises(errors.WaitTimeout):
        script.run(waiting.wait_for(script.service(), "order-1", until=waiting.resolved(), timeout=0))

    assert len(script.requests) == 1


@pytest.mark.parametrize("name", ["t_importSubject", "t_x#", "#0", "t_x#-1", "t_x#01", "t_x#a", "", None, 7])
def test_an_instance_that_no_name_can_have_is_not_waited_for(name):
    with pytest.raises(errors.InvalidArgument, match="An instance's name"):
        waiting.instance_has_status(name)


@pytest.mark.parametrize("trigger", ["", None, 7])
def test_a_trigger_that_no_name_can_have_is_not_waited_for(trigger):
    with pytest.raises(errors.InvalidArgument, match="A trigger's name"):
        waiting.trigger_fired(trigger)


def test_a_session_is_looked_at_by_a_function():
    with pytest.raises(errors.InvalidArgument, match="takes a function"):
        waiting.session_is(True)


@pytest.mark.parametrize("seconds", [*NO_SECONDS, 0, None], ids=repr)
def test_a_timeout_of_requests_is_a_number_above_0(seconds):
    with pytest.raises(errors.InvalidArgument, match="'timeout' is a number of seconds above 0"):
        TriggersClient("http://localhost:1", token="t", timeout=seconds)
