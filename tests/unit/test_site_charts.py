"""The process that draws the site's charts: what it draws, what it says when it can't, and when it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from orchestration.site import charts
from orchestration.site.charts.axes import axis, number_axis
from orchestration.site.charts.labels import placed
from orchestration.site.charts.time_series import _month_ticks
from orchestration.site.words import Words

PROJECT = Path(__file__).resolve().parents[2]
SERIES = charts.series(
    [
        {"month": "2024-01-01", "value": 1.5, "provisional": False, "rule": "r"},
        {"month": "2024-02-01", "value": 2.5, "provisional": True, "rule": "r"},
    ],
    "days",
    "From 1 & on",
    "da",
    False,
)
UNKNOWN = charts.Chart({"data": {"values": []}, "mark": "pie in the sky"}, "A pie", "en")


def test_charts_are_drawn_in_their_order_and_one_that_fails_is_named() -> None:
    with charts.drawing() as drawer:
        drawn, failed, again = (drawer.draw(chart) for chart in (SERIES, UNKNOWN, SERIES))
        assert drawn.result() == again.result()
        image = '<div class="scroll drawing" role="img" tabindex="0" aria-label="From 1 &amp; on"><svg class="chart" '
        assert drawn.result().count("<svg") == 1 and image in drawn.result()
        assert {"1,6", "2,6", "februar 2024"} <= set(re.findall(r">([^<]+)</text>", drawn.result()))
        with pytest.raises(charts.ChartError, match=r"“A pie” can't be drawn: Vega-Lite to SVG"):
            failed.result()


def test_a_process_that_is_killed_is_an_error_and_no_wait_for_ever() -> None:
    with charts.drawing() as drawer:
        os.kill(drawer._process.pid, signal.SIGKILL)
        for chart in [drawer.draw(SERIES) for _ in range(3)]:
            with pytest.raises(charts.ChartError, match=r"ended with code -9 at the chart “From 1 & on”"):
                chart.result(timeout=30)


def test_the_process_ends_with_the_block_and_with_a_caller_that_is_killed() -> None:
    with pytest.raises(KeyError), charts.drawing() as drawer:
        drawer.draw(SERIES)
        raise KeyError
    assert drawer._process.returncode == -signal.SIGKILL
    caller = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from orchestration.site import charts\n"
            "with charts.drawing() as drawer:\n"
            "    print(drawer._process.pid, flush=True)\n"
            "    input()\n",
        ],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with caller:
        assert caller.stdout is not None
        drawing = int(caller.stdout.readline())
        caller.kill()
    until = time.monotonic() + 30
    while _runs(drawing) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _runs(drawing)


def _runs(process: int) -> bool:
    """True while the process runs; one that ended but isn't collected yet doesn't."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def layers_with(chart: charts.Chart, mark: str) -> list[dict[str, Any]]:
    """The chart's layers of a kind of mark."""
    return [layer for layer in chart.specification["layer"] if layer["mark"]["type"] == mark]


def written(chart: charts.Chart) -> set[str]:
    """The texts that the chart has beside its axes."""
    return {
        str(value.get("text", value.get("name", "")))
        for layer in layers_with(chart, "text")
        for value in layer["data"]["values"]
    }


