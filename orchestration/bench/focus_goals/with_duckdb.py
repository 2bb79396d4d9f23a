"""The focus goals with this project's own models: the compiled SQL that fct_focus_goals needs, and nothing else.

`… INPUTS RESULT.parquet MANIFEST WAREHOUSE MONTHS_PER_BATCH [--new-month]`. With `--new-month` all months but the last
are built first, unmeasured, and the last one is measured.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from orchestration.bench.clock import measured
from orchestration.bench.focus_goals.inputs import COLUMNS, RAW_TABLES, tell
from orchestration.bench.plain_sql import batch_size, copy_seeds, models_in_order, threads_beside_dbt
from orchestration.lib.settings import Settings
from orchestration.lib.sql_text import sql_file, sql_literal

_FACT = "fct_focus_goals"
_BATCH = ("date '9999-01-01' /* batch_from */", "date '0001-01-01' /* batch_to */")


def needed_models(manifest: Path) -> list[Mapping[str, Any]]:
    """The models that the fact is made of, in order, the fact last."""
    ordered = models_in_order(manifest)
    needed = {node["unique_id"] for node in ordered if node["name"] == _FACT}
    for node in reversed(ordered):
        if node["unique_id"] in needed:
            needed.update(node["depends_on"]["nodes"])
    return [node for node in ordered if node["unique_id"] in needed]


def prepare(connection: duckdb.DuckDBPyConnection, folder: Path, warehouse: Path) -> None:
    """The accepted raw rows as views on the files, the seeds as tables."""
    for schema in ("raw", "staging", "intermediate", "marts"):
        connection.execute(f"create schema {schema}")
    for table in RAW_TABLES:
        connection.execute(f"create view raw.{table} as select * from {sql_file(folder / f'{table}.parquet')}")
    connection.execute(f"create table raw.current_batches as from {sql_file(folder / 'batches.parquet')}")
    copy_seeds(connection, warehouse)


def build(
    connection: duckdb.DuckDBPyConnection, models: Sequence[Mapping[str, Any]], months: Sequence[str], per_batch: int
) -> None:
    """Make the models; of monthly ones the given months are added."""
    for node in models:
        relation, code, config = node["relation_name"], node["compiled_code"], node["config"]
        if config["materialized"] == "monthly":
            _add_months(connection, node, months, batch_size(config, per_batch))
        else:
            connection.execute(f"create or replace {config['materialized']} {relation} as {code}")


def loaded_months(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The first days of the months whose benefit periods are loaded."""
    return [
        str(row[0])
        for row in connection.execute(
            "select distinct period::varchar from raw.current_batches where dataset = 'benefit_periods' order by 1"
        ).fetchall()
    ]


def build_all(connection: duckdb.DuckDBPyConnection, models: Sequence[Mapping[str, Any]], per_batch: int) -> None:
    """Make the models, with all loaded months, in a warehouse that holds raw and seeds."""
    for schema in ("staging", "intermediate", "marts"):
        connection.execute(f"create schema if not exists {schema}")
    build(connection, models, loaded_months(connection), per_batch)


def _add_months(
    connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any], months: Sequence[str], per_batch: int
) -> None:
    relation, code = node["relation_name"], node["compiled_code"]
    if node["config"]["contract"]["enforced"]:
        columns = ", ".join(f'"{column["name"]}" {column["data_type"]}' for column in node["columns"].values())
        connection.execute(f"create table if not exists {relation} ({columns})")
    else:
        connection.execute(f"create table if not exists {relation} as select * from ({code}) where false limit 0")
    for start in range(0, len(months), per_batch):
        batch = months[start : start + per_batch]
        bounded = code.replace(_BATCH[0], f"date '{batch[0]}'").replace(_BATCH[1], f"date '{batch[-1]}'")
        connection.execute(f"insert into {relation} by name {bounded}")


def main() -> None:
    """See the module."""
    folder, target, manifest, warehouse, per_batch = *map(Path, sys.argv[1:5]), int(sys.argv[5])
    models = needed_models(manifest)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        # The limits of the pipeline.
        settings = Settings.from_environment()
        connection = duckdb.connect(
            str(Path(scratch) / "warehouse.duckdb"),
            config={
                "temp_directory": scratch,
                "memory_limit": settings.memory_limit,
                "threads": settings.threads or threads_beside_dbt(),
            },
        )
        for setting in ("preserve_insertion_order = false", "TimeZone = 'Europe/Copenhagen'"):
            connection.execute(f"set {setting}")
        prepare(connection, folder, warehouse)
        months = loaded_months(connection)
        if "--new-month" in sys.argv:
            connection.execute("create table newest as from raw.current_batches where period = ?::date", [months[-1]])
            connection.execute("delete from raw.current_batches where period = ?::date", [months[-1]])
            build(connection, models, months[:-1], per_batch)
            connection.execute("insert into raw.current_batches from newest")
            # The writing of the earlier months is theirs.
            connection.execute("checkpoint")
            months = months[-1:]
        with measured() as spent:
            build(connection, models, months, per_batch)
            connection.execute("checkpoint")
        connection.execute(
            f"copy (select {', '.join(COLUMNS)} from marts.{_FACT}) to {sql_literal(target)} (format parquet)"
        )
        connection.close()
    tell(spent, version=duckdb.__version__)


if __name__ == "__main__":
    main()
