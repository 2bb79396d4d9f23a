"""The page of KL's figure: timeliness against results."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.lib.release.labels import labels
from orchestration.site import charts
from orchestration.site.context import Site
from orchestration.site.data import Row
from orchestration.site.parts import Cell, Column, Figure, Page, Paragraph, Section, Table


def page(site: Site) -> Page:
    """KL's figure."""
    w, data = site.w, site.data
    path, title = "timeliness_and_results.html", w.text("timeliness_results")
    if not data.has("rpt_timeliness_and_results"):
        return Page(path, title, [site.missing("rpt_timeliness_and_results")])
    rows = data.rows(
        "select * from main.rpt_timeliness_and_results where period_code = "
        "(select max(period_code) from main.rpt_timeliness_and_results)"
    )
    if not rows:
        return Page(path, title, [Section(paragraphs=[Paragraph(w.text("no_rows"), "note")])])
    code_of_period = str(rows[0]["period_code"])
    period = site.period(code_of_period)
    by_code = {str(row["municipality_code"]): row for row in rows}
    correlations = {str(r["period_code"]): r for r in data.table("rpt_timeliness_and_results_correlation")}
    correlation = correlations.get(code_of_period)
    section = Section("", "figure")
    if correlation and correlation["pearson"] is not None:
        section.paragraphs += _correlation(site, correlation)
    section.paragraphs.append(Paragraph(w.text("kl_directions")))
    section.paragraphs.append(Paragraph(w.text("kl_not_cause"), "note"))
    label = labels().column
    section.tables.append(_table(site, f"{title}, {period}", by_code))
    points = [
        {
            "x": float(row["on_time_share"]),
            "y": float(row["difference_percentage_points"]),
            "name": site.names.get(str(row["municipality_code"]), str(row["municipality_code"])),
            "quadrant": row["quadrant_code"],
        }
        for row in rows
        if row["on_time_share"] is not None and row["difference_percentage_points"] is not None
    ]
    if points:
        chart = charts.scatter(
            points,
            label("on_time_share", w.language),
            w.text("chart_difference"),
            f"{title}, {period}",
            w.language,
        )
        drawn = w.text("kl_drawn", drawn=len(points), hidden=len(rows) - len(points))
        section.figures.append(Figure(site.drawer.draw(chart), drawn))
    return Page(path, title, [section])


def _table(site: Site, caption: str, by_code: Mapping[str, Row]) -> Table:
    """Both figures of every municipality, and where it lies in the chart."""
    w, label = site.w, labels().column
    table = Table(
        "kl",
        caption,
        [
            Column(w.text("municipality")),
            Column(label("on_time_share", w.language), True),
            Column(label("difference_percentage_points", w.language), True),
            Column(w.text("quadrant")),
        ],
        [],
    )
    for code in site.order:
        row = by_code.get(code)
        if row is None:
            continue
        share = None if row["on_time_share"] is None else float(row["on_time_share"])
        difference = None if row["difference_percentage_points"] is None else float(row["difference_percentage_points"])
        hidden = bool(row["is_suppressed"])
        name = row[f"quadrant_name_{w.language}"]
        table.rows.append(
            [
                site.link(code, ""),
                site.figure(share, w.measured(share, "share"), hidden),
                site.figure(difference, w.number(difference, 2, signed=True), hidden),
                Cell(str(name)) if name else site.nothing(hidden),
            ]
        )
        table.keys.append(code)
    return table


def _correlation(site: Site, row: Row) -> list[Paragraph]:
    """The correlation with its interval, and what the interval says."""
    w = site.w
    pearson, lower, upper = (float(row[name]) for name in ("pearson", "pearson_lower_95", "pearson_upper_95"))
    said = w.text(
        "kl_text",
        pearson=w.number(pearson, 2),
        lower=w.number(lower, 2),
        upper=w.number(upper, 2),
        count=row["municipality_count"],
    )
    # Less than expected is good, so that a negative correlation is the hoped-for one.
    meaning = "kl_unsure" if lower <= 0 <= upper else "kl_negative" if upper < 0 else "kl_positive"
    return [Paragraph(said), Paragraph(w.text(meaning))]
