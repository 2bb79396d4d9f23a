"""Row rules: one row for each rule of each data set, which row of several stays, and what each format may hold.

Every case adds broken rows to sound ones, few enough not to reject the delivery.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestration.lib.pseudonyms import Key, load_key, person_key
from orchestration.lib.settings import PROJECT_ROOT
from tests.support.landing import (
    as_csv,
    as_table,
    benefit_rows,
    conversation_rows,
    hours_rows,
    load,
    make_settings,
    offer_rows,
    query,
    write_delivery,
)
from tests.support.warehouse import copy_project

PERIOD = "2024-06"
MUNICIPALITIES = [
    line.split(",")[0]
    for line in (PROJECT_ROOT / "seeds/reference/municipalities.csv").read_text(encoding="utf-8").splitlines()[1:]
]
COVARIATES = [
    line.split(",")[0]
    for line in (PROJECT_ROOT / "seeds/reference/framework_covariates.csv").read_text(encoding="utf-8").splitlines()[1:]
]


def framework_rows() -> list[dict[str, Any]]:
    """All municipalities × the first two covariates."""
    return [
        {"municipality_code": code, "period_code": "2024QMAT02", "covariate_code": covariate, "value": "12.5"}
        for code in MUNICIPALITIES
        for covariate in COVARIATES[:2]
    ]


def population_rows() -> list[dict[str, Any]]:
    return [{"municipality_code": code, "population_16_66": "1000"} for code in MUNICIPALITIES]


SOUND = {
    "benefit_periods": benefit_rows(PERIOD, 2000),
    "conversations": conversation_rows(PERIOD, 2000),
    "active_offers": offer_rows(PERIOD, 2000),
    "ordinary_hours": hours_rows(2000),
    "population": population_rows(),
    "framework_conditions": framework_rows(),
}

NULL, CAST, LIST, RANGE = "null_not_allowed", "not_castable", "not_in_list", "out_of_range"
PERSON = {"person_id": "6101509999"}
NEW_TALK, NEW_OFFER = {"conversation_id": "n"}, {"offer_id": "n"}

# data set, what differs from a sound row (a new key: no duplicate), rule, column, words of the reason
BROKEN: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("benefit_periods", {"person_id": None}, NULL, "person_id", "is empty"),
    ("benefit_periods", {"person_id": "123456789"}, RANGE, "person_id", "is not 10 digits"),
    ("benefit_periods", {"person_id": "61015000011"}, RANGE, "person_id", "is not 10 digits"),
    ("benefit_periods", {"person_id": "610150-001"}, RANGE, "person_id", "is not 10 digits"),
    ("benefit_periods", {"person_id": " 6101509999"}, RANGE, "person_id", "is not 10 digits"),
    ("benefit_periods", {"person_id": "６101509999"}, RANGE, "person_id", "is not 10 digits"),
    ("benefit_periods", PERSON | {"benefit_code": None}, NULL, "benefit_code", "is empty"),
    ("benefit_periods", PERSON | {"benefit_code": "Dagpenge"}, LIST, "benefit_code", "none of the codes allowed"),
    ("benefit_periods", PERSON | {"benefit_code": "dagpenge "}, LIST, "benefit_code", "none of the codes allowed"),
    ("benefit_periods", PERSON | {"match_group_code": "x"}, LIST, "match_group_code", "none of the codes allowed"),
    ("benefit_periods", PERSON | {"municipality_code": None}, NULL, "municipality_code", "is empty"),
    ("benefit_periods", PERSON | {"municipality_code": "0411"}, LIST, "municipality_code", "none of the codes"),
    ("benefit_periods", PERSON | {"municipality_code": "101"}, LIST, "municipality_code", "none of the codes"),
    ("benefit_periods", PERSON | {"from_date": None}, NULL, "from_date", "is empty"),
    ("benefit_periods", PERSON | {"from_date": "01-06-2024"}, CAST, "from_date", "can't be read as date"),
    ("benefit_periods", PERSON | {"from_date": "2024-06-31"}, CAST, "from_date", "can't be read as date"),
    ("benefit_periods", PERSON | {"from_date": "2024-06-01 "}, CAST, "from_date", "can't be read as date"),
    ("benefit_periods", PERSON | {"from_date": "2024-05-31"}, "outside_period", "from_date", "the delivery, 2024-06"),
    ("benefit_periods", PERSON | {"to_date": "2024-07-01"}, "outside_period", "to_date", "the delivery, 2024-06"),
    ("benefit_periods", PERSON | {"from_date": "2024-06-16"}, "wrong_order", "to_date", "lies before from_date"),
    ("benefit_periods", PERSON | {"benefit_fraction": None}, NULL, "benefit_fraction", "is empty"),
    ("benefit_periods", PERSON | {"benefit_fraction": "0,5"}, CAST, "benefit_fraction", "can't be read as decimal"),
    ("benefit_periods", PERSON | {"benefit_fraction": "0.1234567"}, CAST, "benefit_fraction", "read as decimal"),
    ("benefit_periods", PERSON | {"benefit_fraction": "1e-1"}, CAST, "benefit_fraction", "can't be read as decimal"),
    ("benefit_periods", PERSON | {"benefit_fraction": "1000000000000"}, CAST, "benefit_fraction", "read as decimal"),
    ("benefit_periods", PERSON | {"benefit_fraction": "nan"}, CAST, "benefit_fraction", "can't be read as decimal"),
    ("benefit_periods", PERSON | {"benefit_fraction": "0"}, RANGE, "benefit_fraction", "above 0 and at most 1"),
    ("benefit_periods", PERSON | {"benefit_fraction": "1.000001"}, RANGE, "benefit_fraction", "above 0 and at most 1"),
    # Several broken rules: the first in the order of the contract's columns, then of the codes.
    ("benefit_periods", PERSON | {"benefit_code": "x", "from_date": "x"}, LIST, "benefit_code", "none of the codes"),
    ("benefit_periods", PERSON | {"to_date": "2024-05-01"}, "outside_period", "to_date", "month of the delivery"),
    ("conversations", {"conversation_id": None}, NULL, "conversation_id", "is empty"),
    ("conversations", NEW_TALK | {"person_id": "x"}, RANGE, "person_id", "is not 10 digits"),
    ("conversations", NEW_TALK | {"municipality_code": "9999"}, LIST, "municipality_code", "none of"),
    ("conversations", NEW_TALK | {"conversation_type_code": None}, NULL, "conversation_type_code", "is"),
    ("conversations", NEW_TALK | {"conversation_type_code": "7.0"}, CAST, "conversation_type_code", "int"),
    ("conversations", NEW_TALK | {"conversation_type_code": "9" * 30}, CAST, "conversation_type_code", "int"),
    ("conversations", NEW_TALK | {"conversation_type_code": "14"}, LIST, "conversation_type_code", "none of"),
    ("conversations", NEW_TALK | {"contact_form": "fax"}, LIST, "contact_form", "none of the codes"),
    ("conversations", NEW_TALK | {"status": "HELD"}, LIST, "status", "none of the codes"),
    ("conversations", NEW_TALK | {"conversation_date": None}, NULL, "conversation_date", "is empty"),
    ("conversations", NEW_TALK | {"conversation_date": "2024-07-01"}, "outside_period", "conversation_date", "m"),
    ("conversations", NEW_TALK | {"requested_date": "soon"}, CAST, "requested_date", "read as date"),
    ("conversations", NEW_TALK | {"requested_date": "2024-06-11"}, "wrong_order", "requested_date", "after conv"),
    ("conversations", NEW_TALK | {"registered_at": None}, NULL, "registered_at", "is empty"),
    ("conversations", NEW_TALK | {"registered_at": "2024-06-11 09:30:00"}, CAST, "registered_at", "timestamp"),
    ("conversations", NEW_TALK | {"registered_at": "2024-06-11T24:30:00"}, CAST, "registered_at", "timestamp"),
    ("conversations", NEW_TALK | {"registered_at": "2024-06-11T24:00:00"}, CAST, "registered_at", "timestamp"),
    ("conversations", NEW_TALK | {"registered_at": "2024-06-11T09:30:00Z"}, CAST, "registered_at", "times"),
    ("conversations", NEW_TALK | {"registered_at": "2024-06-09T23:59:59"}, "wrong_order", "registered_at", "is held"),
    ("active_offers", {"offer_id": None}, NULL, "offer_id", "is empty"),
    ("active_offers", NEW_OFFER | {"person_id": "x"}, RANGE, "person_id", "is not 10 digits"),
    ("active_offers", NEW_OFFER | {"municipality_code": "x"}, LIST, "municipality_code", "none of the codes"),
    ("active_offers", NEW_OFFER | {"offer_type": "kursus"}, LIST, "offer_type", "none of the codes"),
    ("active_offers", NEW_OFFER | {"from_date": "2024-05-31"}, "outside_period", "from_date", "2024-06"),
    ("active_offers", NEW_OFFER | {"to_date": "2024-07-01"}, "outside_period", "to_date", "2024-06"),
    ("active_offers", NEW_OFFER | {"to_date": "2024-06-04"}, "wrong_order", "to_date", "lies before from_date"),
    ("active_offers", NEW_OFFER | {"hours_per_week": "-0.1"}, RANGE, "hours_per_week", "at least 0 and at most 60"),
    ("active_offers", NEW_OFFER | {"hours_per_week": "60.01"}, RANGE, "hours_per_week", "at least 0 and at most 60"),
    ("active_offers", NEW_OFFER | {"hours_per_week": "many"}, CAST, "hours_per_week", "can't be read as decimal"),
    ("ordinary_hours", {"person_id": "x"}, RANGE, "person_id", "is not 10 digits"),
    ("ordinary_hours", PERSON | {"paid_hours": None}, NULL, "paid_hours", "is empty"),
    ("ordinary_hours", PERSON | {"paid_hours": "0"}, RANGE, "paid_hours", "above 0 and at most 744"),
    ("ordinary_hours", PERSON | {"paid_hours": "744.01"}, RANGE, "paid_hours", "above 0 and at most 744"),
    ("ordinary_hours", {"paid_hours": "99"}, "duplicate", "person_id", "an earlier row of the file has"),
    ("population", {"municipality_code": "0000"}, LIST, "municipality_code", "none of the codes"),
    ("population", {"population_16_66": "0"}, RANGE, "population_16_66", "must be above 0"),
    ("population", {"population_16_66": "12.5"}, CAST, "population_16_66", "can't be read as integer"),
    ("population", {"population_16_66": "999"}, "duplicate", "municipality_code", "same municipality_code"),
    ("framework_conditions", {"municipality_code": "x"}, LIST, "municipality_code", "none of the codes"),
    ("framework_conditions", {"period_code": "2024"}, "outside_period", "period_code", "must be 2024QMAT02"),
    ("framework_conditions", {"period_code": "2023QMAT04"}, "outside_period", "period_code", "must be 2024QMAT02"),
    ("framework_conditions", {"covariate_code": "weather"}, LIST, "covariate_code", "none of the codes"),
    ("framework_conditions", {"value": "high"}, CAST, "value", "can't be read as decimal"),
]  # fmt: skip


@pytest.mark.parametrize("dataset", list(SOUND))
def test_each_broken_row_is_quarantined_with_its_rule(tmp_path: Path, dataset: str) -> None:
    """All broken rows of a data set in one file, enough sound ones in front of them, as CSV."""
    cases = [case for case in BROKEN if case[0] == dataset]
    sound = SOUND[dataset]
    settings = make_settings(tmp_path)
    # Few rows of population and framework conditions may break: one delivery for every two cases there.
    size = len(cases) if len(sound) >= 2000 else 1
    groups = [cases[start : start + size] for start in range(0, len(cases), size)]
    for number, group in enumerate(groups, start=1):
        rows = sound + [sound[0] | changes for _, changes, *_ in group]
        write_delivery(settings.landing, PERIOD, number, {dataset: rows}, "csv")
    report = load(settings)
    assert report.rejected == []
    assert len(report.accepted) == len(groups)
    found = query(
        settings,
        'select delivery, row_number, rule, "column", reason, file from quality.quarantined_rows order by all',
    )
    expected = [
        (number, len(sound) + position, *case)
        for number, group in enumerate(groups, start=1)
        for position, case in enumerate(group, start=1)
    ]
    assert [row[:4] for row in found] == [
        (number, row, rule, column) for number, row, _, _, rule, column, _ in expected
    ]
    for (*_, column, reason, file), (*_, words) in zip(found, expected, strict=True):
        assert file == f"{dataset}.csv"
        assert reason.startswith(f"{column}: ") or column in reason
        assert words in reason
    counts = query(settings, "select distinct rows_in_file, accepted, quarantined from quality.delivery_datasets")
    assert counts == [(len(sound) + size, len(sound), size)]
    assert query(settings, f"select count(*) from raw.{dataset}") == [(len(sound),)]


@pytest.mark.parametrize(
    ("valid_to_date", "is_accepted"),
    [("2024-06-01", False), ("2024-06-02", True)],
    ids=["ended before the month", "ended in the month"],
)
def test_a_code_is_allowed_while_its_dated_row_is_in_force(
    tmp_path: Path, valid_to_date: str, is_accepted: bool
) -> None:
    project = copy_project(tmp_path / "project")
    seed = project / "seeds" / "reference" / "contact_forms.csv"
    lines = seed.read_text(encoding="utf-8").splitlines(keepends=True)
    (letter,) = (line for line in lines if line.startswith("letter,"))
    ended = letter.replace("9999-12-31", valid_to_date)
    seed.write_text("".join(lines).replace(letter, ended), encoding="utf-8")
    settings = replace(make_settings(tmp_path), project=project)
    rows = [*conversation_rows(PERIOD, 100), conversation_rows(PERIOD, 1)[0] | NEW_TALK | {"contact_form": "letter"}]
    write_delivery(settings.landing, PERIOD, 1, {"conversations": rows})
    assert load(settings).rejected == []
    found = query(settings, 'select row_number, rule, "column", reason from quality.quarantined_rows')
    reason = "contact_form: is none of the codes allowed in 2024-06 (reference list contact_form_code)."
    assert found == ([] if is_accepted else [(101, LIST, "contact_form", reason)])


def test_a_list_with_no_code_in_force_in_the_month_allows_none(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    seed = project / "seeds" / "reference" / "contact_forms.csv"
    seed.write_text(seed.read_text(encoding="utf-8").replace("9999-12-31", "2024-06-01"), encoding="utf-8")
    settings = replace(make_settings(tmp_path), project=project)
    write_delivery(settings.landing, PERIOD, 1, {"conversations": conversation_rows(PERIOD, 100)})
    (rejected,) = load(settings).rejected
    assert "100 of 100 rows" in str(rejected.reasons) and "contact_form" in str(rejected.reasons)


def test_a_quarantined_row_carries_the_hash_of_its_identifier_as_it_stands(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    broken = [{"person_id": "6101509999", "paid_hours": "0"}, {"person_id": "x 1", "paid_hours": "1"}]
    write_delivery(settings.landing, PERIOD, 1, {"ordinary_hours": [*hours_rows(200), *broken, {"paid_hours": "1"}]})
    assert load(settings).rejected == []
    key = load_key(settings)
    assert isinstance(key, Key)
    assert query(settings, "select person_key from quality.quarantined_rows order by row_number") == [
        (person_key(key, "6101509999"),),
        (person_key(key, "x 1"),),
        (None,),
    ]
    keys = {row[0] for row in query(settings, "select person_key from raw.ordinary_hours")}
    assert keys == {person_key(key, row["person_id"]) for row in hours_rows(200)}


@pytest.mark.parametrize("fmt", ["parquet", "csv", "csv.gz"])
def test_of_equal_rows_the_first_stays_and_rows_that_differ_are_legal_overlaps(tmp_path: Path, fmt: str) -> None:
    settings = make_settings(tmp_path)
    rows = benefit_rows(PERIOD, 300)
    again = [rows[7], rows[0] | {"to_date": f"{PERIOD}-16"}, rows[7], rows[8] | {"benefit_fraction": "1.000"}]
    write_delivery(settings.landing, PERIOD, 1, {"benefit_periods": rows + again}, fmt)
    assert load(settings).rejected == []
    assert query(settings, 'select row_number, rule, "column" from quality.quarantined_rows order by 1') == [
        (301, "duplicate", None),
        (303, "duplicate", None),
        (304, "duplicate", None),  # 1.000 is 1 after casting
    ]
    assert query(settings, "select count(*) from raw.benefit_periods") == [(301,)]


def test_two_rows_that_share_a_null_are_equal(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    rows = benefit_rows(PERIOD, 100, match_group_code=None)
    write_delivery(settings.landing, PERIOD, 1, {"benefit_periods": [*rows, rows[0]]})
    load(settings)
    assert query(settings, "select row_number, rule from quality.quarantined_rows") == [(101, "duplicate")]


def test_of_rows_with_one_conversation_id_the_last_registered_stays(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    rows = conversation_rows(PERIOD, 400)
    early, late = f"{PERIOD}-10T00:00:00", f"{PERIOD}-12T10:00:00"
    more = [
        rows[0] | {"registered_at": early, "status": "no_show"},  # 401: earlier than row 1
        rows[1] | {"registered_at": late, "status": "no_show"},  # 402: later than row 2
        rows[2] | {"status": "no_show"},  # 403: same time as row 3, further down
        rows[3],  # 404: equal to row 4
        rows[4] | {"registered_at": "2024-06-09T00:00:00"},  # 405: broken, so that it can't replace row 5
        rows[5] | {"registered_at": f"{PERIOD}-13T10:00:00", "status": "x"},  # 406: broken; replaces neither 6 nor 407
        rows[5] | {"registered_at": late},  # 407: later than row 6
    ]
    write_delivery(settings.landing, PERIOD, 1, {"conversations": rows + more})
    assert load(settings).rejected == []
    assert query(settings, "select row_number, rule from quality.quarantined_rows order by 1") == [
        (2, "superseded_id"),
        (3, "superseded_id"),
        (6, "superseded_id"),
        (401, "superseded_id"),
        (404, "duplicate"),
        (405, "wrong_order"),
        (406, "not_in_list"),
    ]


def test_what_the_rules_do_not_forbid_is_accepted(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    offers = offer_rows(PERIOD, 3)
    offers[1] |= {"offer_id": offers[0]["offer_id"], "hours_per_week": None}
    offers[2] |= {"hours_per_week": "0"}
    talks = conversation_rows(PERIOD, 3)
    talks[0] |= {"registered_at": f"{PERIOD}-10T00:00:00", "requested_date": "2023-01-31"}
    talks[1] |= {"status": "cancelled", "registered_at": "2024-01-01T00:00:00"}
    talks[2] |= {"requested_date": f"{PERIOD}-10"}
    benefits = benefit_rows(PERIOD, 2, from_date=f"{PERIOD}-30", to_date=f"{PERIOD}-30", benefit_fraction="0.000001")
    benefits[1] |= {"person_id": "0000000000"}
    write_delivery(
        settings.landing,
        PERIOD,
        1,
        {"active_offers": offers, "conversations": talks, "benefit_periods": benefits},
        "csv",
    )
    report = load(settings)
    assert (report.rejected, report.rows) == ([], 8)
    assert query(settings, "select count(*) from quality.quarantined_rows") == [(0,)]
    assert query(settings, "select hours_per_week from raw.active_offers order by offer_id, hours_per_week") == [
        (Decimal(37),),
        (None,),
        (Decimal(0),),
    ]


def table_with(rows: list[dict[str, Any]], dataset: str, **columns: Any) -> pa.Table:
    table = as_table(dataset, rows)
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, values)
    return table


def test_parquet_types_that_can_be_cast_are_cast(tmp_path: Path) -> None:
    """Other widths of numbers, doubles, times at midnight, dictionaries, an all-null column, times with a zone."""
    settings = make_settings(tmp_path)
    benefits = table_with(
        benefit_rows(PERIOD, 3),
        "benefit_periods",
        benefit_code=pa.array(["dagpenge"] * 3).dictionary_encode(),
        match_group_code=pa.nulls(3),
        municipality_code=pa.array(["0101"] * 3, pa.large_string()),
        from_date=pa.array([datetime(2024, 6, 1)] * 3, pa.timestamp("ns")),
        benefit_fraction=pa.array([1.0, 0.1, 1 / 3], pa.float64()),
    )
    talks = table_with(
        conversation_rows(PERIOD, 2),
        "conversations",
        conversation_type_code=pa.array([7.0, 17.0], pa.float64()),
        requested_date=pa.nulls(2),
        registered_at=pa.array([datetime(2024, 6, 10, 22), datetime(2024, 6, 11)], pa.timestamp("ms", "UTC")),
    )
    hours = table_with(
        hours_rows(2), "ordinary_hours", paid_hours=pa.array([Decimal("1.5"), Decimal(2)], pa.decimal128(9, 1))
    )
    write_delivery(
        settings.landing, PERIOD, 1, {"benefit_periods": benefits, "conversations": talks, "ordinary_hours": hours}
    )
    report = load(settings)
    assert (report.rejected, report.rows) == ([], 7)
    assert query(settings, "select count(*) from quality.quarantined_rows") == [(0,)]
    assert query(
        settings, "select from_date, benefit_fraction, match_group_code from raw.benefit_periods order by 2"
    ) == [
        (date(2024, 6, 1), Decimal("0.100000"), None),
        (date(2024, 6, 1), Decimal("0.333333"), None),
        (date(2024, 6, 1), Decimal("1.000000"), None),
    ]
    # An instant is told in Danish local time (summer: two hours ahead).
    assert query(settings, "select registered_at from raw.conversations order by 1") == [
        (datetime(2024, 6, 11, 0),),
        (datetime(2024, 6, 11, 2),),
    ]


def test_parquet_cells_that_can_not_be_cast_are_quarantined(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    count = 200
    benefits = table_with(
        benefit_rows(PERIOD, count),
        "benefit_periods",
        from_date=pa.array([datetime(2024, 6, 1, 12)] + [datetime(2024, 6, 1)] * (count - 1), pa.timestamp("us")),
        benefit_fraction=pa.array([1.0, float("nan"), float("inf"), 1e300] + [0.5] * (count - 4)),
    )
    write_delivery(settings.landing, PERIOD, 1, {"benefit_periods": benefits})
    assert load(settings).rejected == []
    assert query(settings, 'select row_number, rule, "column" from quality.quarantined_rows order by 1') == [
        (1, "not_castable", "from_date"),
        (2, "not_castable", "benefit_fraction"),
        (3, "not_castable", "benefit_fraction"),
        (4, "not_castable", "benefit_fraction"),
    ]


def test_csv_may_order_its_columns_end_lines_and_quote_as_it_likes(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    text = (
        b"\xef\xbb\xbfbenefit_fraction,to_date,from_date,municipality_code,match_group_code,benefit_code,person_id\r\n"
        b'1,2024-06-15,2024-06-01,"0101","",dagpenge,6101500001\r\n'
        b'"0.5",2024-06-15,2024-06-01,0101,,"dagpenge","6101500002"'
    )
    write_delivery(settings.landing, PERIOD, 1, {"benefit_periods": text}, "csv")
    assert load(settings).rejected == []
    assert query(settings, "select municipality_code, match_group_code, benefit_fraction from raw.benefit_periods") == [
        ("0101", None, Decimal(1)),
        ("0101", None, Decimal("0.5")),
    ]


def test_row_numbers_count_rows_also_where_a_cell_holds_line_ends(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    rows = offer_rows(PERIOD, 5000)
    for row in rows[:100]:
        row["offer_id"] = f"{row['offer_id']}\nsecond, line"
    rows[4321] |= {"offer_type": "x"}
    write_delivery(settings.landing, PERIOD, 1, {"active_offers": rows}, "csv")
    assert load(settings).rejected == []
    assert query(settings, "select row_number, rule from quality.quarantined_rows") == [(4322, "not_in_list")]


@pytest.mark.parametrize("fmt", ["parquet", "csv", "csv.gz"])
def test_a_file_without_rows_replaces_and_is_accepted(tmp_path: Path, fmt: str) -> None:
    settings = make_settings(tmp_path)
    write_delivery(settings.landing, PERIOD, 1, {"ordinary_hours": hours_rows(3)})
    write_delivery(settings.landing, PERIOD, 2, {"ordinary_hours": []}, fmt)
    assert load(settings).superseded == [f"{PERIOD}/delivery-001"]
    assert query(settings, "select count(*) from raw.ordinary_hours") == [(0,)]
    assert query(settings, "select delivery, row_count from raw.current_batches") == [(2, 0)]


def test_landing_zones_with_pattern_letters_in_their_path_are_read(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    settings = replace(settings, landing=tmp_path / "a [b] * 'c'?")
    write_delivery(settings.landing, PERIOD, 1, {"ordinary_hours": hours_rows(3)})
    write_delivery(settings.landing, "2024-07", 1, {"ordinary_hours": hours_rows(3)}, "csv")
    report = load(settings)
    assert (report.rejected, report.rows) == ([], 6)


def test_csv_is_the_same_as_parquet(tmp_path: Path) -> None:
    """Every data set, the same rows in both formats, give the same tables."""
    tables = []
    for fmt in ("parquet", "csv"):
        settings = make_settings(tmp_path / fmt)
        write_delivery(settings.landing, PERIOD, 1, SOUND, fmt)
        load(settings)
        tables.append({name: query(settings, f"select * from raw.{name} order by all") for name in SOUND})
    assert tables[0] == tables[1]
    assert as_csv("ordinary_hours", hours_rows(1)) == b"person_id,paid_hours\n6101500000,12.5\n"
