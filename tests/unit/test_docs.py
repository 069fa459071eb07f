"""What the docs quote is in the files that they name, and those files are run by other tests.

Blocks that nobody runs can at least be read, and import what exists.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap

import pytest
import yaml

from airflow_triggers.configuration.parse import parse_configuration
from tests.support import doc_blocks
from tests.support.environment import ROOT

QUOTING = ("dag-authors.md", "extending.md", "testing.md")


def quotations():
    """(path, text) of each block of the docs that begins with a comment naming a file of the examples."""
    texts = [(ROOT / "docs" / name).read_text(encoding="utf-8") for name in QUOTING]
    blocks = re.findall(r"^```\w+\n# (examples/\S+)\n(.*?)^```$", "\n".join(texts), re.M | re.S)
    return [(path, block.strip("\n")) for path, block in blocks]


def test_the_docs_quote_every_kind_of_extension_and_of_test():
    assert {path.removeprefix("examples/") for path, _ in quotations()} >= {
        "survey_managers/setup.py",
        "survey_managers/survey_managers/finalizing.py",
        "survey_managers/survey_managers/once.py",
        "survey_managers/survey_managers/wave.py",
        "survey_managers/survey_managers/plugin.py",
        "survey_managers/survey_managers/daytime.py",
        "survey_managers/survey_managers/redis_storage.py",
        "survey_managers/tests/test_redis_storage.py",
        "survey_managers/tests/test_nightly.py",
        "questionnaire_tests/test_questionnaire.py",
        "questionnaire_tests/test_questionnaire_unittest.py",
        "survey_report/survey_report.py",
    }


@pytest.mark.parametrize(("path", "quoted"), quotations())
def test_what_the_docs_quote_is_in_the_file(path, quoted):
    """Parts that are left out are marked by a line of their own, ``# …``."""
    source = (ROOT / path).read_text(encoding="utf-8")
    position = 0
    for part in re.split(r"^ *# …\n", quoted, flags=re.M):
        position = source.find(part.strip("\n"), position)
        assert position >= 0, f"not in {path}, or not in this order:\n{part}"


@pytest.mark.parametrize("page", doc_blocks.every_page())
def test_every_shell_block_is_run_or_says_why_not(page):
    forgotten = [
        block.text
        for block in doc_blocks.blocks_of(page)
        if block.reason_not_to_run is None and block.page not in doc_blocks.RUN
    ]
    assert forgotten == []


def test_no_reason_not_to_run_a_block_is_left_over():
    blocks = [block for page in doc_blocks.every_page() for block in doc_blocks.blocks_of(page)]
    unused = [
        start for start in doc_blocks.NOT_RUN if not any(block.text.startswith(start) for block in blocks)
    ]
    assert unused == []


def blocks(language):
    """(page, text) of each block in this language, of all pages."""
    return [
        (page, block)
        for page in doc_blocks.every_page()
        for block in re.findall(
            rf"^```{language}\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S
        )
    ]


def every_block(language):
    pages = [page for page, _ in blocks(language)]
    return pytest.mark.parametrize(("page", "block"), blocks(language), ids=pages)


@every_block("python")
def test_every_python_block_is_python_and_imports_what_exists(page, block):
    # An excerpt of a file has the file's name on a line of its own, and may be indented.
    tree = ast.parse(textwrap.dedent(re.sub(r"\A# \S+\n", "", block)))
    ours = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module.startswith("airflow_triggers")
    ]
    exec(compile(ast.Module(ours, []), page, "exec"), {})  # an ImportError says what does not exist


def test_the_configuration_in_the_readme_is_valid():
    ((_, text),) = [(page, block) for page, block in blocks("yaml") if page == "README.md"]
    tasks = parse_configuration(yaml.safe_load(text), name="questionnaire").tasks
    deployed = yaml.safe_load((ROOT / "dags/questionnaire.yaml").read_text(encoding="utf-8"))
    assert tasks.keys() <= deployed.keys()


@every_block("json")
def test_every_json_block_is_json(page, block):
    assert json.loads(block), page
