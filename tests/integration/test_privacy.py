"""No CPR number leaves the landing zone: every artefact of a pipeline is searched, and its modes are looked at."""

from __future__ import annotations

import stat

import duckdb
import pytest

from tests.support.faults import files_under, holding
from tests.support.undisturbed import CANARIES, Undisturbed


@pytest.fixture(scope="module")
def needles(undisturbed: Undisturbed) -> list[bytes]:
    """The planted numbers, as text and as UTF-16, and forty persons of the sample."""
    with duckdb.connect() as con:
        persons = con.execute(
            f"select distinct person_id from read_parquet('{undisturbed.place.landing}/*/*/benefit_periods.parquet') "
            "order by md5(person_id) limit 40"
        ).fetchall()
    return [
        *(number.encode() for number in CANARIES),
        *(number.encode("utf-16-le") for number in CANARIES),
        *(f"{number[:6]}-{number[6:]}".encode() for number in CANARIES),
        *(str(person[0]).encode() for person in persons),
    ]


@pytest.mark.slow
def test_no_identifier_is_in_any_artefact(undisturbed: Undisturbed, needles: list[bytes]) -> None:
    data = undisturbed.place.data
    kinds = {path.suffix for path in files_under(data)}
    # What is searched: databases, Dagster's storage and logs (.err), release files, Data Docs, dbt's target.
    assert {".duckdb", ".db", ".parquet", ".html", ".json", ".err", ".csv", ".jsonl"} <= kinds
    assert holding(data, needles) == []
    assert not any(needle in undisturbed.log.encode() for needle in needles)


@pytest.mark.slow
def test_the_search_finds_what_is_there(undisturbed: Undisturbed, needles: list[bytes]) -> None:
    """The same search in the landing zone, so that finding nothing above means something."""
    found = {path.suffix for path in holding(undisturbed.place.landing, needles)}
    assert {".parquet", ".csv", ".txt"} <= found


@pytest.mark.slow
def test_the_planted_rows_were_really_loaded_quarantined_and_rejected(undisturbed: Undisturbed) -> None:
    with duckdb.connect(str(undisturbed.place.data / "warehouse.duckdb"), read_only=True) as con:
        statuses = dict(con.execute("select path, status from quality.deliveries").fetchall())
        quarantined = con.execute(
            "select count(*) from quality.quarantined_rows where period = '2023-02' and delivery = 8"
        ).fetchone()
    assert statuses["2023-01/delivery-009"] == "rejected" and statuses["2023-02/delivery-008"] == "accepted"
    assert quarantined == (1,)


@pytest.mark.slow
def test_the_restricted_zone_is_closed_and_releases_can_not_be_written(undisturbed: Undisturbed) -> None:
    data, releases = undisturbed.place.data, undisturbed.place.releases
    for path in [data, *data.rglob("*")]:
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        if releases in path.parents:
            assert mode == (0o755 if path.is_dir() else 0o444), path
        elif path != releases:
            assert mode & 0o077 == 0, f"{path} {mode:04o}"


@pytest.mark.slow
def test_a_release_holds_no_person_level_column(undisturbed: Undisturbed) -> None:
    current = undisturbed.place.releases / "current" / "release.duckdb"
    with duckdb.connect(str(current), read_only=True) as con:
        columns = con.execute(
            "select table_name, column_name, data_type from duckdb_columns() where not internal"
        ).fetchall()
    assert len(columns) > 200
    assert [row for row in columns if "person_key" in row[1] or row[2] == "UBIGINT"] == []
