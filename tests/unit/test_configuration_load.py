"""Configurations are read from YAML files safely, and mistakes in the YAML itself are shown with file and line."""

from __future__ import annotations

import pytest

from airflow_triggers.configuration.load import configuration_files, load_configuration
from airflow_triggers.errors import ConfigurationError


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
            "line 3: the key 'after' stands twice in one mapping, expected YAML.",
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
        ("t_x: 2026-02-31\n", "day is out of range for month, expected YAML in UTF-8."),
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
