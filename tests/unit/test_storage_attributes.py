"""The names and values that a storage gives to users' subclasses, hooks and managers."""

from __future__ import annotations

import json
import pickle
from typing import Any
from unittest import mock
from uuid import uuid4

import msgspec
import pytest
import yaml

from airflow_triggers import CacheStorageBackend, SqlStorageBackend, TriggerManager
from airflow_triggers.domain.fires import FireRequest
from airflow_triggers.domain.uids import SessionUid
from airflow_triggers.storages.base import BaseStorageBackend


class OwnUid(str):
    """A text that shows itself otherwise."""

    __slots__ = ()

    def __str__(self) -> str:
        return "another text"


@pytest.mark.parametrize("storage_class", [CacheStorageBackend, SqlStorageBackend])
@pytest.mark.parametrize("uid", ["order-1", SessionUid("order-1"), OwnUid("order-1")])
def test_the_uid_of_a_storage_is_a_plain_text(storage_class: type[BaseStorageBackend], uid: Any) -> None:
    storage = storage_class(uid)
    assert type(storage.uid) is str
    assert storage.uid == "order-1"
    assert type(TriggerManager(storage).storage.uid) is str


@pytest.mark.parametrize(
    "encode", [yaml.safe_dump, msgspec.json.encode, msgspec.msgpack.encode, json.dumps, pickle.dumps]
)
def test_users_hooks_can_encode_the_uid_of_a_session(encode: Any) -> None:
    assert encode(CacheStorageBackend("order-1").uid) == encode("order-1")


class Connected(CacheStorageBackend):
    """A storage with attributes of its own, named as an application would."""

    def __init__(self, uid: str) -> None:
        super().__init__(uid)
        self.session_id, self.version, self.transaction = 7, 2, "open"


def test_a_storage_of_an_application_may_have_such_attributes() -> None:
    manager = TriggerManager(Connected(f"order-{uuid4()}"))
    manager.update_configuration({"t_a": {"after": ["x"], "run": "builtins.print", "using": "threading"}})
    manager.fire("y")
    version = manager.storage.session_version
    manager.fire("y")
    assert manager.storage.session_version != version
    storage: Any = manager.storage
    assert (storage.session_id, storage.version, storage.transaction) == (7, 2, "open")


@pytest.fixture
def manager() -> TriggerManager:
    # All tests of a process share its cache.
    return TriggerManager(CacheStorageBackend(f"order-{uuid4()}"))


REQUEST = FireRequest(trigger_name="x", trigger_kwargs={"n": 1}, idempotency_key="key")


def test_a_fire_of_a_manager_that_is_replaced_on_the_object_is_called(manager: TriggerManager) -> None:
    with mock.patch.object(manager, "fire", autospec=True) as fire:
        assert manager.fire_request(REQUEST, by="alice") is fire.return_value
    fire.assert_called_once_with("x", {"n": 1}, idempotency_key="key", fired_by="alice", fire_at=None)
    assert not manager.storage.exists


def test_a_fire_of_a_manager_that_wraps_the_frameworks_own_is_called(manager: TriggerManager) -> None:
    with mock.patch.object(manager, "fire", wraps=manager.fire) as fire:
        result = manager.fire_request(REQUEST)
    assert (fire.call_count, result.fire_id) == (1, 1)


def test_a_request_to_the_frameworks_own_fire_is_not_checked_again(manager: TriggerManager) -> None:
    with mock.patch("airflow_triggers.domain.fires.validate_trigger_name") as validate:
        assert manager.fire_request(REQUEST).fire_id == 1
    validate.assert_not_called()
