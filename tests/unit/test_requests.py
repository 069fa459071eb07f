"""The request to fire and the session's UID: valid once they exist, made by the ways in, taken as they are below."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime
from enum import StrEnum

import pytest
from dogpile.cache import make_region

from airflow_triggers import CacheStorageBackend, TriggerManager
from airflow_triggers.api.requests import BatchedFire, FireTrigger
from airflow_triggers.domain.fires import DelayedFire, FireRequest, SessionFireRequest
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.domain.validation import json_object, validate_session_uid
from airflow_triggers.errors import InvalidSessionUid, InvalidTrigger
from tests.support.calls import calls_of


class Uid(StrEnum):
    ORDER = "order-1"


def test_a_session_uid_exists_only_when_it_is_valid():
    assert SessionUid("order 1") == "order 1"
    for uid in ("", "a/b", " a", "..", "x" * 201, None, 7):
        with pytest.raises(InvalidSessionUid):
            SessionUid(uid)


def test_a_session_uid_is_checked_once():
    with calls_of(validate_session_uid) as calls:
        uid = SessionUid("order-1")
        assert SessionUid(uid) is uid
    assert calls == ["validate_session_uid"]


def test_a_session_uid_is_text_wherever_text_is_written():
    uid = SessionUid(Uid.ORDER)
    assert (repr(uid), f"{uid}", json.dumps({uid: uid})) == ("'order-1'", "order-1", '{"order-1": "order-1"}')
    assert type(str(uid)) is str
    for twin in (copy.deepcopy(uid), pickle.loads(pickle.dumps(uid))):
        assert (type(twin), twin) == (SessionUid, "order-1")


@pytest.mark.parametrize(
    "fields",
    [
        {"trigger_name": " x"},
        {"trigger_name": "x", "trigger_kwargs": {"n": 2**70}},
        {"trigger_name": "x", "idempotency_key": ""},
        {"trigger_name": "x", "fire_at": "tomorrow"},
    ],
)
def test_a_request_exists_only_when_it_is_valid(fields):
    with pytest.raises(InvalidTrigger):
        FireRequest(**fields)
    with pytest.raises(InvalidTrigger):
        SessionFireRequest(session_uid="order-1", **fields)


def test_a_request_names_a_session_that_can_be():
    with pytest.raises(InvalidSessionUid):
        SessionFireRequest(session_uid="a/b", trigger_name="x")
    assert type(SessionFireRequest(session_uid="order-1", trigger_name="x").session_uid) is SessionUid


def test_a_request_has_a_copy_of_the_kwargs():
    kwargs = {"rows": [1]}
    request = FireRequest(trigger_name="x", trigger_kwargs=kwargs)
    kwargs["rows"].append(object())
    assert request.trigger_kwargs == {"rows": [1]}


def test_a_body_checks_the_kwargs_and_the_request_does_not_again():
    with calls_of(json_object) as calls:
        body = FireTrigger(trigger="x", kwargs={"rows": [1]}, idempotency_key="k")
        request = body.into(SessionUid("order-1"), idempotency_key=body.idempotency_key)
    assert calls == ["json_object"]
    assert request == SessionFireRequest(
        session_uid="order-1", trigger_name="x", trigger_kwargs={"rows": [1]}, idempotency_key="k"
    )


def test_what_a_body_leaves_to_the_request_is_checked_by_it():
    with pytest.raises(InvalidTrigger):
        FireTrigger(trigger=" x").into(SessionUid("order-1"), idempotency_key=None)
    with pytest.raises(InvalidSessionUid):
        BatchedFire(session_uid="a/b", trigger="x").to_request()


def test_a_delayed_fire_is_requested_as_it_was_asked_for():
    delayed = DelayedFire(
        trigger_name="x", kwargs={"n": 1}, fire_at=datetime(2031, 5, 17, tzinfo=UTC), idempotency_key="k"
    )
    assert delayed.to_request() == FireRequest(trigger_name="x", trigger_kwargs={"n": 1}, idempotency_key="k")


class Renaming(TriggerManager):
    """Has a fire of its own, as managers of users may."""

    name = "renaming"

    def fire(self, trigger_name, trigger_kwargs=None, **options):
        return super().fire(f"{options['fired_by']}/{trigger_name}", trigger_kwargs, **options)


def storage():
    return CacheStorageBackend("order-1", region=make_region().configure("dogpile.cache.memory"))


def test_a_manager_takes_a_request_without_checking_it_again():
    request = FireRequest(trigger_name="x", trigger_kwargs={"n": 1}, idempotency_key="k")
    manager = TriggerManager(storage())
    with calls_of(json_object) as calls:
        result = manager.fire_request(request, by="ann")
    assert calls == []
    (fire,) = manager.storage.fires()
    assert (fire.trigger_name, fire.kwargs, fire.idempotency_key, fire.fired_by) == (
        "x",
        {"n": 1},
        "k",
        "ann",
    )
    assert manager.fire("x", {"n": 1}, idempotency_key="k").fire_id == result.fire_id


def test_a_managers_own_fire_gets_every_request():
    manager = Renaming(storage())
    manager.fire_request(FireRequest(trigger_name="x"), by="ann")
    assert [fire.trigger_name for fire in manager.storage.fires()] == ["ann/x"]
