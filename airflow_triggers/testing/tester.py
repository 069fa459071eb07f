"""SessionTester: where a test of a configuration begins.

Neighbours: ``acts.py`` has its acts, ``assertions.py`` its assertions, ``bench.py`` its clock, cache and stubs.
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
    """A session in memory with its own time; its instances run when the test says so.

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
    :param manager: a manager's class, or its registered name.
    :param metadata: the session's metadata.
    :param uid: the session's UID.
    :param now: the moment of the test's time, with a time zone; None: the present moment.
    :param folders: folders of YAML files; None: ``dags`` in the working directory, and this directory. Modules beside a
        YAML file can be imported, as in Airflow.
    :raises UnknownConfiguration, ConfigurationError, RegistryError: when the configuration or the manager is missing or
        wrong.
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
        """The tester of another session; it shares this session's time and stubs. The first call makes it.

        :param configuration: None: this session's present configuration.
        :param manager: None: a manager of the same class.
        :raises ValueError: when the session exists already and an argument besides ``uid`` is given.
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
        # Without __init__: it would make a bench of its own, and the sessions of a test share one.
        tester = cls.__new__(cls)
        tester._session, tester._testers = session, testers
        return tester

    def run(self, name: str | None = None, *, limit: int = LIMIT) -> list[str]:
        """Run all due instances of this session, and the instances that they cause, until none is left.

        A :meth:`stub` replaces a task's work. Otherwise its ``run``, a callable, is imported and called.

        :param name: one instance (``"t_import#0"``), or all due instances of a task (``"t_import"``). Instances caused
            by these wait.
        :param limit: how many instances may run in one call without ``name``.
        :returns: the names of the instances run, in order.
        :raises RunnerError: when a task cannot run here without a stub.
        :raises InvalidTransition: when the named instance does not wait to run; the message has its status.
        :raises AssertionError: when the limit is exceeded, or a hook of the manager raised.
        """
        __tracebackhide__ = True
        return self._run(name, limit)

    def run_next(self) -> TaskInstance | None:
        """Run the next due instance; None when nothing is due. See :meth:`run`."""
        __tracebackhide__ = True
        return self._run_next()
