"""Every request of the REST API, about every session, each with the status demanded by the rules.

Neighbours: ``rights.py`` has the rules, ``worlds.py`` the sessions, ``tests/integration/test_rights.py`` asks.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from tests.support.rights import (
    Rights,
    act_status,
    bulk_status,
    call_hook_status,
    cancel_bulk_act_status,
    configured_fire_status,
    create_again_status,
    create_status,
    delete_status,
    fire_status,
    first_fire_status,
    knows,
    may_read,
    may_read_configuration,
    migrate_status,
    read_bulk_act_status,
    read_configuration_status,
    read_status,
    retry_asset_event_status,
    take_back_status,
    update_status,
)
from tests.support.worlds import AFTER, DEPLOYED, LATER, NO_IDS, SESSIONS, Ids, OwingManager, Session

API = "/triggers/api/v1"
NOWHERE = Session("no-such-session", DEPLOYED["config-a"])
UNKNOWN = "no-such-configuration"
FIRED_IN_VAIN = "unused"


SHOWN = frozenset({"on-a", "on-b", "on-a-then-b"})
"""The sessions that stand for all in the table of ``docs/rights.md``: on the DAG A, on B, on both."""


@dataclass(frozen=True)
class Question:
    """A request and its demanded answer.

    :param status: the status for a user with these rights.
    :param headers: further headers of the request.
    :param act: its row of the table in ``docs/rights.md``; None: it has no row.
    :param session: the session of the request, if any.
    :param listed: for a list, the UIDs, names or ids shown to a user with these rights.
    :param counted: the numbers shown to a user with these rights, by their names in the answer.
    :param results: for a batch, the statuses of its items for a user with these rights.
    :param tells: whether the answer for a hidden session must differ from the answer for a missing one, because its UID
        is taken.
    """

    method: str
    path: str
    status: Callable[[Rights], int]
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    act: str | None = None
    session: Session | None = None
    listed: Callable[[Rights], set[Any]] | None = None
    counted: Callable[[Rights], dict[str, int]] | None = None
    results: Callable[[Rights], list[int]] | None = None
    tells: Callable[[Rights], bool] = field(default=lambda user: False)

    @property
    def is_shown(self) -> bool:
        """Whether its answer is part of the table."""
        return self.act is not None and (self.session is None or self.session.uid in SHOWN)

    def __str__(self) -> str:
        body = "" if self.body is None else f" {self.body}"
        headers = f" {dict(self.headers)}" if self.headers else ""
        return f"{self.method} {self.path.removeprefix(API)}{body}{headers}"

    def asks(self, method: str, template: str) -> bool:
        """Whether it is a request of this route of an OpenAPI document, such as ``/sessions/{uid}``."""
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(f"/triggers{template}"))
        return self.method == method and re.fullmatch(pattern, self.path.partition("?")[0]) is not None

    @property
    def conditions(self) -> set[str]:
        """The names of its query parameters, and of the filter in its body."""
        query = parse_qsl(self.path.partition("?")[2])
        in_body = self.body.get("filter", {}) if isinstance(self.body, dict) else {}
        return {*(name for name, _ in query), *in_body}


def always(status: int) -> Callable[[Rights], int]:
    """The same answer for every logged-in user."""
    return lambda user: status


def questions(ids: dict[str, Ids]) -> list[Question]:
    """All questions.

    :param ids: the ids of every session, by its UID.
    """
    return [
        *_about_documents(),
        *_about_lists(ids),
        *(question for session in SESSIONS for question in _about(session, ids[session.uid])),
        *_about_nothing(),
        *_that_make_sessions(),
        *_that_migrate(),
        *_about_configurations(),
        *_about_bulk_acts(),
        *_about_asset_events(ids),
        _batch(),
    ]


# -- whoever is logged in ---------------------------------------------------------------------------------------


def _about_documents() -> Iterator[Question]:
    for path in ("openapi.json", "docs", "redoc"):
        yield Question("GET", f"/triggers/{path}", always(200), act="read the API's documentation")
    yield Question("GET", f"{API}/health", always(200), act="read the controllers' health")
    yield Question("GET", f"{API}/problems", always(200), act="list the types of problems")
    yield Question("GET", "/triggers/no/such/page", always(404))
    yield Question("DELETE", f"{API}/sessions", always(405))


def _about_lists(ids: dict[str, Ids]) -> Iterator[Question]:
    yield from _about_sessions(ids)
    yield from _about_instances()
    fires = partial(_list, "/fires", "list fires that touched nothing")
    yield fires("?touched=nothing", _every)
    yield fires(f"?touched=nothing&trigger={FIRED_IN_VAIN}", _every)
    yield fires("?touched=nothing&configuration=config-a-b", _made_of("config-a-b"))
    yield Question(
        "GET",
        f"{API}/configurations",
        always(200),
        act="list configurations",
        listed=lambda user: {name for name in DEPLOYED if may_read_configuration(user, name)},
    )
    yield from _about_what_is_to_come()
    # Pages of one item: neither their number nor their cursors may count hidden items.
    pages = (
        "/sessions?limit=1",
        "/instances?limit=1",
        "/configurations?limit=1&after=config-a",
        "/hooks?limit=1",
        "/delayed-fires?limit=1",
        "/asset-events?limit=1",
        "/bulk-acts?limit=1&after=9",
        "/sessions?limit=2&after=on-a",
        f"/instances?limit=1&after={_cursor(LATER.isoformat(), 99, 't_first', 0)}",
        "/fires?touched=nothing&limit=1&before=9",
    )
    for page in pages:
        yield Question("GET", f"{API}{page}", always(200))


def _cursor(*place: Any) -> str:
    """The cursor of a list, as its answers have it."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _every(session: Session) -> bool:
    return True


