"""Figures that changed since an earlier release."""

from __future__ import annotations

import re

from orchestration.lib.release.labels import labels
from orchestration.site.context import Site
from orchestration.site.parts import LONGEST_TABLE, Cell, Column, Page, Paragraph, Section, Table

# A number as DuckDB writes it; a code begins with 0.
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
# A share changes in its fourth decimal where one person in thousands does.
_DECIMALS = 4


def revision_table(site: Site, table: str | None, caption: str, most: int) -> Table:
    """Revised figures, of one table or of all."""
    w = site.w
    count, rows = site.data.revisions(table, most)
    return Table(
        f"revisions-{table or 'all'}",
        caption,
        [
            Column(w.text("table")),
            Column(w.text("key")),
            Column(w.text("column")),
            Column(w.text("old_value")),
            Column(w.text("new_value")),
            Column(w.text("cause")),
            Column(w.text("delivery")),
        ],
        [
            [
                Cell(labels().table(str(row["table_name"]), w.language)),
                Cell(str(row["key"])),
                Cell(labels().column(str(row["column_name"]), w.language)),
                Cell(_written(site, row["old_value"])),
                Cell(_written(site, row["new_value"])),
                Cell(w.text(f"cause_{row['cause']}")),
                Cell(str(row.get("delivery") or "")),
            ]
            for row in rows
        ],
        note=site.shortened(count, "rpt_revisions", most),
        empty=w.text("nothing_revised"),
    )


def _written(site: Site, value: str | None) -> str:
    """A figure that the release has as text, in the language's way of writing numbers; codes and words as they are."""
    if value is None:
        return site.w.text("undefined")
    if not _NUMBER.fullmatch(value):
        return value
    decimals = value.partition(".")[2].rstrip("0")
    return site.w.number(float(value), min(len(decimals), _DECIMALS))


def page(site: Site) -> Page:
    """Figures that changed since an earlier release."""
    w = site.w
    if not site.data.has("rpt_revisions"):
        return Page("revisions.html", w.text("revisions"), [site.missing("rpt_revisions")])
    section = Section(
        paragraphs=[Paragraph(w.text("revisions_text"))],
        tables=[revision_table(site, None, w.text("revisions"), LONGEST_TABLE)],
    )
    return Page("revisions.html", w.text("revisions"), [section])
