"""Charts as inline SVG.

The charts of the measure pages are Vega-Lite specifications, which a process of their own renders by vl-convert while
the pages are made; the tile map and the small time series of the municipality pages, of which there are hundreds, are
drawn directly. Every chart is an image with a text in words; its figures stand in a table on the same page. What its
marks mean stands at the marks or in a key above them, never in a colour alone and never behind a pointer. A chart has
only the figures that the page shows: a hidden one leaves a gap. On a narrow screen it is scrolled, not shrunk.
"""

from __future__ import annotations

import csv
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from html import escape
from pathlib import Path
from typing import IO, Any

from orchestration.site.words import Words

INK, MUTED, ACCENT, COUNTRY_COLOUR = "#1a1a1a", "#595959", "#0b5394", "#a33c00"
# Fill and text colour by class; every pair has a contrast of at least 4.5.
FIFTHS = (("#f1f6fb", INK), ("#c9dff2", INK), ("#93bfe3", INK), ("#2f6fa8", "#ffffff"), ("#0a3a66", "#ffffff"))
# From blue to orange, which readers who can't tell red from green tell apart too.
CATEGORY_FILLS = {
    0: ("#ffffff", INK),
    1: ("#0a3a66", "#ffffff"),
    2: ("#c9dff2", INK),
    3: ("#ffd59a", INK),
    4: ("#a33c00", "#ffffff"),
}
HIDDEN_FILL = ("#e6e6e6", INK)
_ENDS = ("lower", "upper")
# Points that the scatter names: more of them cover one another.
_NAMED = 10
# The title of a vertical axis, level and above it, as text is read.
_LEVEL_TITLE = {"titleAngle": 0, "titleAlign": "left", "titleAnchor": "end", "titleX": -40, "titleY": -16}
# A letter's width as part of its height, in the widest of the usual fonts of browsers.
_LETTER = 0.62
_SVG_HEAD = re.compile(r"<svg\b[^>]*?viewBox=\"([^\"]+)\"[^>]*>")
_ARIA = re.compile(r' (?:aria-[a-z]+|role|tabindex)="[^"]*"')
_CONFIG = {
    # The page's own white, and at its edges the shadow that says that there is more to scroll to.
    "background": None,
    # Letters of a browser may be wider than those that the chart was laid out with: room for them at the edges.
    "padding": {"left": 12, "top": 5, "right": 36, "bottom": 5},
    "font": "sans-serif",
    "view": {"stroke": None},
    # The page says the chart in words; the renderer's own descriptions of every mark would be taken out again.
    "aria": False,
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "gridColor": "#dddddd",
        "labelLimit": 0,
        "labelPadding": 6,
        "titlePadding": 14,
        "labelFlush": False,
    },
}


class ChartError(RuntimeError):
    """A chart can't be drawn; the message says which and why."""


@dataclass(frozen=True)
class Mark:
    """What a mark of a chart means. form: a class of the style sheet (dot, open, diamond, line, dash), or none."""

    form: str
    colour: str
    text: str


@dataclass(frozen=True)
class Chart:
    """A chart that is to be drawn: a Vega-Lite specification, the text that says it in words, and its key."""

    specification: Mapping[str, Any]
    label: str
    language: str
    key: tuple[Mark, ...] = ()


@cache
def tiles() -> dict[str, tuple[int, int]]:
    """Column and row of every municipality in the tile map."""
    with (Path(__file__).parent / "tiles.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["municipality_code"]: (int(row["tile_column"]), int(row["tile_row"])) for row in csv.DictReader(file)
        }


def short_names(names: Mapping[str, str]) -> dict[str, str]:
    """Names that fit a tile: five letters; where several begin alike, the first one and the last four."""
    beginnings = Counter(name[:5] for name in names.values())
    return {
        code: name[:5] if beginnings[name[:5]] == 1 or len(name) <= 6 else f"{name[0]}.{name[-4:]}"
        for code, name in names.items()
    }


