"""The names and values that a storage gives to users' subclasses, hooks and managers."""

from __future__ import annotations

import json
import pickle
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import yaml

from airflow_triggers import CacheStorageBackend, SqlStorageBackend, TriggerManager
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