def _made_of(configuration: str) -> Callable[[Session], bool]:
    return lambda session: session.configuration == configuration


def _begins(prefix: str) -> Callable[[Session], bool]:
    return lambda session: session.uid.startswith(prefix)


def _about_sessions(ids: dict[str, Ids]) -> Iterator[Question]:
    version = ids["on-a"].version
    filters: tuple[tuple[str, Callable[[Session], bool]], ...] = (
        ("", _every),
        ("?limit=200&prefix=on-", _begins("on-")),
        ("?configuration=config-a", _made_of("config-a")),
        (f"?configuration={UNKNOWN}", lambda session: False),
        (f"?version={version}", lambda session: ids[session.uid].version == version),
        ("?contains=-a", lambda session: "-a" in session.uid),
        ("?order_by=-last_modified&has_failed=true&configuration=config-a", _made_of("config-a")),
        ("?order_by=last_modified&open=true", lambda session: session.has_instance),
        ("?resolved=false&idle_for=0", _every),
        ("?waiting_for=t_first", lambda session: "t_second" in session.dag_ids),
    )
    for query, covers in filters:
        question = _list("/sessions", "list sessions", query, covers)
        yield replace(question, counted=partial(_total_of_sessions, covers))


def _total_of_sessions(covers: Callable[[Session], bool], user: Rights) -> dict[str, int]:
    return {"total": sum(covers(session) and may_read(user, session) for session in SESSIONS)}


INSTANCE_FILTERS: tuple[tuple[dict[str, Any], Callable[[Session], bool]], ...] = (
    ({}, lambda session: session.has_instance),
    ({"configuration": "config-a"}, _made_of("config-a")),
    ({"task": "t_first", "session": "on"}, _begins("on")),
    ({"since": "2001-01-01T00:00:00Z", "until": LATER.isoformat()}, lambda session: session.has_instance),
    ({"error_type": SESSIONS[1].error_type}, lambda session: session is SESSIONS[1]),
    ({"replayed": False, "stuck": False, "stuck_after": 60}, lambda session: session.has_instance),
)
"""Filters for failed instances, with the sessions that they cover: of a list, of counts, of a bulk act."""


