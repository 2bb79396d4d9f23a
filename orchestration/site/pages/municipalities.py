"""The list of municipalities."""

from __future__ import annotations

from orchestration.site.context import Site
from orchestration.site.parts import Cell, Column, Page, Section, Table


def page(site: Site) -> Page:
    """All municipalities with region and category."""
    w = site.w
    rows, keys = [], []
    regions = {str(r["municipality_code"]): str(r.get("region_name") or "") for r in site.data.municipalities}
    for code in site.order:
        cells = [site.link(code, ""), Cell(regions.get(code, ""))]
        if site.scenarios:
            row = site.assignments.get((site.scenarios[0], code))
            cells.append(Cell(site.category_title(row) if row else w.text("undefined")))
        rows.append(cells)
        keys.append(code)
    columns = [Column(w.text("municipality")), Column(w.text("region"))]
    if site.scenarios:
        columns.append(Column(w.text("category")))
    title = w.text("all_municipalities")
    if site.data.newest_period:
        title = f"{title}, {site.period(site.data.newest_period)}"
    section = Section(tables=[Table("municipalities", title, columns, rows, keys)])
    if site.scenarios:
        section.paragraphs += site.category_notes()
        section.tables.append(_by_category(site, title))
    return Page("municipalities.html", w.text("municipalities"), [section])


def _by_category(site: Site, title: str) -> Table:
    """The same list once more, by category, for readers who would sort the table."""
    w = site.w
    found = [
        (site.assignments[site.scenarios[0], code], code)
        for code in site.order
        if (site.scenarios[0], code) in site.assignments
    ]
    found.sort(key=lambda pair: int(pair[0]["municipality_category"]))
    return Table(
        "by-category",
        f"{title}, {w.text('by_category')}",
        [Column(w.text("municipality")), Column(w.text("category"))],
        [[site.link(code, ""), Cell(site.category_title(row))] for row, code in found],
        [code for _, code in found],
        folded=w.text("by_category_unfold"),
    )
