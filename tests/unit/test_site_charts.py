"""The process that draws the site's charts: what it draws, what it says when it can't, and when it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration.site import charts

PROJECT = Path(__file__).resolve().parents[2]
SERIES = charts.series(
    [
        {"month": "2024-01-01", "value": 1.5, "provisional": False},
        {"month": "2024-02-01", "value": 2.5, "provisional": True},
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
        assert drawn.result().startswith('<svg class="chart" role="img" aria-label="From 1 &amp; on" viewBox=')
        assert drawn.result().count("<svg") == 1 and "2024-02" in drawn.result() and ">1,8<" in drawn.result()
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


def test_a_small_line_leaves_gaps_and_opens_provisional_circles() -> None:
    line = charts.small_line([1.0, 2.0, None, 3.0], [False, False, False, True])
    assert line.count("<polyline") == 1 and line.count("<circle") == 3
    assert 'points="8.0,82.0 109.3,45.0"' in line
    assert 'cx="312.0" cy="8.0" r="4" fill="#ffffff"' in line
    assert charts.small_line([None, 1.0], [False, False]) == ""
