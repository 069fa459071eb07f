"""Many fires: cut into requests that the server takes, sent again where that is safe, in order for each session."""

from __future__ import annotations

import asyncio
import json
from datetime import date, datetime

import httpx
import pytest

from airflow_triggers.api.gate import MAX_BATCH_BYTES
from airflow_triggers.api.requests import MAX_BATCH as SERVER_BATCH
from airflow_triggers_client import AsyncTriggersClient, Fire, Retries, TriggersClient, errors
from airflow_triggers_client.operations.batches import MAX_BATCH, Batcher, Entry, FireReport, fire_batch
from airflow_triggers_client.service import MAX_BODY_BYTES
from tests.support.exchanges import LOST, UNREACHABLE, Script, answer, refusal

EFFECT = {"trigger": "paid", "touched": [], "created": [], "scheduled": [], "abandoned": []}


def results(*statuses):
    """The answer to a batch, one result for each status; 503 is a lock that was not free."""
    return answer(
        200,
        {
            "results": [
                {"index": index, "status": status, **result(index, status)}
                for index, status in enumerate(statuses)
            ]
        },
    )


def result(index, status):
    if status == 200:
        return {"fire_id": index + 1, "repeated": False, **EFFECT}
    reasons = {404: "SessionNotFound", 422: "InvalidBody", 500: "InternalError", 503: "LockTimeout"}
    return {"reason": reasons[status], "detail": "A sentence."}


def items_of(*fires):
    batcher = Batcher()
    assert not [batch for fire in fires for batch in batcher.add(fire)]
    return batcher.rest()


def paid(number, **kwargs):
    return Fire("order-1", "paid", {"n": number, **kwargs})


def sent_numbers(request):
    return [fire["kwargs"]["n"] for fire in json.loads(request.body)["fires"]]


def test_the_limits_are_the_servers():
    assert (MAX_BATCH, MAX_BODY_BYTES) == (SERVER_BATCH, MAX_BATCH_BYTES)


def test_fires_are_cut_into_batches_of_a_size():
    batcher = Batcher(3)
    batches = [len(batch) for number in range(7) for batch in batcher.add(paid(number))]

    assert (batches, len(batcher.rest())) == ([3, 3], 1)


