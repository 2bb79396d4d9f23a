"""A small readers' database for tests: the marts' tables filled from the oracle, and what dbt would make of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from types import ModuleType
from typing import Any

import duckdb
import pyarrow as pa

from ..oracle.measures import (
    benefit_recipients,
    conversation_coverage,
    conversation_requests,
    conversation_timeliness,
    early_effort,
    focus_goals,
    offer_effort,
    passive_by_duration,
    results,
)
from ..oracle.rows import KEYS
from ..oracle.world import World
from .rendering import PROJECT, contracts, model_sql, seed_types

MONTHLY: dict[str, ModuleType] = {
    "conversation_coverage": conversation_coverage,
    "conversation_timeliness": conversation_timeliness,
    "conversation_requests": conversation_requests,
    "early_effort": early_effort,
    "focus_goals": focus_goals,
    "passive_by_duration": passive_by_duration,
    "offer_effort": offer_effort,
    "benefit_recipients": benefit_recipients,
    "results": results,
}
DIMENSIONS = ("dim_municipalities", "dim_benefit_groups", "dim_target_groups", "dim_measures", "dim_rules")
RELEASED = (*(f"rpt_{name}" for name in MONTHLY), "rpt_measure_results", "rpt_area_measure_results")


def load_seeds(connection: duckdb.DuckDBPyConnection) -> None:
    """Every seed as a table of its own name, with the column types of its YAML."""
    for path in sorted((PROJECT / "seeds").rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file))
        columns = ", ".join(f'"{name}"::{seed_types()[path.stem].get(name, "varchar")} as "{name}"' for name in header)
        connection.execute(
            f'create table "{path.stem}" as select {columns} from read_csv(?, all_varchar = true, header = true)',
            [str(path)],
        )


def create_mart(connection: duckdb.DuckDBPyConnection, name: str, rows: Iterable[dict[str, Any]]) -> None:
    """The table ``name`` with the columns of its contract; what a row does not give is null."""
    columns = contracts()[name]
    connection.execute(f"create table {name} ({', '.join(f'{column} {kind}' for column, kind in columns.items())})")
    listed = list(rows)
    if listed:
        cells = pa.table({column: [_cell(row.get(column)) for row in listed] for column in columns})
        connection.register("cells", cells)
        connection.execute(f"insert into {name} from cells")
        connection.unregister("cells")


def readers_database(
    world: World, levels: Iterable[dict[str, Any]] = (), periods: Iterable[tuple[str, date, date]] = ()
) -> duckdb.DuckDBPyConnection:
    """A database in memory with the world's monthly marts, the dimensions, and the ``rpt_`` tables made of them.

    ``levels``: rows of fct_benefit_levels; ``periods``: code, first and last day of their rolling years.
    """
    connection = duckdb.connect(":memory:")
    load_seeds(connection)
    connection.execute("create table stg_extracts__batches (dataset_code varchar, month date)")
    connection.executemany(
        "insert into stg_extracts__batches values ('benefit_periods', ?)", [[month] for month in world.loaded_months]
    )
    for name, module in MONTHLY.items():
        rows = [
            {
                **dict(zip(KEYS[name], key, strict=True)),
                **values,
                "is_provisional": not world.is_loaded(key[0]) or world.is_provisional(key[0]),
            }
            for key, values in module.compute(world).items()
        ]
        create_mart(connection, f"fct_{name}", rows)
    create_mart(connection, "fct_benefit_levels", levels)
    connection.execute(
        "create table int_benefit_level__periods (period_code varchar, period_start_date date, period_end_date date)"
    )
    for period in periods:
        connection.execute("insert into int_benefit_level__periods values (?, ?, ?)", list(period))
    connection.execute(
        "create table int_results__ended_counts "
        "(month date, municipality_code varchar, benefit_group_code varchar, spell_days bigint)"
    )
    ended = [[*key, results.spell_days(spells)] for key, spells in results.ended_spells(world).items()]
    if ended:
        connection.executemany("insert into int_results__ended_counts values (?, ?, ?, ?)", ended)
    for name in ("int_months", *DIMENSIONS, "fct_measure_results", *RELEASED):
        connection.execute(f"create table {name} as {model_sql(name)}")
    return connection


def _cell(value: Any) -> Any:
    return float(value) if isinstance(value, Fraction) else value
