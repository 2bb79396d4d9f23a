"""Tables that are built month by month: those of models that are gone, and doubled keys in many months."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from orchestration.lib.warehouse import connect
from tests.oracle.random_worlds import random_world
from tests.support.warehouse import DbtFailed, Workshop, built_months, copy_project, monthly_tables

pytestmark = pytest.mark.slow

BENEFITS = "intermediate.int_benefit_segments"
UNIQUE = "unique_in_built_months_int_benefit_segments_person_key__month__from_date"


def tables(workshop: Workshop) -> list[str]:
    with workshop.connect("gone") as connection:
        rows = connection.execute("select table_name from duckdb_tables() where schema_name = 'intermediate'")
        return [str(row[0]) for row in rows.fetchall()]


def test_the_table_of_a_monthly_model_that_is_gone_is_dropped_and_no_other(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path / "workshop", copy_project(tmp_path / "project"))
    settings = workshop.load("gone", random_world(7, date(2024, 1, 1), 2, 20, ("0101", "0147"), ()))
    workshop.build("gone", "+int_benefit_segments")
    with workshop.connect("gone") as connection:
        before = built_months(connection, BENEFITS)
    assert len(before) == 2
    with connect(settings) as connection:
        connection.execute("create table intermediate.int_activity_months as select 1 as person_key")
        connection.execute(
            "insert into build.model_months values ('intermediate.int_activity_months', '2024-01-01', 'f', 1)"
        )
        connection.execute("create table intermediate.made_by_hand as select 1 as i")

    # Tests change nothing; a build of other models drops it.
    workshop.dbt("gone", "test", "--select", UNIQUE)
    assert "int_activity_months" in tables(workshop)
    workshop.build("gone", "int_months")
    assert "int_activity_months" not in tables(workshop)
    assert {"made_by_hand", "int_benefit_segments"} <= set(tables(workshop))
    with workshop.connect("gone") as connection:
        assert monthly_tables(connection) == [BENEFITS]
        assert built_months(connection, BENEFITS) == before


def test_a_doubled_key_is_found_in_whichever_batch_of_months_it_stands(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path / "workshop", copy_project(tmp_path / "project"))
    settings = workshop.load("five", random_world(7, date(2024, 1, 1), 5, 20, ("0101", "0147"), ()))
    workshop.build("five", "+int_benefit_segments")
    with connect(settings) as connection:
        # As where a month has many rows: two batches of two months, and one of one.
        connection.execute("update build.project set months_per_batch = 2")
    workshop.dbt("five", "test", "--select", UNIQUE)
    for month in ("2024-02-01", "2024-05-01"):
        with connect(settings) as connection:
            connection.execute(f"create table kept as from {BENEFITS}")
            connection.execute(f"insert into {BENEFITS} from kept where month = '{month}' limit 1")
        with pytest.raises(DbtFailed, match="Got 1 result"):
            workshop.dbt("five", "test", "--select", UNIQUE)
        with connect(settings) as connection:
            connection.execute(f"create or replace table {BENEFITS} as from kept; drop table kept")
    workshop.dbt("five", "test", "--select", UNIQUE)
    # Of the months before the newest build nothing is asked.
    with connect(settings) as connection:
        connection.execute("update build.model_months set build_number = build_number + 1 where month > '2024-02-01'")
        connection.execute(f"create table kept as from {BENEFITS}")
        connection.execute(f"insert into {BENEFITS} from kept where month = '2024-02-01' limit 1")
    workshop.dbt("five", "test", "--select", UNIQUE)
