"""The small time series of the municipality pages, drawn directly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape

from orchestration.site.charts.axes import axis, decimals_of, unbroken_runs
from orchestration.site.charts.drawer import ACCENT, COUNTRY_COLOUR, INK, MUTED
from orchestration.site.words import Words


def small_series(
    values: Sequence[float | None],
    provisional: Sequence[bool],
    country: Sequence[float | None],
    months: Sequence[date],
    words: Words,
    unit: str,
    label: str,
    rules: Sequence[str] = (),
) -> str:
    """A municipality's months as a small line with the country's, from 0 to a round figure above the highest.

    values, provisional, country: one for each of `months`; None (hidden or no figure) leaves a gap. Open circles are
    provisional. Each line's newest figure stands at its end, where the newest month has one. unit: `share` or
    `percentage`. label: the chart in words. rules: of each month; a new rule begins a new line. Nothing when fewer
    than two months of the municipality are shown.
    """
    if sum(value is not None for value in values) < 2:
        return ""
    left, right, top, bottom = 24, 256, 24, 116
    ends, ticks = axis([0.0, *(value for value in (*values, *country) if value is not None)])

    def x(index: int) -> float:
        return round(left + index * (right - left) / max(1, len(months) - 1), 1)

    def y(value: float) -> float:
        return round(bottom - (value - ends[0]) / (ends[1] - ends[0]) * (bottom - top), 1)

    parts = [f'<path d="M{left},{y(tick)}H{right}" stroke="#dddddd"/>' for tick in ticks[1:]]
    parts += [f'<path d="M{left},{y(0)}H{right}" stroke="{MUTED}"/>']
    for figures, stroke in ((country, f'{COUNTRY_COLOUR}" stroke-dasharray="5 3'), (values, ACCENT)):
        for run in unbroken_runs(figures, rules):
            if len(run) > 1:
                points = " ".join(f"{x(index)},{y(value)}" for index, value in run)
                parts.append(f'<polyline fill="none" stroke="{stroke}" stroke-width="2" points="{points}"/>')
    for index, value in enumerate(values):
        if value is not None:
            radius, fill = ("3.5", "#ffffff") if provisional[index] else ("2.5", ACCENT)
            parts.append(f'<circle cx="{x(index)}" cy="{y(value)}" r="{radius}" fill="{fill}" stroke="{ACCENT}"/>')
    top_figure = ends[1] * (100 if unit == "share" else 1)
    parts.append(_text(left - 6, bottom + 4, "0", "end"))
    parts.append(_text(left, top - 8, words.percent(top_figure, decimals_of([top_figure])), "start"))
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
