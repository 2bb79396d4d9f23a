"""Hidden figures, checks of the data, published against computed ones, deliveries."""

from __future__ import annotations

from orchestration.lib.release.labels import labels
from orchestration.site.context import Site
from orchestration.site.parts import LONGEST_TABLE, Cell, Column, Page, Paragraph, Section, Table


def page(site: Site) -> Page:
    """Hidden figures, checks, published against computed, deliveries."""
    sections = [_hidden(site), _checks(site), _published(site), _deliveries(site)]
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


def _checks(site: Site) -> Section:
    """How many checks of each layer there were, and which ones warned."""
    w, data = site.w, site.data
    section = Section(w.text("checks"), "checks")
    rows = data.checks
    if not rows:
        section.paragraphs.append(Paragraph(w.text("no_checks"), "note"))
        return section
    section.paragraphs.append(Paragraph(w.text("checks_text")))
    layers = dict.fromkeys(str(row["layer"]) for row in rows)
    counts = []
    for layer in layers:
        mine = [row for row in rows if row["layer"] == layer]
        warned = sum(not row["is_passed"] for row in mine)
        counts.append([Cell(w.text(f"layer_{layer}")), Cell(w.number(len(mine))), Cell(w.number(warned))])
    columns = [Column(w.text("layer")), Column(w.text("check_count"), True), Column(w.text("warning_count"), True)]
    section.tables.append(Table("checks-table", w.text("checks_by_layer"), columns, counts, list(layers)))
    warnings = [row for row in rows if not row["is_passed"]]
    if warnings:
        section.tables.append(
            Table(
                "warnings-table",
                w.text("checks_that_warned"),
                [Column(w.text("table")), Column(w.text("check"))],
                [[Cell(str(row["table_name"])), Cell(str(row["check_name"]))] for row in warnings],
                [f"{row['suite']}.{row['check_name']}" for row in warnings],
            )
        )
    return section


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
