"""What a configuration may say, and with which sentence each mistake is refused."""

from __future__ import annotations

from datetime import date
from enum import Enum

import pytest

from airflow_triggers.configuration import parse_configuration
from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.errors import ConfigurationError

OPERATOR = "airflow.providers.standard.operators.bash.BashOperator"


def refused(content, **options):
    """The problems of a configuration that is refused."""
    with pytest.raises(ConfigurationError) as caught:
        parse_configuration(content, **options)
    return caught.value.problems


def problem_of(**directives):
    """The only problem of a task with these directives."""
    directives = {"after": ["a"], "run": "etl"} | directives
    problems = refused({"t_x": {key: value for key, value in directives.items() if value is not ...}})
    assert len(problems) == 1, problems
    return problems[0]


def test_every_directive_is_read_and_the_unknown_ones_are_kept():
    configuration = parse_configuration(
        {
            "t_x": {
                "after": ["a", "b"],
                "andEvery": "c",
                "unless": ["u"],
                "run": {"operator": OPERATOR, "bash_command": "true"},
                "withParams": {"a": {"n": 1}},
                "using": "airflow",
                "airflow": {"retries": 2, "tags": ["x"], "retry_delay": 1.5},
                "ownedBy": {"team": "survey"},
            }
        },
        name="survey",
    )
    assert configuration == Configuration(
        {
            "t_x": TaskConfig(
                name="t_x",
                after=("a", "b"),
                and_every="c",
                unless=("u",),
                run={"operator": OPERATOR, "bash_command": "true"},
                with_params={"a": {"n": 1}},
                using="airflow",
                airflow={"retries": 2, "tags": ["x"], "retry_delay": 1.5},
                extra={"ownedBy": {"team": "survey"}},
            )
        },
        "survey",
    )


def test_what_a_configuration_writes_is_read_back_equal():
    written = parse_configuration({"t_x": {"after": [], "andEvery": "c", "run": "m:f", "other": 1}}, name="s")
    assert parse_configuration(written.to_dict()["tasks"], name="s") == written
    assert parse_configuration(written) is written


@pytest.mark.parametrize("after", [{}, {"after": None}])
def test_after_may_be_left_out_beside_a_trigger_that_makes_instances(after):
    written = parse_configuration({"t_x": {**after, "andEvery": "page", "run": "m:f"}})
    empty = parse_configuration({"t_x": {"after": [], "andEvery": "page", "run": "m:f"}})
    assert written == empty
    assert written.content_hash == empty.content_hash
    assert written["t_x"].required == {"page"}


def test_a_misspelt_directive_is_the_only_problem_of_a_task_that_then_lacks_it():
    with pytest.raises(ConfigurationError) as raised:
        parse_configuration({"t_x": {"andevery": "page", "run": "m:f"}})
    assert raised.value.problems == ["task 't_x': there is no directive 'andevery'. Did you mean 'andEvery'?"]


class Name(str, Enum):  # noqa: UP042 - that it shows itself otherwise is what is tested
    LOAD = "t_load"


def test_names_that_are_members_of_an_enumeration_are_their_values():
    parsed = parse_configuration({Name.LOAD: {"after": [Name.LOAD], "run": "m:f"}})
    assert parsed.to_dict()["tasks"] == {"t_load": {"after": ["t_load"], "run": "m:f"}}
    assert f"{parsed['t_load'].name}" == "t_load"


def test_a_configuration_is_a_copy_of_what_was_given():
    given = {"t_x": {"after": ("a",), "run": "etl", "withParams": {"a": {"n": [1]}}}}
    configuration = parse_configuration(given)
    given["t_x"]["withParams"]["a"]["n"].append(2)
    assert configuration["t_x"].with_params == {"a": {"n": [1]}}


LONG_NAME = (
    "task 't_x': A trigger's name has 1-200 printable characters without surrounding blanks; "
    f"found '{'n' * 40}'… of 201 characters."
)


