"""Who may do what over REST: every route, asked about every kind of session by users of every kind of role.

The auth managers are Airflow's own and FAB's, in Airflow's own API application. The expected answers come from the
rules of ``tests/support/rights.py``. The tables of ``docs/rights.md`` are written by this test.
"""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from airflow.models.dag import clear_team_name_cache
from fastapi.testclient import TestClient

from tests.support import worlds
from tests.support.auth_managers import AirflowApi, fab_auth_manager, simple_auth_manager
from tests.support.environment import ROOT
from tests.support.questions import SHOWN, Question, questions
from tests.support.rights import A, B, C, Rights, knows, knows_configuration, may_read, rights
from tests.support.rights_table import Column, replaced, table, turned_table
from tests.support.worlds import DEPLOYED, SESSIONS, RewindableDatabase

pytestmark = pytest.mark.timeout(300)

SIMPLE_ROLES = {
    "nobody": rights(),
    "viewer": rights(read="*"),
    "user": rights(read="*", create="*", edit="*", delete="*"),
    "op": rights(read="*", create="*", edit="*", delete="*"),
    "admin": rights(read="*", create="*", edit="*", delete="*"),
}
"""Users of the SimpleAuthManager, each with the role of its name; ``nobody`` has none."""

TEAM_USERS = {
    "viewer of red": ("viewer:red", rights(read="A C")),
    "user of red": ("user:red", rights(read="A C", create="A C", edit="A C", delete="A C")),
    "user of blue": ("user:blue", rights(read="B C", create="B C", edit="B C", delete="B C")),
    "user of red and blue": ("user:red|blue", rights(read="*", create="*", edit="*", delete="*")),
    "user of no team": ("user", rights(read="C", create="C", edit="C", delete="C")),
    "admin of no team": ("admin", rights(read="*", create="*", edit="*", delete="*")),
}
"""Users of the SimpleAuthManager in a deployment with teams; DAG A is the team's red, B blue's, and C no team's."""

FAB_ROLES = {
    "Public": rights(),
    "Viewer": rights(read="*"),
    "User": rights(read="*", create="*", edit="*", delete="*"),
    "Op": rights(read="*", create="*", edit="*", delete="*"),
    "Admin": rights(read="*", create="*", edit="*", delete="*"),
}
"""The roles that FAB's provider makes."""

READING = [("can_read", "DAG Runs"), ("can_read", "XComs")]
CREATING = [("can_create", "DAG Runs")]
DELETING = [("can_delete", "DAG Runs")]
EDITING = [("can_edit", "DAG Runs"), ("can_edit", "Task Instances")]
READING_A, READING_B = [("can_read", "DAG:dag_a")], [("can_read", "DAG:dag_b")]
EDITING_A = [("can_edit", "DAG:dag_a")]

OWN_FAB_ROLES = {
    "reads A": (rights(read="A"), [*READING_A, *READING]),
    "creates on A": (rights(create="A"), [*EDITING_A, *CREATING]),
    "reads and creates on A": (rights(read="A", create="A"), [*READING_A, *READING, *EDITING_A, *CREATING]),
    "reads A and B, creates on A": (
        rights(read="A B", create="A"),
        [*READING_A, *READING_B, *READING, *EDITING_A, *CREATING],
    ),
    "reads A, edits its tasks": (rights(read="A", edit="A"), [*READING_A, *READING, *EDITING_A, *EDITING]),
    "all three on A": (
        rights(read="A", create="A", edit="A"),
        [*READING_A, *READING, *EDITING_A, *CREATING, *EDITING],
    ),
    "reads A, deletes its runs": (
        rights(read="A", delete="A"),
        [*READING_A, *READING, *EDITING_A, *DELETING],
    ),
    "reads every DAG": (rights(read="*"), [("can_read", "DAGs"), *READING]),
    "reads runs of A, not XComs": (rights(), [*READING_A, ("can_read", "DAG Runs")]),
    "creates on A, by the older permission": (
        rights(create="A"),
        [("can_create", "DAG Run:dag_a"), *EDITING_A],
    ),
    "edits tasks of A, reads nothing": (rights(edit="A"), [*EDITING_A, *EDITING]),
    "only permissions on no DAG": (rights(), [*READING, *CREATING, *EDITING]),
    "nothing": (rights(), []),
}
"""Roles that an administrator could make of FAB's permissions."""