def tile_map(
    names: Mapping[str, str], marks: Mapping[str, str], fills: Mapping[str, tuple[str, str]], label: str
) -> str:
    """The map with a tile for each municipality: letters of the name, and a mark.

    marks: what is written in the tile under the name. fills: fill and text colour. label: the map in words.
    """
    size, gap = 46, 3
    short = short_names(names)
    places = {code: place for code, place in tiles().items() if code in names}
    if not places:
        return ""
    width = (max(column for column, _ in places.values()) + 1) * size
    height = (max(row for _, row in places.values()) + 1) * size
    parts = [
        f'<svg class="tiles" aria-hidden="true" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">'
    ]
    for code, (column, row) in sorted(places.items()):
        fill, ink = fills.get(code, HIDDEN_FILL)
        x, y = column * size, row * size
        parts.append(
            f"<g><title>{escape(names[code])}: {escape(marks.get(code, ''))}</title>"
            f'<rect x="{x}" y="{y}" width="{size - gap}" height="{size - gap}" rx="4" fill="{fill}" stroke="{MUTED}"/>'
            f'<text x="{x + 21}" y="{y + 18}" fill="{ink}" text-anchor="middle" font-size="12">'
            f"{escape(short[code])}</text>"
            f'<text x="{x + 21}" y="{y + 36}" fill="{ink}" text-anchor="middle" font-size="14" font-weight="bold">'
            f"{escape(marks.get(code, ''))}</text></g>"
        )
    parts.append("</svg>")
    return _scrolled("".join(parts), label)


