"""Two demos, or tests and a demo, may begin at the same moment: each takes ports of its own.

A port that is taken, or is none, is said before anything is made.
"""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys

import pytest

from scripts.demo.airflow import ROOT, free_ports


def test_ports_that_are_taken_but_not_bound_yet_are_given_to_nobody_else():
    ours = [free_ports(), free_ports()]
    ask = "from scripts.demo.airflow import free_ports; print(free_ports())"
    theirs = int(subprocess.check_output([sys.executable, "-c", ask], cwd=ROOT, text=True))
    taken = sorted([*ours, theirs])
    assert all(later - earlier >= 3 for earlier, later in itertools.pairwise(taken))


def demo(folder, **variables):
    return subprocess.run(
        [sys.executable, "-m", "scripts.demo", "--exit", "--folder", folder],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("offset", [0, 1, 2])
def test_a_port_that_is_taken_is_said_before_anything_is_made_or_removed(tmp_path, offset):
    earlier = tmp_path / "airflow" / "questionnaire.sqlite"
    earlier.parent.mkdir()
    earlier.write_text("of the demo before", encoding="utf-8")
    first = free_ports()
    with socket.create_server(("127.0.0.1", first + offset)):
        refusal = demo(tmp_path, DEMO_PORT=str(first))
    assert refusal.returncode == 1
    assert f"Port {first + offset} of 127.0.0.1 is taken" in refusal.stdout
    assert "DEMO_PORT" in refusal.stdout
    assert "Making a database" not in refusal.stdout
    assert list(earlier.parent.iterdir()) == [earlier]


@pytest.mark.parametrize("port", ["http", "0", "-1", "65534", "70000", "²"])
def test_what_is_no_port_is_said(tmp_path, port):
    refusal = demo(tmp_path, DEMO_PORT=port)
    assert refusal.returncode == 2
    assert f"DEMO_PORT is {port!r}" in refusal.stderr
    assert list(tmp_path.iterdir()) == []


def test_who_plays_into_a_deployment_must_say_who():
    variables = {name: value for name, value in os.environ.items() if not name.startswith("DEMO_")}

    def play(**login):
        return subprocess.run(
            [sys.executable, "-m", "scripts.demo", "--api", "http://127.0.0.1:1"],
            cwd=ROOT,
            env={**variables, **login},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    nobody = play()
    assert nobody.returncode == 1
    assert "Set DEMO_PASSWORD" in nobody.stdout
    silence = play(DEMO_PASSWORD="x")
    assert silence.returncode == 1
    assert "http://127.0.0.1:1 does not answer" in silence.stdout