def small(
    values: list[float | None], country: list[float | None], language: str = "da", unit: str = "share"
) -> tuple[str, list[str]]:
    """The small series of months from November 2024, the last one provisional: its drawing and the texts in it."""
    months = [date(2024 + (10 + i) // 12, (10 + i) % 12 + 1, 1) for i in range(len(values))]
    provisional = [False] * (len(values) - 1) + [True]
    drawing = charts.small_series(values, provisional, country, months, Words(language), unit, "One & all")
    return drawing, re.findall(r">([^<]+)</text>", drawing)


def test_a_small_series_has_its_months_its_scale_the_country_and_gaps_for_what_is_hidden() -> None:
    drawing, texts = small([0.25, 0.5, None, 1.0], [0.5, 0.5, 0.5, 0.75])
    assert texts == ["0", "100 pct.", "november 2024", "februar 2025", "100,0 pct.", "landet 75,0 pct."]
    # Two months in a row make a line; the month after the gap is a circle alone. The scale begins at 0.
    assert drawing.count("<polyline") == 2 and drawing.count("<circle") == 3
    assert 'points="24.0,93.0 101.3,70.0"' in drawing and 'stroke-dasharray="5 3"' in drawing
    assert 'cx="256.0" cy="24.0" r="3.5" fill="#ffffff"' in drawing
    assert 'aria-label="One &amp; all"' in drawing


def test_a_small_series_says_nothing_of_a_newest_month_that_is_hidden() -> None:
    drawing, texts = small([0.25, 0.5, None], [None, None, None], "en")
    assert texts == ["0", "50%", "November 2024", "January 2025"] and "dasharray" not in drawing
    assert small([None, 0.5], [0.5, 0.5]) == ("", [])


def test_labels_of_lines_that_end_at_one_place_are_moved_apart() -> None:
    drawing, _ = small([0.5, 0.5], [0.5, 0.5])
    heights = sorted(float(y) for y in re.findall(r'<text x="264" y="([0-9.]+)"', drawing))
    assert heights[1] - heights[0] == 15


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.003, 0.27], [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]),
        ([0.0, 1.0], [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ([1.0, 1.0], [0.95, 0.96, 0.97, 0.98, 0.99, 1.0]),
        ([0.98, 0.98], [0.92, 0.94, 0.96, 0.98, 1.0]),
        ([0.0, 0.0], [0.0, 0.01, 0.02, 0.03, 0.04, 0.05]),
        ([-2.04, 24.1], [-5.0, 0.0, 5.0, 10.0, 15.0, 20.0, 25.0]),
        ([8100.0, 8876.1], [8000.0, 8200.0, 8400.0, 8600.0, 8800.0, 9000.0]),
    ],
)
def test_an_axis_takes_in_all_values_in_round_steps_and_shares_stay_within_0_and_1(
    values: list[float], ticks: list[float]
) -> None:
    assert axis(values) == ([ticks[0], ticks[-1]], ticks)


def ranked(country: float | None, percent: bool, *values: float, language: str = "da", **more: Any) -> charts.Chart:
    """A ranking with intervals a little wider than shares may be."""
    rows = [
        {"name": f"{n} Ringkøbing-Skjern", "value": v, "lower": v - 0.1, "upper": v + 0.1} for n, v in enumerate(values)
    ]
    return charts.ranking(rows, country, "Andel", "label", language, percent, **more)


def test_a_ranking_names_the_country_at_its_line_and_clamps_the_intervals_of_shares() -> None:
    chart = ranked(0.273, True, 0.05, 0.98)
    assert written(chart) == {"Hele landet 27,3 pct."}
    assert [mark.text for mark in chart.key] == ["kommune", "95 procents usikkerhed", "Hele landet"]
    assert [(row["lower"], row["upper"]) for row in chart.specification["data"]["values"]] == [
        (0.0, pytest.approx(0.15)),
        (pytest.approx(0.88), 1.0),
    ]
    x = layers_with(chart, "point")[0]["encoding"]["x"]
    assert x["scale"]["domain"] == [0.0, 1.0] and '["0 pct.", "20 pct.",' in x["axis"]["labelExpr"]
    # Room for the longest name in a browser's wide letters.
    assert layers_with(chart, "point")[0]["encoding"]["y"]["axis"]["minExtent"] > 12 * 0.6 * len("0 Ringkøbing-Skjern")
    assert written(ranked(0.273, True, 0.05, 0.98, language="en")) == {"The whole country 27.3%"}


def test_a_ranking_draws_no_country_that_is_a_sum_and_says_what_zero_means() -> None:
    assert written(ranked(8876.1, False, 6.8, 900.0)) == set()
    assert written(ranked(None, False, -2.0, 3.0, zero_text="0 = som forventet")) == {"0 = som forventet"}
    assert "8.000" in number_axis([0, 8000], [0, 8000], None, "da", False)["axis"]["labelExpr"]


def test_a_series_breaks_its_line_where_months_lack_and_says_that_its_axis_does_not_begin_at_0() -> None:
    points = [
        {"month": month, "value": value, "provisional": month > "2024-05", "rule": "r"}
        for month, value in (("2023-11-01", 0.5), ("2023-12-01", 0.52), ("2024-05-01", 0.51), ("2024-06-01", 0.53))
    ]
    chart = charts.series(points, "Andel", "label", "da", True)
    assert [(row["place"], row["run"]) for row in chart.specification["data"]["values"]] == [
        (0, 0),
        (1, 0),
        (6, 1),
        (7, 1),
    ]
    axis = layers_with(chart, "line")[0]["encoding"]["x"]["axis"]
    assert axis["values"] == [2, 5] and '["januar 2024", "april 2024"]' in axis["labelExpr"]
    assert written(chart) == {"53,0 pct."}
    assert [mark.text for mark in chart.key] == ["Hele landet", "foreløbig måned", "Aksen begynder ikke ved 0."]
    from_0 = charts.series([{**points[0], "value": 0.0}, points[1]], "Andel", "label", "da", True)
    assert [mark.text for mark in from_0.key] == ["Hele landet"]


