"""Axes that several kinds of chart share: their ends, their ticks, and the words at the ticks."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from orchestration.site.words import Words

# The title of a vertical axis, level and above it, as text is read.
LEVEL_TITLE = {"titleAngle": 0, "titleAlign": "left", "titleAnchor": "end", "titleX": -40, "titleY": -16}


def axis(values: Sequence[float]) -> tuple[list[float], list[float]]:
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


def number_axis(ends: Sequence[float], ticks: Sequence[float], title: str | None, language: str, percent: bool) -> Any:
    """Axis and scale of an encoding. Its numbers are written as in the page's text: 1.000, 0,5, 20 pct."""
    words, factor = Words(language), 100 if percent else 1
    decimals = decimals_of([factor * tick for tick in ticks])
    written = [words.percent(factor * tick, decimals) if percent else words.number(tick, decimals) for tick in ticks]
    return {
        "axis": {"title": title, "values": list(ticks), "labelExpr": lookup(ticks, written)},
        "scale": {"domain": list(ends), "nice": False, "zero": False},
    }


def decimals_of(numbers: Sequence[float]) -> int:
    """With how many decimals, at most three, the numbers are written in full."""
    return next((d for d in range(3) if all(abs(round(number, d) - number) < 1e-9 for number in numbers)), 3)


def lookup(values: Sequence[float], texts: Sequence[str]) -> str:
    """The expression that writes each of an axis' ticks as the text that belongs to it."""
    return f"{json.dumps(list(texts), ensure_ascii=False)}[indexof({json.dumps(list(values))}, datum.value)]"


def unbroken_runs(values: Sequence[float | None], rules: Sequence[str] = ()) -> list[list[tuple[int, float]]]:
    """Places and values in runs without a gap, and of one rule; `rules`: one for each value, where they are known."""
    runs: list[list[tuple[int, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None or (rules and index and rules[index] != rules[index - 1]):
            runs.append([])
        if value is not None:
            runs[-1].append((index, value))
    return [run for run in runs if run]
