"""The demanded state, rebuilt from the clients' journal and the configuration's meaning, without code of the product.

Neighbours: ``checker.py`` compares it with the actual state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from scripts.chaos.journal import Line

EXECUTED = ("t_open", "t_calls", "t_risky")
"""Tasks whose runs execute a callable; the others' runs only end."""

NO_RESULT: dict[str, Any] = {}


@dataclass
class DemandedTask:
    """The demanded outcome of one trigger task in one session.

    :param count: the number of its instances, without replays.
    :param status: the final status of each; the status of a replay counts for the replayed instance.
    :param results: the results of their completions, in any order; None when they do not complete.
    """

    count: int
    status: str = "finished"
    results: list[Any] | None = None


@dataclass
class Demand:
    """The demanded outcome of one session.

    :param fires: (trigger, kwargs) of the clients' fires, by idempotency key.
    :param acknowledged_keys: the keys of the answered fires.
    :param replays: the instances with a requested replay.
    :param skips: the instances with a requested skip.
    """

    fires: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    acknowledged_keys: set[str] = field(default_factory=set)
    replays: set[str] = field(default_factory=set)
    skips: set[str] = field(default_factory=set)

    @property
    def tasks(self) -> dict[str, DemandedTask]:
        """The demanded outcome of each task, by name."""
        kwargs = dict(self.fires.values())
        pages = sum(trigger == "page" for trigger, _ in self.fires.values())
        tasks = {
            "t_open": DemandedTask(1, results=[{"double": 2 * kwargs["opened"]["n"]}]),
            "t_page": DemandedTask(pages, results=[NO_RESULT] * pages)
            if pages
            else DemandedTask(1, "unstarted"),
            "t_count": DemandedTask(pages, results=[NO_RESULT] * pages),
            "t_device": DemandedTask(1, "abandoned")
            if "embedded" in kwargs
            else DemandedTask(1, results=[NO_RESULT]),
            "t_calls": DemandedTask(1, "unstarted"),
            "t_called": DemandedTask(0, results=[]),
            "t_risky": DemandedTask(0, results=[]),
            "t_safe": DemandedTask(1, "unstarted"),
            "t_remind": DemandedTask(0, results=[]),
        }
        if demanded_calls := kwargs.get("asked"):
            tasks["t_calls"] = DemandedTask(1, results=[{"calls": demanded_calls["calls"]}])
            tasks["t_called"] = DemandedTask(
                demanded_calls["calls"], results=[NO_RESULT] * demanded_calls["calls"]
            )
        if risk := kwargs.get("risk"):
            is_skipped = risk["fails"] and risk["repair"] == "skip"
            result = {"value": -1} if is_skipped else {"value": risk["n"] + 1}
            tasks["t_risky"] = DemandedTask(1, "skipped" if is_skipped else "finished", [result])
            tasks["t_safe"] = DemandedTask(1, results=[NO_RESULT])
        if "reminder" in kwargs:
            tasks["t_remind"] = DemandedTask(1, results=[NO_RESULT])
        return tasks

    @property
    def kwargs_of_roots(self) -> dict[str, list[dict[str, Any]]]:
        """By task, the demanded kwargs of its instances, without replays."""
        kwargs_by_trigger: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for trigger, kwargs in self.fires.values():
            kwargs_by_trigger[trigger].append(kwargs)
        tasks = self.tasks
        opening = {"t_open": (tasks["t_open"].results or [])[0]}
        risky = {"t_risky": tasks["t_risky"].results[0]} if tasks["t_risky"].results else {}
        return {
            "t_open": [{"opened": kwargs} for kwargs in kwargs_by_trigger["opened"]],
            "t_page": [{**opening, "page": kwargs} for kwargs in kwargs_by_trigger["page"]] or [opening],
            "t_count": [{"t_page": NO_RESULT} for _ in kwargs_by_trigger["page"]],
            "t_calls": [{**opening, "asked": kwargs} for kwargs in kwargs_by_trigger["asked"]] or [opening],
            "t_called": [{"called": {"number": number}} for number in range(tasks["t_called"].count)],
            "t_safe": [{**opening, **risky}],
            "t_remind": [{"reminder": kwargs} for kwargs in kwargs_by_trigger["reminder"]],
        }


def demands(journal: Iterable[Line]) -> dict[str, Demand]:
    """By session, the demand of its clients."""
    demand_by_session: dict[str, Demand] = {}
    for line in journal:
        if line["kind"] not in ("intent", "ack") or "session" not in line:
            continue
        demand = demand_by_session.setdefault(line["session"], Demand())
        match line["kind"], line["act"]:
            case "intent", "fire":
                demand.fires[line["key"]] = (line["trigger"], line["kwargs"])
            case "ack", "fire":
                demand.acknowledged_keys.add(line["key"])
            case "intent", "replay":
                demand.replays.add(line["instance"])
            case "intent", "skip":
                demand.skips.add(line["instance"])
    return demand_by_session
