"""Map, ranking, funnel and time series of a measure's page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from markupsafe import Markup

from orchestration.lib.statistics import binomial_half_width, fifths
from orchestration.site import charts
from orchestration.site.context import Site
from orchestration.site.data import COUNTRY, Row
from orchestration.site.pages import revisions
from orchestration.site.parts import Cell, Column, Figure, Paragraph, Section, Table
from orchestration.site.words import alphabetical

_NAMED_IN_FUNNEL = 8


def map_section(site: Site, measure: Row, values: Mapping[str, Any], title: str) -> Section:
    """The tile map by fifths."""
    w = site.w
    shown = {code: float(value) for code, value in values.items() if value is not None and code in site.names}
    section = Section(w.text("map"), "map")
    classes = fifths(shown)
    fills = {code: charts.FIFTHS[number - 1] for code, number in classes.items()}
    marks = {code: str(classes[code]) if code in classes else "·" for code in site.names}
    explained = w.text("map_explained", what=w.text("map_what_fifth"))
    section.figures.append(
        Figure(Markup(charts.tile_map(site.names, marks, fills, f"{w.text('map')}: {title}")), explained)
    )
    return section


def ranking_section(
    site: Site, measure: Row, rows: Mapping[str, Row], intervals: Mapping[str, tuple[float, float] | None], title: str
) -> Section:
    """The ranking with intervals."""
    w, unit = site.w, str(measure["unit"])
    section = Section(w.text("ranking"), "ranking")
    points = []
    for code, row in rows.items():
        if code in site.names and row["measure_value"] is not None:
            interval = intervals.get(code)
            points.append(
                {
                    "name": site.names[code],
                    "value": float(row["measure_value"]),
                    "lower": interval[0] if interval else None,
                    "upper": interval[1] if interval else None,
                }
            )
    if not points:
        section.paragraphs.append(Paragraph(w.text("no_rows"), "note"))
        return section
    points.sort(key=lambda point: (point["value"], alphabetical(str(point["name"]))))
    country = rows.get(COUNTRY, {}).get("measure_value")
    country = None if country is None else float(country)
    text = w.text(
        "ranking_text",
        low=points[0]["name"],
        low_value=w.measured(float(str(points[0]["value"])), unit),
        high=points[-1]["name"],
        high_value=w.measured(float(str(points[-1]["value"])), unit),
        country_value=w.measured(country, unit),
    )
    section.paragraphs = [Paragraph(text), Paragraph(w.text("ranking_warning"), "note")]
    chart = charts.ranking(
        points, country, f"{site.measure_name(measure)} ({site.unit_name(unit)})", text, w.language, unit == "share"
    )
    section.figures.append(Figure(site.drawer.draw(chart), title))
    return section


def funnel_section(site: Site, measure: Row, rows: Mapping[str, Row], title: str) -> Section:
    """Shares against size, with the limits of chance around the country's share."""
    w = site.w
    section = Section(w.text("funnel"), "funnel")
    country = rows.get(COUNTRY, {}).get("measure_value")
    points = [
        {"name": site.names[code], "value": float(row["measure_value"]), "size": float(row["denominator_count"])}
        for code, row in sorted(rows.items())
        if code in site.names and row["measure_value"] is not None and row["denominator_count"]
    ]
    if country is None or len(points) < 3:
        section.paragraphs.append(Paragraph(w.text("no_rows"), "note"))
        return section
    centre = float(country)

    def limit(size: float) -> float:
        return binomial_half_width(centre, size, site.confidence_z)

    def distance(point: Mapping[str, object]) -> float:
        """From the country's share, in limits. Without chance (a share of 0 or 1) whatever differs is far away."""
        away, chance = abs(float(str(point["value"])) - centre), limit(float(str(point["size"])))
        return away / chance if chance else math.inf if away else 0.0

    for point in points:
        point["outside"] = distance(point) > 1
    # Only the farthest are named in the chart, so that names don't cover one another; all stand in the table.
    farthest = sorted(points, key=lambda point: -distance(point))
    for place, point in enumerate(farthest):
        point["labelled"] = bool(point["outside"]) and place < _NAMED_IN_FUNNEL
    sizes = [float(str(point["size"])) for point in points]
    low, high = math.log(min(sizes)), math.log(max(sizes))
    steps = [math.exp(low + (high - low) * i / 40) for i in range(41)]
    limits = [{"size": s, "lower": max(0.0, centre - limit(s)), "upper": min(1.0, centre + limit(s))} for s in steps]
    outside = sum(bool(point["outside"]) for point in points)
    text = w.text("funnel_text", inside=len(points) - outside, count=len(points), outside=outside)
    section.paragraphs.append(Paragraph(text))
    chart = charts.funnel(points, limits, centre, w.text("size"), site.measure_name(measure), text, w.language)
    section.figures.append(Figure(site.drawer.draw(chart), title))
    return section


def series_section(site: Site, measure: Row, group: str) -> Section:
    """The country month by month, with the revisions that the release names."""
    w, unit = site.w, str(measure["unit"])
    name = str(measure["measure_id"])
    section = Section(w.text("series"), "series")
    months = site.data.months(name)
    rows = [(month, site.data.measure_rows[name][group, month].get(COUNTRY)) for month in months]
    shown = [(month, row) for month, row in rows if row is not None]
    points = [
        {
            "month": month.isoformat(),
            "value": float(row["measure_value"]),
            "provisional": bool(row["is_provisional"]),
        }
        for month, row in shown
        if row["measure_value"] is not None
    ]
    section.tables.append(
        Table(
            "months",
            f"{site.measure_name(measure)}, {w.text('country')}, {site.group_name(group)}",
            [
                Column(w.text("month")),
                Column(w.text("numerator"), True),
                Column(w.text("denominator"), True),
                Column(w.text("value"), True),
            ],
            [
                [
                    Cell(w.month(month)),
                    site.count(row, "numerator_count"),
                    site.count(row, "denominator_count"),
                    site.measured(row, unit),
                ]
                for month, row in reversed(shown)
            ],
            [month.isoformat() for month, _ in reversed(shown)],
        )
    )
    if len(points) > 1:
        text = w.text(
            "series_text",
            first=w.month(date.fromisoformat(str(points[0]["month"]))),
            first_value=w.measured(float(str(points[0]["value"])), unit),
            last=w.month(date.fromisoformat(str(points[-1]["month"]))),
            last_value=w.measured(float(str(points[-1]["value"])), unit),
        )
        section.paragraphs.append(Paragraph(text))
        chart = charts.series(points, site.unit_name(unit), text, w.language, unit == "share")
        section.figures.append(Figure(site.drawer.draw(chart), site.measure_name(measure)))
    table = measure.get("table_name")
    if site.data.has("rpt_revisions") and table:
        revised = revisions.revision_table(site, f"rpt_{table}", w.text("series_revisions"), 30)
        if revised.rows:
            section.tables.append(revised)
    return section