NOBODY = None
"""Among users: a request without a token."""


@dataclass(frozen=True)
class Answer:
    """What a user was answered, and whether anything of the database was different afterwards."""

    question: Question
    status: int
    headers: dict[str, str]
    text: str
    changed: bool

    @property
    def content(self):
        return json.loads(self.text)

    @property
    def only_looked(self) -> bool:
        """Whether it was to change nothing."""
        is_dry_run = bool((self.question.body or {}).get("dry_run"))
        return self.question.method == "GET" or self.status >= 400 or is_dry_run


@dataclass
class Moment:
    """The database at a moment, to go back to."""

    database: RewindableDatabase

    def __post_init__(self):
        self.copy = self.database.copy()
        self.rows = self.database.rows()

    def enter(self):
        self.database.rewind(self.copy)


@dataclass(frozen=True)
class Answers:
    """Everything that the users of a deployment were answered.

    :param users: user → their rights in Airflow.
    :param without_hidden: user → answers, each with the one where nothing exists of which the user may not know.
    :param airflows: what Airflow's own API lets the user do.
    :param routes: of our OpenAPI document; method and path → what its list can be filtered by.
    """

    users: dict[str, Rights]
    answers: dict[str | None, list[Answer]]
    without_hidden: dict[str, list[tuple[Answer, Answer]]]
    airflows: dict[str, Rights]
    routes: dict[tuple[str, str], set[str]]

    def __iter__(self):
        """Each answer with its user and their rights."""
        for user, own in self.users.items():
            for answer in self.answers[user]:
                yield user, own, answer


@dataclass
class Deployment:
    """Airflow under an auth manager, and its users.

    :param users: user → their rights in Airflow.
    """

    api: AirflowApi
    users: dict[str, Rights]
    database: RewindableDatabase
    questions: list[Question]

    def answers(self, known: set[Rights]) -> Answers:
        """Ask everything for everybody; for those with the ``known`` rights, only what stands in the table."""
        with TestClient(self.api.app, raise_server_exceptions=False) as self.client:
            full = Moment(self.database)
            answers = {NOBODY: self._answers_to(NOBODY, self.questions, full)}
            for user, own in self.users.items():
                asked = [it for it in self.questions if own not in known or it.is_shown]
                answers[user] = self._answers_to(user, asked, full)
                known.add(own)
            return Answers(
                users=self.users,
                answers=answers,
                without_hidden={user: self._without_hidden(user, answers[user], full) for user in self.users},
                airflows={user: self._rights_in_airflow(user, full) for user in self.users},
                routes=self._routes(),
            )

    def _answers_to(self, user: str | None, questions: list[Question], moment: Moment) -> list[Answer]:
        moment.enter()
        return [self._ask(user, question, moment) for question in questions]

    def _ask(self, user: str | None, question: Question, moment: Moment) -> Answer:
        """Ask, see what it changed, and put that back."""
        before = self.database.version()
        response = self._request(
            user, question.method, question.path, headers=question.headers, json=question.body
        )
        changed = self.database.version() != before
        answer = Answer(
            question,
            response.status_code,
            dict(response.headers),
            response.text,
            changed and self.database.rows() != moment.rows,
        )
        if changed:
            moment.enter()
        return answer

    def _request(self, user, method, path, *, headers=None, **content):
        self.client.cookies.clear()
        every_header = {**self.api.headers(user), **(headers or {})}
        return self.client.request(method, path, headers=every_header, **content)

    def _without_hidden(self, user: str, answers: list[Answer], full: Moment) -> list[tuple[Answer, Answer]]:
        """Answers that must not differ where nothing exists of which the user may not know, each with that one."""
        own = self.users[user]
        hidden = {session.uid for session in SESSIONS if not knows(own, session)}
        configurations = [name for name in DEPLOYED if not knows_configuration(own, name)]
        concerned = [
            answer
            for answer in answers
            if answer.only_looked
            and not answer.question.tells(own)
            and (answer.question.session is None or answer.question.session.uid in hidden)
        ]
        if not hidden:
            return []
        full.enter()
        self.database.forget(sorted(hidden), configurations)
        others = self._answers_to(user, [answer.question for answer in concerned], Moment(self.database))
        full.enter()
        return list(zip(concerned, others, strict=True))

    def _rights_in_airflow(self, user: str, full: Moment) -> Rights:
        """What Airflow's own API lets the user do: it looks at the rights before it misses the run, or the body."""
        requests = {
            "read": [("GET", "dagRuns/none"), ("GET", "dagRuns/none/taskInstances/run/xcomEntries")],
            "create": [("POST", "dagRuns")],
            "edit": [("PATCH", "dagRuns/none/taskInstances/run/dry_run")],
            "delete": [("DELETE", "dagRuns/none")],
        }
        own = {}
        for right, needed in requests.items():
            own[right] = frozenset(
                dag_id
                for dag_id in (A, B, C)
                if all(
                    self._request(user, method, f"/api/v2/dags/{dag_id}/{path}", json={}).status_code != 403
                    for method, path in needed
                )
            )
        full.enter()
        return Rights(**own)

    def _routes(self) -> dict[tuple[str, str], set[str]]:
        """Method and path of every route in our OpenAPI document, each with the conditions that it takes."""
        document = self._request(next(iter(self.users)), "GET", "/triggers/openapi.json").json()
        filters = document["components"]["schemas"]["InstancesFilter"]["properties"]
        return {
            (method.upper(), path): {
                *(it["name"] for it in operation.get("parameters", []) if it["in"] == "query"),
                *(filters if operation["operationId"] == "make_bulk_act" else ()),
            }
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        }


