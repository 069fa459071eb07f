"""Kills random processes of the deployment, by a seed, and restarts them if nobody else does.

Neighbours: ``deployment.py`` has the processes; the journal records each kill.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from scripts.chaos.deployment import (
    API_SERVER,
    CONTROLLERS,
    DAG_PROCESSOR,
    SCHEDULERS,
    WORKERS,
    Deployment,
)
from scripts.chaos.journal import Journal

WEIGHTS = {
    "a task's process": 6,
    "a controller": 5,
    "an API worker": 4,
    "a scheduler": 3,
    "a Celery worker": 3,
    "the API server": 2,
    "Redis": 1,
    "the DAG processor": 1,
}
POSTGRESQL = "PostgreSQL"
LONGEST_DOWN = 3.0
ATTEMPTS = 20
"""How often to look for a process of a kind, four times a second."""


@dataclass
class Killer:
    """One kill after the other, with pauses.

    :param kills: the number of kills, each kind at least once if possible; restarts of PostgreSQL are extra.
    :param restarts: how often PostgreSQL is stopped as by a crash and started again.
    :param seconds: the kills are spread over these seconds.
    """

    deployment: Deployment
    journal: Journal
    stop: threading.Event
    seed: int
    kills: int
    restarts: int
    seconds: float
    count_of_kills: Counter[str] = field(default_factory=Counter)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def work(self) -> None:
        """Kill as often as told."""
        kinds = self._kinds()
        start = time.monotonic()
        for number, kind in enumerate(kinds):
            self._pause_until(start + self.seconds * (number + self._random.uniform(0.3, 0.9)) / len(kinds))
            if self.stop.is_set():
                return
            self._kill(kind)

    def _kinds(self) -> list[str]:
        """Every kind once and more at random, in random order; the restarts of PostgreSQL are spread over them."""
        kinds = list(WEIGHTS)[: self.kills]
        remaining_kills = self.kills - len(kinds)
        kinds += self._random.choices(list(WEIGHTS), weights=list(WEIGHTS.values()), k=remaining_kills)
        self._random.shuffle(kinds)
        for number in range(self.restarts):
            kinds.insert((number + 1) * len(kinds) // (self.restarts + 1), POSTGRESQL)
        return kinds

    def _pause_until(self, moment: float) -> None:
        """Wait until the moment, and restart components that ended by themselves."""
        while not self.stop.is_set():
            self.deployment.restart_ended()
            seconds_left = moment - time.monotonic()
            if seconds_left <= 0:
                return
            self.stop.wait(min(seconds_left, 0.5))

    def _kill(self, kind: str) -> None:
        acts: dict[str, Callable[[], str]] = {
            "a task's process": lambda: self._kill_one(self.deployment.task_processes),
            "a controller": lambda: self._kill_component(self._random.choice(CONTROLLERS)),
            "an API worker": lambda: self._kill_one(self.deployment.api_workers),
            "a scheduler": lambda: self._kill_component(self._random.choice(SCHEDULERS)),
            "a Celery worker": lambda: self._kill_component(self._random.choice(WORKERS)),
            "the API server": lambda: self._kill_component(API_SERVER),
            "Redis": self._restart_redis,
            "the DAG processor": lambda: self._kill_component(DAG_PROCESSOR),
            POSTGRESQL: self._restart_postgresql,
        }
        victim = acts[kind]()
        # No process of this kind runs at the moment.
        if not victim:
            kind = "a controller"
            victim = acts[kind]()
        self.count_of_kills[kind] += 1
        self.journal.write("kill", victim=kind, what=victim)

    def _kill_one(self, candidates: Callable[[], list[psutil.Process]]) -> str:
        """Kill one of the processes as soon as one exists; its parent must notice. Returns "" if there was none."""
        for _ in range(ATTEMPTS):
            if self.stop.is_set():
                break
            processes = candidates()
            if processes:
                victim = self._random.choice(sorted(processes, key=lambda process: process.pid))
                try:
                    victim.kill()
                except psutil.NoSuchProcess:
                    continue
                return f"process {victim.pid}"
            self.stop.wait(0.25)
        return ""

    def _kill_component(self, name: str) -> str:
        """Kill all processes of a container, wait, and start it again."""
        self.deployment.services.kill(name)
        self.stop.wait(self._random.uniform(0, LONGEST_DOWN))
        self.deployment.services.restart(name)
        return name

    def _restart_redis(self) -> str:
        self.deployment.services.redis.kill()
        self.stop.wait(self._random.uniform(0, LONGEST_DOWN))
        self.deployment.services.redis.restart()
        # A Celery worker does not always consume again after an outage of Redis. Operators restart it, too.
        for worker in WORKERS:
            self._kill_component(worker)
        return "killed, and started again with what it had written; then the workers"

    def _restart_postgresql(self) -> str:
        self.deployment.cluster.stop()
        self.stop.wait(self._random.uniform(0.2, LONGEST_DOWN))
        self.deployment.cluster.start()
        return "stopped as by a crash, and started again"
