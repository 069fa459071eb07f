"""FireTriggerOperator: what its templates may give, and what it says of what they must not."""

from __future__ import annotations

import json

import jinja2
import pytest
from airflow.sdk import DAG, BaseOperator, task
from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_triggers import FireTriggerOperator, trigger_asset
from airflow_triggers.domain.asset_uris import ANY_TRIGGER, trigger_of
from airflow_triggers.errors import InvalidSessionUid, InvalidTrigger
from airflow_triggers.operators.assets import any_trigger_asset

FIRE = {"trigger": "page", "session_uid": "order-1"}
VALUES = {"uid": "order-7", "nothing": None, "empty": "", "number": 17, "rows": {"n": 1, "text": "ü"}}


def fired(parameters, *, values=VALUES, **dag_options):
    """What the operator fires in a DAG, its templates rendered with the values as Airflow renders them."""
    with DAG("etl", schedule=None, **dag_options) as dag:
        operator = FireTriggerOperator(task_id="tell", **{**FIRE, **parameters})
    return executed(operator, dag, values)


def mapped(parameters, element, *, values=VALUES):
    """What the operator that is mapped over one element fires."""
    with DAG("etl", schedule=None) as dag:
        operator = FireTriggerOperator.partial(task_id="each", **parameters).expand_kwargs([element])
    return executed(operator.unmap(element), dag, values)


def executed(operator, dag, values):
    context = {**values, "outlet_events": OutletEventAccessors()}
    operator.render_template_fields(context, dag.get_template_env())
    operator.execute(context)
    return context["outlet_events"][any_trigger_asset()].extra


def test_what_is_left_out_is_not_fired():
    expected = {**FIRE, "kwargs": {}}
    assert fired({}) == expected
    assert fired({"trigger_kwargs": None, "configuration": None, "idempotency_key": None}) == expected
    assert mapped({**FIRE, "configuration": None}, {"trigger_kwargs": {"n": 1}}) == {
        **FIRE,
        "kwargs": {"n": 1},
    }


@pytest.mark.parametrize("conn_id", ["", " "])
@pytest.mark.parametrize("make", [FireTriggerOperator, FireTriggerOperator.partial])
def test_an_empty_connection_is_neither_this_deployment_nor_another(make, conn_id):
    with pytest.raises(
        InvalidTrigger, match=f"fires nothing: 'conn_id' is '{conn_id}'; expected is the id of a"
    ):
        make(task_id="tell", conn_id=conn_id, **FIRE)


def test_a_parameter_that_is_set_after_the_operator_was_made_is_fired():
    operator = FireTriggerOperator(task_id="tell", **FIRE)
    operator.configuration, operator.trigger_kwargs = "survey", {"n": 1}
    assert executed(operator, DAG("etl", schedule=None), {}) == {
        **FIRE,
        "configuration": "survey",
        "kwargs": {"n": 1},
    }


@pytest.mark.parametrize(
    ("template", "options"),
    [
        ("{{ rows | tojson }}", {}),
        ('{"n": {{ rows.n }}, "text": "ü"}', {}),
        ("{{ rows }}", {"render_template_as_native_obj": True}),
        ({"n": "{{ rows.n }}", "text": "{{ rows.text }}"}, {"render_template_as_native_obj": True}),
    ],
)
def test_a_template_may_give_the_kwargs(template, options):
    assert fired({"trigger_kwargs": template}, **options)["kwargs"] == {"n": 1, "text": "ü"}


NAMES = ("trigger", "session_uid", "configuration", "idempotency_key")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("template", "gave"),
    [
        ("{{ nothing }}", "None"),
        ("order-{{ nothing }}", "None"),
        ("{{ 'None' }}", "'None'"),
        ("{{ empty }}", "''"),
        ("{{ missing }}", "an undefined value"),
    ],
)
@pytest.mark.parametrize("undefined", [jinja2.StrictUndefined, jinja2.Undefined])
@pytest.mark.parametrize("native", [False, True])
def test_a_name_whose_template_finds_nothing_is_refused(name, template, gave, undefined, native):
    options = {"template_undefined": undefined, "render_template_as_native_obj": native}
    if native and gave == "'None'":
        gave = "None"
    with pytest.raises(InvalidSessionUid if name == "session_uid" else InvalidTrigger) as raised:
        fired({name: template}, **options)
    assert str(raised.value) == (
        f"FireTriggerOperator fires nothing: {name!r} is {template!r}, which gave {gave}; expected is a string that is "
        "not empty. Make sure that what it reads is there (an XCom of a task that has run, a key of the run's conf)."
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [17, 1.5, True, ["x"], {"x": 1}, b"x"])
def test_a_name_that_is_no_string_is_refused(name, value):
    with pytest.raises((InvalidSessionUid, InvalidTrigger), match=f"{name!r} is .*; expected is a string"):
        fired({name: value})
    with pytest.raises((InvalidSessionUid, InvalidTrigger), match=f"{name!r} is .*; expected is a string"):
        mapped({key: text for key, text in FIRE.items() if key != name}, {name: value})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [None, ""])
