"""The ranking: the municipalities in order, with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.site.charts.axes import axis, number_axis
from orchestration.site.charts.drawer import ACCENT, COUNTRY_COLOUR, INK, MUTED, Chart, Mark
from orchestration.site.charts.labels import LETTER, country_text
from orchestration.site.words import Words


def ranking(
    rows: Sequence[Mapping[str, Any]],
    country: float | None,
    title: str,
    label: str,
    language: str,
    percent: bool,
    zero_text: str | None = None,
) -> Chart:
    """Dots with intervals, one line a municipality, sorted; a vertical line for the country, and one for zero.

    rows: name, value, lower, upper (the last two may be None). country: not drawn where it lies so far from every
    municipality that it is no average of theirs but a sum. zero_text: what 0 means, where figures are differences.
    """
    words = Words(language)
    points = [{**row, **_clamped(row, percent)} for row in rows]
    values = [float(point[end]) for point in points for end in ("value", "lower", "upper") if point[end] is not None]
    if country is not None and not percent and not min(values) <= country <= max(values):
        country = None
    drawn = values if country is None else [*values, country]
    ends, ticks = axis(drawn)
    x = number_axis(ends, ticks, title, language, percent)
    x["axis"] |= {"orient": "top", "grid": True}
    # Empty lines at both ends have room for what the vertical lines mean.
    names = [" ", *(str(point["name"]) for point in points), "  "]
    width, size = 460, 12
    y = {
        "field": "name",
        "type": "nominal",
        "scale": {"domain": names},
        # Letters of a browser may be wider than those that the chart was laid out with: room for the longest name.
        "axis": {"title": None, "ticks": False, "minExtent": round(max(map(len, names)) * size * LETTER)},
    }
    lines: list[tuple[float, str, str, list[int]]] = []
    if ends[0] < 0 < ends[1]:
        lines.append((0.0, zero_text or "", INK, []))
    if country is not None:
        lines.append((country, country_text(country, language, percent), COUNTRY_COLOUR, [6, 4]))
    layers = [
        {
            "mark": {"type": "rule", "color": MUTED, "strokeWidth": 2},
            "encoding": {"y": y, "x": {"field": "lower", "type": "quantitative", **x}, "x2": {"field": "upper"}},
        },
        *(layer for line in lines for layer in _upright(*line, x, y, names, sum(ends) / 2)),
        {
            "mark": {"type": "point", "filled": True, "size": 36, "color": ACCENT, "opacity": 1},
            "encoding": {"y": y, "x": {"field": "value", "type": "quantitative", **x}},
        },
    ]
    key = [Mark("dot", ACCENT, words.text("chart_municipality"))]
    if any(point["lower"] is not None for point in points):
        key.append(Mark("line", MUTED, words.text("chart_interval")))
    if country is not None:
        key.append(Mark("dash", COUNTRY_COLOUR, words.text("country")))
    return Chart(
        {"data": {"values": points}, "width": width, "height": {"step": 15}, "layer": layers},
        label,
        language,
        tuple(key),
    )


def _clamped(row: Mapping[str, Any], percent: bool) -> dict[str, Any]:
    """The ends of an interval; those of shares within 0 and 1, which they pass by rounding only."""
    return {
        end: min(1.0, max(0.0, float(row[end]))) if percent and row[end] is not None else row[end]
        for end in ("lower", "upper")
    }


def _upright(
    value: float, text: str, colour: str, dashes: list[int], x: Any, y: Any, names: Sequence[str], middle: float
) -> list[dict[str, Any]]:
    """A vertical line of a ranking, with its text in the empty lines at both ends."""
    at = {"field": "at", "type": "quantitative", **x}
    is_left = value < middle
    return [
        {
            "data": {"values": [{"at": value}]},
            "mark": {"type": "rule", "color": colour, "strokeDash": dashes, "strokeWidth": 1.5},
            "encoding": {"x": at},
        },
        {
            "data": {"values": [{"at": value, "name": name, "text": text} for name in (names[0], names[-1])]},
            "mark": {
                "type": "text",
                "align": "left" if is_left else "right",
                "dx": 5 if is_left else -5,
                "fontSize": 12,
                "color": colour,
            },
            "encoding": {"x": at, "y": y, "text": {"field": "text"}},
        },
    ]
