"""The same deliveries give the same marts, cell by cell, whatever the threads and however often they are built.

The warehouse also serves the test that the SQL of `make explain` gives the figures that stand in the marts.
"""

from __future__ import annotations

import csv
import math
import re
from datetime import date
from typing import Any

import duckdb
import pytest
import yaml

from orchestration.expectations.intermediate import intermediate_suites
from orchestration.expectations.marts import marts_suites
from orchestration.expectations.raw import raw_suites
from orchestration.expectations.staging import staging_suites
from orchestration.lib.contracts import load_contracts
from orchestration.lib.explanation import MEASURES, explain
from orchestration.lib.reading_places import NothingToRead, Place
from orchestration.lib.scenario import ScenarioParameters, compare_scenario
from orchestration.lib.settings import PROJECT_ROOT
from orchestration.lib.warehouse import connect
from tests.oracle.random_worlds import add_national_inputs, cohort_world, pack, random_world
from tests.support.warehouse import MEMORY_LIMIT, MODELS_AND_SEEDS, Workshop

pytestmark = pytest.mark.slow

FIRST, MONTHS, SEED = date(2023, 12, 1), 13, 9_100
PERIOD = "2024QMAT04"
MONTH, MONTH_OF_RETENTION = "2024-12", "2024-08"
WITH_ROWS = {"fct_benefit_levels", "fct_category_assignments", "fct_results", "rpt_rank_uncertainty"}


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """One world, loaded and built by four threads, and once more from the landing zone by one."""
    made = Workshop(tmp_path_factory.mktemp("threads"))
    parts = [random_world(SEED + number, FIRST, MONTHS, 25, ("0101", "0147"), ()) for number in range(4)]
    parts.append(cohort_world(SEED + 4, FIRST, MONTHS, "0101", ()))
    world = add_national_inputs(pack(parts), SEED, published_periods=("2024QMAT02",))
    for name, threads in (("four", 4), ("one", 1)):
        made.load(name, world, threads=threads)
        made.dbt(name, "build", *MODELS_AND_SEEDS, "--threads", str(threads), database_threads=threads)
    return made


def contents(workshop: Workshop, name: str) -> dict[str, tuple[int, int]]:
    """Rows and a hash over all of them, in any order, of each mart; a view that only adds labels is left out."""
    with workshop.connect(name) as connection:
        tables = [
            row[0]
            for row in connection.execute(
                "select distinct table_name from information_schema.tables where table_schema = 'marts'"
            ).fetchall()
        ]
        chosen = [table for table in tables if table.replace("rpt_", "fct_") not in tables or table[:4] != "rpt_"]
        return {
            table: connection.execute(
                f"select count(*), coalesce(sum(hash(rows)), 0) from marts.{table} as rows"
            ).fetchall()[0]
            for table in chosen
        }


def test_one_thread_and_four_give_the_same_marts(workshop: Workshop) -> None:
    four, one = contents(workshop, "four"), contents(workshop, "one")
    assert four == one
    assert {table for table in WITH_ROWS if not four[table][0]} == set()
    assert len(four) >= 25