def _about_instances() -> Iterator[Question]:
    instances = partial(_list, "/instances", "list instances")
    yield instances("", lambda session: session.has_instance)
    yield instances("?task=t_second", lambda session: "t_second" in session.dag_ids)
    grouping = "&group_by=configuration&group_by=task&group_by=error_type&group_by=status"
    for conditions, covers in INSTANCE_FILTERS:
        query = f"?{urlencode({'status': 'failed', **conditions})}"
        yield instances(query, covers)
        total = partial(_total_of_sessions, covers)
        path = f"{API}/instances/counts{query}"
        yield Question("GET", path if conditions else f"{path}{grouping}", always(200), counted=total)
        body = {"act": "replay", "filter": {"status": ["failed"], **conditions}, "dry_run": True}
        counted = partial(_previewed, covers)
        yield Question("POST", f"{API}/bulk-acts", always(200), body, counted=counted)


def _previewed(covers: Callable[[Session], bool], user: Rights) -> dict[str, int]:
    """What the preview of a bulk act counts; here, a replay. What one may not read is not covered."""
    covered = [session for session in SESSIONS if covers(session) and may_read(user, session)]
    allowed = sum(act_status(user, session, "create") == 200 for session in covered)
    return {"total": len(covered), "allowed": allowed, "refused": len(covered) - allowed, "unchanged": 0}


def _about_what_is_to_come() -> Iterator[Question]:
    hooks = partial(_list, "/hooks", "list hooks that raised")
    yield hooks("", _every)
    yield hooks("?parked=false&after=9999", _every)
    to_come = partial(_list, "/delayed-fires", "list fires to come, of all sessions")
    yield to_come("", _every)
    yield to_come("?configuration=config-b", _made_of("config-b"))
    yield to_come("?trigger=begin&session=on-&parked=false&after=0.0", _begins("on-"))
    yield to_come("?until=2999-01-01T00:00:00Z", _every)
    events = partial(_list, "/asset-events", "list asset events that failed")
    yield events("", _every)
    yield events("?parked=true&after=9999", _every)


def _list(path: str, act: str, query: str, covers: Callable[[Session], bool]) -> Question:
    def listed(user: Rights) -> set[str]:
        return {session.uid for session in SESSIONS if covers(session) and may_read(user, session)}

    return Question(
        "GET",
        f"{API}{path}{query}",
        always(200),
        act=act if query in ("", "?touched=nothing") else None,
        listed=listed,
    )


# -- one session ------------------------------------------------------------------------------------------------


BRIEFLY = frozenset({"without-a-dag", "without-tasks"})
"""Sessions that are asked about in fewer ways: what takes which right, and no more."""


def _about(session: Session, ids: Ids) -> Iterator[Question]:
    if session.uid not in BRIEFLY:
        yield from _whole(session, ids)
        return
    for question in _whole(session, ids):
        if question.act or (question.method == "POST" and "configuration" in (question.body or {})):
            yield question


def _whole(session: Session, ids: Ids) -> Iterator[Question]:
    yield from _that_read(session)
    yield from _that_fire(session)
    yield from _that_repair(session)
    yield from _about_delayed_fire(session, ids.delayed_fire)
    yield from _that_delete(session)
    yield from _that_update(session)
    call = partial(call_hook_status, session=session)
    path = _at(session, f"/hooks/{ids.hook}/call")
    yield Question("POST", path, call, act="call a hook again", session=session)
    yield Question(
        "POST", _at(session, "/hooks/999/call"), _where(False, call, otherwise=404), session=session
    )
    for name in ("config-a", UNKNOWN):
        yield Question(
            "POST",
            f"{API}/sessions",
            partial(create_again_status, session=session, configuration=name),
            {"uid": session.uid, "configuration": name, "manager": OwingManager.name},
            session=session,
            tells=lambda user: not knows(user, session),
        )


