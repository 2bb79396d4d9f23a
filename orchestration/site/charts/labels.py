"""Texts within a chart: figures as they are written there, and names where they cover nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestration.site.charts.drawer import INK
from orchestration.site.words import Words

# A letter's width as part of its height, in the widest of the usual fonts of browsers.
LETTER = 0.62


def written(value: float, language: str, percent: bool) -> str:
    """A figure as a label of a chart."""
    words = Words(language)
    return words.percent(100 * value, 1) if percent else words.number(value, 1)


def country_text(value: float, language: str, percent: bool) -> str:
    """The country's name and figure."""
    words = Words(language)
    return f"{words.text('country')} {written(value, language, percent)}"


def line_end(value: float, text: str, colour: str, width: int, y: Any) -> dict[str, Any]:
    """A text to the right of the plot, where a horizontal line ends."""
    return {
        "data": {"values": [{"at": value, "text": text}]},
        "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 12, "color": colour},
        "encoding": {"x": {"value": width}, "y": {**y, "field": "at"}, "text": {"field": "text"}},
    }


def down(value: float, ends: Sequence[float], height: float) -> float:
    """How far down a plot a value lies, in pixels."""
    return height * (ends[1] - value) / (ends[1] - ends[0])


def placed(
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
        wide = len(name) * size * LETTER
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
