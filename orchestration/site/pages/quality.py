"""Hidden figures, published against computed ones, deliveries."""

from __future__ import annotations

from orchestration.lib.release.labels import labels
from orchestration.site.context import Site
from orchestration.site.parts import LONGEST_TABLE, Cell, Column, Page, Paragraph, Section, Table


def page(site: Site) -> Page:
    """Hidden figures, published against computed, deliveries."""
    sections = [_hidden(site), _published(site), _deliveries(site)]
    return Page("quality.html", site.w.text("quality"), sections)


def _hidden(site: Site) -> Section:
    """How many figures of each column are hidden, and why."""
    w, data = site.w, site.data
    hidden = Section(w.text("suppression"), "suppression")
    hidden.paragraphs.append(Paragraph(w.text("suppression_text", maximum=data.release["hidden_maximum"])))
    report = data.rows("select * from meta.suppression where cell_count > 0 order by table_name, column_name")
    columns = [
        Column(w.text("table")),
        Column(w.text("column")),
        Column(w.text("shown_cells"), True),
        Column(w.text("by_rule"), True),
        Column(w.text("to_protect"), True),
    ]
    hidden.tables.append(
        Table(
            "suppression-table",
            w.text("suppression"),
            columns,
            [
                [
                    Cell(labels().table(str(row["table_name"]), w.language)),
                    Cell(labels().column(str(row["column_name"]), w.language)),
                    *(
                        site.count(row, name)
                        for name in ("cell_count", "hidden_by_rule_count", "hidden_to_protect_count")
                    ),
                ]
                for row in report
            ],
            [f"{row['table_name']}.{row['column_name']}" for row in report],
        )
    )
    return hidden


def _published(site: Site) -> Section:
    """How many computed figures lie within the tolerance of the published ones."""
    w, data = site.w, site.data
    published = Section(w.text("published_computed"), "published")
    if data.has("rpt_published_against_computed"):
        found = data.rows(
            "select count(*) as compared, count(*) filter (is_within_tolerance) as within "
            "from main.rpt_published_against_computed where is_within_tolerance is not null"
        )[0]
        said = w.text("published_computed_text", within=w.number(found["within"]), count=w.number(found["compared"]))
        published.paragraphs.append(Paragraph(said if found["compared"] else w.text("nothing_compared")))
    else:
        published.paragraphs.append(Paragraph(w.text("missing_table", table="rpt_published_against_computed"), "note"))
    return published


def _deliveries(site: Site) -> Section:
    """The deliveries and what became of them, the newest first."""
    w = site.w
    deliveries = Section(w.text("deliveries"), "deliveries")
    rows = site.data.rows("select * from meta.deliveries order by period desc, delivery desc")
    deliveries.tables.append(
        Table(
            "deliveries-table",
            w.text("deliveries"),
            [
                Column(w.text("period")),
                Column(w.text("delivery"), True),
                Column(w.text("status")),
                Column(w.text("rows"), True),
            ],
            [
                [
                    Cell(str(row["period"])),
                    Cell(str(row["delivery"])),
                    Cell(w.text(f"delivery_{row['status']}")),
                    Cell(w.number(row["rows"])),
                ]
                for row in rows[:LONGEST_TABLE]
            ],
            note=site.shortened(len(rows), "meta.deliveries"),
        )
    )
    return deliveries
