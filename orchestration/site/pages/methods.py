"""How the figures are made, and the rules."""

from __future__ import annotations

from datetime import date

from orchestration.site.context import Site, plain
from orchestration.site.parts import LONGEST_TABLE, Cell, Column, Page, Paragraph, Section, Table

# The dates with which rules say "always".
_EVER = (date(1900, 1, 1), date(9999, 12, 31))


def page(site: Site) -> Page:
    """How the figures are made, and every dated rule."""
    w = site.w
    sections = [
        Section(paragraphs=[Paragraph(w.text("methods_text")), Paragraph(w.text("methods_uncertainty"))]),
        Section(
            w.text("suppression"),
            "suppression",
            paragraphs=[Paragraph(w.text("suppression_text", maximum=site.data.release["hidden_maximum"]))],
        ),
    ]
    rules = Section(w.text("rules"), "rules", paragraphs=[Paragraph(w.text("rules_text"))])
    rows = site.data.table("dim_rules", "rule_id") if site.data.has("dim_rules") else []
    rules.tables.append(
        Table(
            "rules-table",
            w.text("rules"),
            [
                Column(w.text("rule")),
                Column(w.text("value")),
                Column(w.text("from"), date=True),
                Column(w.text("to"), date=True),
                Column(w.text("legal_reference"), running=True),
            ],
            [
                [
                    Cell(str(row["rule_id"])),
                    Cell(plain(row.get("value")) or str(row.get("detail") or "")),
                    Cell(w.text("since_ever") if row["valid_from_date"] == _EVER[0] else str(row["valid_from_date"])),
                    Cell(w.text("still_valid") if row["valid_to_date"] == _EVER[1] else str(row["valid_to_date"])),
                    Cell(str(row.get("legal_reference") or "")),
                ]
                for row in rows[:LONGEST_TABLE]
            ],
            note=w.text("shown_first", shown=LONGEST_TABLE, count=len(rows), table="dim_rules")
            if len(rows) > LONGEST_TABLE
            else "",
            empty=w.text("missing_table", table="dim_rules"),
        )
    )
    return Page("methods.html", w.text("methods"), [*sections, rules])