def test_a_mapping_that_gives_nothing_as_a_name_is_refused(name, value):
    with pytest.raises((InvalidSessionUid, InvalidTrigger), match=f"{name!r} is {value!r}; expected"):
        mapped({key: text for key, text in FIRE.items() if key != name}, {name: value})


@pytest.mark.parametrize("name", ["trigger", "session_uid"])
def test_a_required_name_that_is_nothing_is_refused(name):
    with pytest.raises((InvalidSessionUid, InvalidTrigger), match=f"{name!r} is None; expected"):
        fired({name: None})


def test_a_number_in_a_native_template_says_how_to_keep_it_text():
    native = {"render_template_as_native_obj": True}
    with pytest.raises(InvalidSessionUid, match=r"'\{\{ number \}\}', which gave 17; .*\"'\{\{ … \}\}'\""):
        fired({"session_uid": "{{ number }}"}, **native)
    assert fired({"session_uid": "'{{ number }}'"}, **native)["session_uid"] == "17"


def test_names_that_read_like_nothing_are_names():
    named = fired({"session_uid": "None", "configuration": "{{ 'none' }}", "idempotency_key": "a {{ uid }}"})
    assert (named["session_uid"], named["configuration"]) == ("None", "none")
    assert named["idempotency_key"] == "a order-7"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            "{{ nothing }}",
            r"is '\{\{ nothing \}\}', which gave 'None'; expected is a mapping, or the JSON text",
        ),
        ("{{ empty }}", "which gave ''; .* To fire without kwargs, give {}."),
        ("{{ rows }}", r"which gave \"{'n': 1, 'text': 'ü'}\"; .*my_task\.output.*tojson"),
        ("[1]", r"is '\[1\]'; expected is a mapping"),
        ('"text"', "expected is a mapping"),
        ("plain", "is 'plain'; expected is a mapping"),
        (
            '{"n": 1, "n": 2}',
            "expected is JSON, which must not have a key twice in one object; found the key 'n' twice",
        ),
        ("", "is ''; expected is a mapping"),
        ([1], r"is \[1\]; .*\. Let the task that gives it return a mapping\."),
        (5, "is 5; expected is a mapping"),
    ],
)
def test_kwargs_that_are_no_mapping_are_refused(given, problem):
    with pytest.raises(InvalidTrigger, match="fires nothing: 'trigger_kwargs' .*" + problem):
        fired({"trigger_kwargs": given})


def test_a_mapping_that_gives_no_kwargs_is_refused():
    with pytest.raises(InvalidTrigger, match=r"'trigger_kwargs' is None; .* To fire without kwargs, give {}"):
        mapped(FIRE, {"trigger_kwargs": None})


@pytest.mark.parametrize("name", FireTriggerOperator.template_fields)
def test_every_parameter_may_be_the_output_of_a_task(name):
    @task
    def fetch():
        return None

    with DAG("etl", schedule=None) as dag:
        output = fetch()
        FireTriggerOperator(task_id="tell", **{**FIRE, name: output})
        FireTriggerOperator(task_id="within", **{**FIRE, "trigger_kwargs": {"deep": {"er": [output]}}})
        partial = {key: value for key, value in FIRE.items() if key != name}
        FireTriggerOperator.partial(task_id="each", **partial).expand(**{name: output})
        FireTriggerOperator.partial(task_id="all").expand_kwargs(output)
    assert dag.get_task("fetch").downstream_task_ids == {"tell", "within", "each", "all"}
    for task_id in ("tell", "within", "each", "all"):
        assert [asset.uri for asset in dag.get_task(task_id).outlets] == [ANY_TRIGGER]


@pytest.mark.parametrize("configuration", ["", " ", 5, ["survey"]])
def test_an_asset_of_a_configuration_without_a_name_is_refused(configuration):
    with pytest.raises(InvalidTrigger, match=r"'configuration' of a trigger's asset is .*; found "):
        trigger_asset("page", configuration=configuration)


def test_a_configuration_may_be_named_like_the_mark_for_none():
    uris = [trigger_asset("page", configuration=name).uri for name in (None, "-", "%2D")]
    assert [trigger_of(uri) for uri in uris] == [("page", None), ("page", "-"), ("page", "%2D")]


def test_the_operator_is_shown_with_its_templates():
    operator = FireTriggerOperator(task_id="tell", **{**FIRE, "trigger_kwargs": {"n": "{{ rows.n }}"}})
    shown = {name: getattr(operator, name) for name in operator.template_fields}
    assert json.loads(json.dumps(shown)) == {
        **FIRE,
        "trigger_kwargs": {"n": "{{ rows.n }}"},
        "configuration": None,
        "idempotency_key": None,
    }
    assert isinstance(operator, BaseOperator)