@pytest.mark.parametrize(
    ("directives", "problem"),
    [
        (
            {"after": "a"},
            "task 't_x': 'after' is 'a', expected a list of trigger names (it may be left out when 'andEvery' is "
            "given). Write [a].",
        ),
        ({"after": ...}, "task 't_x': 'after' is missing, expected a list of trigger names (it may be"),
        ({"after": None}, "task 't_x': 'after' is missing, expected a list of trigger names (it may be"),
        ({"run": ...}, "task 't_x': 'run' is missing, expected a DAG id, a callable"),
        (
            {"after": []},
            "task 't_x': 'after' is empty and there is no 'andEvery', expected at least one trigger",
        ),
        ({"after": ["a", True]}, "task 't_x': 'after' is ['a', True], expected a list of trigger names"),
        ({"after": [" a"]}, "task 't_x': A trigger's name has 1-200 printable characters"),
        ({"after": ["a", "n" * 201]}, LONG_NAME),
        ({"unless": ["n" * 201]}, LONG_NAME),
        ({"andEvery": "n" * 201}, LONG_NAME),
        ({"unless": "u"}, "task 't_x': 'unless' is 'u', expected a list of trigger names. Write [u]."),
        ({"andEvery": ["p"]}, "task 't_x': 'andEvery' is ['p'], expected one trigger name."),
        ({"withParams": {"n": 1}}, "task 't_x': 'withParams' is {'n': 1}, expected a mapping of mappings"),
        ({"using": ""}, "task 't_x': 'using' is '', expected the name of a runner."),
        ({"airflow": [1]}, "task 't_x': 'airflow' is [1], expected a mapping of Airflow's options."),
        ({"run": 7}, "task 't_x': 'run' is 7, expected a DAG id, a callable"),
        ({"run": {"bash_command": "x"}}, "task 't_x': 'run' is {'bash_command': 'x'}, expected a DAG id"),
        ({"run": {"operator": "Bash"}}, "task 't_x': 'run' is {'operator': 'Bash'}, expected a DAG id"),
        ({"run": "not a dag"}, "task 't_x': 'run' is 'not a dag', expected a DAG id"),
        ({"run": "http://x/y"}, "task 't_x': 'run' is 'http://x/y', expected a DAG id"),
        ({"run": "module:"}, "task 't_x': 'run' is 'module:', expected a DAG id"),
        (
            {"withParams": {"a": {"day": date(2026, 1, 31)}}},
            "task 't_x': 'withParams' must be JSON: objects, arrays, strings, numbers, booleans and null; found date "
            "datetime.date(2026, 1, 31) at 'withParams.a.day'.",
        ),
        ({7: "x"}, "task 't_x': found the directive 7, expected a name."),
        (
            {"airflow": {"retries": 2}},
            "task 't_x': 'airflow' has 'retries', but 'run' is the DAG 'etl', which has its own options; expected only "
            "'result_task_id'.",
        ),
    ],
)
def test_a_problem_names_task_directive_what_was_found_and_what_was_expected(directives, problem):
    given = {"after": ["a"], "run": "etl"} | directives
    problems = refused({"t_x": {key: value for key, value in given.items() if value is not ...}})
    assert [one[: len(problem)] for one in problems] == [problem]


@pytest.mark.parametrize("directive", ["andEvery", "unless", "withParams", "using", "airflow"])
def test_a_directive_that_is_null_is_one_left_out(directive):
    plain = {"t_x": {"after": ["a"], "run": "etl"}}
    assert parse_configuration({"t_x": {**plain["t_x"], directive: None}}) == parse_configuration(plain)


@pytest.mark.parametrize("directive", ["after", "unless"])
@pytest.mark.parametrize(
    ("triggers", "read"),
    [
        (["b", "a", "b"], ("b", "a")),
        (("b", "a", "b"), ("b", "a")),
        ({"c", "b", "a"}, ("a", "b", "c")),
        (frozenset({"c", "b", "a"}), ("a", "b", "c")),
        ({"b": 1, "a": 2}.keys(), ("a", "b")),
    ],
)
def test_triggers_count_once_and_a_set_of_them_has_the_order_of_the_alphabet(directive, triggers, read):
    configuration = parse_configuration({"t_x": {"after": ["a"], "run": "etl", directive: triggers}})
    assert getattr(configuration["t_x"], directive) == read


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("unles", "unless"),
        ("and_every", "andEvery"),
        ("andEvry", "andEvery"),
        ("and-every", "andEvery"),
        ("with_params", "withParams"),
        ("withparams", "withParams"),
        ("Using", "using"),
        ("airfow", "airflow"),
    ],
)
def test_a_misspelt_directive_is_refused_with_the_one_that_was_meant(written, meant):
    assert problem_of(**{written: "x"}) == (
        f"task 't_x': there is no directive {written!r}. Did you mean {meant!r}?"
    )


