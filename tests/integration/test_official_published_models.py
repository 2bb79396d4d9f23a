"""The models of published tables, run by dbt on a scratch warehouse: real vintages, if here, and hand-made tables.

The real files come as deliveries in a landing zone, through the loader; hand-made tables are put into raw beside them.
One dbt invocation serves all tests: each has its own published table.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.landing import load, make_settings, write_delivery

PROJECT = Path(__file__).resolve().parents[2]
REAL = PROJECT.parent / "shared" / "real"
VINTAGES = {901: "2026-08-18", 902: "2026-08-19"}
needs_real_figures = pytest.mark.skipif(not REAL.is_dir(), reason="the real figures (../shared/real) are not here")

SEEDS = [
    "benefit_areas",
    "benefit_groups",
    "data_breaks",
    "jobindsats_measure_kinds",
    "jobindsats_measures",
    "jobindsats_tables",
    "municipality_aliases",
    "rule_parameters",
]
MODELS = [
    "stg_jobindsats__tables",
    "stg_jobindsats__rows",
    "stg_jobindsats__y30r21",
    "int_published__columns",
    "int_published__figures",
    "int_published__left_out",
    "int_published__revisions",
    "int_published__benefit_recipients",
    "rpt_published_against_computed",
    "rpt_published_revisions",
]
LEVEL = "Forventet og faktisk antal fuldtidspersoner på offentlig forsørgelse"
SHARE = "Forventet og faktisk andel fuldtidspersoner på offentlig forsørgelse"
Y30R21 = [
    "Periode",
    "Område",
    "Ydelsesgrupper",
    f"{LEVEL}: Forventet antal",
    f"{LEVEL} :  Faktisk antal",
    f"{LEVEL}: Forskel mellem forventet og faktisk antal",
    f"{SHARE}: Forventet andel (pct.)",
    f"{SHARE}: Faktisk andel (pct.)",
    f"{SHARE}: Forskel mellem forventet og faktisk andel (pct. point)",
    "Placering på benchmarkranglisten",
]
PERSONS = ["Antal personer", "Antal fuldtidspersoner", "Fuldtidspersoner i pct. af befolkningen 16-66 år"]


def add_table(
    connection: duckdb.DuckDBPyConnection,
    table_id: str,
    period: str,
    delivery: int,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Put a vintage into raw as the loader does: cells as text, null stays null."""
    connection.execute(
        "insert into raw.jobindsats_tables values (?, ?, ?, ?, ?)",
        [table_id, list(columns), len(rows), f"{period}-01", delivery],
    )
    texts = [[None if cell is None else str(cell) for cell in row] for row in rows]
    connection.execute(
        """insert into raw.jobindsats_rows
        select ?, row_number, cells, cast(? as date), ? from (
            select unnest(range(1, len(given) + 1)) as row_number, unnest(given) as cells
            from (select cast(? as varchar[][]) as given)
        )""",
        [table_id, f"{period}-01", delivery, texts],
    )


def write_files(landing: Path, files: Sequence[Path], period: str, number: int, day: str) -> None:
    """Deliver recorded answers as one fetch of a day."""
    documents = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}
    delivered_at = {"delivered_at": f"{day}T06:00:00+02:00"}
    write_delivery(landing, period, number, documents, supplier="jobindsats", manifest_overrides=delivered_at)


