"""Keys of metadata and of history details are spelled out once, in ``domain/metadata.py`` and ``domain/events.py``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_triggers.domain import events, metadata
from airflow_triggers.domain.hooks import Hook
from tests.support.environment import ROOT

PACKAGE = ROOT / "airflow_triggers"
HOMES = {
    PACKAGE / "domain" / "metadata.py",
    PACKAGE / "domain" / "events.py",
    PACKAGE / "domain" / "hooks.py",
}
SUITES = PACKAGE / "testing" / "contract"
"""The contract suites assert what users see, key by key, as tests do."""

AUDIT = PACKAGE / "sessions" / "audit.py"
"""Its details are those of Airflow's audit log, and its keys are there once."""

SOURCES = sorted(
    path for path in PACKAGE.rglob("*.py") if path not in {*HOMES, AUDIT} and not path.is_relative_to(SUITES)
)

METADATA_KEYS = {value for name, value in vars(metadata).items() if name.isupper() and isinstance(value, str)}
UNMISTAKABLE = {key for key in METADATA_KEYS if not key.islower()} | {hook.value for hook in Hook}
"""What can be nothing else: ``exceptionMessage``, ``_post_fire``, …"""

MAPPINGS = ("metadata", "details")
"""What a mapping of such keys is called, at the end of its name."""


def _is_mapping(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name.endswith(MAPPINGS)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def loose_strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The keys that are written as strings: the line, and the source."""
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if text in UNMISTAKABLE:
                yield node.lineno, text
            case ast.Subscript(value=mapping, slice=key) if _is_mapping(mapping) and _is_text(key):
                yield node.lineno, ast.unparse(node)
            case ast.Call(func=ast.Attribute(value=mapping, attr="get"), args=[key, *_]) if _is_mapping(
                mapping
            ) and _is_text(key):
                yield node.lineno, ast.unparse(node)
            case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[mapping]) if _is_mapping(
                mapping
            ) and _is_text(key):
                yield node.lineno, ast.unparse(node)
            case ast.Assign(targets=[target], value=ast.Dict(keys=keys)) if _is_mapping(target):
                yield from (
                    (key.lineno, ast.unparse(key)) for key in keys if key is not None and _is_text(key)
                )
            case ast.keyword(arg=str(name), value=ast.Dict(keys=keys)) if name.endswith(MAPPINGS):
                yield from (
                    (key.lineno, ast.unparse(key)) for key in keys if key is not None and _is_text(key)
                )


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_key_is_written_as_a_string(path):
    assert list(loose_strings(ast.parse(path.read_text(encoding="utf-8")))) == []


def test_a_loose_string_is_found_in_each_form():
    source = """
instance.metadata["parent"]
event.details.get("run_id")
"cause" in details
details = {"from": 1}
record(metadata={"result": 2})
describe(error)["exceptionInfo"]
"""
    assert sorted(line for line, _ in loose_strings(ast.parse(source))) == [2, 3, 4, 5, 6, 7]


def test_the_keys_of_the_details_are_the_names_of_the_constants_in_lower_case():
    keys = {name: value for name, value in vars(events.Detail).items() if name.isupper()}
    assert {name.lower() for name in keys} == set(keys.values())
