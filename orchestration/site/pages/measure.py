"""The page of a measure; its charts are in `measure_charts`."""

from __future__ import annotations

from orchestration.lib.release.labels import labels
from orchestration.lib.statistics import competition_ranks, wilson_interval
from orchestration.site.context import Site
from orchestration.site.data import COUNTRY, Row
from orchestration.site.pages.measure_charts import funnel_section, map_section, ranking_section, series_section
from orchestration.site.parts import Cell, Column, Page, Paragraph, Section, Table


def page(site: Site, measure: Row) -> Page:
    """A measure: definition, the table, map, ranking, funnel, time series."""
    name = str(measure["measure_id"])
    sections = [facts_section(site, measure)]
    sections += level_sections(site, measure) if name == "benefit_level_difference" else figure_sections(site, measure)
    return Page(f"measures/{name}.html", site.measure_name(measure), sections)


def facts_section(site: Site, measure: Row) -> Section:
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


def figure_sections(site: Site, measure: Row) -> list[Section]:
    """The table first, then its charts."""
    w, data = site.w, site.data
    name, unit = str(measure["measure_id"]), str(measure["unit"])
    group, month = data.main_group(name), data.newest_of(name)
    if group is None or month is None:
        return [Section(paragraphs=[Paragraph(w.text("no_rows"), "note")])]
    rows = data.measure_rows[name].get((group, month), {})
    is_share = unit == "share"
    title = f"{site.measure_name(measure)}, {site.group_name(group)}, {w.month(month)}"
    ranked = competition_ranks(
        {code: rows[code]["measure_value"] for code in site.order if code in rows},
        highest_first=str(measure["direction"]).startswith("higher"),
        decimals=site.comparison_decimals,
    )
    intervals = {code: interval_of(site, row) for code, row in rows.items()} if is_share else {}
    columns = [
        Column(w.text("municipality")),
        Column(w.text("numerator"), True),
        Column(w.text("denominator"), True),
        Column(w.text("value"), True),
    ]
    if is_share:
        columns += [Column(w.text("lower_95"), True), Column(w.text("upper_95"), True)]
    columns.append(Column(w.text("rank"), True))
    body, keys = [], []
    for code in [COUNTRY, *site.order]:
        row = rows.get(code)
        if row is None:
            continue
        first = Cell(w.text("country")) if code == COUNTRY else site.link(code, "../")
        cells = [
            first,
            site.count(row, "numerator_count"),
            site.count(row, "denominator_count"),
            site.measured(row, unit),
        ]
        if is_share:
            interval = intervals.get(code)
            cells += (
                [Cell(w.measured(bound, unit)) for bound in interval] if interval else [Cell(w.text("undefined"))] * 2
            )
        cells.append(Cell(str(ranked[code])) if code in ranked else Cell(w.text("undefined")))
        body.append(cells)
        keys.append(code)
    table = Section(w.text("table_of", what=title), "table")
    if any(row["is_provisional"] for row in rows.values()):
        table.paragraphs.append(Paragraph(w.text("provisional_note"), "note"))
    table.tables.append(Table("values", title, columns, body, keys))
    sections = [
        table,
        map_section(site, measure, {c: r["measure_value"] for c, r in rows.items()}, title),
    ]
    sections.append(ranking_section(site, measure, rows, intervals, title))
    if is_share:
        sections.append(funnel_section(site, measure, rows, title))
    sections.append(series_section(site, measure, group))
    newest = sorted(
        (code, found[COUNTRY])
        for (code, at), found in data.measure_rows[name].items()
        if at == month and COUNTRY in found
    )
    if len(newest) > 1:
        by_group = Section(w.text("groups_table"), "groups")
        by_group.tables.append(
            Table(
                "groups-values",
                f"{w.text('groups_table')}, {w.month(month)}",
                [
                    Column(w.text("group")),
                    Column(w.text("numerator"), True),
                    Column(w.text("denominator"), True),
                    Column(w.text("value"), True),
                ],
                [
                    [
                        Cell(site.group_name(code)),
                        site.count(row, "numerator_count"),
                        site.count(row, "denominator_count"),
                        site.measured(row, unit),
                    ]
                    for code, row in newest
                ],
                [code for code, _ in newest],
            )
        )
        sections.append(by_group)
    return sections


def level_sections(site: Site, measure: Row) -> list[Section]:
    """The expected level's page: the year's table, map and ranking with the model's intervals."""
    w = site.w
    if not site.levels:
        return [site.missing("rpt_benefit_levels")]
    first = next(iter(site.levels.values()))
    title = f"{site.measure_name(measure)}, {first['period_code']} ({first['expected_source']})"
    fields = (
        ("actual_percentage", 2),
        ("expected_percentage", 2),
        ("difference_percentage_points", 2),
        ("difference_lower_95", 2),
        ("difference_upper_95", 2),
        ("difference_full_time_persons", 0),
        ("benchmark_rank", 0),
    )
    label = labels().column
    body = []
    for code in site.order:
        row = site.levels.get(code)
        if row is not None:
            cells = [
                site.figure(
                    None if row[c] is None else float(row[c]),
                    w.number(None if row[c] is None else float(row[c]), d),
                    bool(row["is_suppressed"]) and c not in ("benchmark_rank", "expected_percentage"),
                )
                for c, d in fields
            ]
            body.append([site.link(code, "../"), *cells])
    keys = [code for code in site.order if code in site.levels]
    columns = [Column(w.text("municipality")), *(Column(label(c, w.language), True) for c, _ in fields)]
    table = Section(w.text("table_of", what=title), "table", tables=[Table("values", title, columns, body, keys)])
    rows = {code: {"measure_value": row["difference_percentage_points"]} for code, row in site.levels.items()}
    intervals = {
        code: (float(row["difference_lower_95"]), float(row["difference_upper_95"]))
        if row["difference_lower_95"] is not None and row["difference_upper_95"] is not None
        else None
        for code, row in site.levels.items()
    }
    values = {code: row["difference_percentage_points"] for code, row in site.levels.items()}
    return [
        table,
        map_section(site, measure, values, title),
        ranking_section(site, measure, rows, intervals, title),
    ]


def interval_of(site: Site, row: Row) -> tuple[float, float] | None:
    """Wilson's interval of a share, from the shown counts."""
    if row["numerator_count"] is None or not row["denominator_count"]:
        return None
    return wilson_interval(float(row["numerator_count"]), float(row["denominator_count"]), site.confidence_z)