def test_models_made_at_once_share_the_cores(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOBCENTER_THREADS", raising=False)
    log = workshop.folder / "logs" / "dbt.log"
    with duckdb.connect() as connection:
        cores = connection.execute("select current_setting('threads')").fetchall()[0][0]

    def database_threads(*arguments: str, limit: int | None = None) -> list[str]:
        begin = log.stat().st_size
        workshop.dbt("one", "run", "--select", "stg_extracts__batches", *arguments, database_threads=limit)
        return re.findall(r"set threads = (\d+)", log.read_bytes()[begin:].decode())

    assert database_threads() == [str(max(1, cores - 1))]
    assert database_threads("--threads", "1") == [str(cores)]
    assert database_threads("--threads", "99") == ["1"]
    assert database_threads(limit=3) == ["3"]


def test_a_build_of_few_months_is_given_little_memory(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOBCENTER_THREADS", raising=False)
    log = workshop.folder / "logs" / "dbt.log"
    needed = yaml.safe_load((PROJECT_ROOT / "dbt_project.yml").read_text("utf-8"))["vars"]["memory_of_few_months"]
    with workshop.connect("one") as connection:
        rows, months = connection.execute(
            "select max(row_count), count(distinct period) from raw.current_batches"
        ).fetchall()[0]

    with duckdb.connect() as connection:
        cores = connection.execute("select current_setting('threads')").fetchall()[0][0]

    def little_for(threads: int, database_threads: int | None = None) -> str:
        """What so many models may hold that are made at once, with the threads that DuckDB has for them."""
        database_threads = database_threads or max(1, cores - threads + 1)
        needed_bytes = (
            needed["bytes"]
            + threads * needed["bytes_per_thread"]
            + database_threads * needed["bytes_per_database_thread"]
            + months * needed["bytes_per_month"]
            + rows * needed["bytes_per_row"]
        )
        return f"{needed_bytes} bytes"

    little = little_for(2)

    def limits(*arguments: str, memory_limit: str = MEMORY_LIMIT, database_threads: int | None = None) -> list[str]:
        begin = log.stat().st_size
        workshop.dbt("one", *arguments, memory_limit=memory_limit, database_threads=database_threads)
        # Each statement stands in the log twice where it is one of several of a hook.
        found = re.findall(r"set memory_limit = '([^']+)'", log.read_bytes()[begin:].decode())
        return list(dict.fromkeys(found))

    assert limits("run", "--select", "int_months") == [little]
    # Nothing is to be built; then all months.
    assert limits("run", "--select", "int_benefit_segments") == [little]
    assert limits("run", "--full-refresh", "--select", "int_benefit_segments") == [little, MEMORY_LIMIT]
    # A test of all these months, which may come in a build that has no month to build.
    unique = "unique_in_built_months_int_benefit_segments_person_key__month__from_date"
    assert limits("build", "--select", unique) == [little, MEMORY_LIMIT]
    assert limits("test", "--select", unique) == [MEMORY_LIMIT]
    # Eight seeds read at once: each takes 32 MB while it is read.
    assert limits("build", "--resource-type", "seed", "--threads", "8") == [little_for(8)]
    # Sixteen of DuckDB's threads hold blocks of their own.
    assert limits("run", "--select", "int_months", database_threads=16) == [little_for(2, 16)]
    # The limit that is given is the most that is taken.
    (given,) = limits("run", "--select", "int_months", memory_limit="50MB")
    assert 49_000_000 < int(given.removesuffix(" bytes")) < 51_000_000


def test_what_breaks_any_check_can_be_named_in_a_real_warehouse(workshop: Workshop) -> None:
    suites = [*raw_suites(load_contracts()), *staging_suites(), *intermediate_suites(), *marts_suites()]
    with workshop.connect("four") as connection:
        for suite in suites:
            for check in suite.checks:
                query = suite.names_of_breaking_rows(check, 5)
                assert query is not None, (suite.name, check.name)
                connection.execute(f"explain {query}")


def test_every_row_of_the_rule_seeds_stands_in_dim_rules(workshop: Workshop) -> None:
    lacking = {}
    with workshop.connect("four") as connection:
        codes = [row[0] for row in connection.execute("select rule_code from marts.dim_rules").fetchall()]
    for file in sorted((PROJECT_ROOT / "seeds" / "rules").glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        # Scalar parameters stand under their own names, the rows of a list under that of the list.
        name = file.stem.removeprefix("rule_").removesuffix("s")
        names = {row["parameter_code"] for row in rows} if file.stem == "rule_parameters" else {name}
        found = sum(code in names for code in codes)
        if found != len(rows):
            lacking[file.stem] = (len(rows), found)
    assert lacking == {}


def shown_rows(place: Place, text: str) -> list[dict[str, Any]]:
    """The rows of the query that an explanation prints."""
    sql = text.split("\nSQL that rebuilds it from the rows beneath the mart\n")[1].split("\n\nIt was run")[0]
    return place.rows(sql)


@pytest.mark.parametrize("measure", MEASURES)
def test_the_sql_that_explain_prints_gives_every_figure_of_the_month(workshop: Workshop, measure: str) -> None:
    source = MEASURES[measure]
    month = MONTH_OF_RETENTION if measure == "retention_share" else MONTH
    columns = [column for column in (source.numerator, source.denominator, source.value) if column is not None]
    seen = 0
    with workshop.connect("four") as connection:
        place = Place(connection, workshop.settings("four").warehouse, is_release=False)
        for code in ("0000", "0101", "0147", "0860"):
            text = explain(place, code, month, measure)
            assert "It was run: it gives the figure above." in text
            found = {tuple(row[column] for column in source.group_columns): row for row in shown_rows(place, text)}
            expected = place.rows(
                f"select * from marts.fct_{source.fact} where month = ? and municipality_code = ?",
                [f"{month}-01", code],
            )
            assert expected
            for row in expected:
                given = found.pop(tuple(row[column] for column in source.group_columns), None)
                if given is None:
                    # Nobody is in the group: the query has no row, the mart a count of 0 and no share.
                    assert not row[source.value] and not (source.numerator and row[source.numerator])
                    continue
                for column in columns:
                    assert math.isclose(float(row[column] or 0), float(given[column] or 0), abs_tol=1e-9), (
                        f"{code} {row} {column}: {given}"
                    )
                seen += bool(row[source.value])
            assert not found
    assert seen


def test_the_sql_that_explain_prints_gives_levels_and_categories(workshop: Workshop) -> None:
    with workshop.connect("four") as connection:
        place = Place(connection, workshop.settings("four").warehouse, is_release=False)
        levels = place.rows(
            "select * from marts.fct_benefit_levels where municipality_code in ('0101', '0450')"
            " order by period_code, expected_source"
        )
        assert {(row["period_code"], row["expected_source"]) for row in levels} == {
            ("2024QMAT02", "published"),
            (PERIOD, "model"),
        }
        for row in levels:
            text = explain(
                place,
                row["municipality_code"],
                row["period_code"],
                "benefit_level_difference",
                row["benefit_area_code"],
            )
            (given,) = shown_rows(place, text)
            assert given["expected_source"] == row["expected_source"]
            assert math.isclose(
                given["difference_percentage_points"], row["difference_percentage_points"], abs_tol=1e-9
            )
        categories = place.rows(
            "select * from marts.fct_category_assignments where period_code = ? and municipality_code < '0160'",
            [PERIOD],
        )
        for row in categories:
            text = explain(place, row["municipality_code"], PERIOD, "category", row["scenario_code"])
            (given,) = shown_rows(place, text)
            assert given["municipality_category"] == row["municipality_category"]
        assert len({row["municipality_category"] for row in categories}) > 1
        with pytest.raises(NothingToRead, match="are its twelve months loaded"):
            explain(place, "0101", "2024QMAT02", "category")


def test_a_new_row_of_the_scenario_seed_is_a_new_scenario(workshop: Workshop) -> None:
    """Last, since it changes a warehouse. `make scenario` with the same rules must come to the same categories."""
    with connect(workshop.settings("one")) as connection:
        connection.execute(
            "insert into seeds.scenarios by name select * replace ('try_2026' as scenario_code, 0.15 as result_margin,"
            " 25 as passive_limit_percentage, 20 as few_conversations_limit_percentage, 99 as sort_order)"
            " from seeds.scenarios where scenario_code = 'draft_2019'"
        )
    workshop.dbt("one", "build", "--resource-type", "model", "--select", "int_category__rules+", "dim_scenarios")
    with workshop.connect("one") as connection:
        place = Place(connection, workshop.settings("one").warehouse, is_release=False)
        rows = place.rows("select * from marts.fct_category_assignments where scenario_code = 'try_2026'")
        official = {
            row["municipality_code"]: row["municipality_category"]
            for row in place.rows("select * from marts.fct_category_assignments where scenario_code = 'official'")
        }
        statements = place.rows("select * from marts.fct_supervision where scenario_code = 'try_2026'")
        comparison = compare_scenario(place, ScenarioParameters(0.15, passive_limit=25, conversations_limit=20))
    assert len(rows) == len(official) == len(statements) == 98
    assert all(row["reason_da"] and row["rule_set_id"].startswith("scenario:try_2026:") for row in rows)
    changed = {
        row["municipality_code"]: row["municipality_category"]
        for row in rows
        if row["municipality_category"] != official[row["municipality_code"]]
    }
    assert changed
    assert {change.municipality_code: change.scenario_category for change in comparison.changes} == changed
