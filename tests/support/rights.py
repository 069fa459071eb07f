"""The rules of who may do what; tests compare the REST API's answers with them.

It shares no code with the package. ``docs/rights.md`` has the same rules in sentences. Neighbours: ``worlds.py`` has
the sessions, ``questions.py`` the requests with answers by these rules.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.worlds import AFTER, DEPLOYED, Session

A, B, C = "dag_a", "dag_b", "dag_c"
EVERY = "every DAG"
"""Among a user's rights: on all DAGs, of all teams, those to come too."""

NONE: frozenset[str] = frozenset()
ALL = frozenset({EVERY})


@dataclass(frozen=True)
class Rights:
    """A user's rights in Airflow itself, each with its DAGs.

    :param read: read runs and XComs.
    :param create: create runs.
    :param edit: edit task instances.
    :param delete: delete runs.
    """

    read: frozenset[str] = NONE
    create: frozenset[str] = NONE
    edit: frozenset[str] = NONE
    delete: frozenset[str] = NONE

    def cover(self, right: str, dag_ids: set[str | None]) -> bool:
        """Whether the user has the right on all these DAGs. None (no DAG) needs the right on every DAG."""
        own: frozenset[str] = getattr(self, right)
        return EVERY in own or dag_ids <= own


def rights(read: str = "", create: str = "", edit: str = "", delete: str = "") -> Rights:
    """Rights in a short form: ``rights(read="A B", create="A", edit="*")``."""
    names = {"A": A, "B": B, "C": C, "*": EVERY}
    return Rights(
        *(frozenset(names[letter] for letter in letters.split()) for letters in (read, create, edit, delete))
    )


def named_dags(session: Session) -> set[str | None]:
    """The DAGs of the session's tasks. A task without a DAG, and a session without tasks, stand for every DAG."""
    return set(session.dag_ids.values()) or {None}


def may_read(user: Rights, session: Session) -> bool:
    """A session is read as a whole: this needs the right on all DAGs of its tasks and all earlier DAGs of its runs."""
    former = {session.former} if session.former else set()
    return user.cover("read", named_dags(session) | former)


def may_fire_something(user: Rights, dag_ids: set[str | None]) -> bool:
    """A user who may create runs of one of the DAGs may fire something."""
    return any(user.cover("create", {dag_id}) for dag_id in dag_ids)


def knows(user: Rights, session: Session) -> bool:
    """A user knows a session if they may read it, or fire something into it."""
    return may_read(user, session) or may_fire_something(user, named_dags(session))


def knows_configuration(user: Rights, name: str) -> bool:
    """A user knows a deployed configuration if they would know its sessions."""
    return knows(user, Session("", DEPLOYED.get(name, {}))) if name in DEPLOYED else False


def may_read_configuration(user: Rights, name: str) -> bool:
    """A configuration is read by those who may read sessions made of it."""
    return name in DEPLOYED and may_read(user, Session("", DEPLOYED[name]))


def read_configuration_status(user: Rights, name: str) -> int:
    """A configuration that the user does not know does not exist."""
    if not knows_configuration(user, name):
        return 404
    return 200 if may_read_configuration(user, name) else 403


def refused(user: Rights, session: Session) -> int:
    """403 for a user who knows the session; for others it does not exist (404)."""
    return 403 if knows(user, session) else 404


def read_status(user: Rights, session: Session) -> int:
    """Reading any part of a session needs the right to read the session."""
    return 200 if may_read(user, session) else refused(user, session)


def fire_status(user: Rights, session: Session, trigger: str) -> int:
    """Firing needs the right to create runs of the DAGs of all tasks that wait for the trigger.

    A trigger without a waiting task is only recorded: it needs the right to fire something.
    """
    concerned = {dag_id for task, dag_id in session.dag_ids.items() if AFTER[task] == trigger}
    may = user.cover("create", concerned) if concerned else may_fire_something(user, named_dags(session))
    return 200 if may else refused(user, session)


def first_fire_status(user: Rights, configuration: str) -> int:
    """A fire that makes its session needs the right to create runs of all DAGs of the configuration."""
    if not knows_configuration(user, configuration):
        return 404
    return 200 if user.cover("create", set(DEPLOYED[configuration].values())) else 403


