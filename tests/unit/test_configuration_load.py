"""Configurations are read from YAML files safely, and mistakes in the YAML itself are shown with file and line."""

from __future__ import annotations

import pytest
import yaml

from airflow_triggers.configuration import yaml_document
from airflow_triggers.configuration.load import configuration_files, load_configuration
from airflow_triggers.errors import ConfigurationError


@pytest.fixture(params=["libyaml", "PyYAML alone"], autouse=True)
def loader(request, monkeypatch):
    """PyYAML is installed with libyaml or without it."""
    if request.param == "PyYAML alone":
        monkeypatch.setattr(yaml_document, "_FastLoader", None)
    elif not yaml.__with_libyaml__:
        pytest.skip("PyYAML is installed without libyaml")


def written(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_a_configuration_named_like_the_file(tmp_path):
    path = written(tmp_path, "survey.yaml", "t_x:\n  after: [a, Größe]\n  run: etl\n")
    configuration = load_configuration(path)
    assert configuration.name == "survey"
    assert configuration["t_x"].after == ("a", "Größe")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "t_x:\n  after: [a]\n  after: [b]\n",
            "line 3: the key 'after' stands twice in one mapping, expected each key once.",
        ),
        ("t_x: {after: [a], run: d}\nt_x: {after: [a], run: d}\n", "line 2: the key 't_x' stands twice"),
        ("t_x: {after: [a]\nt_y: 1\n", "line 2: expected ',' or '}'"),
        ("t_x: {after: [a]\n", "line 2: expected ',' or '}'"),
        ("t_x:\n\tafter: [a]\n", "line 2: found character '\\t' that cannot start any token"),
        (
            "t_x: !!python/object/apply:os.getcwd []\n",
            "line 1: could not determine a constructor for the tag",
        ),
        ("? [a]\n: {after: [b]}\n", "line 1: found unhashable key"),
        (
            "t_x: 2026-02-31\n",
            "line 1: the value '2026-02-31' cannot be read as timestamp (day is out of range for month), expected YAML",
        ),
        ("t_x: !!bool x\n", "line 1: the value 'x' cannot be read as bool"),
        ("t_x: 1\nt_y: " + "9" * 5000, "line 2: the value '999999999"),
        ("t_x: {after: [a], run: d, extra: {1: a, 0x1: b}}\n", "line 1: the key '0x1' stands twice"),
        (
            "t_x: &x {after: [a], run: d}\nt_y: &x {}\n",
            "line 2: the anchor 'x' stands twice, first at line 1",
        ),
        ("t_x: {after: *a}\n", "line 1: found undefined alias 'a'"),
        ("t_x: {<<: 3}\n", "line 1: expected a mapping or list of mappings for merging, but found scalar"),
        (
            "t_x: {after: [a], run: d}\n---\nt_y: {after: [a], run: d}\n",
            "line 2: found a second document at line 2, expected one configuration a file: remove the line '---', or "
            "put what follows it into a file of its own.",
        ),
        ("t_x: {after: [a], run: d}\n---\n", "line 2: found a second document at line 2"),
        ("a: \0", "special characters are not allowed"),
        ("", "found None, expected a mapping of task name to directives."),
        ("t_x: {after: [on], run: etl}\n", "task 't_x': 'after' is [True], expected a list of trigger names"),
        ("t_x: {after: [a]}\n", "task 't_x': 'run' is missing, expected a DAG id"),
    ],
)
def test_a_problem_names_the_file_and_where_it_is(tmp_path, text, problem):
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(written(tmp_path, "survey.yaml", text))
    assert problem in str(caught.value)
    assert str(caught.value).startswith("survey.yaml: ")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    path = tmp_path / "survey.yaml"
    path.write_bytes("t_x: {after: [Größe], run: etl}".encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"survey\.yaml: .*expected YAML in UTF-8"):
        load_configuration(path)


def test_directives_may_be_shared_by_anchors(tmp_path):
    text = "t_x: &shared {after: [a], run: etl, unless: [u]}\nt_y: {<<: *shared, after: [b]}\n"
    configuration = load_configuration(written(tmp_path, "survey.yaml", text))
    assert (configuration["t_y"].after, configuration["t_y"].unless) == (("b",), ("u",))


def test_every_yaml_file_of_a_folder_is_a_configuration_but_hidden_ones(tmp_path):
    for name in ("b.yml", "a.yaml", ".hidden.yaml", "notes.txt", "tasks.py"):
        written(tmp_path, name, "")
    (tmp_path / "folder.yaml").mkdir()
    assert [path.name for path in configuration_files(tmp_path)] == ["a.yaml", "b.yml"]


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot read the folder of configurations"):
        configuration_files(tmp_path / "nowhere")


def test_a_merge_key_brings_what_the_mapping_does_not_say_itself(tmp_path):
    text = (
        "t_b: {after: [y], run: m.f:g, airflow: {<<: &slow {<<: &base {retries: 1, pool: p}, retries: 5}}}\n"
        "t_c: {after: [z], run: m.f:g, airflow: *slow}\n"
        "t_d: {after: [z], run: m.f:g, airflow: {<<: [*slow, {retries: 7, owner: me}], pool: q}}\n"
        "t_e: {after: [z], run: m.f:g, airflow: {retries: 9, <<: *base}}\n"
    )
    configuration = load_configuration(written(tmp_path, "survey.yaml", text))
    assert {task.name: dict(task.airflow) for task in configuration} == {
        "t_b": {"retries": 5, "pool": "p"},
        "t_c": {"retries": 5, "pool": "p"},
        "t_d": {"retries": 5, "owner": "me", "pool": "q"},
        "t_e": {"retries": 9, "pool": "p"},
    }


def laughter(first, repeated):
    """A text of some hundred bytes that comes to 10 ** 9 times its first line."""
    lines = [f"a0: &a0 {first}"]
    lines += [f"a{line}: &a{line} {repeated(', '.join([f'*a{line - 1}'] * 10))}" for line in range(1, 10)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (laughter("[ha]", "[{}]".format), "line 6: the file comes to more than 200000 keys and values"),
        (
            laughter("{k: ha}", "{{<<: [{}]}}".format),
            "line 6: the file comes to more than 200000 keys and values",
        ),
        (
            f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 200)}]\n",
            "line 2: the file comes to more than 10485760 characters when its aliases are written out",
        ),
        ("a: &a [*a]\n", "line 1: the alias '*a' stands in its own anchor '&a'"),
        ("a: &a {k: {<<: *a}}\n", "line 1: the alias '*a' stands in its own anchor '&a'"),
        ("[" * 5_000, "line 1: found more than 100 mappings and lists in each other, expected 100 at most."),
        ("- " * 5_000, "line 1: found more than 100 mappings and lists in each other"),
        ("{a: " * 5_000, "line 1: found more than 100 mappings and lists in each other"),
    ],
)
def test_what_a_file_comes_to_is_bounded(tmp_path, text, problem):
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(written(tmp_path, "survey.yaml", text))
    assert f"survey.yaml: {problem}" in str(caught.value)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path):
    path = written(tmp_path, "survey.yaml", "# " + "x" * (10 * 1024 * 1024))
    with pytest.raises(ConfigurationError, match=r"survey\.yaml: the file has more than 10485760 bytes"):
        load_configuration(path)


def test_a_hundred_levels_and_many_aliases_are_no_bomb(tmp_path):
    text = "t_x: &x {after: [a], run: d}\n" + "".join(f"t_{number}: *x\n" for number in range(1_000))
    assert len(load_configuration(written(tmp_path, "survey.yaml", text)).tasks) == 1_001
