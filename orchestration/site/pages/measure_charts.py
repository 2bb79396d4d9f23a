"""Map, ranking, funnel and time series of a measure's page, and when municipalities are compared at all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date

from markupsafe import Markup

from orchestration.lib.statistics import binomial_half_width, fifths
from orchestration.site import charts
from orchestration.site.context import Site, is_hidden
from orchestration.site.data import COUNTRY, Row
from orchestration.site.pages.revisions import revision_table
from orchestration.site.parts import Cell, Column, Figure, LegendEntry, Paragraph, Section, Table
from orchestration.site.words import alphabetical

# Fewer than this many shown municipalities are a remnant that a rank, a map or a ranking would say too much about.
LEAST_COMPARED = 20
_CLASSES = 5
_NAMED_IN_FUNNEL = 8
_LEAST_IN_FUNNEL = 3

Intervals = Mapping[str, tuple[float, float] | None]


def is_comparable(measure: Row) -> bool:
    """True when municipalities may be compared by the raw figure; a release older than this mark says nothing."""
    return bool(measure.get("is_comparable", True))


def unit_columns(site: Site, unit: str) -> list[Column]:
    """The columns that show a figure: full-time persons are a sum and have neither numerator nor denominator."""
    value = Column(site.w.text("value"), True)
    if unit == "full_time_persons":
        return [value]
    return [Column(site.w.text("numerator"), True), Column(site.w.text("denominator"), True), value]


def _distinct(site: Site, rows: Mapping[str, Row]) -> set[float]:
    """The different values that are shown."""
    return {
        round(float(row["measure_value"]), site.comparison_decimals)
        for row in rows.values()
        if row["measure_value"] is not None
    }


def may_be_ranked(site: Site, measure: Row, rows: Mapping[str, Row]) -> bool:
    """True when the measure may be compared, enough municipalities are shown, and they aren't all alike."""
    shown = sum(row["measure_value"] is not None for row in rows.values())
    return is_comparable(measure) and shown >= LEAST_COMPARED and len(_distinct(site, rows)) > 1


def shown_text(site: Site, rows: Mapping[str, Row], unit: str) -> str:
    """How many municipalities have a figure that is shown; where some are hidden, that the shown are no sample."""
    w = site.w
    shown = sum(row["measure_value"] is not None for row in rows.values())
    hidden = sum(is_hidden(row) for row in rows.values())
    text = w.text("shown_count", shown=shown, count=len(rows), hidden=hidden, without=len(rows) - shown - hidden)
    if not hidden:
        return text
    return f"{text} {w.text('shown_not_alike_share' if unit == 'share' else 'shown_not_alike')}"


def comparison_sections(
    site: Site, measure: Row, rows: Mapping[str, Row], intervals: Intervals, title: str
) -> list[Section]:
    """Map and ranking, or why there is none. rows: what `measured` reads, the country's too where it has a figure."""
    w = site.w
    mine = {code: row for code, row in rows.items() if code in site.names}
    if may_be_ranked(site, measure, mine):
        return [_map_section(site, measure, mine, title), _ranking_section(site, measure, rows, intervals, title)]
    section = Section(w.text("comparison"), "comparison")
    if not is_comparable(measure):
        section.paragraphs.append(Paragraph(w.text("not_comparable")))
        section.paragraphs.append(Paragraph(_caveat(site, measure)))
    else:
        section.paragraphs.append(Paragraph(w.text("not_ranked", least=LEAST_COMPARED), "note"))
    return [section]


def _caveat(site: Site, measure: Row) -> str:
    """How the figure must not be used, for the place where it is tempting to."""
    return str(measure.get(f"how_not_to_use_{site.w.language}") or "")


def _caption(site: Site, measure: Row, text: str) -> str:
    """A chart's caption with the measure's caveat."""
    caveat = _caveat(site, measure)
    return f"{text} {site.w.text('how_not_to_use')}: {caveat}" if caveat else text


