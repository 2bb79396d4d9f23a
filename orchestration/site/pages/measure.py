"""The page of a measure; its charts are in `measure_charts`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from orchestration.lib.release.labels import labels
from orchestration.lib.statistics import competition_ranks, wilson_interval
from orchestration.site.context import Site, is_hidden
from orchestration.site.data import COUNTRY, Row
from orchestration.site.pages.measure_charts import (
    comparison_sections,
    funnel_section,
    is_comparable,
    may_be_ranked,
    series_section,
    shown_text,
    unit_columns,
)
from orchestration.site.parts import Cell, Column, Page, Paragraph, Section, Table

_LEVEL_FIELDS = (
    ("actual_percentage", 2),
    ("expected_percentage", 2),
    ("difference_percentage_points", 2),
    ("difference_lower_95", 2),
    ("difference_upper_95", 2),
    ("difference_full_time_persons", 0),
    ("benchmark_rank", 0),
)


def page(site: Site, measure: Row) -> Page:
    """A measure: definition, the table, map, ranking, funnel, time series."""
    name = str(measure["measure_id"])
    sections = [_facts(site, measure)]
    sections += _level_sections(site, measure) if name == "benefit_level_difference" else _sections(site, measure)
    return Page(f"measures/{name}.html", site.measure_name(measure), sections)


def _facts(site: Site, measure: Row) -> Section:
    """The definition and what goes with it."""
    w = site.w
    section = Section()
    section.paragraphs.append(Paragraph(w.choose(str(measure["definition_da"]), str(measure["definition_en"])), "lead"))
    for key in ("population", "exclusions", "how_not_to_use"):
        text = measure.get(f"{key}_{w.language}")
        if text:
            section.facts.append((w.text(key), str(text)))
    section.facts.append((w.text("unit"), site.unit_name(str(measure["unit"]))))
    if measure.get("legal_reference"):
        section.facts.append((w.text("legal_reference"), str(measure["legal_reference"])))
    return section


def _sections(site: Site, measure: Row) -> list[Section]:
    """The table first, then its charts."""
    w, data = site.w, site.data
    name = str(measure["measure_id"])
    group, month = data.main_group(name), data.newest_of(name)
    if group is None or month is None:
        return [Section(paragraphs=[Paragraph(w.text("no_rows"), "note")])]
    rows = data.measure_rows[name].get((group, month), {})
    is_share = str(measure["unit"]) == "share"
    said = site.month(month, rows.get(COUNTRY))
    title = f"{site.measure_name(measure)}, {site.group_name(group)}, {said}"
    intervals = {code: _interval(site, row) for code, row in rows.items()} if is_share else {}
    sections = [_values_section(site, measure, rows, intervals, title)]
    sections += comparison_sections(site, measure, rows, intervals, title)
    if is_share:
        sections.append(funnel_section(site, measure, rows, title))
    sections.append(series_section(site, measure, group))
    groups = data.newest_groups(name)
    if len(groups) > 1:
        sections.append(_groups_section(site, measure, groups, month))
    return sections


def _values_section(
    site: Site,
    measure: Row,
    rows: Mapping[str, Row],
    intervals: Mapping[str, tuple[float, float] | None],
    title: str,
) -> Section:
    """Every municipality's figure with its uncertainty and rank, in the order of the alphabet; folded: by rank."""
    w, unit = site.w, str(measure["unit"])
    mine = {code: rows[code] for code in site.order if code in rows}
    ranks = _ranks(site, measure, mine) if may_be_ranked(site, measure, mine) else {}
    columns = [Column(w.text("municipality")), *unit_columns(site, unit)]
    if intervals:
        columns += [Column(w.text("lower_95"), True), Column(w.text("upper_95"), True)]
    if ranks:
        columns.append(Column(w.text("rank_best_first"), True))
    body, keys = [], []
    for code in [COUNTRY, *mine]:
        row = rows.get(code)
        if row is None:
            continue
        cells = [Cell(w.text("country")) if code == COUNTRY else site.link(code, "../"), *_cells(site, row, unit)]
        if intervals:
            interval = intervals.get(code)
            cells += (
                [Cell(w.measured(bound, unit)) for bound in interval]
                if interval
                else [site.nothing(is_hidden(row))] * 2
            )
        if ranks:
            cells.append(
                site.not_relevant()
                if code == COUNTRY
                else Cell(str(ranks[code]))
                if code in ranks
                else site.nothing(is_hidden(row))
            )
        body.append(cells)
        keys.append(code)
    section = Section(w.text("table_of", what=title), "table")
    if any(row["is_provisional"] for row in rows.values()):
        section.paragraphs.append(Paragraph(w.text("provisional_note"), "note"))
    section.paragraphs.append(Paragraph(shown_text(site, mine, unit), "note"))
    section.tables.append(Table("values", title, columns, body, keys))
    if ranks:
        section.tables.append(_by_rank(site, ranks, {code: site.measured(mine[code], unit) for code in ranks}, title))
    return section


def _cells(site: Site, row: Row, unit: str) -> list[Cell]:
    """The cells under `unit_columns`."""
    value = site.measured(row, unit)
    if unit == "full_time_persons":
        return [value]
    return [site.count(row, "numerator_count"), site.count(row, "denominator_count"), value]


def _ranks(site: Site, measure: Row, rows: Mapping[str, Row]) -> dict[str, int]:
    """The rank of every municipality whose figure is shown, 1 = best."""
    return competition_ranks(
        {code: row["measure_value"] for code, row in rows.items()},
        highest_first=str(measure["direction"]).startswith("higher"),
        decimals=site.comparison_decimals,
    )


