"""What the clients fire: sessions drawn by a seed, the same ones each time.

Neighbours: ``clients.py`` plays the scripts; ``dags/chaos.yaml`` is the configuration that they fire at.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class PlannedFire:
    """A fire that a client is to send.

    :param key: its idempotency key; two fires with the same key are the same fire, sent by two clients.
    :param delay: seconds until it shall take effect; None: at once.
    """

    trigger: str
    kwargs: dict[str, Any]
    key: str
    delay: float | None = None


@dataclass(frozen=True, kw_only=True)
class Script:
    """What one client does in one session, in this order; other clients work in the session at the same time."""

    session: str
    fires: tuple[PlannedFire, ...]


def scripts(seed: int, sessions: int) -> list[Script]:
    """Two scripts for each session, next to each other."""
    drawn = random.Random(seed)
    return [script for number in range(sessions) for script in _session(f"chaos-{number:04d}", drawn)]


def _session(uid: str, drawn: random.Random) -> tuple[Script, Script]:
    opened = _fire("opened", n=drawn.randrange(1000), seconds=round(drawn.uniform(0, 1.5), 2))
    pages = [_fire("page", page=number) for number in range(drawn.choice((0, 1, 2, 2, 3, 5)))]
    others = []
    if drawn.random() < 0.4:
        others.append(_fire("asked", calls=drawn.randrange(3), seconds=round(drawn.uniform(0, 0.5), 2)))
    if drawn.random() < 0.5:
        fails = drawn.random() < 0.4
        repair = drawn.choice(("replay", "skip"))
        others.append(_fire("risk", n=drawn.randrange(1000), fails=fails, repair=repair))
    if drawn.random() < 0.4:
        others.append(_fire("reminder", delay=round(drawn.uniform(2, 15), 1)))
    drawn.shuffle(others)
    half = len(pages) // 2
    first = [opened, *pages[:half], *others]
    second = [*pages[half:], *drawn.sample(first, k=min(len(first), drawn.randrange(3)))]
    drawn.shuffle(second)
    if drawn.random() < 0.3:
        embedded = _fire("embedded")
        first.insert(0, embedded)
        second.insert(0, embedded)  # whoever of the two comes first: it is answered before anything is opened
    return Script(session=uid, fires=tuple(first)), Script(session=uid, fires=tuple(second))


def _fire(trigger: str, *, delay: float | None = None, **kwargs: Any) -> PlannedFire:
    key = f"{trigger}-{kwargs['page']}" if "page" in kwargs else trigger
    return PlannedFire(trigger=trigger, kwargs=kwargs, key=key, delay=delay)
