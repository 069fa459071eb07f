"""The OpenAPI document states what is enforced: forms, lengths and numbers of everything that a request names."""

from __future__ import annotations

import re

import jsonschema_rs
import pytest
from airflow.api_fastapi.app import purge_cached_app
from pydantic import TypeAdapter

from airflow_triggers.api import fields, header_values
from airflow_triggers.api.app import create_app
from airflow_triggers.api.header_values import EntityTagsText, IdempotencyKeyText
from airflow_triggers.api.problem_types import table_of_types
from airflow_triggers.domain.instances import parse_instance_name
from airflow_triggers.domain.validation import (
    validate_idempotency_key,
    validate_session_uid,
    validate_trigger_name,
)
from airflow_triggers.errors import InvalidSessionUid, InvalidTrigger
from scripts import openapi
from tests.support.api import mounted_api

TEXTS = [
    *(
        "",
        " ",
        "a",
        "Ä",
        "日本",
        "😀",
        "a b",
        " a",
        "a ",
        "a/b",
        "/",
        ".",
        "..",
        "...",
        "#",
        "#0",
        "a#",
        "a#0",
        "a#00",
    ),
    *(
        "a#1",
        "a#01",
        "a#999999999",
        "a#1000000000",
        "a#x",
        "a#-1",
        "a#+1",
        "a#٣",
        "a##0",
        "a b#0",
        "a/b#0",
        " a#0",
    ),
    *(
        "a\n",
        "a\nb",
        "a\0",
        "a\x7f",
        "a\x85b",
        "a\xa0b",
        "a\xadb",
        "a\u200bb",
        "a\u2028",
        "a\u3000b",
        "\ufdd0",
    ),
    *(
        "\ue000",
        "\U000e0001",
        "\u0378",
        "a\u0301",
        "x" * 200,
        "x" * 201,
        "x" * 250,
        "x" * 251,
        "x" * 198 + "#0",
    ),
    *(
        "x" * 199 + "#0",
        "x" * 200 + "#0",
        "x" * 201 + "#0",
        "x" * 200 + "#999999999",
        "\\",
        "%2F",
        "?",
        ";",
        "\ufffd",
    ),
    *(
        "1.2.3",
        "1.2",
        "1.2.3.4",
        "1.2.x",
        "1.2.٣",
        "1.2.3\n",
        "-1.2.3",
        f"{'9' * 19}.2.3",
        f"{'9' * 20}.2.3",
        "1..3",
    ),
    *(
        '"',
        '""',
        '"a"',
        '"a"b"',
        'a"b"',
        '"a\\"b"',
        '"a\\b"',
        '" "',
        f'"{"x" * 250}"',
        f'"{"x" * 251}"',
        '"é"',
    ),
    *("*", "**", 'W/"a"', 'w/"a"', '"a", "b"', '"a","b"', '"a" "b"', '"a",', '"a b"', '"a"\t,\tW/"b"'),
]


@pytest.fixture
def document(monkeypatch):
    yield mounted_api(monkeypatch).client("admin").get("openapi.json").json()
    purge_cached_app()


def refuses(check, error):
    def accepted(text):
        try:
            check(text)
        except error:
            return False
        return True

    return accepted


@pytest.mark.parametrize(
    ("schema", "accepted"),
    [
        (fields.SESSION_UID, refuses(validate_session_uid, InvalidSessionUid)),
        (fields.TRIGGER_NAME, refuses(validate_trigger_name, InvalidTrigger)),
        ({**fields.TEXT, "maxLength": 250}, refuses(validate_idempotency_key, InvalidTrigger)),
        (fields.ANY_TEXT, refuses(TypeAdapter(fields.AnyText).validate_python, ValueError)),
        (fields.INSTANCE_NAME, refuses(parse_instance_name, ValueError)),
        (fields.HISTORY_CURSOR, refuses(TypeAdapter(fields.HistoryCursor).validate_python, ValueError)),
        (header_values.IDEMPOTENCY_KEY, refuses(TypeAdapter(IdempotencyKeyText).validate_python, ValueError)),
        (header_values.ENTITY_TAGS, refuses(TypeAdapter(EntityTagsText).validate_python, ValueError)),
    ],
    ids=[
        "session UID",
        "trigger",
        "text",
        "any text",
        "instance",
        "cursor",
        "idempotency key",
        "entity tags",
    ],
)
def test_the_documented_form_is_the_enforced_one(schema, accepted):
    validator = jsonschema_rs.validator_for({"type": "string", **schema})
    assert {text: validator.is_valid(text) for text in TEXTS} == {text: accepted(text) for text in TEXTS}