class Matrix:
    """The answers of every deployment, asked for once."""

    def __init__(self, database: RewindableDatabase, folder, start: Moment, ids: dict[str, worlds.Ids]):
        self._database, self._folder, self._start = database, folder, start
        self.questions = questions(ids)
        self._answers: dict[str, Answers] = {}
        self._known: set[Rights] = set()

    def __getitem__(self, name: str) -> Answers:
        if name not in self._answers:
            self._start.enter()
            clear_team_name_cache()
            with ExitStack() as stack:
                api, users = getattr(self, f"_{name}")(stack)
                deployment = Deployment(api, users, self._database, self.questions)
                self._answers[name] = deployment.answers(self._known)
        return self._answers[name]

    def _simple(self, stack: ExitStack):
        roles = {user: "" if user == "nobody" else user for user in SIMPLE_ROLES}
        return stack.enter_context(simple_auth_manager(roles, self._folder)), SIMPLE_ROLES

    def _teams(self, stack: ExitStack):
        worlds.form_teams({"red": A, "blue": B})
        roles = {user: role for user, (role, _) in TEAM_USERS.items()}
        api = stack.enter_context(simple_auth_manager(roles, self._folder, multi_team=True))
        return api, {user: own for user, (_, own) in TEAM_USERS.items()}

    def _fab(self, stack: ExitStack):
        roles = {role: permissions for role, (_, permissions) in OWN_FAB_ROLES.items()}
        users = {**FAB_ROLES, **{role: own for role, (own, _) in OWN_FAB_ROLES.items()}}
        return stack.enter_context(fab_auth_manager(roles, {role: role for role in users})), users


@pytest.fixture(scope="module")
def matrix(sqlite_airflow_database, tmp_path_factory):
    sqlite_airflow_database.enter()
    sqlite_airflow_database.empty()
    database = RewindableDatabase(sqlite_airflow_database.url)
    ids = worlds.build()
    yield Matrix(database, tmp_path_factory.mktemp("passwords"), Moment(database), ids)
    database.close()
    worlds.unregister()


@pytest.fixture(params=["simple", "teams", "fab"])
def answers(matrix, request) -> Answers:
    return matrix[request.param]


def test_the_users_have_the_rights_that_the_rules_are_told(answers):
    for user, own in answers.users.items():
        for right in ("read", "create", "edit", "delete"):
            airflows = getattr(answers.airflows[user], right)
            assert {it for it in (A, B, C) if own.cover(right, {it})} == airflows, (user, right)


def test_every_route_is_asked_for(answers):
    every_question = [answer.question for answer in answers.answers[NOBODY]]
    missing = [
        (method, path)
        for method, path in sorted(answers.routes)
        if not any(question.asks(method, path) for question in every_question)
    ]
    assert missing == [], "Ask for them in tests/support/questions.py, with the rule for who may."


