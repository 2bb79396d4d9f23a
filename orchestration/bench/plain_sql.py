"""The project's models as one list of statements in one DuckDB connection: no Dagster, no dbt, no checks.

What dbt compiled for a finished build (its manifest and the code beside it) is run again in the order of the graph, so
that the benchmark can say what the orchestration costs above the same SQL.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from orchestration.bench.clock import Spent, measured
from orchestration.lib.settings import PROJECT_ROOT
from orchestration.lib.sql_text import sql_literal
from orchestration.lib.yaml_text import parse_yaml

_BATCH_FROM = "date '9999-01-01' /* batch_from */"
_PROJECT_FILE = PROJECT_ROOT / "dbt_project.yml"
_PROFILES = PROJECT_ROOT / "profiles.yml"
_BATCH_TO = "date '0001-01-01' /* batch_to */"


@dataclass(frozen=True)
class ModelTime:
    """What one model cost: seconds of wall and CPU."""

    name: str
    layer: str
    folder: str
    spent: Spent


def models_in_order(manifest: Path) -> list[Mapping[str, Any]]:
    """The models of dbt's manifest with `compiled_code`, each after all that it reads.

    The code stands beside a build's manifest. Raises ValueError when a model is not compiled.
    """
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"]
    models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
    for node in models.values():
        code = manifest.parent / "compiled" / node["package_name"] / node["original_file_path"]
        if not code.is_file():
            raise ValueError(f"{code} is missing: take the manifest of a build")
        node["compiled_code"] = code.read_text(encoding="utf-8")
    graph = {key: [need for need in node["depends_on"]["nodes"] if need in models] for key, node in models.items()}
    return [models[key] for key in TopologicalSorter(graph).static_order()]


def copy_seeds(connection: duckdb.DuckDBPyConnection, finished: Path) -> None:
    """Take the seeds, and the types of codes that were made from them, from a finished warehouse."""
    connection.execute(f"attach {sql_literal(finished)} as finished (read_only)")
    connection.execute("create schema seeds")
    for (seed,) in connection.execute(
        "select table_name from duckdb_tables() where database_name = 'finished' and schema_name = 'seeds'"
    ).fetchall():
        connection.execute(f"create table seeds.{seed} as select * from finished.seeds.{seed}")
    types = "duckdb_types() where database_name = 'finished' and labels is not null"
    for (name,) in connection.execute(f"select type_name from {types}").fetchall():
        connection.execute(
            f"create type main.{name} as enum (select unnest(labels) from {types} and type_name = '{name}')"
        )
    connection.execute("detach finished")


def run_models(connection: duckdb.DuckDBPyConnection, manifest: Path, months_per_batch: int) -> Iterator[ModelTime]:
    """Build every model in a database that holds raw, seeds and quality; yields what each cost."""
    for schema in ("staging", "intermediate", "marts"):
        connection.execute(f"create schema if not exists {schema}")
    for node in models_in_order(manifest):
        with measured() as spent:
            _maker(node)(connection, node, months_per_batch)
        yield ModelTime(node["name"], node["fqn"][1], node["fqn"][-2], spent)


def _maker(node: Mapping[str, Any]) -> Callable[[duckdb.DuckDBPyConnection, Mapping[str, Any], int], None]:
    if node["language"] == "python":
        return _python_table
    return {"view": _view, "table": _table, "monthly": _monthly}[node["config"]["materialized"]]


def _view(connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any], _: int) -> None:
    connection.execute(f"create or replace view {node['relation_name']} as {node['compiled_code']}")


def _table(connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any], _: int) -> None:
    connection.execute(f"create or replace table {node['relation_name']} as {node['compiled_code']}")


def _python_table(connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any], _: int) -> None:
    namespace: dict[str, Any] = {}
    exec(compile(node["compiled_code"], node["name"], "exec"), namespace)  # our own models
    result = namespace["model"](namespace["dbtObj"](connection.table), connection)
    connection.register("python_model_result", result)
    connection.execute(f"create or replace table {node['relation_name']} as select * from python_model_result")
    connection.unregister("python_model_result")


def threads_beside_dbt() -> int:
    """How many threads DuckDB has in the pipeline, where nobody limits them (macro prepare_build_tables)."""
    profile = parse_yaml(_PROFILES.read_text("utf-8"))["jobcenter_insight"]["outputs"]["warehouse"]
    with duckdb.connect(":memory:") as connection:
        cores = int(connection.execute("select current_setting('threads')").fetchall()[0][0])
    return max(1, cores - int(profile["threads"]) + 1)


def batch_size(config: Mapping[str, Any], months_per_batch: int) -> int:
    """Months that one statement of a `monthly` model builds, as the materialization decides it."""
    worth_a_batch = parse_yaml(_PROJECT_FILE.read_text("utf-8"))["vars"]["months_worth_a_batch"]
    return 1 if config.get("is_folded") and months_per_batch < worth_a_batch else months_per_batch


def _monthly(connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any], months_per_batch: int) -> None:
    config = node["config"]
    months_per_batch = batch_size(config, months_per_batch)
    rows = connection.execute(
        "select distinct period::varchar from raw.current_batches where dataset = ? order by 1",
        [config.get("months_of") or "benefit_periods"],
    ).fetchall()
    months = [str(row[0]) for row in rows]
    relation = node["relation_name"]
    if config["contract"]["enforced"]:
        columns = ", ".join(f'"{column["name"]}" {column["data_type"]}' for column in node["columns"].values())
        connection.execute(f"create or replace table {relation} ({columns})")
    else:
        empty = f"select * from ({node['compiled_code']}) where false limit 0"
        connection.execute(f"create or replace table {relation} as {empty}")
    for start in range(0, len(months), months_per_batch):
        batch = months[start : start + months_per_batch]
        code = (
            node["compiled_code"].replace(_BATCH_FROM, f"date '{batch[0]}'").replace(_BATCH_TO, f"date '{batch[-1]}'")
        )
        connection.execute(f"insert into {relation} by name {code}")