def schemas_of_requests(document):
    """Each parameter and each part of a body, with its place."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for parameter in operation.get("parameters", []):
                yield from parts(document, parameter["schema"], f"{method} {path} {parameter['name']}")
            for content in operation.get("requestBody", {}).get("content", {}).values():
                yield from parts(document, content["schema"], f"{method} {path} body")


def parts(document, schema, place):
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    yield place, schema
    for choice in (*schema.get("anyOf", []), *schema.get("oneOf", [])):
        yield from parts(document, choice, place)
    for name, field in schema.get("properties", {}).items():
        yield from parts(document, field, f"{place} {name}")
    if "propertyNames" in schema:
        yield from parts(document, {"type": "string", **schema["propertyNames"]}, f"{place} propertyNames")
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from parts(document, schema[keyword], f"{place} {keyword}")
    assert "patternProperties" not in schema, place  # what matches none of the patterns would be allowed


def test_every_string_and_number_of_a_request_has_its_limits_documented(document):
    bare = []
    for place, schema in schemas_of_requests(document):
        closed = schema.keys() & {"enum", "const", "format", "not"}
        if schema.get("type") == "string" and not closed and not schema.keys() & {"pattern"}:
            bare.append(place)
        if schema.get("type") in {"integer", "number"} and not schema.keys() >= {"minimum", "maximum"}:
            bare.append(place)
    assert bare == []


def test_no_parameter_is_documented_as_null(document):
    nulls = [
        place
        for place, schema in schemas_of_requests(document)
        if schema.get("type") == "null" and not place.partition(" body")[1]
    ]
    assert nulls == []


def test_every_body_refuses_what_it_does_not_know(document):
    open_ended = [
        place
        for place, schema in schemas_of_requests(document)
        if schema.get("properties") and schema.get("additionalProperties") is not False
        # CloudEvents may have extension attributes.
        if schema.get("title") != "CloudEvent"
    ]
    assert open_ended == []


def test_every_answer_is_of_a_documented_shape(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                if status == "304":
                    assert "content" not in answer
                    continue
                media_type = "application/problem+json" if int(status) >= 400 else "application/json"
                assert list(answer["content"]) == [media_type], (method, path, status)
                error = answer["content"][media_type]["schema"] == {"$ref": "#/components/schemas/ErrorBody"}
                assert error == (int(status) >= 400), (method, path, status)


def test_the_table_of_reasons_is_up_to_date():
    page = openapi.REST_PAGE.read_text(encoding="utf-8")
    assert openapi.page_with_table(page, table_of_types()) == page, (
        "Run 'make openapi', and commit docs/rest.md."
    )


def test_operation_ids_are_short_and_unique(document):
    names = [
        operation["operationId"] for methods in document["paths"].values() for operation in methods.values()
    ]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch("[a-z]+(_[a-z]+){0,3}", name)] == []


def contents_of(document):
    """The content of each body and each answer, with its place."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                yield f"{method} {path} {kind}", content
            for status, answer in operation["responses"].items():
                for kind, content in answer.get("content", {}).items():
                    yield f"{method} {path} {status} {kind}", content


def test_every_body_and_every_answer_has_a_valid_example(document):
    components = {"components": document["components"]}
    invalid = []
    for place, content in contents_of(document):
        named = content.get("examples", {"only": {"value": content.get("example")}})
        validator = jsonschema_rs.validator_for({**content["schema"], **components})
        for example in named.values():
            invalid += [f"{place}: {error.message}" for error in validator.iter_errors(example["value"])]
    assert invalid == []


def links_of(document):
    """Each link, with the operation and the answer that have it."""
    for operation in operations_of(document).values():
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                yield operation, answer, link


def operations_of(document):
    return {
        operation["operationId"]: operation
        for methods in document["paths"].values()
        for operation in methods.values()
    }


def places_of(operation):
    """The parameters as links name them."""
    return {f"{parameter['in']}.{parameter['name']}" for parameter in operation.get("parameters", [])}


def test_every_link_names_an_operation_and_its_parameters(document):
    operations = operations_of(document)
    wrong = [
        (operation["operationId"], link)
        for operation, _, link in links_of(document)
        if not link["parameters"].keys() <= places_of(operations[link["operationId"]])
    ]
    assert wrong == []


def test_every_link_takes_what_its_request_or_its_answer_has(document):
    wrong = []
    for operation, answer, link in links_of(document):
        example = answer["content"]["application/json"]["example"]
        for expression in link["parameters"].values():
            source, _, place = expression.partition(".")
            exists = (
                place in places_of(operation)
                if source == "$request"
                else place == "header.ETag" or has_place(example, place.removeprefix("body#/").split("/"))
            )
            if not exists:
                wrong.append((operation["operationId"], expression))
    assert wrong == []


def has_place(example, steps):
    """Whether a JSON pointer leads somewhere."""
    for step in steps:
        members = (
            {str(place): item for place, item in enumerate(example)} if isinstance(example, list) else example
        )
        if step not in members:
            return False
        example = members[step]
    return True


def test_whatever_is_named_in_a_path_is_found_by_a_link(document):
    linked = {
        link["operationId"]
        for operation, _, link in links_of(document)
        if link["operationId"] != operation["operationId"]
    }
    names = {
        name
        for name, operation in operations_of(document).items()
        if any(place.startswith("path.") for place in places_of(operation))
    }
    assert sorted(names - linked) == [], "Add a link to it in airflow_triggers/api/links.py."


def test_every_page_of_a_list_has_a_link_to_the_next_page_with_the_same_filter(document):
    schemas = document["components"]["schemas"]
    for name, operation in operations_of(document).items():
        cursors = places_of(operation) & {"query.after", "query.before"}
        if not cursors:
            continue
        link = operation["responses"]["200"]["links"]["next_page"]
        answer = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        assert "next" in schemas[answer.rpartition("/")[2]]["properties"], name
        assert link["operationId"] == name
        assert link["parameters"].keys() == places_of(operation)
        assert [link["parameters"][cursor] for cursor in cursors] == ["$response.body#/next"]


def test_what_is_installed_is_listed(document):
    properties = document["components"]["schemas"]["CreateSession"]["properties"]
    assert properties["manager"]["enum"] == ["default"]
    assert properties["storage"]["enum"] == ["cache", "sql"]


def test_the_committed_document_is_up_to_date():
    document = create_app().openapi()
    committed = openapi.DOCUMENT.read_text(encoding="utf-8")
    assert committed == openapi.text_of(document), "Run 'make openapi', and commit docs/openapi.json."
