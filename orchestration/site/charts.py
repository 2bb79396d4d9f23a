"""Charts as inline SVG.

The charts of the measure pages are Vega-Lite specifications, which a process of their own renders by vl-convert while
the pages are made; the tile map and the small time series of the municipality pages, of which there are hundreds, are
drawn directly. Every chart is an image with a text in words; its figures stand in a table on the same page.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import IO, Any

INK, MUTED, ACCENT, COUNTRY_COLOUR = "#1a1a1a", "#595959", "#0b5394", "#a33c00"
# Fill and text colour by class; every pair has a contrast of at least 4.5.
FIFTHS = (("#f1f6fb", INK), ("#c9dff2", INK), ("#93bfe3", INK), ("#2f6fa8", "#ffffff"), ("#0a3a66", "#ffffff"))
CATEGORY_FILLS = {
    0: ("#ffffff", INK),
    1: ("#1b6e3c", "#ffffff"),
    2: ("#bfe3c8", INK),
    3: ("#ffe08a", INK),
    4: ("#9c2a1f", "#ffffff"),
}
HIDDEN_FILL = ("#e6e6e6", INK)
_SMALL_WIDTH, _SMALL_HEIGHT = 320, 90
_SVG_HEAD = re.compile(r"<svg\b[^>]*?viewBox=\"([^\"]+)\"[^>]*>")
_ARIA = re.compile(r' (?:aria-[a-z]+|role|tabindex)="[^"]*"')
# Pixels that a municipality's name may take. To measure a name takes most of a ranking's time, and a limit measures it
# twice: only names of more letters than these can reach it.
_NAME_LIMIT, _NAME_LETTERS = 140, 20
_CONFIG = {
    "background": "white",
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
        # A browser's letters may be wider than those that the chart was laid out with.
        "titlePadding": 14,
        "labelFlush": False,
    },
}


class ChartError(RuntimeError):
    """A chart can't be drawn; the message says which and why."""


@dataclass(frozen=True)
class Chart:
    """A chart that is to be drawn: a Vega-Lite specification and the text that says it in words."""

    specification: Mapping[str, Any]
    label: str
    language: str


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

    marks: what is written in the tile under the name. fills: fill and text colour.
    """
    size, gap = 46, 3
    short = short_names(names)
    places = {code: place for code, place in tiles().items() if code in names}
    if not places:
        return ""
    width = (max(column for column, _ in places.values()) + 1) * size
    height = (max(row for _, row in places.values()) + 1) * size
    parts = [
        f'<svg class="tiles" role="img" aria-label="{escape(label, quote=True)}" viewBox="0 0 {width} {height}" '
        'xmlns="http://www.w3.org/2000/svg">'
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
    return "".join(parts)


def small_line(values: Sequence[float | None], provisional: Sequence[bool]) -> str:
    """A small line of a municipality's months; hidden and missing months leave gaps, open circles are provisional.

    It is the same in every language, and nothing when fewer than two months are shown.
    """
    shown = [value for value in values if value is not None]
    if len(shown) < 2:
        return ""
    width, height, edge = _SMALL_WIDTH, _SMALL_HEIGHT, 8
    low, high = min(shown), max(shown)
    span = (high - low) or 1.0
    step = (width - 2 * edge) / max(1, len(values) - 1)
    lines: list[list[str]] = [[]]
    circles: list[str] = []
    for index, value in enumerate(values):
        if value is None:
            lines.append([])
            continue
        x = round(edge + index * step, 1)
        y = round(height - edge - (value - low) / span * (height - 2 * edge), 1)
        lines[-1].append(f"{x},{y}")
        radius, fill = ("4", "#ffffff") if provisional[index] else ("2.5", ACCENT)
        circles.append(f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{fill}" stroke="{ACCENT}"/>')
    drawn = "".join(
        f'<polyline fill="none" stroke="{ACCENT}" stroke-width="2" points="{" ".join(line)}"/>'
        for line in lines
        if len(line) > 1
    )
    return drawn + "".join(circles)


def small_series(line: str, label: str) -> str:
    """A small line as an image with its text."""
    return (
        f'<svg class="small-series" role="img" aria-label="{escape(label, quote=True)}" '
        f'viewBox="0 0 {_SMALL_WIDTH} {_SMALL_HEIGHT}" xmlns="http://www.w3.org/2000/svg">{line}</svg>'
    )


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
            "format_locale": "da-DK" if chart.language == "da" else "en-US",
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
        return _framed(answer["svg"], chart.label)


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


def _framed(svg: str, label: str) -> str:
    """The renderer's drawing as an image of the page: with its text, and without a fixed size."""
    svg = _ARIA.sub("", svg)
    head = _SVG_HEAD.search(svg)
    assert head is not None
    inner = svg[head.end() :].replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    return (
        f'<svg class="chart" role="img" aria-label="{escape(label, quote=True)}" viewBox="{head.group(1)}" '
        f'xmlns="http://www.w3.org/2000/svg">{inner}'
    )


