"""The time series: the country month by month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from orchestration.site.charts.axes import LEVEL_TITLE, axis, lookup, number_axis, unbroken_runs
from orchestration.site.charts.drawer import ACCENT, Chart, Mark
from orchestration.site.charts.labels import line_end, written
from orchestration.site.words import Words


def series(points: Sequence[Mapping[str, Any]], y_title: str, label: str, language: str, percent: bool) -> Chart:
    """The country month by month: `month` (ISO), `value`, `provisional`, `rule`; a month that lacks leaves a gap.

    A new rule begins a new line. The newest figure stands at the line's end. The axis may begin above 0; then the key
    says so.
    """
    words = Words(language)
    months = [date.fromisoformat(str(point["month"])) for point in points]
    start = months[0]
    places = [(month.year - start.year) * 12 + month.month - start.month for month in months]
    values: list[float | None] = [None] * (places[-1] + 1)
    rules = [""] * len(values)
    for place, point in zip(places, points, strict=True):
        values[place], rules[place] = float(point["value"]), str(point["rule"])
    run_of = {place: number for number, run in enumerate(unbroken_runs(values, rules)) for place, _ in run}
    drawn = [{**point, "place": place, "run": run_of[place]} for place, point in zip(places, points, strict=True)]
    width, height = 520, 240
    ticks = _month_ticks(start, places[-1])
    names = [words.month(_later(start, tick)) for tick in ticks]
    x = {
        "field": "place",
        "type": "quantitative",
        "scale": {"domain": [0, max(1, places[-1])], "nice": False},
        "axis": {"title": None, "grid": False, "values": ticks, "labelExpr": lookup(ticks, names)},
    }
    ends, y_ticks = axis([value for value in values if value is not None])
    numbers = number_axis(ends, y_ticks, y_title, language, percent)
    numbers["axis"] |= LEVEL_TITLE
    y = {"field": "value", "type": "quantitative", **numbers}
    last = float(points[-1]["value"])
    layers = [
        {
            "mark": {"type": "line", "color": ACCENT, "strokeWidth": 2},
            "encoding": {"x": x, "y": y, "detail": {"field": "run", "type": "nominal"}},
        },
        {
            "mark": {"type": "point", "size": 40, "color": ACCENT, "fill": ACCENT, "opacity": 1},
            "encoding": {
                "x": x,
                "y": y,
                "fill": {"condition": {"test": "datum.provisional", "value": "white"}, "value": ACCENT},
            },
        },
        line_end(last, written(last, language, percent), ACCENT, width, y),
    ]
    key = [Mark("dot", ACCENT, words.text("country"))]
    if any(point["provisional"] for point in points):
        key.append(Mark("open", ACCENT, words.text("chart_provisional")))
    if ends[0] > 0:
        key.append(Mark("", ACCENT, words.text("chart_not_from_0")))
    return Chart(
        {"data": {"values": drawn}, "width": width, "height": height, "layer": layers}, label, language, tuple(key)
    )


def _month_ticks(start: date, last: int) -> list[int]:
    """Which months, counted from the first, are named at the axis: at most five, at round distances in the year."""
    for step in (1, 3, 6, 12, 24, 36, 60, 120):
        ticks = [place for place in range(last + 1) if (start.year * 12 + start.month - 1 + place) % step == 0]
        if len(ticks) <= 5:
            return ticks or [0]
    return [0]


def _later(start: date, months: int) -> date:
    """The first day of the month so many months later."""
    number = start.year * 12 + start.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)
