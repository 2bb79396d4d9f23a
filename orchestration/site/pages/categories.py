"""The categories under every scenario, and the overview that the front page shows too."""

from __future__ import annotations

from markupsafe import Markup

from orchestration.site import charts
from orchestration.site.context import Site
from orchestration.site.parts import Cell, Column, Figure, LegendEntry, Page, Paragraph, Section, Table


def overview(site: Site) -> Section:
    """How many municipalities are in each category, and the map."""
    w = site.w
    if not site.scenarios:
        return site.missing("rpt_category_assignments")
    scenario = site.scenarios[0]
    rows = [site.assignments[scenario, code] for code in site.order if (scenario, code) in site.assignments]
    section = Section(w.text("category_map"), "category-map", paragraphs=site.category_notes())
    period = site.period(str(site.data.newest_period))
    counts: dict[int, int] = {}
    titles: dict[int, str] = {}
    for row in rows:
        category = int(row["municipality_category"])
        counts[category] = counts.get(category, 0) + 1
        titles[category] = site.category_title(row)
    section.tables.append(
        Table(
            "category-counts",
            f"{site.scenario_names.get(scenario, scenario)}, {period}",
            [Column(w.text("category")), Column(w.text("category_count"), True)],
            [[Cell(titles[c]), Cell(w.number(counts[c]), value=str(counts[c]))] for c in sorted(counts)],
            [str(c) for c in sorted(counts)],
        )
    )
    marks = {str(row["municipality_code"]): str(row["municipality_category"]) for row in rows}
    fills = {code: charts.CATEGORY_FILLS[int(mark)] for code, mark in marks.items()}
    explained = w.text("map_explained", what=w.text("map_what_category"))
    drawing = Markup(charts.tile_map(site.names, marks, fills, site.pages(""), w.text("category_map")))
    legend = tuple(
        LegendEntry(str(category), *charts.CATEGORY_FILLS[category], titles[category].partition(" ")[2])
        for category in sorted(titles)
    )
    section.figures.append(Figure(drawing, explained, legend))
    return section


def page(site: Site) -> Page:
    """The categories under each scenario side by side, and who moves."""
    w = site.w
    if not site.scenarios:
        return Page("categories.html", w.text("categories"), [site.missing("rpt_category_assignments")])
    names = [site.scenario_names.get(scenario, scenario) for scenario in site.scenarios]
    table = Table(
        "side-by-side",
        f"{w.text('side_by_side')}, {site.period(str(site.data.newest_period))}",
        [Column(w.text("municipality")), *(Column(name) for name in names)],
        [],
    )
    for code in site.order:
        cells = [site.link(code, "")]
        for scenario in site.scenarios:
            row = site.assignments.get((scenario, code))
            cells.append(Cell(str(row["municipality_category"]) if row else w.text("undefined")))
        table.rows.append(cells)
        table.keys.append(code)
    titles: dict[int, str] = {
        int(row["municipality_category"]): site.category_title(row) for row in site.assignments.values()
    }
    side = Section(
        w.text("side_by_side"),
        "side",
        paragraphs=[Paragraph("; ".join(titles[c] for c in sorted(titles)) + ".")],
        tables=[table],
    )
    moves = [_moves_section(site, scenario) for scenario in site.scenarios[1:]]
    return Page("categories.html", w.text("categories"), [side, overview(site), *moves])


def _moves_section(site: Site, scenario: str) -> Section:
    """The municipalities whose category under a scenario differs from the one under the rules in force."""
    w, first = site.w, site.scenarios[0]
    name = site.scenario_names.get(scenario, scenario)
    moved = []
    for code in site.order:
        before, after = site.assignments.get((first, code)), site.assignments.get((scenario, code))
        if before and after and before["municipality_category"] != after["municipality_category"]:
            text = w.text("from_to", before=site.category_title(before), after=site.category_title(after))
            moved.append((code, [site.link(code, ""), Cell(text)]))
    section = Section(f"{w.text('moves')}: {name}", f"moves-{scenario}")
    if not moved:
        section.paragraphs.append(Paragraph(w.text("moves_none")))
        return section
    section.paragraphs.append(Paragraph(w.text("moves_text", scenario=site.scenario_names.get(first, first))))
    section.tables.append(
        Table(
            f"moved-{scenario}",
            name,
            [Column(w.text("municipality")), Column(w.text("category"))],
            [cells for _, cells in moved],
            [code for code, _ in moved],
        )
    )
    return section
