"""The list of measures."""

from __future__ import annotations

from orchestration.site.context import Site
from orchestration.site.parts import Cell, Column, Page, Section, Table


def page(site: Site) -> Page:
    """All measures with their definitions."""
    w = site.w
    rows = [
        [
            Cell(site.measure_name(m), href=f"measures/{m['measure_id']}.html"),
            Cell(w.choose(str(m["definition_da"]), str(m["definition_en"]))),
        ]
        for m in site.data.measures
    ]
    table = Table(
        "measures", w.text("measures"), [Column(w.text("measure")), Column(w.text("definition"), running=True)], rows
    )
    return Page("measures.html", w.text("measures"), [Section(tables=[table])])
