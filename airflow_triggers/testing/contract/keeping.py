"""A storage keeps configuration, instances, fires and metadata: each is read as it was written.

Part of the contract suite: see ``__init__.py``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from airflow_triggers.domain import states
from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.domain.events import EventKind
from airflow_triggers.domain.fires import Fire, FireFilter
from airflow_triggers.domain.instances import InstanceStatus, TaskInstance
from airflow_triggers.errors import (
    InstanceNotFound,
    InvalidMetadata,
    InvalidTrigger,
    SessionNotFound,
    StaleWrite,
    TaskNotFound,
)
from airflow_triggers.storages.base import BaseStorageBackend
from airflow_triggers.testing.contract.suite import StorageSuite

NOON = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)

IMPORT = TaskConfig(
    name="t_import",
    run={"operator": "a.b.Operator", "argument": [1, {"ü": None}]},
    after=("received", "späte Ankunft 😀"),
    and_every="page",
    unless=("embedded",),
    with_params={"page": {"lang": "en"}},
    using="threading",
    airflow={"retries": 2},
    extra={"priority": "high"},
)

NOTIFY = TaskConfig(name="t_notify", run="module:function", after=("t_import",))

CONFIGURATION = Configuration(
    {"t_notify": NOTIFY, "t_import": IMPORT}, "questionnaire", frozenset({"former_dag", None})
)


def fire(trigger_name: str, **fields: Any) -> Fire:
    """A fire of the trigger."""
    return Fire(**{"kwargs": {}, "fired_at": NOON, **fields}, trigger_name=trigger_name)


class KeepingContract(StorageSuite):
    """A storage keeps configuration, instances, fires and metadata: each is read as it was written."""

    @pytest.fixture
    def survey(self, storage: BaseStorageBackend) -> BaseStorageBackend:
        """A session with a configuration."""
        with storage.acquire_lock(create=True):
            storage.set_configuration(CONFIGURATION)
        return storage

    def test_a_session_that_nobody_made_is_empty(self, storage: BaseStorageBackend) -> None:
        assert not storage.exists
        assert storage.manager_name is None
        assert (storage.tasks, storage.instances, storage.latest_kwargs, storage.metadata) == ({}, {}, {}, {})
        assert storage.fires() == []
        assert storage.instances_of_task("t_import") == []
        with pytest.raises(SessionNotFound, match="survey-1"):
            storage["t_import#0"]

    def test_a_configuration_is_read_as_it_was_written_in_its_order(self, survey: BaseStorageBackend) -> None:
        configuration = self.storage_of(survey.uid).configuration
        assert configuration == CONFIGURATION
        assert list(configuration.tasks) == ["t_notify", "t_import"]
        assert list(survey.tasks) == ["t_notify", "t_import"]

    def test_metadata_is_replaced_whole(self, survey: BaseStorageBackend) -> None:
        for metadata in ({"a": {"ü": [1, None, "😀"]}, "b": 2}, {"c": 3}, {}):
            with survey.acquire_lock():
                survey.set_metadata(metadata)
            assert self.storage_of(survey.uid).metadata == metadata

    def test_what_is_read_is_a_copy(self, survey: BaseStorageBackend) -> None:
        with survey.acquire_lock():
            survey.set_metadata({"a": 1})
            survey.record_fire(fire("x", kwargs={"n": 1}))
        survey.metadata["b"] = 2
        survey.latest_kwargs["y"] = {}
        survey.instances["t_import#0"] = TaskInstance(task=IMPORT, number=0)
        survey.tasks.clear()
        assert (survey.metadata, survey.latest_kwargs, survey.instances) == ({"a": 1}, {"x": {"n": 1}}, {})
        assert len(survey.tasks) == 2

    # -- instances -------------------------------------------------------------------------------------------

    def test_an_instance_is_read_as_it_was_written(self, survey: BaseStorageBackend) -> None:
        instance = TaskInstance(
            task=IMPORT,
            number=0,
            status=InstanceStatus.FAILED,
            kwargs={"received": {"a": [1, None, "😀"]}, "page": {}},
            unless_seen=frozenset({"embedded"}),
            metadata={
                "exceptionInfo": "Traceback\n…" + "x" * 50_000,
                "timestamps": {"created": "2031-05-17T08:00:00+00:00"},
            },
        )
        with survey.acquire_lock():
            survey.add(instance)
            assert survey["t_import#0"] == instance
        elsewhere = self.storage_of(survey.uid)
        assert elsewhere["t_import#0"] == instance
        assert elsewhere.instances == {"t_import#0": instance}

    @pytest.mark.parametrize("value", [float("nan"), 2**64, "\0", "\ud800", {1, 2}, {1: 2}])
    def test_what_no_worker_could_be_sent_is_not_kept(self, survey: BaseStorageBackend, value: Any) -> None:
        with survey.acquire_lock():
            original = survey.create_instance("t_import")
            for make in (
                partial(survey.create_instance, "t_import"),
                partial(survey.clone_instance, original),
            ):
                with pytest.raises(InvalidTrigger):
                    make(kwargs={"received": {"a": value}})
                with pytest.raises(InvalidMetadata):
                    make(metadata={"a": value})
                with pytest.raises(InvalidMetadata, match="kept by the framework"):
                    make(metadata={"parent": "t_import#0"})
            with pytest.raises(InvalidMetadata):
                survey.set_metadata({"a": value})
        assert list(survey.instances) == ["t_import#0"]
        assert survey.metadata == {}

    def test_instances_are_ordered_by_task_as_configured_and_number(self, survey: BaseStorageBackend) -> None:
        with survey.acquire_lock():
            for _ in range(11):
                survey.create_instance("t_import")
            survey.create_instance(NOTIFY)
            assert (survey.count_instances(IMPORT), survey.count_instances(NOTIFY)) == (11, 1)
        names = [f"t_import#{number}" for number in range(11)]
        assert list(survey.instances) == [instance.name for instance in survey] == ["t_notify#0", *names]
        assert [instance.name for instance in survey.instances_of_task("t_import")] == names
        assert survey.instances_of_task(IMPORT) == survey.instances_of_task("t_import")
        assert survey.instances_of_task("t_unknown") == []

    @pytest.mark.parametrize("name", ["t_import#1", "t_unknown#0", "t_import", "t_import#x", "#0", ""])
    def test_an_instance_that_does_not_exist_is_named(self, survey: BaseStorageBackend, name: str) -> None:
        with survey.acquire_lock():
            survey.create_instance("t_import")
        with pytest.raises(InstanceNotFound, match=f"survey-1.*{name}"):
            survey[name]

    def test_a_changed_instance_is_kept(self, survey: BaseStorageBackend) -> None:
        with survey.acquire_lock():
            before = survey.create_instance("t_import", kwargs={"received": {"n": 1}})
            after = states.with_status(before, InstanceStatus.FINISHED, now=NOON, metadata={"result": {}})
            survey.put(before, after)
            assert survey["t_import#0"] == after
        assert self.storage_of(survey.uid)["t_import#0"] == after

    def test_an_instance_whose_status_moved_on_is_not_overwritten(self, survey: BaseStorageBackend) -> None:
        with survey.acquire_lock():
            before = survey.create_instance("t_import")
            survey.put(before, replace(before, status=InstanceStatus.SCHEDULED))
        with (
            pytest.raises(StaleWrite, match="t_import#0 of session 'survey-1' is not unstarted"),
            survey.acquire_lock(),
        ):
            survey.put(before, replace(before, status=InstanceStatus.ABANDONED))
        assert survey["t_import#0"].status is InstanceStatus.SCHEDULED

    def test_a_number_is_taken_once(self, survey: BaseStorageBackend) -> None:
        with survey.acquire_lock():
            instance = survey.create_instance("t_import", metadata={"first": True})
        with pytest.raises(StaleWrite, match="t_import#0"), survey.acquire_lock():
            survey.add(replace(instance, metadata={}))
        assert survey["t_import#0"].metadata["first"] is True

    def test_an_instance_has_its_tasks_current_configuration(self, survey: BaseStorageBackend) -> None:
        with survey.acquire_lock():
            survey.create_instance("t_import")
            survey.set_configuration(
                CONFIGURATION.with_update(Configuration({"t_import": replace(IMPORT, unless=())}))
            )
            assert survey["t_import#0"].task.unless == ()
        assert survey["t_import#0"].task.unless == ()
        assert list(survey.tasks) == ["t_notify", "t_import"]

    # -- clones ----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("status", list(InstanceStatus))
    @pytest.mark.parametrize("by_name", [True, False])
    def test_a_clone_is_unstarted_with_the_kwargs_and_unless_state_of_the_original(
        self, survey: BaseStorageBackend, status: InstanceStatus, by_name: bool
    ) -> None:
        with survey.acquire_lock():
            kwargs = {"received": {"n": 1}, "embedded": {}}
            original = survey.create_instance(
                "t_import", kwargs=kwargs, metadata={"ticket": 7}, status=status
            )
            clone = survey.clone_instance(original.name if by_name else original, metadata={"reason": "test"})
            assert survey["t_import#1"] == clone
        clone = self.storage_of(survey.uid)["t_import#1"]
        assert (clone.status, clone.kwargs) == (InstanceStatus.UNSTARTED, {"received": {"n": 1}})
        assert clone.unless_seen == {"embedded"}
        assert clone.metadata.keys() == {"parent", "depth", "reason", "timestamps"}
        assert (clone.metadata["parent"], clone.depth) == ("t_import#0", 1)
        assert clone.metadata["timestamps"].keys() == {"created", "unstarted", "lastModified"}
        assert survey["t_import#0"] == original

    def test_a_clone_has_other_kwargs_if_they_are_given(self, survey: BaseStorageBackend) -> None:
        with survey.acquire_lock():
            survey.create_instance("t_import", kwargs={"received": {"n": 1}})
            assert survey.clone_instance("t_import#0", kwargs={"page": {"n": 2}}).kwargs == {"page": {"n": 2}}
            assert survey.clone_instance("t_import#0", kwargs={}).kwargs == {}
            assert survey.clone_instance("t_import#1").depth == 2

    def test_a_clone_has_its_tasks_current_configuration_whatever_the_caller_held(
        self, survey: BaseStorageBackend
    ) -> None:
        with survey.acquire_lock():
            original = survey.create_instance("t_import")
            survey.set_configuration(
                CONFIGURATION.with_update(Configuration({"t_import": replace(IMPORT, unless=("late",))}))
            )
            clones = [survey.clone_instance(original), survey.create_instance(IMPORT)]
            assert [clone.task.unless for clone in clones] == [("late",), ("late",)]
            waiting = [instance.name for instance in survey.fire_view("late").waiting]
        assert waiting == ["t_import#0", "t_import#1", "t_import#2"]

    def test_nothing_is_cloned_of_what_does_not_exist(self, survey: BaseStorageBackend) -> None:
        stranger = TaskInstance(task=replace(NOTIFY, name="t_unknown"), number=0)
        with survey.acquire_lock():
            with pytest.raises(InstanceNotFound, match="t_import#9"):
                survey.clone_instance("t_import#9")
            with pytest.raises(TaskNotFound, match="t_unknown"):
                survey.clone_instance(stranger)
        assert survey.instances == {}

    # -- fires -----------------------------------------------------------------------------------------------

    def test_a_fire_is_read_as_it_was_written(self, survey: BaseStorageBackend) -> None:
        with survey.acquire_lock():
            recorded_fire = survey.record_fire(
                fire(
                    "späte Ankunft 😀",
                    kwargs={"ü": {"a": [1, None]}},
                    fired_by="ann",
                    idempotency_key="k",
                    touched=("t_a#0", "t_b#0"),
                    created=("t_b#0",),
                    scheduled=("t_a#0",),
                    abandoned=("t_c#0",),
                )
            )
            assert survey.find_fire("k") == recorded_fire
        assert recorded_fire.fire_id > 0
        assert self.storage_of(survey.uid).fires() == [recorded_fire]

    def test_fires_are_listed_newest_first_and_by_pages(self, survey: BaseStorageBackend) -> None:
        with survey.acquire_lock():
            ids = [survey.record_fire(fire("x", kwargs={"n": number})).fire_id for number in range(7)]
        assert ids == sorted(set(ids))
        newest_first = [recorded_fire.fire_id for recorded_fire in survey.fires()]
        assert newest_first == ids[::-1]
        pages, before = [], None
        while page := survey.fires(limit=3, before=before):
            pages.append([recorded_fire.fire_id for recorded_fire in page])
            before = page[-1].fire_id
        assert pages == [newest_first[:3], newest_first[3:6], newest_first[6:]]
        assert survey.fires(limit=0) == []

    def test_the_latest_kwargs_are_those_of_each_triggers_latest_fire(
        self, survey: BaseStorageBackend
    ) -> None:
        with survey.acquire_lock():
            for number, trigger in enumerate(["x", "y", "x"]):
                survey.record_fire(fire(trigger, kwargs={"n": number}))
            assert survey.latest_kwargs == {"y": {"n": 1}, "x": {"n": 2}}
        assert self.storage_of(survey.uid).latest_kwargs == {"y": {"n": 1}, "x": {"n": 2}}

    def test_a_fire_is_found_by_its_key_in_its_own_session(self, survey: BaseStorageBackend) -> None:
        other_storage = self.storage_of("survey-2")
        with survey.acquire_lock():
            first = survey.record_fire(fire("x", idempotency_key="k"))
            survey.record_fire(fire("x"))
        with other_storage.acquire_lock(create=True):
            assert other_storage.find_fire("k") is None
            second = other_storage.record_fire(fire("y", idempotency_key="k"))
            assert other_storage.find_fire("k") == second
        with survey.acquire_lock():
            assert survey.find_fire("k") == first
            assert survey.find_fire("K") is None

    def test_fires_are_picked_by_trigger_instance_and_effect(self, survey: BaseStorageBackend) -> None:
        with survey.acquire_lock():
            for recorded_fire in (
                fire("x", touched=("t_ü#0",), created=("t_ü#0",)),
                fire("x", touched=("t_ü#01",)),
                fire("y", fired_by="t_ü#0"),
                fire("t_ü", fired_by="t_ü#0"),
                fire("y", abandoned=("t_%#0",)),
            ):
                survey.record_fire(recorded_fire)

        def places_of(**conditions: Any) -> list[int]:
            fires = self.storage_of(survey.uid).fires(only=FireFilter(**conditions))
            fire_ids = [recorded_fire.fire_id for recorded_fire in survey.fires()][::-1]
            return sorted(fire_ids.index(recorded_fire.fire_id) for recorded_fire in fires)

        assert places_of() == [0, 1, 2, 3, 4]
        assert places_of(trigger_name="x") == [0, 1]
        assert places_of(instance="t_ü#0") == [0, 2, 3]
        assert places_of(instance="t_%#0") == [4]
        assert places_of(in_vain=True) == [2]
        assert places_of(in_vain=False, trigger_name="y") == [4]
        assert len(survey.fires(limit=1, only=FireFilter(trigger_name="x"))) == 1

    def test_what_else_happened_is_read_newest_first_and_by_pages(self, survey: BaseStorageBackend) -> None:
        with survey.acquire_lock():
            for number in range(3):
                name = f"t_notify#{number % 2}"
                survey.record_event(EventKind.PROGRESS, instance=name, by="ann", details={"ü": [number]})
        events = self.storage_of(survey.uid).events()
        assert [event.details for event in events] == [{"ü": [number]} for number in (2, 1, 0)]
        assert {(event.kind, event.by, event.at.utcoffset() is None) for event in events} == {
            (EventKind.PROGRESS, "ann", False)
        }
        assert survey.events(limit=1, before=events[0].event_id) == events[1:2]
        assert survey.events(instance="t_notify#1") == events[1:2]

    # -- what a fire looks at --------------------------------------------------------------------------------

    def test_a_fire_looks_at_what_lacks_the_trigger(self, survey: BaseStorageBackend) -> None:
        with survey.acquire_lock():
            survey.create_instance("t_import", kwargs={"page": {}})
            lacking = survey.create_instance("t_import", kwargs={"received": {}})
            survey.create_instance("t_import", status=InstanceStatus.SCHEDULED)
            survey.create_instance("t_notify")
            view = survey.fire_view("page")
            assert [task.name for task in view.tasks] == ["t_import"]
            assert [instance.name for instance in view.waiting] == [lacking.name]
            assert view.counts["t_import"] == 3
            assert survey.fire_view("unheard").tasks == ()

    def test_a_fire_knows_what_fired_before_for_an_instance_that_it_makes(
        self, survey: BaseStorageBackend
    ) -> None:
        with survey.acquire_lock():
            survey.record_fire(fire("received", kwargs={"n": 1}))
            survey.record_fire(fire("received", kwargs={"n": 2}))
            survey.record_fire(fire("embedded"))
            view = survey.fire_view("page")
            assert (view.latest["received"], view.latest["embedded"]) == ({"n": 2}, {})

    def test_an_instance_waits_for_what_its_replaced_task_requires(self, survey: BaseStorageBackend) -> None:
        with survey.acquire_lock():
            survey.create_instance("t_notify")
        with survey.acquire_lock():
            survey.set_configuration(
                CONFIGURATION.with_update(Configuration({"t_notify": replace(NOTIFY, after=("y", "z"))}))
            )
            assert [instance.name for instance in survey.fire_view("z").waiting] == ["t_notify#0"]
            assert survey.fire_view("t_import").tasks == ()

    # -- rules that change -----------------------------------------------------------------------------------

    def test_its_version_is_another_after_every_change_by_others(self, survey: BaseStorageBackend) -> None:
        versions = [survey.session_version]
        with survey.acquire_lock():
            assert survey.session_version == versions[0]
            survey.create_instance("t_notify")
        versions.append(survey.session_version)
        with survey.acquire_lock():
            survey.record_fire(fire("received"))
        versions.append(survey.session_version)
        assert len(set(versions)) == 3

    def test_what_is_tried_out_is_undone(self, survey: BaseStorageBackend) -> None:
        version = survey.session_version
        with survey.try_out():
            survey.create_instance("t_notify")
            survey.record_fire(fire("received"))
            assert list(survey.instances) == ["t_notify#0"]
        assert (survey.instances, survey.fires(), survey.session_version) == ({}, [], version)
        other_storage = self.storage_of("survey-2")
        with other_storage.try_out(create=True):
            other_storage.set_configuration(CONFIGURATION)
        assert not other_storage.exists

    def test_instances_of_a_removed_task_are_kept(self, survey: BaseStorageBackend) -> None:
        with survey.acquire_lock():
            instance = survey.create_instance("t_notify", status=InstanceStatus.FAILED)
            survey.set_configuration(Configuration({"t_import": IMPORT}, removed={"t_notify": NOTIFY}))
            assert survey.fire_view("t_import").tasks == ()
        assert (list(survey.tasks), survey.configuration.removed) == (["t_import"], {"t_notify": NOTIFY})
        assert survey["t_notify#0"] == instance
        assert survey.instances_of_task("t_notify") == [instance]
        assert survey.instances == {"t_notify#0": instance}
        with survey.acquire_lock():
            clone = survey.clone_instance("t_notify#0")
            with pytest.raises(TaskNotFound):
                survey.create_instance("t_notify")
        assert (clone.name, clone.task) == ("t_notify#1", NOTIFY)

    # -- sessions --------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("uid", ["survey-10", "Survey-1", "survey-1#0", "survey%", "survey-1:x", "ü😀"])
    def test_sessions_with_like_names_are_strangers(self, survey: BaseStorageBackend, uid: str) -> None:
        other_storage = self.storage_of(uid)
        assert not other_storage.exists
        with other_storage.acquire_lock(create=True, manager="another"):
            other_storage.set_configuration(Configuration({"t_import": IMPORT}))
            other_storage.create_instance("t_import")
            other_storage.record_fire(fire("x", kwargs={"n": 1}))
            other_storage.set_metadata({"n": 1})
        assert (survey.instances, survey.latest_kwargs, survey.metadata, survey.fires()) == ({}, {}, {}, [])
        assert (survey.manager_name, list(survey.tasks)) == ("default", ["t_notify", "t_import"])
        assert self.storage_of(uid).manager_name == "another"