def test_every_filter_of_every_list_is_asked_with(answers):
    every_question = [answer.question for answer in answers.answers[NOBODY]]
    missing = {
        (method, path): unasked
        for (method, path), conditions in answers.routes.items()
        if (
            unasked := conditions.difference(
                *(question.conditions for question in every_question if question.asks(method, path))
            )
        )
    }
    assert missing == {}, "Ask with them in tests/support/questions.py, with what they show to whom."


def test_whoever_has_no_token_is_answered_401_everywhere(answers):
    problems = [{**json.loads(answer.text), "instance": "…"} for answer in answers.answers[NOBODY]]
    assert all(problem == problems[0] for problem in problems)
    assert (problems[0]["status"], problems[0]["reason"]) == (401, "NotAuthenticated")
    assert {answer.status for answer in answers.answers[NOBODY]} == {401}
    assert not any(answer.changed for answer in answers.answers[NOBODY])


def test_every_user_is_answered_as_the_rules_say(answers):
    wrong = [
        f"{user}: {answer.question}: {answer.status}, not {expected}: {answer.text[:200]}"
        for user, own, answer in answers
        if answer.status != (expected := answer.question.status(own))
    ]
    assert wrong == [], "\n".join(wrong)


def test_a_batch_answers_each_fire_as_if_it_were_alone(answers):
    wrong = [
        f"{user}: {answer.question.body['fires'][index]}: {result}, not {expected}"
        for user, own, answer in answers
        if answer.question.results
        for index, (result, expected) in enumerate(
            zip(answer.content["results"], answer.question.results(own), strict=True)
        )
        if result["status"] != expected
    ]
    assert wrong == [], "\n".join(wrong)


def test_lists_show_what_the_user_may_read_and_nothing_else(answers):
    for user, own, answer in answers:
        if answer.question.listed and answer.status == 200:
            (entries,) = (content for content in answer.content.values() if isinstance(content, list))
            assert set(map(name_of, entries)) == answer.question.listed(own), (user, str(answer.question))


def name_of(entry):
    """What names an entry of a list: its UID, that of its session, its name, or its id."""
    return next(entry[key] for key in ("uid", "session_uid", "name", "id") if key in entry)


def test_counts_count_what_the_user_may_read_and_nothing_else(answers):
    for user, own, answer in answers:
        if answer.question.counted and answer.status == 200:
            expected = answer.question.counted(own)
            numbers = {name: answer.content[name] for name in expected}
            assert numbers == expected, (user, str(answer.question))
            groups = answer.content.get("groups")
            assert groups is None or sum(group["count"] for group in groups) == numbers["total"]


def test_what_is_read_and_what_is_refused_changes_nothing(answers):
    wrong = [
        f"{user}: {answer.question}: {answer.status}"
        for user, _, answer in answers
        if answer.only_looked and answer.changed
    ]
    assert wrong == [], "\n".join(wrong)


def test_what_one_may_do_nothing_with_is_answered_as_what_does_not_exist(answers):
    """Byte for byte: in a database without all of which the user may not know, the answers are the same.

    But for the controllers' health, which has moments, and counts over all sessions for everybody.
    """
    wrong = [
        f"{user}: {answer.question}: {answer.status} {answer.text[:300]}\n"
        f"  and without it: {other.status} {other.text[:300]}"
        for user, pairs in answers.without_hidden.items()
        for answer, other in pairs
        if not answer.question.path.endswith("/health")
        if (answer.status, answer.headers, answer.text) != (other.status, other.headers, other.text)
    ]
    assert wrong == [], "\n".join(wrong)


def test_no_answer_names_what_the_user_may_not_know_of(answers):
    wrong = [
        f"{user}: {answer.question} tells of {name!r}: {answer.text[:500]}"
        for user, own, answer in answers
        for name in hidden_names(own)
        if contains(answer.text, name) and not contains(str(answer.question), name)
    ]
    assert wrong == [], "\n".join(wrong)


def hidden_names(own: Rights) -> list[str]:
    """What stands only in places that the user may not see."""
    return [
        *(session.marker for session in SESSIONS if not may_read(own, session)),
        *(session.uid for session in SESSIONS if not knows(own, session)),
        *(name for name in DEPLOYED if not knows_configuration(own, name)),
        *(
            dag_id
            for dag_id in (A, B)
            if not any(own.cover(it, {dag_id}) for it in ("read", "create", "edit", "delete"))
        ),
    ]


