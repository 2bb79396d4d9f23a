"""A release is written whole, closed, named and never changed."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import openpyxl
import pytest

from orchestration.expectations.release import release_suites
from orchestration.lib.disclosure import control
from orchestration.lib.disclosure.declarations import DECLARATIONS, UndeclaredTable
from orchestration.lib.release import meta, writer
from orchestration.lib.release.content import columns_of, content_hash
from orchestration.lib.release.labels import labels
from tests.support.faults import wrong_with_releases
from tests.support.release_fixture import Fixture, build

AT = dt.datetime(2025, 7, 1, 10, 15, tzinfo=dt.UTC)
ID = writer.release_identifier(AT, "abcdef12")
FACTS = writer.ReleaseFacts(
    created_at=AT,
    build_id="b1",
    project_hash="ab" * 32,
    key_id="k1",
    deliveries=[{"period": "2023-01", "delivery": 1, "status": "accepted", "rows": 3, "hash": "x"}],
)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Fixture:
    return build(tmp_path_factory.mktemp("warehouse") / "warehouse.duckdb", months=2, persons=4000)


@pytest.fixture(scope="module")
def release(warehouse: Fixture, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return writer.write_release(warehouse.path, tmp_path_factory.mktemp("releases"), release_id=ID, facts=FACTS)


def test_identifiers_sort_by_time() -> None:
    later = writer.release_identifier(AT + dt.timedelta(seconds=1), "00000000ff")
    assert ID == "20250701T101500Z-abcdef12" and later > ID
    with pytest.raises(ValueError, match="time zone"):
        writer.release_identifier(dt.datetime(2025, 7, 1), "abcdef12")


def test_release_is_named_only_when_whole_and_is_closed(release: Path) -> None:
    assert release.name == ID
    assert not [path for path in release.parent.iterdir() if path.name.startswith(".incomplete")]
    for path in release.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o444), path


def test_every_table_of_marts_is_released_with_its_hash_and_comments(release: Path, warehouse: Fixture) -> None:
    manifest = json.loads((release / "manifest.json").read_text("utf-8"))
    with duckdb.connect(str(warehouse.path), read_only=True) as con:
        expected = {
            row[0]
            for row in con.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        }
    with duckdb.connect(str(release / "release.duckdb"), read_only=True) as con:
        tables = {
            row[0]
            for row in con.execute("select table_name from duckdb_tables() where schema_name = 'main'").fetchall()
        }
        assert tables == expected | {"rpt_revisions"} == set(manifest["tables"])
        for name in ("rpt_focus_goals", "dim_municipalities"):
            columns = list(manifest["tables"][name]["columns"])
            assert content_hash(con, f"main.{name}", columns) == manifest["tables"][name]["sha256"]
            parquet = f"read_parquet('{release / 'parquet' / (name + '.parquet')}')"
            assert content_hash(con, parquet, columns) == manifest["tables"][name]["sha256"]
        comment = con.execute(
            "select comment from duckdb_columns() "
            "where table_name = 'rpt_focus_goals' and column_name = 'passive_count'"
        ).fetchone()
        assert comment == ("Persons without offer or work for a year.",)
        assert con.execute("select release_id, hidden_maximum from meta.release").fetchall() == [(ID, 2)]
        assert con.execute("select period, delivery, status from meta.deliveries").fetchall() == [
            ("2023-01", 1, "accepted")
        ]


def test_ranks_are_counted_among_the_figures_that_are_shown() -> None:
    """A rank, or a gap between the ranks of others, would tell between which figures a hidden one lies."""
    name, declaration = "rpt_rank_uncertainty", DECLARATIONS["rpt_rank_uncertainty"]
    with duckdb.connect() as con:
        con.execute("attach ':memory:' as release")
        numbers = [name for name in declaration.figure_columns if name not in ("measure_value", "rank")]
        others = ", ".join(f"'inside' as {name}" if name in declaration.words else f"1 as {name}" for name in numbers)
        # Ranks 1 2 2 4 5 of one measure, 1 2 of another; a place without a rank has none afterwards either.
        con.execute(
            f"""create table memory.main.{name} as
            select '2025QMAT02' as period_code, col0 as municipality_code, col1 as measure_id,
                null::varchar as expected_source, col2 as rank, col2 / 10.0 as measure_value, {others},
                1.0 as funnel_target, 1.0 as funnel_overdispersion
            from (values ('0101', 'a', 4), ('0147', 'a', 1), ('0151', 'a', 2), ('0153', 'a', 5), ('0155', 'a', 2),
                ('0157', 'a', null), ('0101', 'b', 2), ('0147', 'b', 1)) as rows"""
        )
        relation = f'memory.main."{name}"'
        state = control.read_state(con, name, relation, columns_of(con, relation))
        state.hide_row(np.asarray([False, True, False, False, True, False, False, False]))
        writer._write_suppressed(con, name, f'release.main."{name}"', state)
        rows = con.execute(f"select municipality_code, rank, funnel_position_code from release.main.{name}").fetchall()
    assert rows == [
        ("0101", 2, "inside"), ("0147", None, None), ("0151", 1, "inside"), ("0153", 3, "inside"), ("0155", None, None),
        ("0157", None, "inside"), ("0101", 2, "inside"), ("0147", 1, "inside"),
    ]  # fmt: skip


def test_every_table_about_the_release_is_described_column_by_column(release: Path) -> None:
    with duckdb.connect(str(release / "release.duckdb"), read_only=True) as con:
        tables = con.execute(
            "select table_name, comment from duckdb_tables() where schema_name = 'meta' order by 1"
        ).fetchall()
        columns = con.execute(
            "select table_name, column_name, comment from duckdb_columns() where schema_name = 'meta'"
        ).fetchall()
    assert [name for name, _ in tables] == sorted(meta.TABLES)
    assert all(comment for _, comment in tables) and len(columns) == sum(len(t.columns) for t in meta.TABLES.values())
    assert [row for row in columns if not row[2]] == []


def test_a_release_of_sample_deliveries_says_so_wherever_it_is_read(
    release: Path, warehouse: Fixture, tmp_path: Path
) -> None:
    made_up = writer.write_release(warehouse.path, tmp_path, release_id=ID, facts=replace(FACTS, is_sample=True))
    said = {}
    for folder in (release, made_up):
        with duckdb.connect(str(folder / "release.duckdb"), read_only=True) as con:
            in_file = con.execute("select is_sample from meta.release").fetchall()
        package = json.loads((folder / "datapackage.json").read_text("utf-8"))
        books = [openpyxl.load_workbook(path, read_only=True) for path in sorted((folder / "excel").iterdir())]
        notes = [" ".join(str(row[0].value) for row in book.worksheets[0].iter_rows() if row) for book in books]
        said[folder] = (
            in_file == [(True,)],
            json.loads((folder / "manifest.json").read_text("utf-8"))["is_sample"],
            package.get("description") == labels().sample("en"),
            {labels().sample("da") in note and labels().sample("en") in note for note in notes},
        )
    assert said == {release: (False, False, False, {False}), made_up: (True, True, True, {True})}


def test_a_release_is_never_changed_and_two_of_the_same_have_the_same_content(
    release: Path, warehouse: Fixture, tmp_path: Path
) -> None:
    with pytest.raises(writer.ReleaseError, match="never changed"):
        writer.write_release(warehouse.path, release.parent, release_id=ID, facts=FACTS)
    again = writer.write_release(warehouse.path, tmp_path, release_id=ID, facts=FACTS)
    first, second = (json.loads((path / "manifest.json").read_text("utf-8")) for path in (release, again))
    assert first == second
    for path in sorted((release / "parquet").iterdir()):
        assert path.read_bytes() == (again / "parquet" / path.name).read_bytes()


def test_content_hash_sees_every_change_but_not_the_order() -> None:
    con = duckdb.connect()
    con.execute("create table a as select * from (values (1, 'x', null), (2, 'y', 0.5)) t(i, s, f)")
    con.execute("create table b as from a order by i desc")
    con.execute("create table c as select i, s, coalesce(f, 0) as f from a")
    con.execute("create table d as from a union all select * from a where i = 1")
    hashes = [content_hash(con, name, ["i", "s", "f"]) for name in "abcd"]
    assert hashes[0] == hashes[1] and len(set(hashes)) == 3
    # Releases are compared with those of years before: the hash of the same rows stays the same.
    rows = [hashlib.md5(text.encode()).hexdigest() for text in ("1\x1fx\x1f\x1e", "2\x1fy\x1f0.5")]
    assert hashes[0] == hashlib.sha256("".join(sorted(rows)).encode()).hexdigest()
    con.execute("create table nothing as from a where false")
    assert content_hash(con, "nothing", ["i", "s", "f"]) == hashlib.sha256(b"").hexdigest()


def test_columns_of_tables_and_views_come_in_their_order() -> None:
    con = duckdb.connect()
    con.execute("create table t (b decimal(9, 2), a timestamptz); create view v as select a, b from t")
    assert columns_of(con, "memory.main.t") == {"b": "DECIMAL(9,2)", "a": "TIMESTAMP WITH TIME ZONE"}
    assert list(columns_of(con, 'memory.main."v"')) == ["a", "b"]
    assert columns_of(con, "memory.main.none_such") == {}


def test_current_moves_in_one_step_and_only_to_a_finished_release(release: Path, tmp_path: Path) -> None:
    releases = release.parent
    assert writer.current_release(releases) is None
    writer.make_current(releases, ID)
    assert str((releases / "current").readlink()) == ID
    assert writer.current_release(releases) == releases / ID
    assert writer.release_folders(releases) == [release]
    with pytest.raises(writer.ReleaseError, match="no finished release"):
        writer.make_current(releases, "20990101T000000Z-00000000")


def test_a_release_is_written_whatever_the_folders_are_called(warehouse: Fixture, tmp_path: Path) -> None:
    place = tmp_path / "Lars' [own] data"
    moved = place / "warehouse.duckdb"
    place.mkdir()
    shutil.copy(warehouse.path, moved)
    later = writer.release_identifier(AT + dt.timedelta(days=1), "abcdef12")
    options: dict[str, Any] = {"facts": FACTS, "temporary": place / "tmp", "protected": place / "notes"}
    first = writer.admit(writer.write_release(moved, place / "candidates", release_id=ID, **options), place / "r")
    second = writer.write_release(moved, place / "candidates", release_id=later, previous=first, **options)
    writer.make_current(place / "r", writer.admit(second, place / "r").name)
    assert wrong_with_releases(place / "r") == []
    compared = [suite.source for suite in release_suites(first) if suite.source and "read_parquet" in suite.source]
    assert len(compared) == 3
    with duckdb.connect(str(place / "r" / later / "release.duckdb"), read_only=True) as con:
        for query in compared:
            assert con.execute(query).fetchall()


def test_leftovers_of_a_killed_run_are_removed_at_the_next_start(warehouse: Fixture, tmp_path: Path) -> None:
    leftover = tmp_path / ".incomplete-20250101T000000Z-00000000" / "parquet"
    leftover.mkdir(parents=True)
    (leftover / "half.parquet").write_bytes(b"half")
    (leftover / "half.parquet").chmod(0o444)
    leftover.chmod(0o555)
    assert writer.remove_leftovers(tmp_path) == [".incomplete-20250101T000000Z-00000000"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("create table marts.rpt_new as select 1 as person_count", r"rpt_new: no declaration"),
        (
            "alter table marts.rpt_focus_goals add column secret_count bigint",
            r"rpt_focus_goals\.secret_count \(BIGINT\)",
        ),
        ("alter table marts.rpt_focus_goals drop column month", r"rpt_focus_goals: key column\(s\) month"),
    ],
)
def test_what_nobody_declared_stops_the_release(tmp_path: Path, statement: str, message: str) -> None:
    fixture = build(tmp_path / "w" / "warehouse.duckdb", months=1, persons=2000, municipalities=4)
    with duckdb.connect(str(fixture.path)) as con:
        con.execute(statement)
    with pytest.raises(UndeclaredTable, match=message):
        writer.write_release(fixture.path, tmp_path / "releases", release_id=ID, facts=FACTS)
    assert writer.release_folders(tmp_path / "releases") == []


def test_a_warehouse_without_marts_is_not_released(tmp_path: Path) -> None:
    duckdb.connect(str(tmp_path / "warehouse.duckdb")).close()
    with pytest.raises(writer.ReleaseError, match="nothing to release"):
        writer.write_release(tmp_path / "warehouse.duckdb", tmp_path / "releases", release_id=ID, facts=FACTS)
