"""The trigger tasks of ``survey.yaml`` and ``wave.yaml``."""

from __future__ import annotations

from statistics import mean

from airflow_triggers import TaskContext


def import_page(context: TaskContext) -> dict[str, object]:
    """The answers of a page."""
    page = dict(context.trigger_kwargs["pageReceived"])
    return {"page": page.pop("page"), "answers": len(page)}


def score(context: TaskContext) -> dict[str, object]:
    """The mean of the last page's answers; a respondent without answers has no score."""
    answers = context.trigger_kwargs["lastPageReceived"]["answers"]
    if not answers:
        raise context.skip({"reason": "no answers"})
    return {"score": mean(int(answer) for answer in answers)}


def write_to_respondent(context: TaskContext) -> dict[str, object]:
    """A letter with the name of its task."""
    return {"letter": context.task_name, "to": context.session_uid}


def archive(context: TaskContext) -> dict[str, object]:
    """Archive the finished session under the class name of its manager."""
    return {"shelf": type(context.manager).__name__}


def add_member(context: TaskContext) -> dict[str, object]:
    """A member of the wave."""
    return {"member": context.trigger_kwargs["memberFinished"]["member"]}


def report(context: TaskContext) -> dict[str, object]:
    """The wave's report: its members, and the mean of their scores."""
    results = context.trigger_kwargs["waveComplete"]["results"]
    scores = [result["t_score"]["score"] for result in results.values() if "t_score" in result]
    return {"members": sorted(results), "mean": mean(scores) if scores else None}
