"""The funnel: shares against the number of persons, within the limits of random variation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.site.charts.axes import LEVEL_TITLE, axis, lookup, number_axis
from orchestration.site.charts.drawer import ACCENT, COUNTRY_COLOUR, MUTED, Chart, Mark
from orchestration.site.charts.labels import country_text, down, line_end, placed
from orchestration.site.words import Words

_ENDS = ("lower", "upper")


def funnel(
    points: Sequence[Mapping[str, Any]],
    limits: Sequence[Mapping[str, Any]],
    country: float,
    x_title: str,
    y_title: str,
    label: str,
    language: str,
) -> Chart:
    """Shares against the number of persons, with the limits of random variation around the country's share.

    points: name, value, size, outside (beyond the limits), labelled (named in the chart where there is room).
    limits: size, lower, upper.
    """
    words = Words(language)
    width, height = 480, 340
    shares = [country, *(point["value"] for point in points), *(limit[end] for limit in limits for end in _ENDS)]
    ends, ticks = axis([min(1.0, max(0.0, float(share))) for share in shares])
    sizes = [float(point["size"]) for point in points]
    # A little room at both ends, so that no dot lies on the frame.
    reach = (min(sizes) / 1.15, max(sizes) * 1.15)
    x = _log_axis(reach, x_title, words)
    numbers = number_axis(ends, ticks, y_title, language, True)
    numbers["axis"] |= LEVEL_TITLE
    y = {"field": "value", "type": "quantitative", **numbers}

    def place(size: float, share: float) -> tuple[float, float]:
        return width * math.log(size / reach[0]) / math.log(reach[1] / reach[0]), down(share, ends, height)

    named = [
        (str(point["name"]) if point["labelled"] else "", *place(float(point["size"]), float(point["value"])))
        for point in points
    ]
    curves = [place(float(limit["size"]), float(limit[end])) for limit in limits for end in _ENDS]
    layers: list[dict[str, Any]] = [
        *(
            {
                "data": {"values": [dict(limit) for limit in limits]},
                "mark": {"type": "line", "color": MUTED, "strokeDash": [5, 3]},
                "encoding": {"x": x, "y": {**y, "field": name}},
            }
            for name in _ENDS
        ),
        {
            "data": {"values": [{"country": country}]},
            "mark": {"type": "rule", "color": COUNTRY_COLOUR},
            "encoding": {"y": {**y, "field": "country"}},
        },
        line_end(country, country_text(country, language, True), COUNTRY_COLOUR, width, y),
        _dots_inside_and_outside(points, x, y),
        *placed(named, width, height, curves),
    ]
    key = (
        Mark("dot", ACCENT, words.text("chart_inside")),
        Mark("diamond", COUNTRY_COLOUR, words.text("chart_outside")),
        Mark("dash", MUTED, words.text("chart_limits")),
        Mark("line", COUNTRY_COLOUR, words.text("country")),
    )
    return Chart({"width": width, "height": height, "layer": layers}, label, language, key)


def _dots_inside_and_outside(points: Sequence[Mapping[str, Any]], x: Any, y: Any) -> dict[str, Any]:
    """The layer of a funnel's municipalities: those outside the limits differ in colour, form and size."""

    def outside(value: object, otherwise: object) -> dict[str, Any]:
        return {"condition": {"test": "datum.outside", "value": value}, "value": otherwise}

    return {
        "data": {"values": [dict(point) for point in points]},
        "mark": {"type": "point", "filled": True, "opacity": 1},
        "encoding": {
            "x": x,
            "y": y,
            "color": outside(COUNTRY_COLOUR, ACCENT),
            "shape": outside("diamond", "circle"),
            "size": outside(70, 40),
        },
    }


def _log_axis(reach: tuple[float, float], title: str, words: Words) -> dict[str, Any]:
    """The encoding of sizes on a logarithmic axis, which says so."""
    ticks = _log_ticks(*reach)
    return {
        "field": "size",
        "type": "quantitative",
        "scale": {"type": "log", "domain": list(reach), "nice": False},
        "axis": {
            "title": f"{title} ({words.text('chart_log')})",
            "values": ticks,
            "labelExpr": lookup(ticks, [words.number(tick) for tick in ticks]),
        },
    }


def _log_ticks(low: float, high: float) -> list[float]:
    """The numbers 1, 2 and 5 with their powers of ten between two ends; without the 2 and 5 where they'd be many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    inside = [tick for tick in every if low <= tick <= high]
    return inside if len(inside) <= 8 else [tick for tick in inside if math.log10(tick) % 1 < 1e-9]