def test_a_misspelt_required_directive_is_one_problem_and_not_two():
    assert problem_of(after=..., aftr=["a"]) == (
        "task 't_x': there is no directive 'aftr'. Did you mean 'after'?"
    )


@pytest.mark.parametrize("directive", ["owner", "label", "runner", "priority", "team", "onFailure"])
def test_a_directive_that_resembles_none_is_kept_for_custom_managers(directive):
    configuration = parse_configuration({"t_x": {"after": ["a"], "run": "etl", directive: 1}})
    assert configuration["t_x"].extra == {directive: 1}


def test_all_problems_are_told_at_once():
    problems = refused(
        {
            "t_one": {"after": ["a"], "run": "m:f", "unles": ["u"], "airflow": {"retry": 3}},
            "t_two": {"after": "t_one"},
            "t_three": "etl",
            "t_four": {"after": ["t_thre"], "run": "etl"},
            "t#5": {"after": ["a"], "run": "etl"},
        },
        name="survey",
    )
    told = "\n".join(problems)
    for part in (
        "'unles'",
        "'retry'",
        "'t_two': 'after'",
        "'t_two': 'run'",
        "'t_three': found 'etl'",
        "'t_thre'",
        "'t#5'",
    ):
        assert part in told
    assert len(problems) == 7


@pytest.mark.parametrize("name", ["", " t", "t ", "a#b", "a\nb", "x" * 201, 7, None, True])
def test_a_task_has_a_name_that_an_instance_name_can_be_made_of(name):
    assert (
        "expected a name of 1-200 printable characters without '#'"
        in refused({name: {"after": ["a"], "run": "etl"}})[0]
    )


@pytest.mark.parametrize("content", [None, [], "t_x", 7])
def test_a_configuration_is_a_mapping(content):
    assert "expected a mapping of task name to directives." in refused(content)[0]


