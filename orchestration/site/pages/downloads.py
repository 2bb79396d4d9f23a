"""The files of the release."""

from __future__ import annotations

from orchestration.lib.release.labels import labels
from orchestration.site.context import Site
from orchestration.site.parts import Cell, Column, Page, Paragraph, Section, Table


def page(site: Site) -> Page:
    """All files of the release, its hashes and its versions."""
    w, data = site.w, site.data
    # The site lies in the release's folder `site`, and pages in its language folders.
    up = "../../"
    files = Section("", "files", paragraphs=[Paragraph(w.text("downloads_text"))])
    plain = [
        ("release.duckdb", w.text("file_duckdb")),
        ("manifest.json", w.text("file_manifest")),
        ("datapackage.json", w.text("file_datapackage")),
        ("csv/codebook.csv", w.text("file_codebook")),
    ]
    files.tables.append(
        Table(
            "files-table",
            w.text("file"),
            [Column(w.text("file")), Column(w.text("what"))],
            [[Cell(name, href=up + name), Cell(text)] for name, text in plain if (data.folder / name).exists()],
        )
    )
    books = Section(w.text("workbooks"), "workbooks")
    for path in sorted((data.folder / "excel").glob("*.xlsx")):
        books.links.append((labels().subject(path.stem, w.language), f"{up}excel/{path.name}"))
    tables = Section(w.text("table"), "tables")
    rows = []
    for row in data.rows("select * from meta.tables order by table_name"):
        name = str(row["table_name"])
        rows.append(
            [
                Cell(labels().table(name, w.language)),
                Cell(w.number(row["row_count"])),
                Cell("CSV", href=f"{up}csv/{name}.csv"),
                Cell("Parquet", href=f"{up}parquet/{name}.parquet"),
                Cell(str(row["sha256"])),
            ]
        )
    tables.tables.append(
        Table(
            "tables-table",
            w.text("table"),
            [
                Column(w.text("table")),
                Column(w.text("rows"), True),
                Column("CSV"),
                Column("Parquet"),
                Column(w.text("hash")),
            ],
            rows,
        )
    )
    facts = Section(w.text("release"), "release")
    facts.facts = [
        (w.text("release"), str(data.release["release_id"])),
        (w.text("project_commit"), str(data.release["project_commit"] or data.release["project_hash"])),
        ("DuckDB", str(data.release["duckdb_version"])),
    ]
    return Page("downloads.html", w.text("downloads"), [files, books, tables, facts])
