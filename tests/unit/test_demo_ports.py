"""Two demos, or tests and a demo, may begin at the same moment: each takes ports of its own."""

from __future__ import annotations

import itertools
import subprocess
import sys

from scripts.demo.airflow import ROOT, free_ports


def test_ports_that_are_taken_but_not_bound_yet_are_given_to_nobody_else():
    ours = [free_ports(), free_ports()]
    ask = "from scripts.demo.airflow import free_ports; print(free_ports())"
    theirs = int(subprocess.check_output([sys.executable, "-c", ask], cwd=ROOT, text=True))
    taken = sorted([*ours, theirs])
    assert all(later - earlier >= 3 for earlier, later in itertools.pairwise(taken))