def test_names_that_become_dag_ids_are_such_as_airflow_takes():
    task = {"after": ["a"], "run": "m:f"}
    assert refused({"t x": task}, name="survey") == [
        "task 't x': Airflow refuses the DAG 'survey.t x' that it becomes, expected letters, digits, '_', '-' and '.', "
        "at most 248 bytes in all."
    ]
    assert "at most 91 characters" in refused({"t" * 150: task}, name="s" * 100)[0]
    (problem,) = refused({"t_x": task, "t_y": task}, name="my survey")
    assert "the configuration's name 'my survey' becomes part of DAG ids" in problem
    assert parse_configuration({"t x": {"after": ["a"], "run": "etl"}}, name="survey")["t x"].run == "etl"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"retry": 3}, "'airflow' has the option 'retry', which is unknown. Did you mean 'retries'?"),
        ({"zzz": 3}, "'airflow' has the option 'zzz', which is unknown. Expected one of: access_control, "),
        ({"retries": "two"}, "'airflow' has 'retries' 'two', expected a whole number from 0 to 1000000."),
        ({"retries": True}, "'airflow' has 'retries' True, expected a whole number from 0 to 1000000."),
        (
            {"retry_delay": "5m"},
            "'airflow' has 'retry_delay' '5m', expected a number of seconds from 0 to 3162240000.",
        ),
        (
            {"execution_timeout": -1},
            "'airflow' has 'execution_timeout' -1, expected a number of seconds from 0 to 3162240000.",
        ),
        (
            {"dagrun_timeout": 1e300},
            "'airflow' has 'dagrun_timeout' 1e+300, expected a number of seconds from 0 to 3162240000.",
        ),
        (
            {"tags": "x"},
            "'airflow' has 'tags' 'x', expected a list of strings of at most 100 characters each.",
        ),
        ({"pool": 1}, "'airflow' has 'pool' 1, expected a string of 1-256 characters."),
        (
            {"is_paused_upon_creation": "yes"},
            "'airflow' has 'is_paused_upon_creation' 'yes', expected true or false.",
        ),
        (
            {"max_active_runs": 0},
            "'airflow' has 'max_active_runs' 0, expected a whole number from 1 to 2147483647.",
        ),
        (
            {"max_active_runs": 10**11},
            "'airflow' has 'max_active_runs' 100000000000, expected a whole number from 1",
        ),
        ({"pool_slots": 0}, "'airflow' has 'pool_slots' 0, expected a whole number from 1 to 2147483647."),
        (
            {"priority_weight": -(2**31) - 1},
            "'airflow' has 'priority_weight' -2147483649, expected a whole number",
        ),
        ({"queue": ""}, "'airflow' has 'queue' '', expected a string of 1-256 characters."),
        (
            {"owner_links": {"me": 1}},
            "'airflow' has 'owner_links' {'me': 1}, expected a mapping of owner to link",
        ),
        (
            {"access_control": {"Op": "x"}},
            "'airflow' has 'access_control' {'Op': 'x'}, expected a mapping of role",
        ),
        ({"executor_config": []}, "'airflow' has 'executor_config' [], expected a mapping."),
    ],
)
def test_an_option_of_airflow_is_known_and_of_its_form(options, problem):
    (found,) = refused({"t_x": {"after": ["a"], "run": "m:f", "airflow": options}})
    assert found.startswith(f"task 't_x': {problem}")


@pytest.mark.parametrize(
    ("directive", "found", "meant"),
    [
        ("after", "t_importSubjct", "t_importSubject"),
        ("after", "t_importsubject", "t_importSubject"),
        ("unless", "t_importSubjects", "t_importSubject"),
        ("after", "firstPageRecieved", "firstPageReceived"),
        ("unless", "FirstPageReceived", "firstPageReceived"),
    ],
)
def test_a_misspelt_trigger_is_refused_with_the_one_that_was_meant(directive, found, meant):
    tasks = {
        "t_importSubject": {"after": ["firstPageReceived"], "run": "etl"},
        "t_other": {"after": ["firstPageReceived"], "run": "etl"},
        "t_last": {"after": ["x"], "run": "etl"} | {directive: [found]},
    }
    (problem,) = refused(tasks, name="survey")
    assert problem.startswith(f"task 't_last': {directive!r} names {found!r}, ")
    assert problem.endswith(f"Did you mean {meant!r}?")


@pytest.mark.parametrize(
    "triggers",
    [
        ["page1", "page2"],
        ["pageReceived1", "pageReceived2"],
        ["t_page1", "t_page10"],
        ["routeAB", "routeBA"],
        ["a", "A"],
        ["ab", "ba"],
        ["orderPaid", "orderPacked"],
        ["pageReceived", "pagesReceived"],
        ["pageReceived", "pageReviewed"],
        ["t_somethingOfTheApplication"],
    ],
)
def test_triggers_that_only_look_alike_pass(triggers):
    tasks = {"t_page2": {"after": triggers, "run": "etl"}, "t_other": {"after": ["x"], "run": "etl"}}
    assert parse_configuration(tasks, name="survey")["t_page2"].after == tuple(triggers)


def test_a_trigger_may_name_what_an_update_does_not_hold():
    update = {"t_imports": {"after": ["t_import"], "run": "etl"}}
    assert parse_configuration(update)["t_imports"].after == ("t_import",)
    assert parse_configuration(update, existing_tasks={"t_import"})["t_imports"].after == ("t_import",)
    assert "Did you mean 't_imports'?" in refused(update, existing_tasks=set())[0]


def test_an_error_names_its_source():
    with pytest.raises(
        ConfigurationError, match=r"^survey\.yaml: 2 problems in the configuration:\n  - task 't_x'"
    ):
        parse_configuration({"t_x": {}}, source="survey.yaml")
