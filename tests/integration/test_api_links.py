"""Every link of the OpenAPI document is followed: what it takes from a request and its answer leads to something.

The requests go to an API in this process, about ``tests/support/contents.py``.
"""

from __future__ import annotations

import json
import re
from functools import reduce
from urllib.parse import quote, urlencode

import pytest
from airflow.api_fastapi.app import purge_cached_app
from airflow.utils.session import create_session as airflow_session
from sqlalchemy import text

from airflow_triggers.api.links import NEXT_PAGE
from tests.support.api import mounted_api
from tests.support.contents import HOOKS, LATER, make_everything
from tests.support.environment import ROOT
from tests.support.worlds import RewindableDatabase

NAMES = {
    "uid": "survey-1",
    "name": "t_import#3",
    "hook_id": HOOKS[0],
    "bulk_act_id": 1,
}
"""What the first request names in its path; a configuration's path has the name ``survey``."""

NEW_TASK = {"tasks": {"t_new": {"after": ["firstPage"], "run": "survey.t_import"}}, "history": "apply"}
BULK_ACT = {"act": "replay", "filter": {"status": ["failed"]}}
BODIES = {
    "create_session": [
        {"uid": "new", "configuration": "survey"},
        {"uid": "survey-1", "configuration": "survey"},
    ],
    "fire": [
        {"trigger": "page", "configuration": "survey"},
        {"trigger": "page", "fire_at": LATER.isoformat()},
    ],
    "make_bulk_act": [BULK_ACT],
    "migrate": [{}],
    "replay_instance": [{}],
    "set_instance_metadata": [{"metadata": {"ticket": 17}}],
    "set_instance_status": [{"status": "skipped"}],
    "skip_instance": [{}],
    "update_configuration": [NEW_TASK],
}
"""The bodies of an operation, each for a request of its own."""

DOCUMENT = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))
OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
LINKS = [
    (source, status, name)
    for source, (_, _, operation) in OPERATIONS.items()
    for status, answer in operation["responses"].items()
    for name in answer.get("links", {})
]
REFUSED_BY_STATE = 409
"""An act that the status of the first item does not allow."""


@pytest.fixture(scope="module")
def database(sqlite_airflow_database):
    sqlite_airflow_database.enter()
    sqlite_airflow_database.empty()
    with airflow_session() as session:
        # SQLite gives no id again: other tests' bulk acts would have had those below.
        session.execute(text("DELETE FROM sqlite_sequence"))
    make_everything()
    database = RewindableDatabase(sqlite_airflow_database.url)
    yield database
    database.close()


@pytest.fixture(scope="module")
def rewind(database):
    """Undoes what a request has changed."""
    copy, version = database.copy(), database.version()

    def undo():
        nonlocal version
        if database.version() != version:
            database.rewind(copy)
            version = database.version()

    return undo


@pytest.fixture(scope="module")
def client(database):
    with pytest.MonkeyPatch.context() as patch:
        yield mounted_api(patch).client("admin")
    purge_cached_app()


def first_requests(source):
    """Requests of the operation: path parameters, query and body. Pages have one item."""
    _, path, operation = OPERATIONS[source]
    names = NAMES | ({"name": "survey"} if "/configurations/" in path else {})
    parameters = {f"path.{name}": names[name] for name in re.findall(r"{(\w+)}", path)}
    for parameter in operation.get("parameters", []):
        if parameter["name"] == "limit":
            parameters["query.limit"] = 1
        elif parameter.get("required") and parameter["in"] == "query":
            parameters[f"query.{parameter['name']}"] = parameter["schema"]["const"]
    for body in BODIES.get(source, [None]):
        yield parameters, body


def send(client, operation, parameters, body):
    method, path, _ = OPERATIONS[operation]
    parts = {"path": {}, "query": {}, "header": {}}
    for place, value in parameters.items():
        kind, _, name = place.partition(".")
        parts[kind][name] = value
    filled = re.sub(r"{(\w+)}", lambda match: quote(str(parts["path"][match[1]]), safe=""), path)
    query = urlencode(parts["query"], doseq=True)
    return client.request(method, f"{filled[1:]}?{query}", headers=parts["header"], json=body)


def value_of(expression, parameters, answer):
    """The value of a runtime expression; None: there is none."""
    source, _, place = expression.partition(".")
    if source == "$request":
        return parameters.get(place)
    if place == "header.ETag":
        return answer.headers["ETag"]
    return reduce(member_of, place.removeprefix("body#/").split("/"), answer.json())


def member_of(content, step):
    if isinstance(content, list):
        return content[int(step)] if int(step) < len(content) else None
    return None if content is None else content[step]


def linked_request(link, parameters, answer):
    """The parameters of the target; None when the answer has nothing for its path, or no next page."""
    values = {
        place: value_of(expression, parameters, answer) for place, expression in link["parameters"].items()
    }
    needed = [place for place in values if place.startswith("path.") or "#/next" in link["parameters"][place]]
    if any(values[place] is None for place in needed):
        return None
    return {place: value for place, value in values.items() if value is not None}


@pytest.mark.parametrize(("source", "status", "name"), LINKS, ids=["-".join(link) for link in LINKS])
def test_a_link_leads_to_something(source, status, name, client, rewind):
    link = OPERATIONS[source][2]["responses"][status]["links"][name]
    bodies = BODIES.get(link["operationId"], [None])
    followed = []
    for parameters, body in first_requests(source):
        rewind()
        answer = send(client, source, parameters, body)
        target = linked_request(link, parameters, answer) if answer.status_code == int(status) else None
        if target is not None:
            followed.append(send(client, link["operationId"], target, bodies[0]))
    assert followed, f"No answer of {source} has what the link takes."
    for answer in followed:
        assert answer.status_code < 300 or answer.status_code == REFUSED_BY_STATE, answer.text


def test_the_next_page_has_other_items(client, rewind):
    rewind()
    for source, status, name in LINKS:
        if name != NEXT_PAGE:
            continue
        link = OPERATIONS[source][2]["responses"][status]["links"][name]
        ((parameters, body),) = first_requests(source)
        answer = send(client, source, parameters, body)
        page = send(client, source, linked_request(link, parameters, answer), body)
        items, others = (
            next(content for content in it.json().values() if isinstance(content, list))
            for it in (answer, page)
        )
        assert others, source
        assert not [item for item in others if item in items], source
