"""TriggersTestMixin: the tester for unittest.

Neighbours: ``tester.py`` is what it makes for each test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from airflow_triggers.domain.instances import TaskInstance
from airflow_triggers.testing.acts import LIMIT, SessionActs
from airflow_triggers.testing.assertions import SessionAssertions
from airflow_triggers.testing.session import ManagerSource, TestedSession
from airflow_triggers.testing.sources import ConfigurationSource
from airflow_triggers.testing.tester import SessionTester

# unittest hides this module's frames in its tracebacks.
__unittest = True


class TriggersTestMixin(SessionActs, SessionAssertions):
    """Gives each test of a ``unittest.TestCase`` a tested session, with the methods of :class:`SessionTester`.

    .. code-block:: python

        class SurveyTest(TriggersTestMixin, unittest.TestCase):
            configuration = "questionnaire"

            def test_a_subject_is_imported(self):
                self.fire("firstPageReceived", {"age": 41})
                self.assert_unstarted("t_importSubject#0", missing={"questionnaireComplete"})

    Only ``run`` has another name, :meth:`run_tasks`: ``run`` is unittest's own. The class attributes are the arguments
    of :class:`SessionTester`. Your own ``setUp`` calls ``super().setUp()`` first.
    """

    configuration: ClassVar[ConfigurationSource | None] = None
    trigger_manager: ClassVar[ManagerSource] = None
    session_metadata: ClassVar[Mapping[str, Any] | None] = None
    session_uid: ClassVar[str] = "session"
    session_now: ClassVar[datetime | None] = None
    configuration_folders: ClassVar[Sequence[str | Path] | None] = None

    tester: SessionTester

    def setUp(self) -> None:
        """Make the test's session."""
        parents: Any = super()
        parents.setUp()
        self.tester = SessionTester(
            self.configuration,
            manager=self.trigger_manager,
            metadata=self.session_metadata,
            uid=self.session_uid,
            now=self.session_now,
            folders=self.configuration_folders,
        )

    @property
    def _tested_session(self) -> TestedSession:
        return self.tester._tested_session

    def session(
        self,
        uid: str,
        configuration: ConfigurationSource | None = None,
        *,
        manager: ManagerSource = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> SessionTester:
        """See :meth:`SessionTester.session`."""
        return self.tester.session(uid, configuration, manager=manager, metadata=metadata)

    def run_tasks(self, name: str | None = None, *, limit: int = LIMIT) -> list[str]:
        """See :meth:`SessionTester.run`."""
        return self._run(name, limit)

    def run_next(self) -> TaskInstance | None:
        """See :meth:`SessionTester.run_next`."""
        return self._run_next()