def _at(session: Session, path: str) -> str:
    return f"{API}/sessions/{quote(session.uid, safe='')}{path}"


def _that_read(session: Session) -> Iterator[Question]:
    status = partial(read_status, session=session)
    paths = (
        "",
        "?limit=1",
        "/fires?trigger=begin&limit=1&before=999&instance=t_first%230&touched=nothing",
        "/history",
        f"/instances?task=t_first&status=failed&limit=1&after={_cursor(LATER.isoformat(), 't_first', 9)}",
        "/hooks?limit=1&after=1",
    )
    for path in paths:
        act = "read a session, its fires and its history"
        yield Question("GET", _at(session, path), status, act=act, session=session)
    for path in ("/instances/t_first%230", "/instances/t_first%230/why"):
        act = "read an instance, and why it has not run" if session.has_instance else None
        shown = _where(session.has_instance, status, otherwise=404)
        yield Question("GET", _at(session, path), shown, act=act, session=session)
    filtered = "/history?trigger=begin&limit=1&before=999.999.0&instance=t_first%230&touched=nothing"
    yield Question("GET", _at(session, filtered), status, session=session)
    missing = _where(False, status, otherwise=404)
    yield Question("GET", _at(session, "/instances/t_frist/why"), missing, session=session)
    yield Question("GET", _at(session, "/history?before=nonsense"), always(422), session=session)


def _where(fine: bool, status: Callable[[Rights], int], *, otherwise: int) -> Callable[[Rights], int]:
    """The status, but ``otherwise`` instead of 200 unless ``fine`` is true."""
    return lambda user: otherwise if (code := status(user)) == 200 and not fine else code


def _that_fire(session: Session) -> Iterator[Question]:
    ask = partial(Question, "POST", _at(session, "/fires"), session=session)
    for trigger in ("begin", FIRED_IN_VAIN, *(AFTER[task] for task in session.dag_ids if task != "t_first")):
        act = {"begin": "fire", FIRED_IN_VAIN: "fire a trigger that no task waits for"}.get(trigger)
        status = partial(fire_status, session=session, trigger=trigger)
        yield ask(status, {"trigger": trigger, "kwargs": {"n": 1}}, act=act)
    event = {"specversion": "1.0", "id": "1", "source": "/rights", "type": "begin", "subject": session.uid}
    headers = {f"ce-{name}": quote(value) for name, value in event.items()}
    status = partial(fire_status, session=session, trigger="begin")
    act = "fire by a CloudEvent"
    yield Question("POST", f"{API}/cloudevents", status, {"n": 1}, headers, act=act, session=session)
    later = {"trigger": "begin", "fire_at": LATER.isoformat()}
    yield ask(partial(fire_status, session=session, trigger="begin"), later, act="fire for later")
    in_vain = partial(fire_status, session=session, trigger=FIRED_IN_VAIN)
    conflict = {"trigger": FIRED_IN_VAIN, "idempotency_key": FIRED_IN_VAIN, "kwargs": {"n": 2}}
    yield ask(_where(False, in_vain, otherwise=409), conflict)
    for name in ("config-a", UNKNOWN):
        status = partial(configured_fire_status, session=session, trigger="begin", configuration=name)
        body = {"trigger": "begin", "configuration": name}
        yield ask(status, body, tells=lambda user: not knows(user, session))
    yield ask(always(422), {"trigger": "begin", "manager": "no-such-manager"})


def _about_delayed_fire(session: Session, delayed_fire_id: int) -> Iterator[Question]:
    path = _at(session, "/delayed-fires")
    read = partial(read_status, session=session)
    yield Question("GET", f"{path}?limit=1&after=0.0", read, act="list fires to come", session=session)
    take_back = partial(take_back_status, session=session)
    yield Question(
        "DELETE", f"{path}/{delayed_fire_id}", take_back, act="cancel a fire to come", session=session
    )
    yield Question(
        "POST", f"{path}/{delayed_fire_id}/retry", take_back, act="try a fire to come again", session=session
    )
    yield Question("DELETE", f"{path}/999", always(404), session=session)