def test_a_new_rule_begins_a_new_line() -> None:
    points = [
        {"month": f"2024-0{month}-01", "value": month / 10, "provisional": False, "rule": "old" if month < 3 else "new"}
        for month in range(1, 6)
    ]
    chart = charts.series(points, "Andel", "label", "da", True)
    runs = [row["run"] for row in chart.specification["data"]["values"]]
    assert runs == [0, 0, 1, 1, 1]
    values, months = [float(point["value"]) for point in points], [date(2024, month, 1) for month in range(1, 6)]
    drawings = [
        charts.small_series(values, [False] * 5, [], months, Words("da"), "share", "x", rules)
        for rules in ((), [str(point["rule"]) for point in points])
    ]
    assert [drawing.count("<polyline") for drawing in drawings] == [1, 2]


def test_a_funnel_says_what_its_lines_are_and_writes_danish_numbers() -> None:
    points = [
        {"name": name, "value": value, "size": size, "outside": name == "B", "labelled": name == "B"}
        for name, value, size in (("A", 0.5, 100.0), ("B", 0.9, 900.0), ("C", 0.4, 2400.0))
    ]
    limits = [{"size": 100.0, "lower": -0.01, "upper": 1.01}, {"size": 2400.0, "lower": 0.48, "upper": 0.52}]
    chart = charts.funnel(points, limits, 0.5, "Personer", "Andel", "label", "da")
    assert written(chart) == {"Hele landet 50,0 pct.", "B"}
    encoding = layers_with(chart, "point")[0]["encoding"]
    assert encoding["y"]["scale"]["domain"] == [0.0, 1.0]
    assert encoding["x"]["axis"]["values"] == [100, 200, 500, 1000, 2000]
    assert '"1.000", "2.000"' in encoding["x"]["axis"]["labelExpr"]
    assert [mark.form for mark in chart.key] == ["dot", "diamond", "dash", "line"]


def test_the_scatter_names_its_fields_where_they_are_known_and_the_farthest_points() -> None:
    points = [
        {"name": f"K{n}", "x": 0.4 + n / 50, "y": n % 3 - 1.0, "quadrant": "low_on_time_good_result"} for n in range(12)
    ]
    points.append({"name": "Læsø", "x": 0.9, "y": 12.0, "quadrant": "high_on_time_poor_result"})
    chart = charts.scatter(points, "Andel", "Forskel", "label", "da")
    assert {"Læsø", "Lav rettidighed, svagt resultat", "Høj rettidighed, godt resultat"} <= written(chart)
    parting = next(layer for layer in layers_with(chart, "rule") if "x" in layer["data"]["values"][0])
    assert parting["data"]["values"][0]["x"] == pytest.approx((0.62 + 0.9) / 2)
    bare = charts.scatter([{**point, "quadrant": None} for point in points], "Andel", "Forskel", "label", "da")
    assert "Læsø" in written(bare) and not any("rettidighed" in text for text in written(bare))


def test_names_of_points_cover_neither_dots_nor_one_another() -> None:
    points = [("Her", 100.0, 100.0), ("Der", 104.0, 100.0), ("Borte", 100.0, 104.0), ("", 100.0, 85.0)]
    texts = [text for layer in placed(points, 300, 200) for text in layer["data"]["values"]]
    # Above the first is a dot, and to its right the second: its name goes to the left; that of the third goes below.
    assert {text["name"]: text["align"] for text in texts} == {"Her": "right", "Der": "left", "Borte": "center"}
    # None goes beyond the frame.
    edge = [text for layer in placed([("Langt navn", 2.0, 100.0)], 300, 200) for text in layer["data"]["values"]]
    assert [text["align"] for text in edge] == ["left"]


def test_an_axis_of_months_has_at_most_five_names_at_round_distances() -> None:
    assert _month_ticks(date(2023, 1, 1), 29) == [0, 6, 12, 18, 24]
    assert _month_ticks(date(2015, 4, 1), 140) == [9, 45, 81, 117]
    assert _month_ticks(date(2024, 2, 1), 1) == [0, 1]