def create_status(user: Rights, configuration: str) -> int:
    """Creating a session needs this right, and the right to read the session."""
    if not knows_configuration(user, configuration):
        return 404
    dag_ids = set(DEPLOYED[configuration].values())
    return 201 if user.cover("create", dag_ids) and user.cover("read", dag_ids) else 403


def migrate_status(user: Rights, configuration: str) -> int:
    """Moving sessions to the deployed rules needs the rights to create one.

    The answer has only sessions readable by the user.
    """
    status = create_status(user, configuration)
    return 200 if status == 201 else status


def create_again_status(user: Rights, session: Session, configuration: str) -> int:
    """UIDs are shared: a user who may create a session learns whether the UID is taken.

    They learn no more, unless they may read the existing session.
    """
    status = create_status(user, configuration)
    if status != 201:
        return status
    if not may_read(user, session):
        return 409
    if not session.dag_ids:
        return 201
    return 200 if session.configuration == configuration else 409


def configured_fire_status(user: Rights, session: Session, trigger: str, configuration: str) -> int:
    """A fire that names a configuration goes only into a session of this configuration.

    About an unknown session the user learns only whether its UID is taken.
    """
    if not knows(user, session):
        status = first_fire_status(user, configuration)
        return 409 if status == 200 else status
    status = fire_status(user, session, trigger)
    if status != 200:
        return status
    if not session.dag_ids:
        return first_fire_status(user, configuration)
    return 200 if session.configuration == configuration else 409


def act_status(user: Rights, session: Session, *needed: str) -> int:
    """Repairing an instance needs the right to read the session, and rights on the instance's DAGs.

    These are the present DAG of its task, and the DAG of its run. The consequences need no rights: the configuration's
    author has decided them.
    """
    status = read_status(user, session)
    if status != 200:
        return status
    if not session.has_instance:
        return 404
    dag_ids = {session.dag_ids["t_first"]} | ({session.former} if session.former else set())
    return 200 if all(user.cover(right, dag_ids) for right in needed) else 403


def take_back_status(user: Rights, session: Session) -> int:
    """Cancelling or retrying a delayed fire needs the right to fire its trigger.

    For a user who may neither fire it nor read the session, the fire does not exist.
    """
    status = fire_status(user, session, "begin")
    return 404 if status == 403 and read_status(user, session) != 200 else status


def call_hook_status(user: Rights, session: Session) -> int:
    """A hook may fire anything: calling it needs the rights to read the session and to create runs of all its DAGs."""
    status = read_status(user, session)
    return status if status != 200 or user.cover("create", named_dags(session)) else 403


def retry_asset_event_status(user: Rights, session: Session) -> int:
    """An asset event is shown to readers of its session; retrying it needs the right to create runs of all its DAGs."""
    if not may_read(user, session):
        return 404
    return 200 if user.cover("create", named_dags(session)) else 403


def delete_status(user: Rights, session: Session, *, resolved: bool) -> int:
    """Deleting a session needs the rights to read it, and to delete runs of all DAGs needed for reading.

    :param resolved: whether the session is resolved, or need not be.
    """
    status = read_status(user, session)
    if status != 200:
        return status
    former = {session.former} if session.former else set()
    if not user.cover("delete", named_dags(session) | former):
        return 403
    return 200 if resolved else 409


def bulk_status(user: Rights, session: Session) -> int:
    """A replay of one instance, as a bulk act. What one may not read counts as missing, and is refused as an item."""
    status = act_status(user, session, "create")
    return 202 if status in (200, 404) or not may_read(user, session) else status


def read_bulk_act_status(user: Rights, session: Session) -> int:
    """The bulk act of somebody else is shown to users who may read all sessions that it covers."""
    return 200 if may_read(user, session) else 404


def cancel_bulk_act_status(user: Rights, session: Session) -> int:
    """Cancelling the bulk act of somebody else needs the rights to make it; here, a skip."""
    status = read_bulk_act_status(user, session)
    return status if status != 200 or user.cover("edit", named_dags(session)) else 403


def update_status(user: Rights, session: Session, dag_id: str) -> int:
    """Updating the rules needs the rights to read the session and to create runs of all its DAGs, the new one too."""
    status = read_status(user, session)
    if status != 200:
        return status
    needed = {*named_dags(session), dag_id} if session.dag_ids else {dag_id, None}
    return 200 if user.cover("create", needed) and user.cover("read", needed) else 403
