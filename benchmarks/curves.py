"""Draws curves as SVG: axes, ticks, lines with a mark at each measurement, a legend.

Neighbours: the groups collect curves, ``page.py`` keeps the files. The colours suit a light and a dark page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 44, 52
COLOURS = ("#2f6fde", "#d9822b", "#2c9c69", "#b0479b")
GREY = "#808080"

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One drawing.

    :param name: of the file, without its ending.
    :param series: label → points (x, y), by x; x is drawn on a logarithmic scale, y from zero.
    """

    name: str
    title: str
    x: str
    y: str
    series: Mapping[str, Sequence[Point]]


def draw(curve: Curve) -> str:
    """The curve as an SVG document."""
    points = [point for line in curve.series.values() for point in line]
    scale = _Scale(
        lowest=min(x for x, _ in points),
        highest=max(x for x, _ in points),
        top=_top(max(y for _, y in points)),
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="12" role="img">',
        f"<title>{escape(curve.title)}</title>",
        _text(LEFT, 18, curve.title, size=14),
        *_grid(scale, sorted({x for x, _ in points})),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, curve.x, anchor="middle"),
        _text(8, TOP - 8, curve.y),
    ]
    for number, (label, line) in enumerate(curve.series.items()):
        parts += _line(scale, line, COLOURS[number % len(COLOURS)])
        parts += _legend(number, label, COLOURS[number % len(COLOURS)])
    return "\n".join([*parts, "</svg>\n"])


@dataclass(frozen=True)
class _Scale:
    lowest: float
    highest: float
    top: float

    def at(self, point: Point) -> Point:
        x, y = point
        span = math.log10(self.highest / self.lowest) or 1.0
        across = LEFT + 12 + (WIDTH - LEFT - RIGHT - 24) * math.log10(x / self.lowest) / span
        return across, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y / self.top


def _top(highest: float) -> float:
    """A round number above the highest value; it leaves room for the legend."""
    magnitude: float = 10.0 ** math.floor(math.log10(highest))
    return next(
        step * magnitude for step in (1.5, 2, 3, 4, 5, 6, 8, 10, 15) if step * magnitude > highest * 1.3
    )


def _grid(scale: _Scale, xs: Sequence[float]) -> list[str]:
    parts = []
    for part in range(5):
        value = scale.top * part / 4
        _, y = scale.at((scale.lowest, value))
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GREY}" stroke-opacity=".35"/>'
        )
        parts.append(_text(LEFT - 6, y + 4, f"{value:g}", anchor="end"))
    for value in xs:
        x, _ = scale.at((value, 0))
        parts.append(_text(x, HEIGHT - BOTTOM + 18, f"{value:,.0f}", anchor="middle"))
    return parts


def _line(scale: _Scale, points: Sequence[Point], colour: str) -> list[str]:
    positions = [scale.at(point) for point in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in positions)
    marks = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in positions]
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>', *marks]


def _legend(number: int, label: str, colour: str) -> list[str]:
    x, y = LEFT + 16, TOP + 12 + 16 * number
    return [
        f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{colour}"/>',
        _text(x + 16, y, label),
    ]


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} font-size="{size}" fill="{GREY}">{escape(text)}</text>'
