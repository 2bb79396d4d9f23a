"""A release opens in the tools that the how-to pages name, and their examples work."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from orchestration.lib.release import formats, writer
from tests.support.release_fixture import build

PROJECT = Path(__file__).resolve().parents[2]
HOW_TO = PROJECT / "docs" / "how_to"
AT = dt.datetime(2025, 7, 1, 10, 15, tzinfo=dt.UTC)
# The oldest DuckDB that a release promises to open in.
OLD_DUCKDB = "1.1.3"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readers")
    fixture = build(folder / "w" / "warehouse.duckdb", months=12, persons=6_000)
    facts = writer.ReleaseFacts(created_at=AT, build_id="b1", project_hash="ab" * 32, key_id="k1", commit="0123456")
    path = writer.write_release(
        fixture.path, folder / "data" / "releases", release_id=writer.release_identifier(AT, "abcdef12"), facts=facts
    )
    writer.make_current(path.parent, path.name)
    return path


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (HOW_TO / page).read_text("utf-8"), flags=re.S)


def test_there_are_ten_questions() -> None:
    text = (HOW_TO / "queries.md").read_text("utf-8")
    assert re.findall(r"^\*\*(\d+)\.", text, flags=re.M) == [str(n) for n in range(1, 11)]


@pytest.mark.parametrize("number", range(len(blocks("queries.md", "sql"))))
def test_the_questions_have_answers(release: Path, number: int) -> None:
    query = blocks("queries.md", "sql")[number]
    with duckdb.connect(str(release / "release.duckdb"), read_only=True) as con:
        assert con.execute(query).fetchall(), query


@pytest.mark.parametrize("number", range(len(blocks("python.md", "python"))))
def test_the_python_page_runs(release: Path, number: int) -> None:
    code = blocks("python.md", "python")[number]
    place = release.parents[2]
    ran = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=False)
    assert ran.returncode == 0 and ran.stdout.strip(), ran.stderr


@pytest.mark.parametrize("page", ["duckdb_cli.md", "r.md", "power_bi.md", "superset.md", "metabase.md", "excel.md"])
def test_the_pages_name_only_what_is_there(release: Path, page: str) -> None:
    with duckdb.connect(str(release / "release.duckdb"), read_only=True) as con:
        tables = {row[0] for row in con.execute("select table_name from duckdb_tables()").fetchall()}
    text = (HOW_TO / page).read_text("utf-8")
    assert {name for name in re.findall(r"\b(?:rpt|dim)_[a-z_]*[a-z]\b", text) if name != "rpt_x"} <= tables
    for name in re.findall(r"current/([a-z_/.]+\.(?:duckdb|parquet|csv))", text):
        assert (release / name).is_file(), name


def test_an_old_duckdb_opens_the_file(release: Path, tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    installed = subprocess.run(
        [str(uv), "pip", "install", "--quiet", "--target", str(tmp_path / "old"), f"duckdb=={OLD_DUCKDB}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert installed.returncode == 0, f"duckdb {OLD_DUCKDB} can't be installed for this test: {installed.stderr}"
    code = (
        "import sys, duckdb; con = duckdb.connect(sys.argv[1], read_only=True); "
        "print(duckdb.__version__, con.execute('select count(*) from rpt_focus_goals').fetchone()[0], "
        "con.execute('select release_id from meta.release').fetchone()[0], "
        "con.execute(\"select comment from duckdb_tables() where table_name = 'rpt_focus_goals'\").fetchone()[0])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(release / "release.duckdb")],
        env={"PYTHONPATH": str(tmp_path / "old")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    version, count, identifier, *comment = ran.stdout.split()
    assert (version, int(count), identifier) == (OLD_DUCKDB, 12 * 99 * 10, release.name)
    assert " ".join(comment) == "One row per month, municipality and benefit group."


def test_all_formats_hold_the_same_figures(release: Path) -> None:
    with duckdb.connect(str(release / "release.duckdb"), read_only=True) as con:
        expected = con.execute(
            "select count(*), sum(passive_count), count(passive_share) from rpt_focus_goals"
        ).fetchone()
        text = str(release / "csv" / "rpt_focus_goals.csv")
        assert (
            con.execute(f"select count(*), sum(passive_count), count(passive_share) from read_csv('{text}')").fetchone()
            == expected
        )
    assert expected is not None
    parquet = release / "parquet" / "rpt_focus_goals.parquet"
    frame = pd.read_parquet(parquet)
    assert (len(frame), frame["passive_count"].sum(), frame["passive_share"].count()) == expected
    assert pl.read_parquet(parquet)["passive_count"].sum() == expected[1]
    assert pq.read_metadata(parquet).row_group(0).column(0).compression == "ZSTD"


def test_the_workbooks_have_labels_notes_and_frozen_headings(release: Path) -> None:
    assert {path.stem for path in (release / "excel").iterdir()} >= {"conversations", "offers", "results", "categories"}
    book = openpyxl.load_workbook(release / "excel" / "offers.xlsx")
    assert book.sheetnames[0].startswith("Noter")
    notes = " ".join(str(row[0]) for row in book.worksheets[0].iter_rows(values_only=True) if row[0])
    assert "skjult" in notes and "hidden" in notes and release.name in notes
    sheet = next(sheet for sheet in book.worksheets if "focus_goals" in sheet.title)
    assert sheet.freeze_panes == "D4"
    heads = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=1, max_row=3)]
    place = heads[2].index("passive_share")
    assert (heads[0][place], heads[1][place]) == ("Andel passive", "Share passive")
    assert sheet.max_row > 100


def test_a_sheet_begins_with_the_newest_month_that_has_figures_and_with_its_totals(tmp_path: Path) -> None:
    """Obligations fall due in months to come: these rows come last, however many they are."""
    with duckdb.connect() as con:
        con.execute(
            "attach ':memory:' as release; create table release.dim_months as select date '2025-06-01' as month"
        )
        con.execute(
            f"""create table release.rpt_measure_results as
            select measure_id, month as period_start_date, month as period_end_date, municipality_code, group_code,
                case when month = date '2025-06-01' then 0.5 end as measure_value
            from (values (date '2025-06-01'), (date '2025-09-01')) as months (month),
                (values ('a'), ('b')) as measures (measure_id), (values ('dagpenge'), ('all')) as groups (group_code),
                (select lpad(i::varchar, 4, '0') as municipality_code from range({formats.EXCEL_ROWS}) as rows (i))"""
        )
        formats.write_excel(con, "release", ["rpt_measure_results"], tmp_path / "excel", "r1")
    (path,) = (tmp_path / "excel").iterdir()
    rows = list(openpyxl.load_workbook(path).worksheets[1].iter_rows(min_row=3, values_only=True))
    head, shown = rows[0], rows[1:]
    assert len(shown) == formats.EXCEL_ROWS and all(row[head.index("measure_value")] == 0.5 for row in shown)
    assert {row[head.index("measure_id")] for row in shown} == {"a", "b"}
    assert {row[head.index("group_code")] for row in shown} == {"all"} and shown[0][
        head.index("municipality_code")
    ] == "0000"


def test_the_codebook_and_the_data_package_describe_every_column(release: Path) -> None:
    manifest = json.loads((release / "manifest.json").read_text("utf-8"))
    with (release / "csv" / "codebook.csv").open(encoding="utf-8", newline="") as file:
        described = {(row["table"], row["column"]) for row in csv.DictReader(file)}
    assert described == {(name, column) for name, table in manifest["tables"].items() for column in table["columns"]}
    package = json.loads((release / "datapackage.json").read_text("utf-8"))
    assert {r["path"] for r in package["resources"]} == {
        f"{kind}/{name}.{kind}" for name in manifest["tables"] for kind in ("csv", "parquet")
    }
    for resource in package["resources"]:
        path = release / resource["path"]
        assert resource["bytes"] == path.stat().st_size
        assert resource["hash"] == "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
        with path.open(encoding="utf-8") if path.suffix == ".csv" else path.open("rb") as file:
            if path.suffix == ".csv":
                assert next(csv.reader(file)) == [field["name"] for field in resource["schema"]["fields"]]
