"""The scatter: timeliness against results, in four fields."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.site.charts.axes import LEVEL_TITLE, axis, number_axis
from orchestration.site.charts.drawer import ACCENT, MUTED, Chart, Mark
from orchestration.site.charts.labels import down, placed
from orchestration.site.words import Words

# Points that the scatter names: more of them cover one another.
_NAMED = 10


def scatter(points: Sequence[Mapping[str, Any]], x_title: str, y_title: str, label: str, language: str) -> Chart:
    """KL's figure: share on time against the difference from the expected level.

    points: x, y, name, and where it is known `quadrant` (a code of the seed quadrants). What parts high from low
    timeliness is drawn between the two groups of points that the quadrants make. The points farthest from the others
    are named.
    """
    words = Words(language)
    width, height = 520, 420
    x_ends, x_ticks = axis([float(point["x"]) for point in points])
    y_ends, y_ticks = axis([0.0, *(float(point["y"]) for point in points)])
    # One step more at both ends has room for the names of the four fields.
    step = y_ticks[1] - y_ticks[0]
    y_ends = [y_ends[0] - step, y_ends[1] + step]
    x = number_axis(x_ends, x_ticks, x_title, language, True)
    y = number_axis(y_ends, y_ticks, y_title, language, False)
    y["axis"] |= LEVEL_TITLE
    across, up = ({"field": field, "type": "quantitative", **end} for field, end in (("x", x), ("y", y)))
    parting = _parting(points)
    layers: list[dict[str, Any]] = [
        {"data": {"values": [{"y": 0}]}, "mark": {"type": "rule", "color": MUTED}, "encoding": {"y": up}},
        {
            "data": {"values": [dict(point) for point in points]},
            "mark": {"type": "point", "filled": True, "size": 40, "color": ACCENT, "opacity": 1},
            "encoding": {"x": across, "y": up},
        },
    ]
    if parting is not None:
        line = {"mark": {"type": "rule", "color": MUTED}, "encoding": {"x": across}}
        layers.insert(0, {"data": {"values": [{"x": parting}]}, **line})
        layers += _corners(words, width, height)
    places = [
        (
            str(point["name"]),
            width * (float(point["x"]) - x_ends[0]) / (x_ends[1] - x_ends[0]),
            down(float(point["y"]), y_ends, height),
        )
        for point in points
    ]
    far = _farthest(places)
    layers += placed([*far[:_NAMED], *(("", px, py) for _, px, py in far[_NAMED:])], width, height)
    key = [Mark("dot", ACCENT, words.text("chart_municipality"))]
    if parting is not None:
        key.append(Mark("line", MUTED, words.text("chart_parting")))
    return Chart({"width": width, "height": height, "layer": layers}, label, language, tuple(key))


def _parting(points: Sequence[Mapping[str, Any]]) -> float | None:
    """The share halfway between the points of low and those of high timeliness; None where that can't be told."""
    low, high = (
        [float(point["x"]) for point in points if str(point.get("quadrant") or "").startswith(beginning)]
        for beginning in ("low_on_time", "high_on_time")
    )
    return (max(low) + min(high)) / 2 if low and high and max(low) <= min(high) else None


def _corners(words: Words, width: int, height: int) -> list[dict[str, Any]]:
    """The layers with the names of the four fields. A result above 0 is the poor one."""
    edge = 8
    return [
        {
            "data": {"values": [{"text": words.text(f"{timeliness}_on_time_{result}_result")}]},
            "mark": {"type": "text", "align": align, "fontSize": 12, "fontStyle": "italic", "color": MUTED},
            "encoding": {"x": {"value": across}, "y": {"value": up}, "text": {"field": "text"}},
        }
        for timeliness, align, across in (("low", "left", edge), ("high", "right", width - edge))
        for result, up in (("poor", 14), ("good", height - 14))
    ]


def _farthest(places: Sequence[tuple[str, float, float]]) -> list[tuple[str, float, float]]:
    """The points, those farthest from the middle of them all first, measured in how far they usually are from it."""
    middles, spreads = [], []
    for along in (1, 2):
        numbers = [float(place[along]) for place in places]
        middles.append(statistics.fmean(numbers))
        spreads.append(statistics.pstdev(numbers) or 1.0)

    def distance(place: tuple[str, float, float]) -> float:
        return ((place[1] - middles[0]) / spreads[0]) ** 2 + ((place[2] - middles[1]) / spreads[1]) ** 2

    return sorted(places, key=lambda place: (-distance(place), place))