def test_a_request_stays_below_the_servers_limit_of_bytes():
    batcher = Batcher()
    large = "x" * (MAX_BODY_BYTES // 3)
    batches = [batch for number in range(5) for batch in batcher.add(paid(number, text=large))]
    batches.append(batcher.rest())

    assert [len(batch) for batch in batches] == [2, 2, 1]
    assert all(sum(len(item.content) + 1 for item in batch) < MAX_BODY_BYTES for batch in batches)


@pytest.mark.parametrize("size", [0, -1, 1001])
def test_a_size_that_the_server_does_not_take_is_refused(size):
    with pytest.raises(errors.InvalidArgument, match="1 to 1000"):
        Batcher(size)


NO_FIRES = [
    {"trigger": "paid"},
    None,
    "paid",
    Fire(None, "paid"),
    Fire("order-1", 17),
    Fire("order-1", "paid", [1]),
    Fire("order-1", "paid", idempotency_key=17),
    Fire("order-1", "paid", fire_at="2031-05-17T08:00:00Z"),
    Fire("order-1", "paid", fire_at=1893456000),
    Fire("order-1", "paid", fire_at=date(2031, 5, 17)),
    Fire("order-1", "paid", fire_at=datetime(2031, 5, 17)),
]


@pytest.mark.parametrize("element", NO_FIRES, ids=repr)
def test_what_is_no_fire_is_refused_and_the_others_are_sent(element):
    report, script = FireReport(), Script([results(200, 200)])
    script.run(fire_batch(script.service(), items_of(paid(0), element, paid(2)), report))

    assert sent_numbers(script.requests[0]) == [0, 2]
    assert (report.fired, [outcome.index for outcome in report.refused]) == (2, [1])
    assert isinstance(report.refused[0].error, errors.InvalidArgument)


def test_a_fire_that_json_has_not_is_refused_and_the_others_are_sent():
    report, script = FireReport(), Script([results(200, 200)])
    items = items_of(paid(0), paid(1, bad=float("inf")), paid(2))
    progress = script.run(fire_batch(script.service(), items, report))

    assert sent_numbers(script.requests[0]) == [0, 2]
    assert [outcome.index for outcome in progress.outcomes] == [0, 1, 2]
    assert [outcome.index for outcome in report.refused] == [1]
    assert isinstance(report.refused[0].error, errors.InvalidArgument)


def test_a_refused_fire_has_the_error_that_it_alone_would_have_had():
    report, script = FireReport(), Script([results(200, 404, 422)])
    script.run(fire_batch(script.service(), items_of(paid(0), paid(1), paid(2)), report))

    assert (report.fired, [type(outcome.error) for outcome in report.refused]) == (
        1,
        [errors.SessionNotFound, errors.InvalidRequest],
    )


def test_a_batch_is_sent_again_as_it_was_until_it_is_answered():
    report, script = (
        FireReport(),
        Script([UNREACHABLE, LOST, refusal(503, "DatabaseFailed"), results(200, 200)]),
    )
    script.run(fire_batch(script.service(), items_of(paid(0), paid(1)), report))

    assert len({request.body for request in script.requests}) == 1
    assert (len(script.requests), report.fired) == (4, 2)


def test_fires_that_failed_for_a_passing_reason_are_sent_again_before_what_follows():
    report, script = FireReport(), Script([results(200, 503, 404, 503), results(503, 200), results(200)])
    script.run(fire_batch(script.service(), items_of(*map(paid, range(4))), report))

    assert list(map(sent_numbers, script.requests)) == [[0, 1, 2, 3], [1, 3], [1]]
    assert (report.fired, len(report.refused)) == (3, 1)


def test_a_fire_at_which_a_manager_fails_is_refused_and_holds_up_no_other():
    report, script = FireReport(), Script([results(500, 200)])
    script.run(fire_batch(script.service(), items_of(paid(0), paid(1)), report))

    assert (len(script.requests), report.fired) == (1, 1)
    assert isinstance(report.refused[0].error, errors.ServerError)


def test_an_end_names_what_is_not_settled_with_its_keys():
    report, script = FireReport(), Script([results(200, 503, 404, 503), LOST])
    items = items_of(*map(paid, range(4)))

    with pytest.raises(errors.FiringInterrupted, match="1 fires count, and 1 were refused") as interrupted:
        script.run(fire_batch(script.service(patience=5), items, report))

    assert [fire.kwargs["n"] for fire in interrupted.value.unsettled] == [1, 3]
    assert [fire.idempotency_key for fire in interrupted.value.unsettled] == [
        item.fire.idempotency_key for item in items if isinstance(item, Entry) and item.index in (1, 3)
    ]
    assert [outcome.index for outcome in interrupted.value.outcomes] == [0, 2]
    assert interrupted.value.report is report
    assert isinstance(interrupted.value.__cause__, errors.AnswerLost)


def test_a_lasting_error_of_the_whole_ends_it():
    script = Script([refusal(403, "Forbidden")])

    with pytest.raises(errors.FiringInterrupted) as interrupted:
        script.run(fire_batch(script.service(), items_of(paid(0)), FireReport()))

    assert isinstance(interrupted.value.__cause__, errors.Forbidden)
    assert len(script.requests) == 1


def test_a_fire_that_is_too_large_alone_is_refused():
    report, script = FireReport(), Script([refusal(413, "TooLarge")])
    script.run(fire_batch(script.service(), items_of(paid(0)), report))

    assert isinstance(report.refused[0].error, errors.TooLarge)


@pytest.mark.parametrize(
    "content", [{}, {"results": []}, {"results": [{"status": "fine"}]}, {"results": [7]}]
)
def test_an_answer_of_another_shape_ends_it(content):
    script = Script([answer(200, content)])

    with pytest.raises(errors.FiringInterrupted) as interrupted:
        script.run(fire_batch(script.service(), items_of(paid(0)), FireReport()))

    assert isinstance(interrupted.value.__cause__, errors.UnexpectedAnswer)


# -- the clients ----------------------------------------------------------------------------------------------


def takes_everything(requests):
    def handler(request):
        fires = json.loads(request.content)["fires"]
        requests.append([fire["kwargs"]["n"] for fire in fires])
        return httpx.Response(200, content=results(*[200] * len(fires)).content)

    return httpx.MockTransport(handler)


def test_an_iterable_is_read_as_it_is_sent_and_progress_is_told():
    requests, states = [], []

    def fires():
        for number in range(5):
            assert len(requests) == number // 2
            yield paid(number)

    with httpx.Client(transport=takes_everything(requests)) as http:
        client = TriggersClient("http://server.test", token="t", http=http)
        report = client.fire_many(fires(), batch_size=2, progress=states.append)

    assert requests == [[0, 1], [2, 3], [4]]
    assert [(state.fired, len(state.outcomes)) for state in states] == [(2, 2), (4, 2), (5, 1)]
    assert (report.fired, report.refused) == (5, [])


@pytest.mark.parametrize("is_asynchronous", [False, True])
def test_the_asynchronous_client_takes_both_kinds_of_iterables_and_of_callbacks(is_asynchronous):
    requests, states = [], []

    async def asynchronous():
        for number in range(5):
            yield paid(number)

    async def progress(state):
        states.append(state.fired)

    async def act():
        async with httpx.AsyncClient(transport=takes_everything(requests)) as http:
            client = AsyncTriggersClient(
                "http://server.test", token="t", http=http, retries=Retries(patience=0)
            )
            fires = asynchronous() if is_asynchronous else map(paid, range(5))
            callback = progress if is_asynchronous else lambda state: states.append(state.fired)
            return await client.fire_many(fires, batch_size=2, progress=callback)

    report = asyncio.run(act())

    assert (requests, states, report.fired) == ([[0, 1], [2, 3], [4]], [2, 4, 5], 5)


def fire_many(make_fires, *, is_asynchronous, requests, **options):
    """``fire_many`` of one of the clients."""

    async def act():
        async with httpx.AsyncClient(transport=takes_everything(requests)) as http:
            client = AsyncTriggersClient("http://server.test", token="t", http=http)
            return await client.fire_many(make_fires(), **options)

    if is_asynchronous:
        return asyncio.run(act())
    with httpx.Client(transport=takes_everything(requests)) as http:
        return TriggersClient("http://server.test", token="t", http=http).fire_many(make_fires(), **options)


def failing_fires():
    yield from map(paid, range(5))
    raise ValueError("row 5 is torn")


async def failing_asynchronous_fires():
    for number in range(5):
        yield paid(number)
    raise ValueError("row 5 is torn")


@pytest.mark.parametrize(
    ("make_fires", "is_asynchronous"),
    [(failing_fires, False), (failing_fires, True), (failing_asynchronous_fires, True)],
)
def test_an_iterable_that_fails_ends_it_after_what_was_read_is_sent(make_fires, is_asynchronous):
    requests = []
    with pytest.raises(
        errors.FiringInterrupted, match=r"5 fires count, and 0 were refused.*at 5"
    ) as interrupted:
        fire_many(make_fires, is_asynchronous=is_asynchronous, requests=requests, batch_size=2)

    assert requests == [[0, 1], [2, 3], [4]]
    assert (interrupted.value.report.fired, interrupted.value.unsettled) == (5, [])
    assert isinstance(interrupted.value.__cause__, ValueError)


@pytest.mark.parametrize("is_asynchronous", [False, True])
@pytest.mark.parametrize("fires", [None, 17, Fire("order-1", "paid")], ids=repr)
def test_what_is_no_iterable_is_refused_before_anything_is_sent(fires, is_asynchronous):
    requests = []
    with pytest.raises(errors.InvalidArgument, match="fire_many takes an iterable of Fire objects; found"):
        fire_many(lambda: fires, is_asynchronous=is_asynchronous, requests=requests)

    assert requests == []


def test_no_fires_are_no_request():
    requests = []
    with httpx.Client(transport=takes_everything(requests)) as http:
        assert TriggersClient("http://server.test", token="t", http=http).fire_many([]).fired == 0

    assert requests == []
