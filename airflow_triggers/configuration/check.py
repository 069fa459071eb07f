"""Checks the configurations of a folder before they are deployed, as in CI, and reports what is wrong.

Neighbours: ``cli/check.py`` prints; ``compile.py`` compiles, as on deployment; ``review.py`` finds rules without
effect; ``gateway/dag_files.py`` reads the DAG files. The folder's modules are imported in this process.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from airflow_triggers.configuration.compile import (
    Compilation,
    CompiledDags,
    observed_compilations,
)
from airflow_triggers.configuration.dag_file import BrokenConfiguration
from airflow_triggers.configuration.lines import FileLines
from airflow_triggers.configuration.load import configuration_files, load_configuration
from airflow_triggers.configuration.modules import ImportableModules, near_name
from airflow_triggers.configuration.review import Finding, Severity, invalidity, review
from airflow_triggers.domain.asset_uris import SCHEME, trigger_of
from airflow_triggers.domain.configuration import Configuration, TaskConfig
from airflow_triggers.domain.names import RunKind, run_kind
from airflow_triggers.errors import Problem
from airflow_triggers.gateway.dag_files import DagFile, dag_files


@dataclass(frozen=True, kw_only=True)
class LocatedFinding:
    """A finding and its place.

    :param file: the file; its path is relative to the folder if the file is inside.
    :param line: from 1; None: not known.
    :param configuration: the configuration's name; None: the finding is about a DAG file.
    """

    file: str
    line: int | None
    configuration: str | None
    finding: Finding


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a check found.

    :param configurations: the names of all configurations read, sorted.
    """

    configurations: tuple[str, ...]
    findings: tuple[LocatedFinding, ...]

    def count(self, severity: Severity) -> int:
        """How many findings have this severity."""
        return sum(located_finding.finding.severity is severity for located_finding in self.findings)


def check_folder(folder: Path, *, deployed_dag_ids: Collection[str] | None) -> Report:
    """Check every configuration of a folder: its YAML files, and what its DAG files compile, subfolders included.

    :param deployed_dag_ids: ids of the DAGs deployed already; None: not known. Then a ``run`` without a DAG in the
        folder is only a warning: it may name a deployed DAG. It is an error if it resembles an existing name.
    :raises ConfigurationError: when there is no such folder.
    """
    folder = folder.absolute()
    yaml_files = configuration_files(folder)
    if str(folder) not in sys.path:
        # As Airflow does with a bundle, whose modules its DAG files import.
        sys.path.append(str(folder))
    with observed_compilations() as compilations:
        files = list(dag_files(folder))
        compiled_paths = {compilation.path for compilation in compilations}
        CompiledDags(
            (file.stem, file, partial(load_configuration, file))
            for file in yaml_files
            if file not in compiled_paths
        )
    return _Check(folder, compilations, files, deployed_dag_ids).report()