def add_hand_made_tables(connection: duckdb.DuckDBPyConnection) -> None:
    def level(period: str, area: str, group: str, difference: float) -> list[Any]:
        return [period, area, group, 100, 110, 10, 3.0, 3.0 + difference, difference, 1]

    # An older fetch with more rows than the newer one of the same period, and a period that only the older one has.
    add_table(
        connection,
        "y30r21",
        "2025-03",
        905,
        Y30R21,
        [
            level("2024QMAT02", "Aarhus", "Ydelsesgrupper i alt", 0.5),
            level("2024QMAT02", "Ærø", "Ydelsesgrupper i alt", 0.7),
            level("2023QMAT04", "Aarhus", "A-dagpenge mv.", 0.1),
        ],
    )
    add_table(
        connection,
        "y30r21",
        "2025-10",
        901,
        Y30R21,
        [
            level("2024QMAT02", " Aarhus ", "Ydelsesgrupper  i alt", 0.25),
            level("2024QMAT02", "Hele landet", "Ydelsesgrupper i alt", 0.0),
            level("2024QMAT02", "RAR Fyn", "Ydelsesgrupper i alt", 0.0),
            level("2024QMAT02", "Atlantis", "Ydelsesgrupper i alt", 0.9),
            level("2024QMAT02", "Aarhus", "Noget nyt", 0.9),
        ],
    )
    add_table(
        connection,
        "y01a02",
        "2025-10",
        902,
        ["Periode", "Område", *PERSONS],
        [
            ["2024M03", "Hele landet", 2000, 1000.5, 2.5],
            ["2024M03", "Aarhus", 110, 100, 1.0],
            ["2024M03", "Ærø", None, None, 0.0],
            ["2024M03", "Odense", 1000, 900, 1.0],
            ["2024M04", "Aarhus", 110, 100, 1.0],
            ["2024M13", "Aarhus", 1, 1, 1.0],
        ],
    )
    add_table(
        connection,
        "y38a02",
        "2025-10",
        903,
        ["Periode", "Område", "Visitation", *PERSONS],
        [
            ["2024M03", "Aarhus", "Visitation i alt", 60, 50, 1.0],
            ["2024M03", "Aarhus", "Uddannelsesparat", 40, 30, 0.5],
            # After the reform the table no longer speaks of the group.
            ["2025M07", "Aarhus", "Visitation i alt", 60, 50, 1.0],
        ],
    )
    sanctions = ["I alt", "fordelt på type : Andre (arbejdskrav)"]
    columns = [
        "Periode",
        "Område",
        "A-kasse",
        *(f"Antal sanktioner {name}" for name in sanctions),
        "Andel sanktionerede",
    ]
    add_table(
        connection,
        "y01h01",
        "2025-10",
        904,
        columns,
        [["2024Q01", "Aarhus", "CA A-kasse", 151, None, 3.9], ["2024Q01", "Ærø", "CA A-kasse", None, None, 0.0]],
    )
    tight = [column.replace(" : ", ":") for column in columns]
    add_table(
        connection,
        "y01h01",
        "2025-11",
        901,
        tight,
        [
            ["2024Q01", "Aarhus", "CA A-kasse", 151.0, 5, 3.9],
            ["2024Q01", "Ærø", "CA A-kasse", None, None, 0.1],
            ["2024Q02", "Ærø", "CA A-kasse", 7, 7, 0.1],
        ],
    )
    add_table(connection, "y99x99", "2025-10", 905, ["Område", "Antal"], [["Aarhus", 3]])
    connection.execute(
        """
        create schema marts;
        create table marts.dim_municipalities as
        select * from (values ('0000', 'Hele landet', true), ('0751', 'Aarhus', true), ('0492', 'Ærø', true),
            ('0461', 'Odense', true))
        as municipalities (municipality_code, municipality_name, is_current);
        create table marts.fct_benefit_recipients as
        select *, false as is_provisional from (values
            (date '2024-03-01', '0000', 'dagpenge', 2100, 1000.5::double),
            (date '2024-03-01', '0751', 'dagpenge', 115, 110.0::double),
            (date '2024-03-01', '0492', 'dagpenge', 2, 1.5::double),
            (date '2024-03-01', '0461', 'dagpenge', 1051, 945.0::double),
            (date '2024-03-01', '0751', 'uddannelseshjaelp', 60, 50.0::double)
        ) as facts (month, municipality_code, benefit_group_code, person_count, full_time_persons);
        """
    )
    connection.execute("alter table marts.fct_benefit_recipients alter person_count type bigint")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with raw loaded and filled by hand, and the models of published tables built and tested by dbt."""
    settings = make_settings(tmp_path_factory.mktemp("published"))
    data = settings.data
    if REAL.is_dir():
        write_files(settings.landing, [REAL / "jobindsats_y30r21.json"], "2021-10", 901, "2021-10-29")
        for number, day in VINTAGES.items():
            write_files(settings.landing, sorted((REAL / "vintages" / day).glob("*.json")), "2026-08", number, day)
    report = load(settings)
    assert report.rejected == []
    with duckdb.connect(data / "warehouse.duckdb") as connection:
        add_hand_made_tables(connection)
    environment = {
        **os.environ,
        "JOBCENTER_DATA": str(data),
        "DBT_LOG_PATH": str(data / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    selected = [*SEEDS, *MODELS]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "build", "--no-use-colors", "--quiet"),
            *(
                "--target-path",
                str(data / "target"),
                "--profiles-dir",
                str(PROJECT),
                "--indirect-selection",
                "cautious",
            ),
            *("--select", *selected),
            # The seeds have their own tests elsewhere.
            *("--exclude", *(f"resource_type:test,{seed}+1" for seed in SEEDS)),
        ],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(data / "warehouse.duckdb", read_only=True) as connection:
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def test_the_newest_fetch_with_a_period_counts_whole(warehouse: duckdb.DuckDBPyConnection) -> None:
    published = rows(
        warehouse,
        """select period_code, municipality_code, benefit_area_code, difference_percentage_points,
            actual_full_time_persons, published_benchmark_rank, vintage_delivery,
            cast(period_start_date as varchar), cast(period_end_date as varchar)
        from staging.stg_jobindsats__y30r21 where period_code >= '2022' order by all""",
    )
    # Ærø stands in the older fetch of 2024QMAT02 only, so it has no row.
    assert published == [
        ("2023QMAT04", "0751", "dagpenge", 0.1, 110.0, 1, 905, "2023-01-01", "2023-12-31"),
        ("2024QMAT02", "0751", "all", 0.25, 110.0, 1, 901, "2023-07-01", "2024-06-30"),
    ]


def test_what_nobody_knows_is_left_out_and_reported(warehouse: duckdb.DuckDBPyConnection) -> None:
    reported = rows(
        warehouse,
        """select table_id, vintage, reason_code, label, row_count from intermediate.int_published__left_out
        where vintage < '2026' order by all""",
    )
    assert reported == [
        ("y01a02", "2025-10/902", "unknown_period", "2024M13", 1),
        ("y30r21", "2025-10/901", "unknown_area", "Atlantis", 1),
        ("y30r21", "2025-10/901", "unknown_benefit_area", "Noget nyt", 1),
        ("y99x99", "2025-10/905", "missing_period_column", "", 0),
    ]


def test_null_stays_null_and_takes_its_percentage_with_it(warehouse: duckdb.DuckDBPyConnection) -> None:
    figures = rows(
        warehouse,
        """select municipality_code, normalised_label_end, measure_kind, value, is_suppressed_or_zero
        from intermediate.int_published__figures
        where table_id = 'y01h01' and vintage = '2025-10/904' order by municipality_code desc, column_name""",
    )
    # Aarhus has a total, so its share stays although one type is hidden; Ærø's 0.0 beside a null is dropped.
    assert figures == [
        ("0751", "andel sanktionerede", "percentage", 3.9, False),
        ("0751", "antal sanktioner i alt", "count", 151.0, False),
        ("0751", "andre (arbejdskrav)", "count", None, True),
        ("0492", "andel sanktionerede", "percentage", None, True),
        ("0492", "antal sanktioner i alt", "count", None, True),
        ("0492", "andre (arbejdskrav)", "count", None, True),
    ]


def test_revisions_are_changes_of_cells_that_both_fetches_hold(warehouse: duckdb.DuckDBPyConnection) -> None:
    revisions = rows(
        warehouse,
        """select period_code, municipality_code, column_name, vintage, previous_vintage, old_value, new_value
        from marts.rpt_published_revisions where table_id = 'y01h01'""",
    )
    # The label's spacing, 151 against 151.0, the dropped share and the new quarter are no revisions.
    column = "Antal sanktioner fordelt på type: Andre (arbejdskrav) [CA A-kasse]"
    assert revisions == [("2024Q01", "0751", column, "2025-11/901", "2025-10/904", None, 5.0)]


def test_persons_and_full_time_persons_stand_beside_each_other(warehouse: duckdb.DuckDBPyConnection) -> None:
    compared = rows(
        warehouse,
        """select municipality_code, benefit_group_code, computed, published, difference, round(relative_difference, 9),
            is_within_tolerance, computed_person_count, published_person_count, person_count_difference,
            is_person_count_within_tolerance, municipality_name, data_break_codes
        from marts.rpt_published_against_computed where table_id <> 'y60a02' order by all""",
    )
    # 10 persons off is within the tolerance of 10 persons, 45 of 900 within 5 per cent, 51 of 1000 and 100 of 2000: see
    # the rule rows published_tolerance_persons and published_tolerance_share.
    assert compared == [
        *[
            (
                "0000",
                "dagpenge",
                1000.5,
                1000.5,
                0.0,
                0.0,
                True,
                2100,
                2000.0,
                100.0,
                True,
                "Hele landet",
                "dagpenge_2017",
            )
        ],
        *[("0461", "dagpenge", 945.0, 900.0, 45.0, 0.05, True, 1051, 1000.0, 51.0, False, "Odense", "dagpenge_2017")],
        *[("0492", "dagpenge", 1.5, None, None, None, None, 2, None, None, None, "Ærø", "dagpenge_2017")],
        *[("0751", "dagpenge", 110.0, 100.0, 10.0, 0.1, True, 115, 110.0, 5.0, True, "Aarhus", "dagpenge_2017")],
        *[("0751", "uddannelseshjaelp", 50.0, 50.0, 0.0, 0.0, True, 60, 60.0, 0.0, True, "Aarhus", None)],
    ]


@needs_real_figures
def test_both_real_vintages_stay_as_accepted_deliveries(warehouse: duckdb.DuckDBPyConnection) -> None:
    deliveries = rows(warehouse, "select period, delivery, status, rows from quality.deliveries order by all")
    assert [row[:3] for row in deliveries] == [
        ("2021-10", 901, "accepted"),
        ("2026-08", 901, "accepted"),
        ("2026-08", 902, "accepted"),
    ]
    in_raw = rows(
        warehouse,
        """select _delivery, count(*) from raw.jobindsats_rows where _period = date '2026-08-01' group by all
        order by all""",
    )
    assert in_raw == [(delivery, row_count) for _, delivery, _, row_count in deliveries[1:]]
    assert rows(
        warehouse, "select distinct _delivery from raw.jobindsats_tables where table_id = 'y25i01' order by all"
    ) == [(901,), (902,)]


@needs_real_figures
def test_the_real_vintages_show_the_changed_cells(warehouse: duckdb.DuckDBPyConnection) -> None:
    counts = dict(
        rows(
            warehouse,
            """select table_id, count(*) from marts.rpt_published_revisions
            where table_id in ('y25i01', 'y25i09') group by table_id""",
        )
    )
    assert counts == {"y25i01": 1525}
    newest = rows(
        warehouse,
        """select municipality_code, old_value, new_value from marts.rpt_published_revisions
        where table_id = 'y25i01' and period_code = '2026M06' and column_name = 'total'
            and municipality_code in ('0000', '0101') order by all""",
    )
    assert newest == [("0000", 88080.0, 89907.0), ("0101", 15185.0, 15591.0)]


@needs_real_figures
def test_the_real_benchmark_table_is_staged_whole(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        warehouse,
        """select count(*), count(distinct municipality_code), count(distinct period_code),
            count(*) filter (
                where period_code = '2020QMAT02' and benefit_area_code = 'all' and difference_percentage_points > 0),
            count(*) filter (
                where period_code = '2020QMAT02' and benefit_area_code = 'all' and difference_percentage_points > 0.2),
            count(*) filter (where published_benchmark_rank is null or expected_percentage is null)
        from staging.stg_jobindsats__y30r21 where vintage_period = date '2021-10-01'""",
    ) == [(1568, 98, 4, 59, 34, 0)]


@needs_real_figures
def test_the_real_labels_are_understood(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert (
        rows(
            warehouse, "select table_id, label from intermediate.int_published__left_out where vintage like '2026-08%'"
        )
        == []
    )
    kinds = rows(
        warehouse,
        """select table_id, column_name, measure_kind, count_positions from intermediate.int_published__columns
        where vintage = '2026-08/902' and table_id in ('y25i01', 'y60a02') and measure_kind <> 'count' order by all""",
    )
    assert kinds == [
        ("y25i01", "dagpengeRate", "percentage", [3]),
        ("y25i01", "kontanthjaelpRate", "percentage", [5]),
        ("y25i01", "totalRate", "percentage", [7]),
        ("y60a02", "populationRate", "percentage", [4, 5]),
        ("y60a02", "workforceRate", "percentage", [4, 5]),
    ]