def _axis_title(site: Site, measure: Row) -> str:
    """The measure and its unit; the numbers of shares bear it themselves, and some names are their unit."""
    name, unit = site.measure_name(measure), site.unit_name(str(measure["unit"]))
    return name if str(measure["unit"]) == "share" or name.lower() == unit else f"{name} ({unit})"


def _map_section(site: Site, measure: Row, rows: Mapping[str, Row], title: str) -> Section:
    """The tile map by fifths; none where the values are too few to make five classes."""
    w, unit = site.w, str(measure["unit"])
    section = Section(w.text("map"), "map")
    if len(_distinct(site, rows)) < _CLASSES:
        section.paragraphs.append(Paragraph(w.text("no_map", least=_CLASSES), "note"))
        return section
    shown = {code: float(row["measure_value"]) for code, row in rows.items() if row["measure_value"] is not None}
    classes = fifths({code: round(value, site.comparison_decimals) for code, value in shown.items()})
    fills = {code: charts.FIFTHS[number - 1] for code, number in classes.items()}
    marks = {code: str(classes[code]) if code in classes else "·" for code in site.names}
    legend = []
    for number in sorted(set(classes.values())):
        values = [shown[code] for code, mine in classes.items() if mine == number]
        low, high = w.measured(min(values), unit), w.measured(max(values), unit)
        fill, ink = charts.FIFTHS[number - 1]
        text = w.text("legend_one" if low == high else "legend_class", low=low, high=high, count=len(values))
        legend.append(LegendEntry(str(number), fill, ink, text))
    if len(shown) < len(site.names):
        legend.append(LegendEntry("·", *charts.HIDDEN_FILL, w.text("legend_none")))
    best = w.text("highest_is_best" if str(measure["direction"]).startswith("higher") else "lowest_is_best")
    explained = w.text("map_explained", what=w.text("map_what_fifth", best=best))
    drawing = Markup(charts.tile_map(site.names, marks, fills, site.pages("../"), f"{w.text('map')}: {title}"))
    section.figures.append(Figure(drawing, _caption(site, measure, explained), tuple(legend)))
    return section


def _ranking_section(site: Site, measure: Row, rows: Mapping[str, Row], intervals: Intervals, title: str) -> Section:
    """The ranking, with intervals where there are any."""
    w, unit = site.w, str(measure["unit"])
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
    points.sort(key=lambda point: (point["value"], alphabetical(str(point["name"]))))
    has_intervals = any(point["lower"] is not None for point in points)
    text = ranking_text(site, points, rows.get(COUNTRY), unit, has_intervals)
    section = Section(w.text("ranking" if has_intervals else "ranking_plain"), "ranking")
    section.paragraphs.append(Paragraph(text))
    if has_intervals:
        section.paragraphs.append(Paragraph(w.text("ranking_warning"), "note"))
    country = rows.get(COUNTRY, {}).get("measure_value")
    chart = charts.ranking(
        points,
        None if country is None else float(country),
        _axis_title(site, measure),
        text,
        w.language,
        unit == "share",
        w.text("chart_as_expected") if unit == "percentage_points" else None,
    )
    section.figures.append(Figure(site.drawer.draw(chart), _caption(site, measure, f"{title}.")))
    return section


def ranking_text(
    site: Site, points: Sequence[Mapping[str, object]], country: Row | None, unit: str, has_intervals: bool
) -> str:
    """The ranking in words. points: `name` and `value`, sorted, shown ones only. Ties are counted among the shown."""
    w = site.w
    texts = []
    for key, end in (("ranking_low", points[0]), ("ranking_high", points[-1])):
        value = float(str(end["value"]))
        alike = sum(round(float(str(point["value"])) - value, site.comparison_decimals) == 0 for point in points)
        who = str(end["name"]) if alike == 1 else w.text("ranking_many", count=alike)
        texts.append(w.text(key, who=who, value=w.measured(value, unit)))
    if country is not None:
        texts.append(w.text("ranking_country", value=site.written(country, unit).removesuffix(".")))
    if has_intervals:
        texts.append(w.text("ranking_lines"))
    return " ".join(texts)


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
    if country is None or len(points) < _LEAST_IN_FUNNEL:
        hidden = any(is_hidden(row) for row in rows.values())
        text = w.text("funnel_hidden", least=_LEAST_IN_FUNNEL) if hidden else w.text("no_rows")
        section.paragraphs.append(Paragraph(text, "note"))
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
    if str(measure["measure_id"]) in site.data.measures_with_funnels:
        section.paragraphs.append(Paragraph(w.text("funnel_of_year"), "note"))
    chart = charts.funnel(points, limits, centre, w.text("size"), site.measure_name(measure), text, w.language)
    section.figures.append(Figure(site.drawer.draw(chart), title))
    return section


