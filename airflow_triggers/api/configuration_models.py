"""The models of requests and answers about deployed configurations, and about what is installed.

Neighbours: ``migration_models.py`` has the migration of sessions; ``routes/configurations.py`` and
``routes/extensions.py`` use these.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from airflow_triggers.answers.configurations import ConfigurationDetailAnswer
from airflow_triggers.api.answer_body import AnswerBody
from airflow_triggers.api.datamodels import TaskBody
from airflow_triggers.api.fields import AnyText, KeptName, ListLimit
from airflow_triggers.api.instance_acts import AllowedAct
from airflow_triggers.api.instance_models import ActBody
from airflow_triggers.api.requests import Request
from airflow_triggers.configuration.review import Severity
from airflow_triggers.sessions.deployments import MOST_COUNTED

MAX_POSTED_YAML = 256 * 1024


def _count_field(description: str) -> int:
    field: int = Field(
        ge=0, le=MOST_COUNTED, description=f"{description} {MOST_COUNTED} means: so many or more."
    )
    return field


class ConfigurationsQuery(Request):
    """Which configurations to list."""

    limit: ListLimit = Field(50, description="How many at most.")
    after: KeptName | None = Field(None, description="The cursor: `next` of the page before.")


class ConfigurationBody(AnswerBody):
    """A configuration in a list."""

    name: str = Field(examples=["questionnaire"])
    dag_id: str = Field(
        description="The manifest DAG: its page in Airflow shows the rules.", examples=["questionnaire"]
    )
    version: str = Field(description="A SHA-256 of the rules.")
    deployed_at: datetime | None = Field(description="When these rules were deployed; null: it is not known.")
    is_deployed: bool = Field(
        description="Whether sessions of it can be made. False: its file is broken, and Airflow has dropped its DAGs."
    )
    task_count: int
    sessions: int = _count_field("How many of its sessions you may read.")
    open: int = _count_field("How many of them have an instance that is not resolved.")
    failed: int = _count_field("How many of them have a failed instance.")
    counts_limit: int = Field(description="Where the counts of sessions and instances stop.")
    warning_count: int = Field(description="How many findings its rules have.")
    import_error: str | None = Field(
        description="Why its file cannot be used now. Its rules are those from before. Null: it can."
    )


class ConfigurationsPage(AnswerBody):
    """Configurations, ordered by name."""

    configurations: list[ConfigurationBody]
    next: str | None = Field(description="Pass it as `after` to get the next page; null on the last one.")


class VersionBody(AnswerBody):
    """A version of a configuration."""

    version: str = Field(description="A SHA-256 of the rules.")
    is_deployed: bool
    deployed_at: datetime | None = Field(
        description="When it was deployed; null: it was made at run time, or it is not known."
    )
    sessions: int = _count_field("How many of its sessions you may read.")
    open: int = _count_field("How many of them have an instance that is not resolved.")


class NodeBody(AnswerBody):
    """A trigger or a task in a graph."""

    id: str = Field(description="Its name. A task's name is also the trigger that its end fires.")
    kind: Literal["trigger", "task"]


class EdgeBody(AnswerBody):
    """A task's directive names a trigger."""

    source: str = Field(description="The trigger, or the task whose end fires it.")
    target: str = Field(description="The task.")
    directive: Literal["after", "andEvery", "unless"]


class GraphBody(AnswerBody):
    """A configuration as a graph."""

    nodes: list[NodeBody]
    edges: list[EdgeBody]
    cycles: list[list[str]] = Field(
        description="Tasks that wait for each other, so none of them ever starts. Each waits for the next one, and the "
        "last one for the first."
    )
    mermaid: str = Field(description="The graph as a Mermaid flowchart.")
    text: str = Field(description="The graph as a tree of lines, from the triggers down.")


class ConfiguredTaskBody(TaskBody):
    """A trigger task of a configuration: its directives, custom ones included, and how its instances stand."""

    waiting: int = _count_field("How many of its instances wait for triggers, in sessions that you may read.")
    failed: int = _count_field("How many of its instances are failed.")


class FindingBody(AnswerBody):
    """Something wrong in a configuration, or probably wrong."""

    severity: Severity
    code: str = Field(description="A word for programs.", examples=["cycle", "unfired"])
    task: str | None
    text: str = Field(description="A sentence for people.")


class ConfigurationDetail(ConfigurationBody):
    """A whole configuration."""

    yaml: str | None = Field(
        description="Its file as written. It takes the right to read the code of its DAGs in Airflow."
    )
    yaml_note: str | None = Field(description="Why there is no YAML; null: there is.")
    sentences: dict[str, str] = Field(description="The rule of each task as a sentence.")
    tasks: dict[str, ConfiguredTaskBody]
    graph: GraphBody
    versions: list[VersionBody] = Field(
        description="The deployed version, and those of sessions, the newest first."
    )
    warnings: list[FindingBody]


class ConfigurationActsBody(AnswerBody):
    """What you may do with a configuration now."""

    migrate: ActBody = Field(description="Move its open sessions to the rules deployed now.")


class ActionableConfiguration(ConfigurationDetail):
    """A whole configuration, and what you may do with it."""

    acts: ConfigurationActsBody

    @classmethod
    def with_acts(
        cls, answer: ConfigurationDetailAnswer, acts: dict[str, AllowedAct]
    ) -> ActionableConfiguration:
        """The body for an answer and the acts on the configuration."""
        body = ConfigurationDetail.model_validate(answer)
        return cls.model_construct(**dict(body), acts=ConfigurationActsBody.model_validate(acts))


class ValidateConfiguration(Request):
    """A configuration to check."""

    yaml: AnyText = Field(
        max_length=MAX_POSTED_YAML,
        description="The text of its file.",
        examples=["t_importSubject:\n  after: [firstPageReceived]\n  run: survey_tasks:import_subject\n"],
    )
    name: KeptName | None = Field(
        None,
        description="Its name, if it has one already. With it, ids of its DAGs are checked, and similar triggers.",
        examples=["questionnaire"],
    )


class ProblemBody(AnswerBody):
    """A finding in a configuration's text."""

    severity: Severity
    line: int | None = Field(description="From 1; null: it is not known.")
    task: str | None
    directive: str | None
    code: str = Field(description="A word for programs.", examples=["invalid", "cycle", "unknown-run"])
    message: str = Field(description="A sentence for people.")


class ValidationBody(AnswerBody):
    """The findings in a configuration's text."""

    valid: bool = Field(description="Whether there is no error. Warnings may remain.")
    problems: list[ProblemBody] = Field(description="In the order of their lines.")


class ExtensionBody(AnswerBody):
    """A manager, a storage or a runner that is installed in the API server."""

    name: str = Field(examples=["default"])
    class_path: str | None = Field(
        description="Its class; null: it cannot be loaded, or Airflow does not show you its plugins.",
        examples=["airflow_triggers.manager.manager.TriggerManager"],
    )
    description: str | None = Field(description="The first sentence of its documentation.")
    problem: str | None = Field(description="Why it cannot be used; null: it can.")


class ExtensionsBody(AnswerBody):
    """What is installed in the API server, each kind sorted by name."""

    managers: list[ExtensionBody]
    storages: list[ExtensionBody]
    runners: list[ExtensionBody]