def contains(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None


def test_fabs_auth_manager_does_not_start_with_teams(sqlite_airflow_database):
    with pytest.raises(NotImplementedError), fab_auth_manager({}, {}, AIRFLOW__CORE__MULTI_TEAM="True"):
        pass


# -- the page -----------------------------------------------------------------------------------------------------

PAGE = ROOT / "docs/rights.md"


def test_the_page_shows_what_was_answered(matrix):
    """Whoever changes what is allowed commits the page that this test has written anew."""
    page = PAGE.read_text(encoding="utf-8")
    measured_page = replaced(page, table_lines(matrix))
    if measured_page != page:
        PAGE.write_text(measured_page, encoding="utf-8")
    assert measured_page == page, "commit the new docs/rights.md"


TURNED = (
    "read a session, its fires and its history",
    "fire",
    "fire, and so create the session",
    "create a session",
    "replay",
    "skip",
    "skip, and cascade",
    "call a hook again",
    "delete a session",
)
"""The acts in the table of roles with rights on single DAGs."""


STANDARD_ROLES = """
**Roles that the auth managers bring.** *Simple* is Airflow's `SimpleAuthManager`, *FAB* the one of
`apache-airflow-providers-fab`. *No* for a list: it is empty.
"""
SINGLE_DAGS = """
**Roles with rights on single DAGs.** *On A*: in a session whose tasks run the DAG A only. *On A and B*: in a session
whose first task runs A, and whose second task, after it, runs B. *Yes*: in every session.
"""
PERMISSIONS = """
These are roles of FAB, made of these permissions:
"""
TEAMS = """
**Teams** (`[core] multi_team`). The DAG A belongs to the team red, B to the team blue. FAB's auth manager has no teams:
Airflow's API server does not start with both.
"""


def table_lines(matrix: Matrix) -> list[str]:
    acts = list(dict.fromkeys(question.act for question in matrix.questions if question.act))
    simple = columns("Simple", matrix["simple"], [role for role in SIMPLE_ROLES if role != "nobody"])
    fab = columns("FAB", matrix["fab"], list(FAB_ROLES))
    single = [role for role in OWN_FAB_ROLES if role != "nothing"]
    return [
        *paragraph(STANDARD_ROLES),
        *table([*simple, *fab], acts),
        *paragraph(SINGLE_DAGS),
        *turned_table(columns("FAB", matrix["fab"], single), TURNED),
        *paragraph(PERMISSIONS),
        "| role | permissions |",
        "|---|---|",
        *(f"| {role} | {in_words(OWN_FAB_ROLES[role][1])} |" for role in single),
        *paragraph(TEAMS),
        *turned_table(columns("Simple", matrix["teams"], list(TEAM_USERS)), TURNED),
    ]


def paragraph(text: str) -> list[str]:
    return ["", *text.strip().splitlines(), ""]


def in_words(permissions: list[tuple[str, str]]) -> str:
    resources: dict[str, list[str]] = {}
    for action, resource in permissions:
        resources.setdefault(action, []).append(f"`{resource.replace('dag_a', 'A').replace('dag_b', 'B')}`")
    return "; ".join(f"`{action}` on {', '.join(names)}" for action, names in resources.items())


def columns(manager: str, answers: Answers, roles: list[str]) -> list[Column]:
    return [Column(manager, role, allowed(answers.answers[role])) for role in roles]


def allowed(answers: list[Answer]) -> dict[str, frozenset[str]]:
    """Act → the sessions shown in which every request of the act was answered as it was meant."""
    refusals: dict[str, set[str]] = {}
    for answer in answers:
        if answer.question.act:
            refusals.setdefault(answer.question.act, set()).update(refused_in(answer))
    return {act: SHOWN - uids for act, uids in refusals.items()}


def refused_in(answer: Answer) -> set[str]:
    question = answer.question
    if question.listed:
        shown = [session for session in SESSIONS if session.uid in SHOWN]
        return {
            session.uid
            for session in shown
            if not contains(answer.text, session.uid)
            and not contains(answer.text, f"{session.configuration}")
        }
    return set() if answer.status < 300 else {question.session.uid} if question.session else set(SHOWN)
