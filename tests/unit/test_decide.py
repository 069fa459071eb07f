"""The controller's decision, as a table: the instance's status, what the run was, what it is."""

from __future__ import annotations

import pytest
from airflow.utils.state import State

from airflow_triggers.controller.decide import decide
from airflow_triggers.domain.instances import InstanceStatus
from airflow_triggers.domain.runs import IN_FLIGHT, SeenRun

TABLE = """
# status     seen        now         events          watched
scheduled    queued:0    queued:0    -               yes
scheduled    queued:0    running:0   start           yes
scheduled    queued:0    success:0   finish          no
scheduled    queued:0    failed:0    fail            yes
scheduled    queued:0    gone        fail            no
running      running:0   running:0   -               yes
running      running:0   success:0   finish          no
running      running:0   failed:0    fail            yes
running      running:0   queued:1    reopen          yes
running      running:0   queued:0    reopen          yes
running      running:0   success:2   finish          no
scheduled    queued:0    queued:1    -               yes
running      running:0   running:1   -               yes
running      running:0   gone        fail            no
failed       failed:0    queued:1    reopen          yes
failed       failed:0    queued:2    reopen          yes
failed       failed:0    queued:0    reopen          yes
failed       failed:0    running:1   reopen+start    yes
failed       failed:0    success:1   finish          no
failed       failed:0    success:0   finish          no
failed       failed:0    failed:0    -               yes
failed       failed:0    failed:1    fail            yes
failed       failed:0    gone        -               no
finished     success:0   queued:1    reopen          yes
finished     success:0   queued:0    reopen          yes
finished     success:0   success:2   finish          no
finished     success:0   failed:1    fail            yes
finished     success:0   running:1   reopen+start    yes
finished     success:0   success:1   finish          no
finished     success:0   success:0   -               no
finished     success:0   failed:0    fail            yes
finished     success:0   gone        -               no
skipped      success:0   success:0   -               no
skipped      success:0   queued:1    reopen          yes
skipped      success:0   failed:0    fail            yes
skipped      success:0   success:1   finish          no
skipped      success:0   gone        -               no
# its only task has succeeded, and the run is still to say so
scheduled    queued:0    early:0     finish          yes
running      running:0   early:0     finish          yes
running      running:0   early:1     finish          yes
finished     success:0   early:0     -               yes
finished     success:0   early:1     finish          yes
finished     success:0   running:0   reopen+start    yes
failed       failed:0    early:1     finish          yes
skipped      success:0   early:1     finish          yes
finished     running:0   early:0     -               no
failed       running:0   early:0     -               no
replayed     failed:0    early:1     -               no
# opened by hand after its completion was counted
scheduled    success:0   early:0     -               yes
running      success:0   success:0   -               no
running      success:0   success:1   finish          no
# settled by hand while the run was at work
finished     running:0   success:0   -               no
finished     running:0   failed:0    -               no
finished     queued:0    running:0   -               no
finished     running:0   running:1   reopen+start    yes
finished     running:0   gone        -               no
failed       running:0   failed:0    -               no
failed       running:0   success:0   -               no
failed       queued:0    queued:1    reopen          yes
skipped      running:0   success:0   -               no
# done with
replayed     failed:0    queued:1    -               no
replayed     failed:0    success:1   -               no
replayed     failed:0    gone        -               no
abandoned    queued:0    running:0   -               no
"""


def rows():
    return [line.split() for line in TABLE.strip().splitlines() if not line.startswith("#")]


def run(text):
    if text == "gone":
        return None
    state, _, clear_number = text.partition(":")
    early = state == "early"
    return SeenRun("success" if early else state, int(clear_number), early=early)


@pytest.mark.parametrize(("status", "seen", "now", "events", "watched"), rows())
def test_the_table_of_decisions(status, seen, now, events, watched):
    decision = decide(InstanceStatus(status), seen_run=run(seen), now=run(now))
    expected = [] if events == "-" else events.split("+")
    assert [event.value for event in decision.events] == expected
    assert decision.watched is (watched == "yes")


def test_the_states_in_flight_are_airflows():
    assert set(IN_FLIGHT) == {state.value for state in State.unfinished_dr_states}
