"""What must be, rebuilt from the clients' journal and the configuration's meaning alone: no code of the product.

Neighbours: ``checker.py`` compares it with what is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from scripts.chaos.journal import Line

EXECUTED = ("t_open", "t_calls", "t_risky")
"""Tasks whose runs execute a callable; the others' runs only end."""

NOTHING: dict[str, Any] = {}


@dataclass
class DemandedTask:
    """What must become of one trigger task in one session.

    :param count: how many instances it must have, replays not counted.
    :param status: of each of them in the end, a replay's standing for what it replays.
    :param results: what their completions must have handed on, in any order; None when they do not complete.
    """

    count: int
    status: str = "finished"
    results: list[Any] | None = None


@dataclass
class Demand:
    """What must become of one session.

    :param fires: by idempotency key, (trigger, kwargs) of what the clients sent.
    :param acknowledged: the keys of those that were answered.
    :param replays: the instances of which somebody asked for a replay.
    :param skips: those that somebody asked to skip.
    """

    fires: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    replays: set[str] = field(default_factory=set)
    skips: set[str] = field(default_factory=set)

    @property
    def tasks(self) -> dict[str, DemandedTask]:
        """By task name."""
        kwargs = dict(self.fires.values())
        pages = sum(trigger == "page" for trigger, _ in self.fires.values())
        demanded = {
            "t_open": DemandedTask(1, results=[{"double": 2 * kwargs["opened"]["n"]}]),
            "t_page": DemandedTask(pages, results=[NOTHING] * pages)
            if pages
            else DemandedTask(1, "unstarted"),
            "t_count": DemandedTask(pages, results=[NOTHING] * pages),
            "t_device": DemandedTask(1, "abandoned")
            if "embedded" in kwargs
            else DemandedTask(1, results=[NOTHING]),
            "t_calls": DemandedTask(1, "unstarted"),
            "t_called": DemandedTask(0, results=[]),
            "t_risky": DemandedTask(0, results=[]),
            "t_safe": DemandedTask(1, "unstarted"),
            "t_remind": DemandedTask(0, results=[]),
        }
        if asked := kwargs.get("asked"):
            demanded["t_calls"] = DemandedTask(1, results=[{"calls": asked["calls"]}])
            demanded["t_called"] = DemandedTask(asked["calls"], results=[NOTHING] * asked["calls"])
        if risk := kwargs.get("risk"):
            waived = risk["fails"] and risk["repair"] == "skip"
            result = {"value": -1} if waived else {"value": risk["n"] + 1}
            demanded["t_risky"] = DemandedTask(1, "skipped" if waived else "finished", [result])
            demanded["t_safe"] = DemandedTask(1, results=[NOTHING])
        if "reminder" in kwargs:
            demanded["t_remind"] = DemandedTask(1, results=[NOTHING])
        return demanded

    @property
    def kwargs_of_roots(self) -> dict[str, list[dict[str, Any]]]:
        """By task, the kwargs with which its instances must have been made, replays not counted."""
        sent: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for trigger, kwargs in self.fires.values():
            sent[trigger].append(kwargs)
        tasks = self.tasks
        opened = {"t_open": (tasks["t_open"].results or [])[0]}
        risky = {"t_risky": tasks["t_risky"].results[0]} if tasks["t_risky"].results else {}
        return {
            "t_open": [{"opened": it} for it in sent["opened"]],
            "t_page": [{**opened, "page": it} for it in sent["page"]] or [opened],
            "t_count": [{"t_page": NOTHING} for _ in sent["page"]],
            "t_calls": [{**opened, "asked": it} for it in sent["asked"]] or [opened],
            "t_called": [{"called": {"number": it}} for it in range(tasks["t_called"].count)],
            "t_safe": [{**opened, **risky}],
            "t_remind": [{"reminder": it} for it in sent["reminder"]],
        }


def demands(journal: Iterable[Line]) -> dict[str, Demand]:
    """By session, what its clients asked for."""
    found: dict[str, Demand] = {}
    for line in journal:
        if line["kind"] not in ("intent", "ack") or "session" not in line:
            continue
        demand = found.setdefault(line["session"], Demand())
        match line["kind"], line["act"]:
            case "intent", "fire":
                demand.fires[line["key"]] = (line["trigger"], line["kwargs"])
            case "ack", "fire":
                demand.acknowledged.add(line["key"])
            case "intent", "replay":
                demand.replays.add(line["instance"])
            case "intent", "skip":
                demand.skips.add(line["instance"])
    return found
