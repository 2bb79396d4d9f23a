"""The files of the release."""

from __future__ import annotations

from orchestration.lib.release.labels import labels
from orchestration.site.context import Site
from orchestration.site.parts import Cell, Column, Page, Paragraph, Section, Table

# The site lies in the release's folder `site`, and pages in its language folders.
_UP = "../../"


def page(site: Site) -> Page:
    """All files of the release, its hashes and its versions."""
    w, data = site.w, site.data
    books = Section(w.text("workbooks"), "workbooks")
    for path in sorted((data.folder / "excel").glob("*.xlsx")):
        said = f"{labels().subject(path.stem, w.language)} ({_size(site, f'excel/{path.name}')})"
        books.links.append((said, f"{_UP}excel/{path.name}"))
    facts = Section(w.text("release"), "release")
    facts.facts = [
        (w.text("release"), str(data.release["release_id"])),
        (w.text("project_commit"), str(data.release["project_commit"] or data.release["project_hash"])),
        ("DuckDB", str(data.release["duckdb_version"])),
    ]
    return Page("downloads.html", w.text("downloads"), [_files_section(site), books, _tables_section(site), facts])


def _size(site: Site, name: str) -> str:
    """The size of a file of the release, in kB or MB; nothing when it isn't there."""
    path = site.data.folder / name
    if not path.exists():
        return ""
    size = path.stat().st_size
    # A line is not broken between number and unit.
    return f"{site.w.number(size / 1e6, 1)}\u00a0MB" if size >= 1e6 else f"{site.w.number(size / 1e3)}\u00a0kB"


def _files_section(site: Site) -> Section:
    """The files about all tables."""
    w = site.w
    plain = [
        ("release.duckdb", w.text("file_duckdb")),
        ("manifest.json", w.text("file_manifest")),
        ("datapackage.json", w.text("file_datapackage")),
        ("csv/codebook.csv", w.text("file_codebook")),
    ]
    table = Table(
        "files-table",
        w.text("files_caption"),
        [Column(w.text("file")), Column(w.text("what")), Column(w.text("size_of_file"), True)],
        [
            [Cell(name, href=_UP + name), Cell(text), Cell(_size(site, name))]
            for name, text in plain
            if (site.data.folder / name).exists()
        ],
    )
    return Section(w.text("files"), "files", paragraphs=[Paragraph(w.text("downloads_text"))], tables=[table])


def _tables_section(site: Site) -> Section:
    """Every table in its formats."""
    w, rows = site.w, []
    for row in site.data.rows("select * from meta.tables order by table_name"):
        name = str(row["table_name"])
        csv, parquet = f"csv/{name}.csv", f"parquet/{name}.parquet"
        rows.append(
            [
                Cell(labels().table(name, w.language)),
                Cell(name),
                Cell(w.number(row["row_count"])),
                Cell(f"CSV,\u00a0{_size(site, csv)}", href=_UP + csv),
                Cell(f"Parquet,\u00a0{_size(site, parquet)}", href=_UP + parquet),
                Cell(str(row["sha256"])),
            ]
        )
    columns = [
        Column(w.text("table")),
        Column(w.text("technical_name")),
        Column(w.text("rows"), True),
        Column("CSV"),
        Column("Parquet"),
        Column(w.text("hash")),
    ]
    return Section(w.text("tables"), "tables", tables=[Table("tables-table", w.text("tables_caption"), columns, rows)])
