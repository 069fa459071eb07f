"""The commands about the past: ``why``, ``history``, ``unheard``.

Neighbours: ``twin/`` declares them; ``hooks.py`` has those about hooks; ``rows.py`` prints.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_triggers import history
from airflow_triggers.answers.history import (
    ArrivalAnswer,
    ExpectedFireAnswer,
    ExplanationAnswer,
    RequirementAnswer,
    VainFireAnswer,
    answer_of_entry,
)
from airflow_triggers.cli import rows
from airflow_triggers.cli.hints import note_unknown_configuration
from airflow_triggers.cli.terminal import ends_with_one_line, print_text
from airflow_triggers.domain.fires import DelayedFire, Fire
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.history.pages import Entry, moment_of
from airflow_triggers.history.reasons import Explanation, Requirement, fire_phrase
from airflow_triggers.history.sentences import sentence_of
from airflow_triggers.history.unheard import VainFire
from airflow_triggers.sentences import moment

INDENT = "    "
"""The indentation of an entry's further lines."""

VAIN_FIRE_COLUMNS = ("uid", "fire_id", "trigger", "fired_at", "fired_by", "used_by", "similar")


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def explain(args: Namespace) -> None:
    """``airflow triggers why``."""
    explanation = history.why(args.uid, args.name)
    if args.output in rows.STRUCTURED:
        rows.print_row(_of_explanation(explanation), args.output)
    else:
        for line in _lines(explanation):
            print_text(line, indent=INDENT)


def _lines(explanation: Explanation) -> Iterator[str]:
    yield explanation.answer
    yield f"  {explanation.rule}"
    if explanation.requirements:
        width = max(len(requirement.trigger) for requirement in explanation.requirements)
        yield ""
        for requirement in explanation.requirements:
            yield f"  {requirement.role:8}  {requirement.trigger:{width}}  {_state_of(requirement, explanation.status)}"
    if explanation.reasons:
        yield ""
        yield from (f"  - {reason.text}" for reason in explanation.reasons)
    if explanation.run_id:
        yield ""
        yield f"  DAG run: {explanation.run_id} of {explanation.dag_id}"


def _state_of(requirement: Requirement, status: InstanceStatus | None) -> str:
    if requirement.arrived:
        return (
            f"arrived {fire_phrase(requirement.fire)}" if requirement.fire else f"arrived: {requirement.note}"
        )
    if requirement.role == "unless" or status not in (None, InstanceStatus.UNSTARTED):
        return (
            "had not fired"
            if requirement.fire is None
            else f"not taken; last fired {fire_phrase(requirement.fire)}"
        )
    return (
        "missing"
        if requirement.fire is None
        else f"missing, though it was fired {fire_phrase(requirement.fire)}"
    )


def _of_explanation(explanation: Explanation) -> rows.Row:
    requirements = [_of_requirement(requirement) for requirement in explanation.requirements]
    return {**rows.of_answer(ExplanationAnswer.of(explanation)), "requirements": requirements}


def _of_requirement(requirement: Requirement) -> rows.Row:
    """A requirement with its whole fires; REST answers with short ones."""
    return {
        **rows.of_answer(RequirementAnswer.of(requirement)),
        "fire": _of_arrival(requirement.fire) if requirement.fire else None,
        "expected": [_of_expected(delayed_fire) for delayed_fire in requirement.expected],
        "similar": [_of_arrival(fire) for fire in requirement.similar],
    }


def _of_arrival(fire: Fire) -> rows.Row:
    return {**rows.of_answer(ArrivalAnswer.of(fire)), **rows.of_fire(fire)}


def _of_expected(fire: DelayedFire) -> rows.Row:
    return {**rows.of_answer(ExpectedFireAnswer.of(fire)), **rows.of_delayed_fire(fire)}


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def show_history(args: Namespace) -> None:
    """``airflow triggers history``: as text, the newest entry is last; as JSON or YAML, it is first."""
    page = history.history_of(
        args.uid,
        limit=args.limit,
        before=args.before,
        instance=args.instance,
        trigger=args.trigger,
        touched_nothing=args.touched_nothing,
    )
    if args.output in rows.STRUCTURED:
        entries = [_of_entry(entry) for entry in page.entries]
        rows.print_row({"entries": entries, "next": page.next}, args.output)
        return
    if page.next:
        print_text(f"… earlier entries: --before {page.next}", to=sys.stderr)
    for entry in reversed(page.entries):
        by = entry.fired_by if isinstance(entry, Fire) else entry.by
        print_text(f"{moment(moment_of(entry))}  {by or '-':20}  {sentence_of(entry)}", indent=INDENT)
    if not page.entries:
        print_text("Nothing of that kind happened.")


def _of_entry(entry: Entry) -> rows.Row:
    row = rows.of_answer(answer_of_entry(entry))
    return {**rows.of_fire(entry), **row} if isinstance(entry, Fire) else row


@ends_with_one_line
@suppress_logs_and_warning
@providers_configuration_loaded
def list_unheard(args: Namespace) -> None:
    """``airflow triggers unheard``."""
    vain_fires = history.vain_fires(
        limit=args.limit + 1, before=args.before, trigger=args.trigger, configuration=args.configuration
    )
    if not vain_fires:
        note_unknown_configuration(args.configuration)
    page = vain_fires[: args.limit]
    cursor = page[-1].fire.fire_id if len(vain_fires) > args.limit else None
    fire_rows = [_of_vain_fire(vain_fire) for vain_fire in page]
    if args.output in rows.STRUCTURED:
        rows.print_row({"fires": fire_rows, "next": cursor}, args.output)
        return
    rows.print_rows(fire_rows, args.output, columns=VAIN_FIRE_COLUMNS)
    if cursor:
        print_text(f"… earlier fires: --before {cursor}", to=sys.stderr)


def _of_vain_fire(vain_fire: VainFire) -> rows.Row:
    return {"uid": vain_fire.uid, **rows.of_answer(VainFireAnswer.of(vain_fire))}