def small_series(
    values: Sequence[float | None],
    provisional: Sequence[bool],
    country: Sequence[float | None],
    months: Sequence[date],
    words: Words,
    unit: str,
    label: str,
) -> str:
    """A municipality's months as a small line with the country's, from 0 to a round figure above the highest.

    values, provisional, country: one for each of `months`; None (hidden or no figure) leaves a gap. Open circles are
    provisional. Each line's newest figure stands at its end, where the newest month has one. unit: `share` or
    `percentage`. label: the chart in words. Nothing when fewer than two months of the municipality are shown.
    """
    if sum(value is not None for value in values) < 2:
        return ""
    left, right, top, bottom = 24, 256, 24, 116
    ends, ticks = _axis([0.0, *(value for value in (*values, *country) if value is not None)])

    def x(index: int) -> float:
        return round(left + index * (right - left) / max(1, len(months) - 1), 1)

    def y(value: float) -> float:
        return round(bottom - (value - ends[0]) / (ends[1] - ends[0]) * (bottom - top), 1)

    parts = [f'<path d="M{left},{y(tick)}H{right}" stroke="#dddddd"/>' for tick in ticks[1:]]
    parts += [f'<path d="M{left},{y(0)}H{right}" stroke="{MUTED}"/>']
    for figures, stroke in ((country, f'{COUNTRY_COLOUR}" stroke-dasharray="5 3'), (values, ACCENT)):
        for run in _runs(figures):
            if len(run) > 1:
                points = " ".join(f"{x(index)},{y(value)}" for index, value in run)
                parts.append(f'<polyline fill="none" stroke="{stroke}" stroke-width="2" points="{points}"/>')
    for index, value in enumerate(values):
        if value is not None:
            radius, fill = ("3.5", "#ffffff") if provisional[index] else ("2.5", ACCENT)
            parts.append(f'<circle cx="{x(index)}" cy="{y(value)}" r="{radius}" fill="{fill}" stroke="{ACCENT}"/>')
    top_figure = ends[1] * (100 if unit == "share" else 1)
    parts.append(_text(left - 6, bottom + 4, "0", "end"))
    parts.append(_text(left, top - 8, words.percent(top_figure, _decimals([top_figure])), "start"))
    parts.append(_text(left, bottom + 18, words.month(months[0]), "start"))
    parts.append(_text(right, bottom + 18, words.month(months[-1]), "end"))
    newest = [
        (y(figure), text.format(words.measured(figure, unit)), colour)
        for figure, text, colour in (
            (values[-1], "{}", ACCENT),
            (country[-1] if country else None, words.text("chart_country_value", value="{}"), COUNTRY_COLOUR),
        )
        if figure is not None
    ]
    parts += [_text(right + 8, place + 4, text, "start", colour) for place, text, colour in _apart(newest, 15)]
    return (
        f'<svg class="small-series" role="img" aria-label="{escape(label, quote=True)}" viewBox="0 0 400 142" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Places and values in runs without a gap."""
    runs: list[list[tuple[int, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((index, value))
    return [run for run in runs if run]


def _apart(labels: Sequence[tuple[float, str, str]], least: float) -> list[tuple[float, str, str]]:
    """Two labels (height, text, colour), moved so far from one another that both can be read."""
    ordered = sorted(labels)
    if len(ordered) < 2 or ordered[1][0] - ordered[0][0] >= least:
        return ordered
    middle = (ordered[0][0] + ordered[1][0]) / 2
    return [(middle + shift * least, *label[1:]) for shift, label in zip((-0.5, 0.5), ordered, strict=True)]


def _text(x: float, y: float, text: str, anchor: str, colour: str = INK) -> str:
    """A text of a drawing."""
    return (
        f'<text x="{x}" y="{round(y, 1)}" fill="{colour}" text-anchor="{anchor}" font-size="12">{escape(text)}</text>'
    )


def _axis(values: Sequence[float]) -> tuple[list[float], list[float]]:
    """The ends of an axis that takes in all values, and its ticks: about six steps of 1, 2 or 5.

    As such steps divide 1, the axis of shares never goes below 0 or above 1.
    """
    low, high = min(values), max(values)
    if low == high:
        # All alike: an axis needs some width, and that of shares must not pass 0 or 1.
        low, high = (max(0.0, low - 0.05), min(1.0, low + 0.05)) if 0 <= low <= 1 else (low - 1, low + 1)
    rough = (high - low) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = [round(step * number, 10) for number in range(first, last + 1)]
    return [ticks[0], ticks[-1]], ticks


class Drawer:
    """Draws charts in a process of its own, in the order in which they are asked for; see `drawing`."""

    def __init__(
        self,
        process: subprocess.Popen[str],
        errors: IO[bytes],
        requests: ThreadPoolExecutor,
        answers: ThreadPoolExecutor,
    ) -> None:
        """errors: what the process writes when it fails. requests, answers: one thread each."""
        self._process, self._errors, self._requests, self._answers = process, errors, requests, answers

    def draw(self, chart: Chart) -> Future[str]:
        """The chart as SVG, when it is done; its `result` raises ChartError when the chart can't be drawn."""
        request = {
            "vl_spec": {
                "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
                "config": _CONFIG,
                **chart.specification,
            },
            "vl_version": "v5.21",
        }
        self._requests.submit(self._ask, json.dumps(request))
        return self._answers.submit(self._answer, chart)

    def _ask(self, request: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(request + "\n")
            self._process.stdin.flush()
        except OSError:
            # Without a request no answer would come: so the answers end too, and tell why.
            self._process.kill()

    def _answer(self, chart: Chart) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            code = self._process.wait()
            self._errors.seek(0)
            said = self._errors.read().decode("utf-8", "replace").strip().splitlines()
            raise ChartError(
                f"The process that draws the charts ended with code {code} at the chart “{chart.label}”"
                + (f": {said[-1]}" if said else "")
            )
        answer = json.loads(line)
        if "error" in answer:
            raise ChartError(f"The chart “{chart.label}” can't be drawn: {answer['error']}")
        return _framed(answer["svg"], chart)


@contextmanager
def drawing() -> Iterator[Drawer]:
    """The process that draws charts while the pages are made.

    A process, since vl-convert holds on to the interpreter while it draws. It ends with the `with` block, and with the
    process that started it, however that one dies.
    """
    here = Path(__file__).parent
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            [sys.executable, "-P", str(here / "chart_process.py")],
            env={**os.environ, "FONTCONFIG_FILE": str(here / "fonts.conf")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
        ) as process,
        # One thread each, so that answers come in the order of the requests.
        ThreadPoolExecutor(1) as requests,
        ThreadPoolExecutor(1) as answers,
    ):
        try:
            yield Drawer(process, errors, requests, answers)
        finally:
            # Killed, so that nobody waits for charts that nobody wants; all that are wanted are drawn by now.
            process.kill()
            requests.shutdown(cancel_futures=True)
            answers.shutdown(cancel_futures=True)
            process.communicate()


def _framed(svg: str, chart: Chart) -> str:
    """The renderer's drawing as an image of the page: with its key and its text, and without a fixed size."""
    svg = _ARIA.sub("", svg)
    head = _SVG_HEAD.search(svg)
    assert head is not None
    inner = svg[head.end() :].replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    return _key(chart.key) + _scrolled(
        f'<svg class="chart" aria-hidden="true" viewBox="{head.group(1)}" xmlns="http://www.w3.org/2000/svg">{inner}',
        chart.label,
    )


def _scrolled(svg: str, label: str) -> str:
    """A drawing in a box of its own, which a narrow screen scrolls, by keyboard too."""
    return f'<div class="scroll drawing" role="img" tabindex="0" aria-label="{escape(label, quote=True)}">{svg}</div>'


def _key(marks: Sequence[Mark]) -> str:
    """What the marks mean, in a line above the chart."""
    items = "".join(
        f'<li><i class="{mark.form}" style="color:{mark.colour}"></i>{escape(mark.text)}</li>' for mark in marks
    )
    return f'<ul class="key">{items}</ul>' if items else ""


def _number_axis(ends: Sequence[float], ticks: Sequence[float], title: str | None, language: str, percent: bool) -> Any:
    """Axis and scale of an encoding. Its numbers are written as in the page's text: 1.000, 0,5, 20 pct."""
    words, factor = Words(language), 100 if percent else 1
    decimals = _decimals([factor * tick for tick in ticks])
    written = [words.percent(factor * tick, decimals) if percent else words.number(tick, decimals) for tick in ticks]
    return {
        "axis": {"title": title, "values": list(ticks), "labelExpr": _lookup(ticks, written)},
        "scale": {"domain": list(ends), "nice": False, "zero": False},
    }


def _decimals(numbers: Sequence[float]) -> int:
    """With how many decimals, at most three, the numbers are written in full."""
    return next((d for d in range(3) if all(abs(round(number, d) - number) < 1e-9 for number in numbers)), 3)


def _lookup(values: Sequence[float], texts: Sequence[str]) -> str:
    """The expression that writes each of an axis' ticks as the text that belongs to it."""
    return f"{json.dumps(list(texts), ensure_ascii=False)}[indexof({json.dumps(list(values))}, datum.value)]"


def _written(value: float, language: str, percent: bool) -> str:
    """A figure as a label of a chart."""
    words = Words(language)
    return words.percent(100 * value, 1) if percent else words.number(value, 1)


def _country_text(value: float, language: str, percent: bool) -> str:
    """The country's name and figure."""
    words = Words(language)
    return f"{words.text('country')} {_written(value, language, percent)}"


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
    ends, ticks = _axis(drawn)
    x = _number_axis(ends, ticks, title, language, percent)
    x["axis"] |= {"orient": "top", "grid": True}
    # Empty lines at both ends have room for what the vertical lines mean.
    names = [" ", *(str(point["name"]) for point in points), "  "]
    width, size = 460, 12
    y = {
        "field": "name",
        "type": "nominal",
        "scale": {"domain": names},
        # Letters of a browser may be wider than those that the chart was laid out with: room for the longest name.
        "axis": {"title": None, "ticks": False, "minExtent": round(max(map(len, names)) * size * _LETTER)},
    }
    lines: list[tuple[float, str, str, list[int]]] = []
    if ends[0] < 0 < ends[1]:
        lines.append((0.0, zero_text or "", INK, []))
    if country is not None:
        lines.append((country, _country_text(country, language, percent), COUNTRY_COLOUR, [6, 4]))
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
    ends, ticks = _axis([min(1.0, max(0.0, float(share))) for share in shares])
    sizes = [float(point["size"]) for point in points]
    # A little room at both ends, so that no dot lies on the frame.
    reach = (min(sizes) / 1.15, max(sizes) * 1.15)
    x = _log_axis(reach, x_title, words)
    numbers = _number_axis(ends, ticks, y_title, language, True)
    numbers["axis"] |= _LEVEL_TITLE
    y = {"field": "value", "type": "quantitative", **numbers}

    def place(size: float, share: float) -> tuple[float, float]:
        return width * math.log(size / reach[0]) / math.log(reach[1] / reach[0]), _down(share, ends, height)

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
        _line_end(country, _country_text(country, language, True), COUNTRY_COLOUR, width, y),
        _dots_inside_and_outside(points, x, y),
        *_placed(named, width, height, curves),
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
            "labelExpr": _lookup(ticks, [words.number(tick) for tick in ticks]),
        },
    }


def _log_ticks(low: float, high: float) -> list[float]:
    """The numbers 1, 2 and 5 with their powers of ten between two ends; without the 2 and 5 where they'd be many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    inside = [tick for tick in every if low <= tick <= high]
    return inside if len(inside) <= 8 else [tick for tick in inside if math.log10(tick) % 1 < 1e-9]


def _line_end(value: float, text: str, colour: str, width: int, y: Any) -> dict[str, Any]:
    """A text to the right of the plot, where a horizontal line ends."""
    return {
        "data": {"values": [{"at": value, "text": text}]},
        "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 12, "color": colour},
        "encoding": {"x": {"value": width}, "y": {**y, "field": "at"}, "text": {"field": "text"}},
    }


def _down(value: float, ends: Sequence[float], height: float) -> float:
    """How far down a plot a value lies, in pixels."""
    return height * (ends[1] - value) / (ends[1] - ends[0])


def _placed(
    points: Sequence[tuple[str, float, float]],
    width: float,
    height: float,
    lines: Sequence[tuple[float, float]] = (),
) -> list[dict[str, Any]]:
    """The layers with the names of points: above, right, left or below, where they cover no dot and no other name.

    points: name, or nothing for a point that isn't named, and place in pixels; the first have the first choice. lines:
    places of lines, on which a name doesn't lie where it need not. A name without a free place is left out: it stands
    in the table.
    """
    size, line = 11, 13
    boxes: list[tuple[float, float, float, float]] = []
    texts = []
    for name, x, y in points:
        if not name:
            continue
        wide = len(name) * size * _LETTER
        choices = [
            (x - wide / 2, y - 9 - line, "center", 0, -12),
            (x + 7, y - line / 2, "left", 7, 0),
            (x - 7 - wide, y - line / 2, "right", -7, 0),
            (x - wide / 2, y + 7, "center", 0, 14),
        ]
        free = []
        for place, (left, top, align, dx, dy) in enumerate(choices):
            box = (left, top, left + wide, top + line)
            inside = box[0] >= 0 and box[1] >= 0 and box[2] <= width and box[3] <= height
            dots = ((px - 4, py - 4, px + 4, py + 4) for _, px, py in points)
            if inside and not any(_overlap(box, other) for other in (*boxes, *dots)):
                crossed = sum(_overlap(box, (px, py, px + 1, py + 1)) for px, py in lines)
                free.append((crossed, place, box, {"name": name, "x": x + dx, "y": y + dy, "align": align}))
        if free:
            _, _, box, text = min(free, key=lambda choice: choice[:2])
            boxes.append(box)
            texts.append(text)
    return [
        {
            "data": {"values": [text for text in texts if text["align"] == align]},
            "mark": {"type": "text", "align": align, "baseline": "middle", "fontSize": size, "color": INK},
            "encoding": {
                "x": {"field": "x", "type": "quantitative", "scale": None, "axis": None},
                "y": {"field": "y", "type": "quantitative", "scale": None, "axis": None},
                "text": {"field": "name"},
            },
        }
        for align in ("left", "center", "right")
    ]


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    """True when two boxes (left, top, right, bottom) cover one another in part."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def series(points: Sequence[Mapping[str, Any]], y_title: str, label: str, language: str, percent: bool) -> Chart:
    """The country month by month: `month` (ISO), `value`, `provisional`; a month that lacks leaves a gap.

    The newest figure stands at the line's end. The axis may begin above 0; then the key says so.
    """
    words = Words(language)
    months = [date.fromisoformat(str(point["month"])) for point in points]
    start = months[0]
    places = [(month.year - start.year) * 12 + month.month - start.month for month in months]
    values: list[float | None] = [None] * (places[-1] + 1)
    for place, point in zip(places, points, strict=True):
        values[place] = float(point["value"])
    run_of = {place: number for number, run in enumerate(_runs(values)) for place, _ in run}
    drawn = [{**point, "place": place, "run": run_of[place]} for place, point in zip(places, points, strict=True)]
    width, height = 520, 240
    ticks = _month_ticks(start, places[-1])
    names = [words.month(_later(start, tick)) for tick in ticks]
    x = {
        "field": "place",
        "type": "quantitative",
        "scale": {"domain": [0, max(1, places[-1])], "nice": False},
        "axis": {"title": None, "grid": False, "values": ticks, "labelExpr": _lookup(ticks, names)},
    }
    ends, y_ticks = _axis([value for value in values if value is not None])
    numbers = _number_axis(ends, y_ticks, y_title, language, percent)
    numbers["axis"] |= _LEVEL_TITLE
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
        _line_end(last, _written(last, language, percent), ACCENT, width, y),
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


def scatter(
    points: Sequence[Mapping[str, Any]], x_title: str, y_title: str, centre: float | None, label: str, language: str
) -> Chart:
    """KL's figure: share on time against the difference from the expected level.

    points: x, y, name, and where it is known `quadrant` (a code of the seed quadrants). centre: the share that parts
    high from low timeliness; where it isn't given, it is drawn between the two groups of points that the quadrants
    make. The points farthest from the others are named.
    """
    words = Words(language)
    width, height = 520, 420
    x_ends, x_ticks = _axis([float(point["x"]) for point in points])
    y_ends, y_ticks = _axis([0.0, *(float(point["y"]) for point in points)])
    # One step more at both ends has room for the names of the four fields.
    step = y_ticks[1] - y_ticks[0]
    y_ends = [y_ends[0] - step, y_ends[1] + step]
    x = _number_axis(x_ends, x_ticks, x_title, language, True)
    y = _number_axis(y_ends, y_ticks, y_title, language, False)
    y["axis"] |= _LEVEL_TITLE
    across, up = ({"field": field, "type": "quantitative", **end} for field, end in (("x", x), ("y", y)))
    if centre is None:
        centre = _parting(points)
    layers: list[dict[str, Any]] = [
        {"data": {"values": [{"y": 0}]}, "mark": {"type": "rule", "color": MUTED}, "encoding": {"y": up}},
        {
            "data": {"values": [dict(point) for point in points]},
            "mark": {"type": "point", "filled": True, "size": 40, "color": ACCENT, "opacity": 1},
            "encoding": {"x": across, "y": up},
        },
    ]
    if centre is not None:
        layers.insert(
            0,
            {"data": {"values": [{"x": centre}]}, "mark": {"type": "rule", "color": MUTED}, "encoding": {"x": across}},
        )
        layers += _corners(words, width, height)
    places = [
        (
            str(point["name"]),
            width * (float(point["x"]) - x_ends[0]) / (x_ends[1] - x_ends[0]),
            _down(float(point["y"]), y_ends, height),
        )
        for point in points
    ]
    far = _farthest(places)
    layers += _placed([*far[:_NAMED], *(("", px, py) for _, px, py in far[_NAMED:])], width, height)
    key = [Mark("dot", ACCENT, words.text("chart_municipality"))]
    if centre is not None:
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
