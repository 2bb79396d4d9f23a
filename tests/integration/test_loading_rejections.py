"""One delivery for each reason to reject, with what the supplier is told; deliveries beside it go on."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestration.lib import deliveries, loading, reading
from orchestration.lib.loading import LoadReport
from orchestration.lib.rules import RuleMissing, read_parameter
from orchestration.lib.settings import PROJECT_ROOT, Settings
from tests.support.landing import (
    as_csv,
    as_table,
    benefit_rows,
    hours_rows,
    load,
    make_settings,
    query,
    write_delivery,
)

PERIOD = "2024-06"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


def reject(settings: Settings, *said: str) -> LoadReport:
    """Load, and check the reasons of the one rejected delivery: each begins as said, none is left over."""
    report = load(settings)
    (rejected,) = report.rejected
    assert len(rejected.reasons) == len(said), rejected.reasons
    for reason, beginning in zip(rejected.reasons, said, strict=True):
        assert reason.startswith(beginning), reason
    stored = query(settings, "select reasons, path from quality.deliveries where status = 'rejected'")
    assert stored == [("\n".join(rejected.reasons), rejected.path)]
    assert query(settings, "select count(*) from quality.quarantined_rows where delivery = 7") == [(0,)]
    assert query(settings, "select count(*) from quality.delivery_datasets where delivery = 7") == [(0,)]
    assert query(settings, "select count(*) from raw.ordinary_hours where _delivery = 7") == [(0,)]
    return report


def write(settings: Settings, content: Any = None, fmt: str = "csv", **options: Any) -> Path:
    """Delivery 7 with ordinary hours, the one to be rejected."""
    return write_delivery(
        settings.landing, PERIOD, 7, {"ordinary_hours": hours_rows(3) if content is None else content}, fmt, **options
    )


def test_a_rejected_delivery_replaces_nothing_and_others_go_on(settings: Settings) -> None:
    write_delivery(settings.landing, PERIOD, 1, {"ordinary_hours": hours_rows(5)})
    write(settings, manifest_overrides={"contract_version": "2"})
    write_delivery(settings.landing, "2024-07", 1, {"ordinary_hours": hours_rows(5)})
    report = reject(settings, "contract_version: manifest.json: contract_version must be the text '1'.")
    assert [delivery.path for delivery in report.accepted] == ["2024-06/delivery-001", "2024-07/delivery-001"]
    assert query(settings, "select status from quality.deliveries order by period, delivery") == [
        ("accepted",),
        ("rejected",),
        ("accepted",),
    ]
    assert query(settings, "select count(*) from raw.ordinary_hours") == [(10,)]


def test_every_reason_is_named_at_once(settings: Settings) -> None:
    folder = write_delivery(
        settings.landing,
        PERIOD,
        7,
        {"ordinary_hours": hours_rows(3, paid_hours="0"), "population": b"municipality_code\n0101\n"},
        "csv",
        manifest_overrides={"contract_version": "9", "delivery": 8},
        file_overrides={"ordinary_hours": {"rows": 4, "sha256": "0" * 64}},
    )
    (folder / "extra.csv").write_text("")
    reject(
        settings,
        "contract_version: ",
        "delivery_number: manifest.json says delivery 8, but its folder is delivery-007.",
        "hash: ordinary_hours.csv: ",
        "unlisted_file: extra.csv ",
        "row_count: ordinary_hours.csv has 3 rows, but the manifest says 4.",
        "too_many_quarantined: ordinary_hours.csv: 3 of 3 rows break a row rule, more than 2 per cent: "
        "out_of_range in paid_hours 3.",
        "columns: population.csv: columns missing: population_16_66.",
    )


def test_missing_file(settings: Settings) -> None:
    (write(settings) / "ordinary_hours.csv").unlink()
    reject(settings, "missing_file: ordinary_hours.csv is listed in the manifest but is not in the folder.")


def test_unlisted_file(settings: Settings) -> None:
    (write(settings) / ".hidden").write_text("")
    reject(settings, "unlisted_file: .hidden is in the folder but is not listed in the manifest.")


@pytest.mark.parametrize("fmt", ["csv", "csv.gz", "parquet"])
@pytest.mark.parametrize("stated", [2, 4])
def test_row_count(settings: Settings, fmt: str, stated: int) -> None:
    write(settings, fmt=fmt, file_overrides={"ordinary_hours": {"rows": stated}})
    reject(settings, f"row_count: ordinary_hours.{fmt} has 3 rows, but the manifest says {stated}.")


def test_hash(settings: Settings) -> None:
    path = write(settings) / "ordinary_hours.csv"
    path.write_bytes(path.read_bytes().replace(b"12.5", b"13.5", 1))
    reject(settings, "hash: ordinary_hours.csv: its SHA-256 is not the one in the manifest")


def test_period(settings: Settings) -> None:
    write(settings, manifest_overrides={"period": "2024-05"})
    reject(settings, "period: manifest.json is about 2024-05, but lies in the folder of 2024-06.")


@pytest.mark.parametrize("stated", ["2024-05", "2035-13"])
def test_a_wrong_month_hides_no_other_reason_and_tells_no_rule_of_a_month(
    settings: Settings, stated: str | None
) -> None:
    rows = hours_rows(3, paid_hours="-1")
    write(settings, rows, manifest_overrides={"period": stated}, file_overrides={"ordinary_hours": {"rows": 4}})
    reject(settings, "period: manifest.json", "row_count: ordinary_hours.csv has 3 rows, but the manifest says 4.")


def test_delivery_number(settings: Settings) -> None:
    write(settings, supplier="statbank")
    reject(
        settings,
        "delivery_number: deliveries fetched from statbank are numbered from 901.",
        "unknown_dataset: statbank may deliver population and jobindsats_* only, not ordinary_hours.",
    )


def test_unknown_dataset(settings: Settings) -> None:
    write_delivery(settings.landing, PERIOD, 7, {"jobindsats_": {"columns": ["a"], "rows": []}})
    reject(settings, "unknown_dataset: the contract knows no data set jobindsats_ (file jobindsats_.json).")


def test_a_folder_whose_name_is_no_month_is_told_once(settings: Settings) -> None:
    write_delivery(settings.landing, "March", 7, {"ordinary_hours": hours_rows(1)})
    reject(settings, "period: the folder March is no month", "period: manifest.json: period is no month")
    assert load(settings).unchanged == 1


UNREADABLE = {
    "random.parquet": b"\x00\x01" * 500,
    "empty.parquet": b"",
    "magic.parquet": b"PAR1" + b"\x00" * 50 + b"PAR1",
    "empty.csv": b"",
    "binary.csv": b"\xff\xfe\x00\x00",
    "ragged.csv": b"person_id,paid_hours\n6101500001,1,2\n",
    "short.csv": b"person_id,paid_hours\n6101500001\n",
    "quotes.csv": b'person_id,paid_hours\n6101500001,"1\n',
    "latin.csv": b"person_id,paid_hours\n6101500001,1\nbl\xe5b\xe6r,1\n",
    "plain.csv.gz": b"person_id,paid_hours\n",
    "empty.csv.gz": b"",
    "ordinary_hours.xlsx": b"PK",
    "ordinary_hours.json": b"{}",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable(settings: Settings, name: str) -> None:
    folder = write(settings)
    (folder / "ordinary_hours.csv").unlink()
    (folder / name).write_bytes(UNREADABLE[name])
    sha256 = hashlib.sha256(UNREADABLE[name]).hexdigest()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"] = [{"dataset": "ordinary_hours", "file": name, "rows": 1, "sha256": sha256}]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    report = load(settings)
    (rejected,) = report.rejected
    codes = {reason.partition(":")[0] for reason in rejected.reasons}
    assert codes <= {"unreadable", "columns"} and len(rejected.reasons) == 1, rejected.reasons
    assert rejected.reasons[0].split(": ")[1] == name
    assert "6101500001" not in rejected.reasons[0]
    if name != "binary.csv":  # which is read as one odd column
        assert codes == {"unreadable"}


def test_the_first_unreadable_line_is_named(settings: Settings) -> None:
    write(settings, b"person_id,paid_hours\n" + b"6101500001,1\n" * 40 + b"6101500001,1,1\n")
    reject(settings, "unreadable: ordinary_hours.csv: can't be read as CSV")
    assert "The first problem is at line 42." in load_reasons(settings)


def load_reasons(settings: Settings) -> str:
    return str(query(settings, "select reasons from quality.deliveries where status = 'rejected'")[0][0])


def test_a_cut_off_gzip_is_unreadable_also_when_its_hash_is_right(settings: Settings) -> None:
    folder = write(settings, hours_rows(3000), "csv.gz")
    content = (folder / "ordinary_hours.csv.gz").read_bytes()[:-6]
    (folder / "ordinary_hours.csv.gz").write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][0]["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    reject(settings, "unreadable: ordinary_hours.csv.gz: is no gzip file, or was cut off.")


COLUMNS = {
    b"person_id\n6101500001\n": "columns missing: paid_hours.",
    b"person_id,paid_hours,wage\n6101500001,1,2\n": "columns not in the contract: wage.",
    b"person_id,paid_hours,paid_hours\n6101500001,1,2\n": "columns twice: paid_hours.",
    b"person_id,Paid_hours\n6101500001,1\n": "columns missing: paid_hours; columns not in the contract: Paid_hours.",
    b"person_id, paid_hours\n6101500001,1\n": "columns missing: paid_hours; columns not in the contract: number 2.",
    b"person_id,paid_hours,\n6101500001,1,\n": "columns not in the contract: number 3.",
    b"person_id;paid_hours\n6101500001;1\n": (
        "columns missing: person_id, paid_hours; columns not in the contract: number 1. "
        "The header has semicolons: fields are separated by commas."
    ),
    b"person_id\tpaid_hours\n6101500001\t1\n": (
        "columns missing: person_id, paid_hours; columns not in the contract: number 1. "
        "The header has tabs: fields are separated by commas."
    ),
    b"6101500001;1\n6101500002;1\n": (
        "columns missing: person_id, paid_hours; columns not in the contract: number 1. Is the header missing?"
    ),
    b"6101500001,1\n6101500002,1\n": (
        "columns missing: person_id, paid_hours; columns not in the contract: number 1, number 2. "
        "Is the header missing?"
    ),
}  # fmt: skip


@pytest.mark.parametrize("content", COLUMNS)
def test_columns(settings: Settings, content: bytes) -> None:
    write(settings, content)
    reject(settings, f"columns: ordinary_hours.csv: {COLUMNS[content]}")


TEXT = "person_id,paid_hours\n6101500001,1\n"
OTHER_FORMS = {
    TEXT.encode("utf-16"): "text in UTF-16 or UTF-32, not UTF-8",
    codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"): "text in UTF-16, not UTF-8",
    gzip.compress(TEXT.encode()): "compressed by gzip: its name must end with .csv.gz",
    b"PK\x03\x04" + bytes(40): "a workbook or a zip archive, not CSV",
    b"\xd0\xcf\x11\xe0" + bytes(40): "a workbook, not CSV",
    b"PAR1" + bytes(40): "a Parquet file: its name must end with .parquet",
}


@pytest.mark.parametrize("content", OTHER_FORMS, ids=["utf16", "utf16be", "gzip", "zip", "xls", "parquet"])
def test_what_is_no_csv_is_told_as_what_it_is(settings: Settings, content: bytes) -> None:
    write(settings, content)
    reject(settings, f"unreadable: ordinary_hours.csv: is {OTHER_FORMS[content]}.")


def test_what_is_no_csv_inside_a_gzip_is_told_without_another_name(settings: Settings) -> None:
    write(settings, gzip.compress(b"PAR1" + bytes(40)), "csv.gz")
    reject(settings, "unreadable: ordinary_hours.csv.gz: is a Parquet file inside its gzip.")


def test_columns_of_parquet(settings: Settings) -> None:
    table = as_table("ordinary_hours", hours_rows(3))
    write(settings, table.append_column("wage", pa.array([1, 2, 3])).drop_columns("paid_hours"), "parquet")
    reject(
        settings,
        "columns: ordinary_hours.parquet: columns missing: paid_hours; columns not in the contract: wage.",
    )


def test_a_text_column_stored_as_numbers_has_lost_its_leading_zeros(settings: Settings) -> None:
    table = as_table("ordinary_hours", hours_rows(3))
    write(settings, table.set_column(0, "person_id", pa.array([101901234, 2, 3])), "parquet")
    reject(
        settings,
        "not_castable: ordinary_hours.parquet: no cell of column person_id can be read as text; stored as a number it "
        "has lost its leading zeros.",
    )


@pytest.mark.parametrize("values", [pa.array([[1], [2], [3]]), pa.array([True] * 3), pa.array([b"x"] * 3)])
def test_a_parquet_column_of_which_no_cell_can_be_cast(settings: Settings, values: pa.Array) -> None:
    table = as_table("ordinary_hours", hours_rows(3))
    write(settings, table.set_column(1, "paid_hours", values), "parquet")
    reject(settings, "not_castable: ordinary_hours.parquet: no cell of column paid_hours can be read as decimal.")


@pytest.mark.parametrize("column", ["benefit_code", "match_group_code", "municipality_code"])
def test_lists_where_text_is_wanted_are_refused_and_the_deliveries_beside_them_go_on(
    settings: Settings, column: str
) -> None:
    table = as_table("benefit_periods", benefit_rows(PERIOD, 3))
    place = table.column_names.index(column)
    lists = pa.array([["dagpenge"], ["0101"], ["jobparat"]])
    write_delivery(settings.landing, PERIOD, 7, {"benefit_periods": table.set_column(place, column, lists)}, "parquet")
    write_delivery(settings.landing, "2024-07", 1, {"ordinary_hours": hours_rows(5)})
    report = reject(settings, f"not_castable: benefit_periods.parquet: no cell of column {column} can be read as text.")
    assert [delivery.path for delivery in report.accepted] == ["2024-07/delivery-001"]


def test_a_decimal_of_more_digits_than_duckdb_has_is_refused_not_misread(settings: Settings) -> None:
    table = as_table("ordinary_hours", hours_rows(3))
    kept = table.set_column(1, "paid_hours", pa.array([0.5, 2, 3]).cast(pa.decimal128(38, 6)))
    write_delivery(settings.landing, "2024-07", 1, {"ordinary_hours": kept}, "parquet")
    write(settings, table.set_column(1, "paid_hours", pa.array([0.5, 2, 3]).cast(pa.decimal256(39, 6))), "parquet")
    reject(
        settings, "unreadable: ordinary_hours.parquet: a column is stored as a decimal of 39 digits; 38 are the most."
    )
    assert [float(row[0]) for row in query(settings, "select paid_hours from raw.ordinary_hours order by 1")] == [
        0.5,
        2,
        3,
    ]


def test_an_ending_in_capitals_is_the_same_kind_of_file(settings: Settings) -> None:
    folder = write(settings, hours_rows(3), "csv.gz")
    (folder / "ordinary_hours.csv.gz").rename(folder / "HOURS.CSV.GZ")
    manifest = (folder / "manifest.json").read_text().replace("ordinary_hours.csv.gz", "HOURS.CSV.GZ")
    (folder / "manifest.json").write_text(manifest)
    assert [delivery.path for delivery in load(settings).accepted] == [f"{PERIOD}/delivery-007"]


@pytest.mark.parametrize("fmt", ["csv", "parquet"])
def test_of_a_text_column_that_can_not_be_cast_it_is_said_how_it_is_written(settings: Settings, fmt: str) -> None:
    table = pa.table({"person_id": ["6101500001"], "paid_hours": ["12,5"]})
    write(settings, hours_rows(1, paid_hours="12,5") if fmt == "csv" else table, fmt)
    reject(
        settings,
        f"not_castable: ordinary_hours.{fmt}: no cell of column paid_hours can be read as decimal: "
        "numbers are written with a decimal point (7.5, not 7,5).",
    )


def test_dates_and_times_as_danes_write_them(settings: Settings) -> None:
    header = "conversation_id,person_id,municipality_code,conversation_type_code,contact_form,status,"
    row = "C1,6101500001,0101,4,phone,held,04-06-2024,,04-06-2024 09:30"
    content = f"{header}conversation_date,requested_date,registered_at\n{row}\n".encode()
    write_delivery(settings.landing, PERIOD, 7, {"conversations": content}, "csv")
    told = "not_castable: conversations.csv: no cell of column"
    reject(
        settings,
        f"{told} conversation_date can be read as date: dates are written 2024-03-01.",
        f"{told} registered_at can be read as timestamp: times are written 2024-03-01T09:30:00.",
    )


def test_one_castable_cell_makes_it_a_matter_of_rows(settings: Settings) -> None:
    write(settings, [*hours_rows(199, paid_hours="x"), {"person_id": "6101509999", "paid_hours": "1"}])
    reject(
        settings,
        "too_many_quarantined: ordinary_hours.csv: 199 of 200 rows break a row rule, more than 2 per cent: "
        "not_castable in paid_hours 199.",
    )


def test_exactly_two_per_cent_are_accepted_and_duplicates_count(settings: Settings) -> None:
    sound = hours_rows(98)
    write_delivery(settings.landing, PERIOD, 1, {"ordinary_hours": [*sound, sound[0], {"paid_hours": "1"}]})
    write(settings, [*sound, sound[0], sound[0], {"paid_hours": "1"}])
    reject(
        settings,
        "too_many_quarantined: ordinary_hours.csv: 3 of 101 rows break a row rule, more than 2 per cent: "
        "duplicate in person_id 2, null_not_allowed in person_id 1.",
    )
    assert query(settings, "select accepted, quarantined from quality.delivery_datasets") == [(98, 2)]


def test_the_limit_is_that_of_the_period(tmp_path: Path) -> None:
    seed = tmp_path / "seeds/rules/rule_parameters.csv"
    seed.parent.mkdir(parents=True)
    seed.write_text(
        "parameter_code,value,valid_from_date,valid_to_date\n"
        "quarantine_share,0.02,1900-01-01,2024-06-01\nquarantine_share,0.5,2024-06-01,9999-12-31\n"
    )
    assert str(read_parameter(tmp_path, "quarantine_share", date(2024, 5, 31))) == "0.02"
    assert str(read_parameter(tmp_path, "quarantine_share", date(2024, 6, 1))) == "0.5"
    with pytest.raises(RuleMissing, match=r"rule_parameters.csv has no row of quarantine_share .* on 1899-12-31"):
        read_parameter(tmp_path, "quarantine_share", date(1899, 12, 31))
    assert str(read_parameter(PROJECT_ROOT, "quarantine_share", date(2024, 6, 1))) == "0.02"


def test_content_changed(settings: Settings) -> None:
    folder = write(settings)
    load(settings)
    (folder / "ordinary_hours.csv").write_bytes(as_csv("ordinary_hours", hours_rows(4)))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][0] |= {
        "rows": 4,
        "sha256": hashlib.sha256((folder / "ordinary_hours.csv").read_bytes()).hexdigest(),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (rejected,) = load(settings).rejected
    assert rejected.reasons[0].startswith("content_changed: this folder was seen on ")
    assert "deliver the correction under a new number. What was loaded from it stays." in rejected.reasons[0]
    assert query(settings, "select status, rows from quality.deliveries order by status") == [
        ("accepted", 3),
        ("rejected", 4),
    ]
    assert query(settings, "select count(*) from raw.ordinary_hours") == [(3,)]


JSON_DEFECTS = {
    b"": "is no JSON in UTF-8",
    b'{"columns": ["a"], "rows": [[NaN]]}': "is no JSON in UTF-8",
    b"[]": "must be one JSON object",
    b'{"rows": []}': "columns must be a list of texts",
    b'{"columns": [1], "rows": []}': "columns must be a list of texts",
    b'{"columns": ["a"]}': "rows must be a list",
    b'{"columns": ["a"], "rows": [["x"], ["x", 2]]}': "row 2 must be a list of 1 cells",
    b'{"columns": ["a"], "rows": [["x"], [{}]]}': "row 2 has a cell that is no text, no number and not null",
    b'{"columns": ["a"], "rows": [[true]]}': "row 1 has a cell that is no text",
}


@pytest.mark.parametrize("content", JSON_DEFECTS)
def test_published_tables_that_are_no_answer_of_the_interface(settings: Settings, content: bytes) -> None:
    write_delivery(settings.landing, PERIOD, 901, {"jobindsats_y30r21": content}, supplier="jobindsats")
    (rejected,) = load(settings).rejected
    assert rejected.reasons[0].startswith(f"unreadable: jobindsats_y30r21.json: {JSON_DEFECTS[content]}")


def test_row_count_of_a_published_table(settings: Settings) -> None:
    document = {"columns": ["a"], "rows": [["x"]]}
    write_delivery(
        settings.landing,
        PERIOD,
        7,
        {"jobindsats_y30r21": document},
        file_overrides={"jobindsats_y30r21": {"rows": 2}},
    )
    reject(settings, "row_count: jobindsats_y30r21.json has 1 rows, but the manifest says 2.")


def test_bytes_flipped_in_a_parquet_file_never_get_through(settings: Settings) -> None:
    folder = write_delivery(settings.landing, PERIOD, 7, {"benefit_periods": benefit_rows(PERIOD, 500)})
    whole = (folder / "benefit_periods.parquet").read_bytes()
    manifest = (folder / "manifest.json").read_bytes()
    for number, position in enumerate(range(5, len(whole), max(1, len(whole) // 25)), start=1):
        other = folder.parent / f"delivery-{number + 100}"
        other.mkdir()
        broken = bytearray(whole)
        broken[position] ^= 0x10
        (other / "benefit_periods.parquet").write_bytes(bytes(broken))
        fields = json.loads(manifest) | {"delivery": number + 100}
        (other / "manifest.json").write_text(json.dumps(fields))
    report = load(settings)
    assert len(report.accepted) == 1
    assert len(report.rejected) >= 25
    assert all(rejected.reasons[0].startswith("hash: ") for rejected in report.rejected)
    assert report.postponed == []


PAGE = PROJECT_ROOT / "docs" / "deliveries.md"


def test_the_example_of_the_page_for_suppliers_is_accepted(settings: Settings) -> None:
    blocks = dict(re.findall(r"```(json|csv)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
    folder = settings.landing / "2024-03" / "delivery-001"
    folder.mkdir(parents=True)
    (folder / "ordinary_hours.csv").write_text(blocks["csv"], "utf-8")
    (folder / "manifest.json").write_text(blocks["json"], "utf-8")
    (accepted,) = load(settings).accepted
    assert (accepted.rows, accepted.quarantined) == (2, 0)


def test_the_page_for_suppliers_says_what_to_do_about_every_reason() -> None:
    used = {
        code
        for module in (deliveries, loading, reading)
        for code in re.findall(r'Reason\(\s*"(\w+)"', Path(module.__file__).read_text("utf-8"))
    }
    told = re.findall(r"^\| `(\w+)` \| .+ \| .+ \|$", PAGE.read_text("utf-8").split("rejected\n")[1], re.MULTILINE)
    assert len(used) == 13 and sorted(told) == sorted(used)