def ranking(
    rows: Sequence[Mapping[str, Any]], country: float | None, title: str, label: str, language: str, percent: bool
) -> Chart:
    """Dots with intervals, one line a municipality, sorted; a vertical line for the country.

    rows: name, value, lower, upper (the last two may be None).
    """
    kind = ".0%" if percent else ".2~f"
    limit = _NAME_LIMIT if any(len(row["name"]) > _NAME_LETTERS for row in rows) else 0
    y = {
        "field": "name",
        "type": "nominal",
        "sort": [row["name"] for row in rows],
        "axis": {"title": None, "labelLimit": limit},
    }
    axis = {"title": title, "format": kind, "orient": "top"}
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "rule", "color": MUTED, "strokeWidth": 2},
            "encoding": {
                "y": y,
                "x": {"field": "lower", "type": "quantitative", "axis": axis, "scale": {"zero": False}},
                "x2": {"field": "upper"},
            },
        },
        {
            "mark": {"type": "point", "filled": True, "size": 36, "color": ACCENT},
            "encoding": {"y": y, "x": {"field": "value", "type": "quantitative", "axis": axis}},
        },
    ]
    if country is not None:
        layers.append(
            {
                "data": {"values": [{"country": country}]},
                "mark": {"type": "rule", "color": COUNTRY_COLOUR, "strokeDash": [6, 4]},
                "encoding": {"x": {"field": "country", "type": "quantitative", "axis": axis}},
            }
        )
    return Chart(
        {"data": {"values": [dict(row) for row in rows]}, "width": 480, "height": {"step": 13}, "layer": layers},
        label,
        language,
    )


def funnel(
    points: Sequence[Mapping[str, Any]],
    limits: Sequence[Mapping[str, Any]],
    country: float,
    x_title: str,
    y_title: str,
    label: str,
    language: str,
) -> Chart:
    """Shares against the number of persons, with the limits of random variation around the country's share."""
    x = {
        "field": "size",
        "type": "quantitative",
        "scale": {"type": "log"},
        "axis": {"title": x_title, "format": "~s", "tickCount": 6},
    }
    y_axis = {"title": y_title, "format": ".0%"}
    line = {"type": "line", "color": MUTED, "strokeDash": [5, 3]}
    layers: list[dict[str, Any]] = [
        *(
            {
                "data": {"values": [dict(limit) for limit in limits]},
                "mark": line,
                "encoding": {
                    "x": x,
                    "y": {"field": name, "type": "quantitative", "axis": y_axis, "scale": {"zero": False}},
                },
            }
            for name in ("lower", "upper")
        ),
        {
            "data": {"values": [{"country": country}]},
            "mark": {"type": "rule", "color": COUNTRY_COLOUR},
            "encoding": {"y": {"field": "country", "type": "quantitative", "axis": y_axis}},
        },
        {
            "data": {"values": [dict(point) for point in points]},
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 40},
            "encoding": {
                "x": x,
                "y": {"field": "value", "type": "quantitative", "axis": y_axis},
                "color": {"condition": {"test": "datum.outside", "value": COUNTRY_COLOUR}, "value": ACCENT},
                "shape": {"condition": {"test": "datum.outside", "value": "diamond"}, "value": "circle"},
            },
        },
        {
            "data": {"values": [dict(point) for point in points if point["labelled"]]},
            "mark": {"type": "text", "dy": -8, "fontSize": 10, "color": INK},
            "encoding": {
                "x": x,
                "y": {"field": "value", "type": "quantitative", "axis": y_axis},
                "text": {"field": "name"},
            },
        },
    ]
    return Chart({"width": 560, "height": 340, "layer": layers}, label, language)


def series(points: Sequence[Mapping[str, Any]], y_title: str, label: str, language: str, percent: bool) -> Chart:
    """The country month by month: `month` (ISO), `value`, `provisional`."""
    x = {"field": "month", "type": "temporal", "axis": {"title": None, "format": "%Y-%m", "labelAngle": -40}}
    y = {
        "field": "value",
        "type": "quantitative",
        "scale": {"zero": False},
        "axis": {"title": y_title, "format": ".1%" if percent else ",.1~f"},
    }
    layers = [
        {"mark": {"type": "line", "color": ACCENT, "strokeWidth": 2}, "encoding": {"x": x, "y": y}},
        {
            "mark": {"type": "point", "size": 40, "color": ACCENT, "fill": ACCENT, "opacity": 1},
            "encoding": {
                "x": x,
                "y": y,
                "fill": {"condition": {"test": "datum.provisional", "value": "white"}, "value": ACCENT},
            },
        },
    ]
    return Chart(
        {"data": {"values": [dict(point) for point in points]}, "width": 560, "height": 220, "layer": layers},
        label,
        language,
    )


def scatter(
    points: Sequence[Mapping[str, Any]], x_title: str, y_title: str, centre: float | None, label: str, language: str
) -> Chart:
    """KL's figure: share on time against the difference from the expected level."""
    x = {"field": "x", "type": "quantitative", "scale": {"zero": False}, "axis": {"title": x_title, "format": ".0%"}}
    y = {"field": "y", "type": "quantitative", "axis": {"title": y_title, "format": "+.1~f"}}
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": [dict(point) for point in points]},
            "mark": {"type": "point", "filled": True, "size": 40, "color": ACCENT, "opacity": 1},
            "encoding": {"x": x, "y": y},
        },
        {"data": {"values": [{"y": 0}]}, "mark": {"type": "rule", "color": MUTED}, "encoding": {"y": y}},
    ]
    if centre is not None:
        layers.append(
            {"data": {"values": [{"x": centre}]}, "mark": {"type": "rule", "color": MUTED}, "encoding": {"x": x}}
        )
    return Chart({"width": 560, "height": 400, "layer": layers}, label, language)