class _Check:
    """One check of a folder, after everything in it was read."""

    def __init__(
        self,
        folder: Path,
        compilations: list[Compilation],
        files: list[DagFile],
        deployed_dag_ids: Collection[str] | None,
    ) -> None:
        self._folder, self._compilations, self._files = folder, compilations, files
        self._database_was_asked = deployed_dag_ids is not None
        self._modules = ImportableModules()
        self._dag_ids = {
            *(deployed_dag_ids or ()),
            *(dag_id for compilation in compilations for dag_id in compilation.dag_ids),
            *(dag.dag_id for dag in self._dags() if not isinstance(dag, BrokenConfiguration)),
        }

    def report(self) -> Report:
        findings = [
            *(
                located_finding
                for compilation in self._compilations
                for located_finding in self._of_configuration(compilation)
            ),
            *(located_finding for file in self._files for located_finding in self._of_dag_file(file)),
        ]
        names = {compilation.name for compilation in self._compilations}
        findings.sort(key=lambda located_finding: (located_finding.file, located_finding.line or 0))
        return Report(configurations=tuple(sorted(names)), findings=tuple(findings))

    def _dags(self) -> Iterator[Any]:
        return (dag for file in self._files for dag in file.dags)

    def _file(self, path: Path) -> str:
        return str(path.relative_to(self._folder) if path.is_relative_to(self._folder) else path)

    # -- configurations ---------------------------------------------------------------------------------------

    def _of_configuration(self, compilation: Compilation) -> Iterator[LocatedFinding]:
        path = compilation.path or compilation.dag_file or self._folder
        lines = FileLines(compilation.path)
        for finding, line in self._findings(compilation):
            where = line or lines.of(Problem(finding.text, task=finding.task))
            yield LocatedFinding(
                file=self._file(path), line=where, configuration=compilation.name, finding=finding
            )

    def _findings(self, compilation: Compilation) -> Iterator[tuple[Finding, int | None]]:
        yield from map(invalidity, compilation.problems)
        if compilation.configuration is not None:
            for finding in review(compilation.configuration):
                yield finding, None
            for task_config in compilation.configuration:
                if unknown_run := self._of_run(task_config):
                    yield unknown_run, None
            for finding in self._of_modules(compilation.name, compilation.configuration):
                yield finding, None

    def _of_modules(self, name: str, configuration: Configuration) -> Iterator[Finding]:
        """Triggers without a waiting task, fired into the session by the modules of its callables."""
        modules: dict[str, str] = {}
        for task in configuration:
            if run_kind(task.run) is RunKind.CALLABLE:
                modules.setdefault(str(task.run).partition(":")[0], task.name)
        for module, task_name in modules.items():
            for trigger, line in self._modules.fired_triggers(module).items():
                if text := self._unawaited_note(trigger, name):
                    sentence = f"its module {module!r} fires {trigger!r} in line {line}, {text}"
                    yield Finding(code="unawaited", severity=Severity.WARNING, text=sentence, task=task_name)

    def _of_run(self, task: TaskConfig) -> Finding | None:
        """An unknown DAG as the ``run`` of the task; None: the DAG is known, or ``run`` is no DAG."""
        if run_kind(task.run) is not RunKind.DAG or task.run in self._dag_ids:
            return None
        run = str(task.run)
        near_run = near_name(run, sorted(self._dag_ids)) or self._near_callable(run)
        hint = f" Did you mean {near_run!r}?" if near_run else ""
        is_certain = bool(near_run) or self._database_was_asked
        doubt = "" if self._database_was_asked else " (Airflow's database was not asked)"
        return Finding(
            code="unknown-run",
            severity=Severity.ERROR if is_certain else Severity.WARNING,
            text=f"'run' is {run!r}, neither a module's function nor a deployed DAG{doubt}.{hint}",
            task=task.name,
        )

    def _near_callable(self, run: str) -> str | None:
        module, _, name = run.rpartition(".")
        if not module or (near_module := next(self._modules.resembling(module), None)) is None:
            return None
        return f"{near_module}.{near_name(name, self._modules.functions(near_module)) or name}"

    # -- DAG files --------------------------------------------------------------------------------------------

    def _of_dag_file(self, file: DagFile) -> Iterator[LocatedFinding]:
        for error in file.errors:
            last_line = error.strip().splitlines()[-1] if error.strip() else "it cannot be imported"
            yield self._located_finding(
                file, "dag-file", Severity.ERROR, f"Airflow cannot import this DAG file: {last_line}"
            )
        fires = {fire: None for dag in file.dags for fire in _fires(dag)}
        for task_label, trigger, configuration in fires:
            if text := self._unawaited_note(trigger, configuration):
                yield self._located_finding(
                    file, "unawaited", Severity.WARNING, f"{task_label} fires {trigger!r}, {text}"
                )

    def _located_finding(self, file: DagFile, code: str, severity: Severity, text: str) -> LocatedFinding:
        finding = Finding(code=code, severity=severity, text=text)
        return LocatedFinding(file=self._file(file.path), line=None, configuration=None, finding=finding)

    def _unawaited_note(self, trigger: str, configuration_name: str | None) -> str | None:
        """Why nothing follows from the fire; None: something does, or the configuration is not in this folder."""
        configurations = [
            compilation.configuration
            for compilation in self._compilations
            if compilation.configuration is not None and configuration_name in (None, compilation.name)
        ]
        if not configurations or any(configuration.concerned_by(trigger) for configuration in configurations):
            return None
        awaited_names = sorted(
            {name for configuration in configurations for name in _awaited_names(configuration)}
        )
        near = near_name(trigger, awaited_names)
        where = f"of {configuration_name!r}" if configuration_name else "of this folder's configurations"
        return f"and no task {where} waits for it." + (f" Did you mean {near!r}?" if near else "")


def _awaited_names(configuration: Configuration) -> Iterator[str]:
    for task in configuration:
        yield from task.triggers


def _fires(dag: Any) -> Iterator[tuple[str, str, str | None]]:
    """The fires of a DAG's tasks, as far as they can be read: who fires, the trigger, the configuration."""
    for task in dag.tasks:
        task_label = f"the task {task.task_id!r} of the DAG {dag.dag_id!r}"
        trigger: Any = getattr(task, "trigger", None)
        if task.task_type == "FireTriggerOperator" and _is_plain(trigger):
            configuration: Any = getattr(task, "configuration", None)
            yield task_label, trigger, configuration if _is_plain(configuration) else None
        for outlet in getattr(task, "outlets", ()):
            uri = str(getattr(outlet, "uri", ""))
            if uri.startswith(SCHEME):
                trigger, configuration = trigger_of(uri)
                if trigger is not None:
                    yield task_label, trigger, configuration


def _is_plain(value: object) -> bool:
    """Whether it is a text and no template."""
    return isinstance(value, str) and "{{" not in value and "{%" not in value