def _that_repair(session: Session) -> Iterator[Question]:
    repairs = (
        ("replay", {"kwargs": {"begin": {"n": 2}}}, "replay", ("create",)),
        ("skip", {}, "skip", ("edit",)),
        ("skip", {"cascade": True, "result": {"n": 1}}, "skip, and cascade", ("edit", "create")),
        ("status", {"status": "skipped"}, "set a status", ("edit",)),
        ("status", {"status": "finished", "cascade": True}, "set a status, and cascade", ("edit", "create")),
        ("status", {"status": "unstarted"}, "set back to unstarted", ("edit", "create")),
        ("metadata", {"metadata": {"ticket": 17}}, "attach metadata", ("edit",)),
        ("resolve-logs", None, "resolve logs", ("edit",)),
    )
    for verb, body, act, needed in repairs:
        status = partial(_repair_status, session, needed)
        path = _at(session, f"/instances/t_first%230/{verb}")
        yield Question("POST", path, status, body, act=act if session.has_instance else None, session=session)
    missing = _where(False, partial(read_status, session=session), otherwise=404)
    yield Question("POST", _at(session, "/instances/t_first%239/replay"), missing, {}, session=session)


def _that_delete(session: Session) -> Iterator[Question]:
    """No session is resolved: each has a delayed fire and a pending hook."""
    delete = partial(delete_status, session=session)
    yield Question(
        "DELETE",
        _at(session, "?force=true"),
        partial(delete, resolved=True),
        act="delete a session",
        session=session,
    )
    yield Question("DELETE", _at(session, ""), partial(delete, resolved=False), session=session)


def _that_update(session: Session) -> Iterator[Question]:
    """Update the rules of the session: with its own DAG, and with one more."""
    path = _at(session, "/configuration")
    own_dag = session.dag_ids.get("t_first")
    for dag_id in ("dag_a", "dag_b"):
        body = {"tasks": {"t_new": {"after": ["begin"], "run": dag_id}}, "preview": True}
        status = partial(update_status, session=session, dag_id=dag_id)
        act = "update a session's rules" if dag_id == own_dag else None
        yield Question("PUT", path, status, body, act=act, session=session)


def _repair_status(session: Session, needed: tuple[str, ...], user: Rights) -> int:
    return act_status(user, session, *needed)


# -- no session, and new ones -----------------------------------------------------------------------------------


def _about_nothing() -> Iterator[Question]:
    for question in _about(NOWHERE, NO_IDS):
        if question.act:
            yield replace(question, status=always(404), act=None, session=None)


def _that_make_sessions() -> Iterator[Question]:
    for name in (*DEPLOYED, UNKNOWN):
        new = {"uid": f"new-{name}", "configuration": name}
        act = "create a session" if name in DEPLOYED else None
        yield Question(
            "POST",
            f"{API}/sessions",
            partial(create_status, configuration=name),
            new,
            act=act,
            session=_of(name),
        )
        act = "fire, and so create the session" if name in DEPLOYED else None
        fire = {"trigger": "begin", "configuration": name}
        status = partial(first_fire_status, configuration=name)
        yield Question("POST", f"{API}/sessions/new-{name}/fires", status, fire, act=act, session=_of(name))


def _that_migrate() -> Iterator[Question]:
    """Every session has the deployed rules, or was made at run time: nothing is moved."""
    for name in (*DEPLOYED, UNKNOWN):
        status = partial(migrate_status, configuration=name)

        def listed(user: Rights, name: str = name) -> set[str]:
            return {
                session.uid
                for session in SESSIONS
                if session.configuration == name and may_read(user, session)
            }

        path = f"{API}/configurations/{name}/migrate"
        act = "move sessions to the deployed rules" if name in DEPLOYED else None
        yield Question("POST", path, status, {"dry_run": True}, act=act, session=_of(name))
        yield Question("POST", path, status, {"limit": 200, "prefix": "on", "after": "a"}, listed=listed)


