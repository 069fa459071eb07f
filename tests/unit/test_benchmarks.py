"""What ``make bench`` reckons, draws and writes; what it measures is in ``benchmarks/``."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from benchmarks import page
from benchmarks.costs import Cost
from benchmarks.curves import Curve, draw
from benchmarks.estimate import SESSION_BYTES, SINGLE, worked_estimate
from benchmarks.rounds import Rounds, interleave
from benchmarks.row import Goal, Row
from benchmarks.table import as_markdown

CURVE = Curve(name="c", title="A & B", x="size", y="ms", series={"a": [(10, 1.0), (10_000, 1.5)]})


def row(value, **goal):
    return Row(number="2a", measured="m", against="a", goal=Goal(**goal), value=value, low=0.9, high=1.1)


def test_the_sides_take_turns_and_the_first_round_is_not_counted():
    done = []

    def side(name, cost):
        return lambda: (done.append(name), cost)[1]

    series = interleave({"a": side("a", 4.0), "b": side("b", 2.0)}, rounds=2)
    assert done == ["a", "b"] * 3
    assert series.compare("a", "b") == Rounds((4.0, 4.0), (2.0, 2.0))


def test_a_ratio_is_the_median_over_the_rounds_of_their_ratios():
    slow_rounds_do_not_count_more = Rounds((1.0, 30.0, 2.0), (1.0, 10.0, 1.0))
    assert slow_rounds_do_not_count_more.ratio == 2.0


@pytest.mark.parametrize(
    ("value", "goal", "met"),
    [
        (1.2, {"limit": 1.2}, True),
        (1.21, {"limit": 1.2}, False),
        (4.0, {"limit": 5, "at_least": True}, False),
        (None, {"limit": 5}, None),
    ],
)
def test_a_goal_is_met_up_to_its_limit_and_by_nothing_that_was_not_measured(value, goal, met):
    assert row(value, **goal).met is met


def test_the_docs_show_a_missed_goal_as_such():
    assert "| 2a | m | a | ≤ 1.2 × | 1.5 × | 0.9 – 1.1 | NO |" in as_markdown([row(1.5, limit=1.2)])


def test_a_drawing_is_well_formed_and_says_what_it_shows():
    drawn = ElementTree.fromstring(draw(CURVE))
    texts = [element.text for element in drawn.iter() if element.text]
    assert {"A & B", "size", "ms", "a", "10", "10,000"} <= set(texts)


def test_only_the_generated_parts_of_the_page_are_written(monkeypatch, tmp_path):
    before = page.PAGE.read_text(encoding="utf-8")
    monkeypatch.setattr(page, "PAGE", tmp_path / "performance.md")
    monkeypatch.setattr(page, "DRAWINGS", tmp_path / "performance")
    page.PAGE.write_text(before, encoding="utf-8")
    page.update_page([row(1.0, limit=1.2)], [CURVE], "an estimate", load=0.5)
    after = page.PAGE.read_text(encoding="utf-8")
    assert (page.DRAWINGS / "c.svg").exists()
    assert "![A & B](performance/c.svg)" in after
    assert "an estimate" in after
    page.update_page([row(1.0, limit=1.2)], [CURVE], "an estimate", load=0.5)
    assert page.PAGE.read_text(encoding="utf-8") == after
    assert by_hand(after) == by_hand(before)


def by_hand(text):
    return re.sub(
        r"(<!-- make bench writes the (\w+): begin -->).*?(<!-- .*?: end -->)", r"\1\3", text, flags=re.S
    )


def test_the_estimate_reckons_with_what_was_measured():
    costs = {SINGLE: Cost(process=0.006, database=0.0012, wal=2_000.0), SESSION_BYTES: 1_500.0}
    told = worked_estimate(costs)
    assert "10 cores of API workers, 2 cores of PostgreSQL, 2.0 MB of log a second" in told
    assert "take 15 GB" in told
