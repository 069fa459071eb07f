"""The plan of the clients' fires: a seed determines the sessions, the same ones each time.

Neighbours: ``clients.py`` plays the scripts; ``dags/chaos.yaml`` is their configuration.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class PlannedFire:
    """A planned fire of a client.

    :param key: its idempotency key; two fires with the same key are one fire sent by two clients.
    :param delay: seconds until it takes effect; None: at once.
    """

    trigger: str
    kwargs: dict[str, Any]
    key: str
    delay: float | None = None


@dataclass(frozen=True, kw_only=True)
class Script:
    """The fires of one client in one session, in order; other clients work in the session at the same time."""

    session: str
    fires: tuple[PlannedFire, ...]


def scripts(seed: int, sessions: int) -> list[Script]:
    """Two scripts for each session, next to each other."""
    draw = random.Random(seed)
    return [script for number in range(sessions) for script in _session(f"chaos-{number:04d}", draw)]


def _session(uid: str, draw: random.Random) -> tuple[Script, Script]:
    opening = _fire("opened", n=draw.randrange(1000), seconds=round(draw.uniform(0, 1.5), 2))
    pages = [_fire("page", page=number) for number in range(draw.choice((0, 1, 2, 2, 3, 5)))]
    other_fires = []
    if draw.random() < 0.4:
        other_fires.append(_fire("asked", calls=draw.randrange(3), seconds=round(draw.uniform(0, 0.5), 2)))
    if draw.random() < 0.5:
        fails = draw.random() < 0.4
        repair = draw.choice(("replay", "skip"))
        other_fires.append(_fire("risk", n=draw.randrange(1000), fails=fails, repair=repair))
    if draw.random() < 0.4:
        other_fires.append(_fire("reminder", delay=round(draw.uniform(2, 15), 1)))
    draw.shuffle(other_fires)
    half = len(pages) // 2
    first = [opening, *pages[:half], *other_fires]
    second = [*pages[half:], *draw.sample(first, k=min(len(first), draw.randrange(3)))]
    draw.shuffle(second)
    if draw.random() < 0.3:
        embedded_fire = _fire("embedded")
        # Whichever client comes first, this fire is answered before anything is opened.
        first.insert(0, embedded_fire)
        second.insert(0, embedded_fire)
    return Script(session=uid, fires=tuple(first)), Script(session=uid, fires=tuple(second))


def _fire(trigger: str, *, delay: float | None = None, **kwargs: Any) -> PlannedFire:
    key = f"{trigger}-{kwargs['page']}" if "page" in kwargs else trigger
    return PlannedFire(trigger=trigger, kwargs=kwargs, key=key, delay=delay)
