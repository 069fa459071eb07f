"""SessionTester: where a test of a configuration begins.

Neighbours: ``acts.py`` has what it does, ``assertions.py`` what it asserts, ``bench.py`` what is
its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.testing.acts import LIMIT, SessionActs
from airflow_triggers.testing.assertions import SessionAssertions
from airflow_triggers.testing.bench import Bench
from airflow_triggers.testing.session import ManagerSource, TestedSession
from airflow_triggers.testing.sources import ConfigurationSource


class SessionTester(SessionActs, SessionAssertions):
    """A session in memory, in a time of its own, whose instances run when the test says so.

    >>> from airflow_triggers.testing import SessionTester
    >>> tester = SessionTester(
    ...     {
    ...         "t_import": {"after": ["received", "complete"], "run": "some_dag"},
    ...         "t_notify": {"after": ["t_import"], "run": "another_dag"},
    ...     }
    ... )
    >>> stub = tester.stub("t_import", result={"subject": 17})
    >>> tester.fire("received", {"age": 41}).created
    ('t_import#0',)
    >>> tester.assert_unstarted("t_import#0", missing={"complete"}).name
    't_import#0'
    >>> tester.fire("complete").scheduled
    ('t_import#0',)
    >>> tester.run("t_import")
    ['t_import#0']
    >>> tester.assert_scheduled("t_notify#0").kwargs
    {'t_import': {'subject': 17}}

    :param configuration: task name → directives, the path of a YAML file, or its name (``"questionnaire"``); None:
        :meth:`configure` says it later.
    :param manager: a manager's class, or the name that it is registered by.
    :param metadata: the session's.
    :param uid: the session's.
    :param now: the moment at which the test's time stands still, with a time zone; None: the present one.
    :param folders: where YAML files are looked for; None: ``dags`` in the working directory, and that directory.
        Modules beside a YAML file can be imported by it, as in Airflow.
    :raises UnknownConfiguration, ConfigurationError, RegistryError: when configuration or manager cannot be had.
    """

    def __init__(
        self,
        configuration: ConfigurationSource | None = None,
        *,
        manager: ManagerSource = None,
        metadata: Mapping[str, Any] | None = None,
        uid: str = "session",
        now: datetime | None = None,
        folders: Sequence[str | Path] | None = None,
    ) -> None:
        bench = Bench(now=now, folders=folders)
        self._session = TestedSession(uid, bench=bench, manager=manager, metadata=metadata)
        self._testers: dict[str, SessionTester] = {uid: self}
        self.configure(configuration)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of session {self.uid!r}>"

    @property
    def _tested_session(self) -> TestedSession:
        return self._session

    @property
    def uid(self) -> str:
        """The session's UID."""
        return self.storage.uid

    @property
    def sessions(self) -> tuple[SessionTester, ...]:
        """The testers of all sessions of this test."""
        return tuple(self._testers.values())

    def session(
        self,
        uid: str,
        configuration: ConfigurationSource | None = None,
        *,
        manager: ManagerSource = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> SessionTester:
        """The tester of another session, which shares this one's time and stubs; it is made when it is first asked for.

        :param configuration: None: the one that this session has now.
        :param manager: None: a manager of the same class.
        :raises ValueError: when the session was made before, and is to be made otherwise now.
        """
        if uid in self._testers:
            if (configuration, manager, metadata) != (None, None, None):
                raise ValueError(
                    f"The session {uid!r} was made before; configure() changes its configuration."
                )
            return self._testers[uid]
        session = TestedSession(
            uid, bench=self._tested_session.bench, manager=manager or type(self.manager), metadata=metadata
        )
        other_tester = type(self)._of(session, self._testers)
        if configuration is not None or self.storage.tasks:
            other_tester.configure(self.storage.configuration if configuration is None else configuration)
        self._testers[uid] = other_tester
        return other_tester

    @classmethod
    def _of(cls, session: TestedSession, testers: dict[str, SessionTester]) -> SessionTester:
        tester = cls.__new__(cls)
        tester._session, tester._testers = session, testers
        return tester

    def run(self, name: str | None = None, *, limit: int = LIMIT) -> list[str]:
        """Run what this session has scheduled and is due, and what that causes, until nothing is left.

        A task with a :meth:`stub` does what that says; otherwise its ``run``, a callable, is imported and called.

        :param name: one instance (``"t_import#0"``), or all of a task that are due (``"t_import"``); what they cause
            waits.
        :param limit: how many instances may cause each other.
        :returns: the names of what was run, in that order.
        :raises RunnerError: when a task cannot run here without a stub.
        :raises InvalidTransition: when the named instance does not wait to be run; it says what it is.
        :raises AssertionError: past the limit; or when a hook of the manager raised.
        """
        __tracebackhide__ = True
        return self._run(name, limit)

    def run_next(self) -> TaskInstance | None:
        """Run the instance that is next; None when nothing is due. See :meth:`run`."""
        __tracebackhide__ = True
        return self._run_next()