def series_section(site: Site, measure: Row, group: str) -> Section:
    """The country month by month, with the revisions that the release names."""
    w, name = site.w, str(measure["measure_id"])
    section = Section(w.text("series"), "series")
    found = site.data.measure_rows[name]
    shown = [
        (month, found[group, month][COUNTRY]) for month in site.data.months(name) if COUNTRY in found[group, month]
    ]
    if any(row["is_provisional"] for _, row in shown):
        section.paragraphs.append(Paragraph(w.text("provisional_months"), "note"))
    section.tables.append(_months_table(site, measure, group, shown))
    _add_series_chart(site, measure, shown, section)
    table = measure.get("table_name")
    if site.data.has("rpt_revisions") and table:
        revised = revision_table(site, f"rpt_{table}", w.text("series_revisions"), 30)
        if revised.rows:
            section.tables.append(revised)
    return section


def since_rule(shown: list[tuple[date, Row]]) -> list[tuple[date, Row]]:
    """The newest months in a row that have the newest month's rule."""
    newest = shown[-1][1]["rule_id"]
    return shown[next((at for at in range(len(shown), 0, -1) if shown[at - 1][1]["rule_id"] != newest), 0) :]


def _months_table(site: Site, measure: Row, group: str, shown: list[tuple[date, Row]]) -> Table:
    """The country month by month, the newest first."""
    w, unit = site.w, str(measure["unit"])
    counts = () if unit == "full_time_persons" else ("numerator_count", "denominator_count")
    return Table(
        "months",
        f"{site.measure_name(measure)}, {w.text('country')}, {site.group_name(group)}",
        [Column(w.text("month")), *unit_columns(site, unit)],
        [
            [Cell(site.month(month, row)), *(site.count(row, name) for name in counts), site.measured(row, unit)]
            for month, row in reversed(shown)
        ],
        [month.isoformat() for month, _ in reversed(shown)],
    )


def _add_series_chart(site: Site, measure: Row, shown: list[tuple[date, Row]], section: Section) -> None:
    """The line of the months and its text, where there are two months to draw."""
    w, unit = site.w, str(measure["unit"])
    drawn = [(month, row) for month, row in shown if row["measure_value"] is not None]
    if len(drawn) < 2:
        return
    # What was measured by another rule is no development of what is measured now.
    (first, first_row), (last, last_row) = since_rule(drawn)[0], drawn[-1]
    if first != drawn[0][0]:
        section.paragraphs.append(Paragraph(w.text("series_new_rule", month=w.month(first)), "note"))
    text = w.text(
        "series_one_month" if first == last else "series_text",
        first=site.month(first, first_row),
        first_value=site.written(first_row, unit),
        last=site.month(last, last_row),
        last_value=site.written(last_row, unit),
    )
    section.paragraphs.append(Paragraph(text))
    points = [
        {
            "month": month.isoformat(),
            "value": float(row["measure_value"]),
            "provisional": bool(row["is_provisional"]),
            "rule": str(row["rule_id"]),
        }
        for month, row in drawn
    ]
    chart = charts.series(points, _axis_title(site, measure), text, w.language, unit == "share")
    section.figures.append(Figure(site.drawer.draw(chart), site.measure_name(measure)))