def _interval(site: Site, row: Row) -> tuple[float, float] | None:
    """Wilson's interval of a share, from the shown counts."""
    if row["numerator_count"] is None or not row["denominator_count"]:
        return None
    return wilson_interval(float(row["numerator_count"]), float(row["denominator_count"]), site.confidence_z)


def _by_rank(
    site: Site,
    ranks: Mapping[str, int],
    values: Mapping[str, Cell],
    title: str,
    intervals: Mapping[str, tuple[int, int]] | None = None,
) -> Table:
    """The same figures once more, the best first, for readers who would sort the table.

    ``intervals``: between which places each rank lies, where that is known.
    """
    w = site.w
    places = {code: place for place, code in enumerate(site.order)}
    order = sorted(ranks, key=lambda code: (ranks[code], places[code]))
    columns = [Column(w.text("municipality")), Column(w.text("rank_best_first"), True), Column(w.text("value"), True)]
    rows = [[site.link(code, "../"), Cell(str(ranks[code])), values[code]] for code in order]
    if intervals:
        columns += [Column(w.text("rank_lower_95"), True), Column(w.text("rank_upper_95"), True)]
        for code, row in zip(order, rows, strict=True):
            ends = intervals.get(code)
            # The release hides it with the figure that it is about.
            row += [Cell(str(end)) for end in ends] if ends else [site.nothing(True)] * 2
    return Table("by-rank", f"{title}, {w.text('by_rank')}", columns, rows, order, folded=w.text("by_rank_unfold"))


def rank_interval_text(site: Site, ranks: Mapping[str, int], places: Mapping[str, tuple[int, int]]) -> str:
    """How sure the ranks are, in a sentence: the width of the middle interval, and whose rank is the least sure."""
    widths = sorted(last - first + 1 for first, last in places.values())
    widest = max(places, key=lambda code: (places[code][1] - places[code][0], -ranks[code]))
    return site.w.text(
        "rank_intervals",
        middle=widths[(len(widths) - 1) // 2],
        name=site.names[widest],
        rank=ranks[widest],
        first=places[widest][0],
        last=places[widest][1],
    )


def _groups_section(site: Site, measure: Row, groups: list[str], month: date) -> Section:
    """The country by group in the newest month."""
    w, unit = site.w, str(measure["unit"])
    found = site.data.measure_rows[str(measure["measure_id"])]
    newest = [(code, found[code, month][COUNTRY]) for code in groups if COUNTRY in found[code, month]]
    said = site.month(month, newest[0][1] if newest else None)
    table = Table(
        "groups-values",
        f"{w.text('groups_table')}, {said}",
        [Column(w.text("group")), *unit_columns(site, unit)],
        [[Cell(site.group_name(code)), *_cells(site, row, unit)] for code, row in newest],
        [code for code, _ in newest],
    )
    return Section(w.text("groups_table"), "groups", tables=[table])


def _level_sections(site: Site, measure: Row) -> list[Section]:
    """The expected level's page: the year's table, map and ranking with the model's intervals."""
    w = site.w
    if not site.levels:
        return [site.missing("rpt_benefit_levels")]
    first = next(iter(site.levels.values()))
    source = w.text(f"expected_{first['expected_source']}") if w.has(f"expected_{first['expected_source']}") else ""
    title = f"{site.measure_name(measure)}, {site.period(str(first['period_code']))}{source and ', ' + source}"

    def heading(column: str) -> str:
        return w.text("rank_best_first") if column == "benchmark_rank" else labels().column(column, w.language)

    body = []
    keys = [code for code in site.order if code in site.levels]
    for code in keys:
        row = site.levels[code]
        cells = []
        for column, decimals in _LEVEL_FIELDS:
            number = None if row[column] is None else float(row[column])
            suppressed = bool(row["is_suppressed"]) and column != "expected_percentage"
            cells.append(site.figure(number, w.number(number, decimals), suppressed))
        body.append([site.link(code, "../"), *cells])
    columns = [Column(w.text("municipality")), *(Column(heading(c), True) for c, _ in _LEVEL_FIELDS)]
    table = Section(w.text("table_of", what=title), "table", tables=[Table("values", title, columns, body, keys)])
    rows: dict[str, Row] = {
        code: {
            "measure_value": site.levels[code]["difference_percentage_points"],
            "is_suppressed": site.levels[code]["is_suppressed"],
            "numerator_count": None,
            "denominator_count": None,
        }
        for code in keys
    }
    table.paragraphs.append(Paragraph(shown_text(site, rows, str(measure["unit"])), "note"))
    ranks = {
        code: int(site.levels[code]["benchmark_rank"])
        for code in keys
        if site.levels[code]["benchmark_rank"] is not None
    }
    if ranks and is_comparable(measure):
        known = site.data.rank_intervals
        key = (str(first["period_code"]), str(first["expected_source"]))
        places = {code: known[*key, code] for code in ranks if (*key, code) in known}
        values = {code: site.level_cell(code) for code in ranks}
        table.tables.append(_by_rank(site, ranks, values, title, places))
        if places:
            table.paragraphs.append(Paragraph(rank_interval_text(site, ranks, places), "note"))
    intervals = {
        code: (float(row["difference_lower_95"]), float(row["difference_upper_95"]))
        if row["difference_lower_95"] is not None and row["difference_upper_95"] is not None
        else None
        for code, row in site.levels.items()
    }
    return [table, *comparison_sections(site, measure, rows, intervals, title)]
