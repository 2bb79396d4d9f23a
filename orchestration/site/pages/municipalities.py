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
        columns.append(Column(f"{w.text('category')} {site.data.newest_period}"))
    section = Section(tables=[Table("municipalities", w.text("all_municipalities"), columns, rows, keys)])
    return Page("municipalities.html", w.text("municipalities"), [section])