def _about_configurations() -> Iterator[Question]:
    for name in (*DEPLOYED, UNKNOWN):
        status = partial(read_configuration_status, name=name)
        act = "read a configuration" if name in DEPLOYED else None
        path = f"{API}/configurations/{name}"
        counted = partial(_counts_of_configuration, name)
        yield Question("GET", path, status, act=act, session=_of(name), counted=counted)
    text = {"yaml": "t_first: {after: [begin], run: dag_a}"}
    yield Question("POST", f"{API}/configurations/validate", always(200), text, act="check a configuration")
    yield Question("GET", f"{API}/extensions", always(200), act="list what is installed")


def _counts_of_configuration(name: str, user: Rights) -> dict[str, int]:
    """Every session of a deployed configuration has a failed instance."""
    number = _total_of_sessions(_made_of(name), user)["total"]
    return {"sessions": number, "open": number, "failed": number}


def _of(name: str) -> Session | None:
    """The session that stands for all sessions of the configuration."""
    return next((session for session in SESSIONS if session.configuration == name), None)


def _about_bulk_acts() -> Iterator[Question]:
    """The bulk act 1 is that of somebody else, on the session ``on-a``: see ``worlds.py``."""
    path = f"{API}/bulk-acts"
    on_a = SESSIONS[0]
    yield Question("GET", path, always(200), listed=lambda user: {1} if may_read(user, on_a) else set())
    see = partial(read_bulk_act_status, session=on_a)
    for part in ("", "/outcomes", "/outcomes?limit=1&after=9&outcome=done"):
        yield Question("GET", f"{path}/1{part}", see, session=on_a)
        yield Question("GET", f"{path}/999{part}", always(404))
    cancel = partial(cancel_bulk_act_status, session=on_a)
    yield Question("POST", f"{path}/1/cancel", cancel, session=on_a)
    for session in (*SESSIONS, NOWHERE):
        one_instance = {"act": "replay", "instances": [{"session_uid": session.uid, "name": "t_first#0"}]}
        status = always(202) if session is NOWHERE else partial(bulk_status, session=session)
        yield Question("POST", path, status, one_instance)


def _about_asset_events(ids: dict[str, Ids]) -> Iterator[Question]:
    for session in SESSIONS:
        path = f"{API}/asset-events/{ids[session.uid].asset_event}/retry"
        status = partial(retry_asset_event_status, session=session)
        yield Question("POST", path, status, act="try an asset event again", session=session)
    yield Question("POST", f"{API}/asset-events/999/retry", always(404))


def _batch() -> Question:
    """One fire of each kind into every session: each gets the same answer as alone."""
    fires: list[dict[str, Any]] = []
    statuses: list[Callable[[Rights], int]] = []
    for session in SESSIONS:
        for trigger in ("begin", "t_first", FIRED_IN_VAIN):
            fires.append({"session_uid": session.uid, "trigger": trigger})
            statuses.append(partial(fire_status, session=session, trigger=trigger))
        if session.dag_ids:
            fires.append({"session_uid": session.uid, "trigger": "begin", "configuration": "config-a"})
            statuses.append(
                partial(configured_fire_status, session=session, trigger="begin", configuration="config-a")
            )
    for name in (*DEPLOYED, UNKNOWN):
        fires.append({"session_uid": f"new-{name}", "trigger": "begin", "configuration": name})
        statuses.append(partial(first_fire_status, configuration=name))
    fires.append({"session_uid": NOWHERE.uid, "trigger": "begin"})
    statuses.append(always(404))
    return Question(
        "POST",
        f"{API}/fires",
        always(200),
        {"fires": fires},
        results=lambda user: [status(user) for status in statuses],
    )
