"""Plain SQL: the same load with hash and row rules, then the same models, in one process without Dagster, dbt, checks.

`python -m orchestration.bench.plain_load FINISHED MANIFEST` builds a warehouse of its own (JOBCENTER_LANDING,
JOBCENTER_DATA) and prints a JSON line. FINISHED is the pipeline's warehouse: seeds come from there, and every fact must
come out the same as there, row by row. With `--for-peers` only what fct_focus_goals needs is built, and nothing is
compared: that is where the peers get their rows from at another scale.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from orchestration.bench import plain_sql
from orchestration.bench.clock import Spent, measured, peak_memory
from orchestration.bench.focus_goals import with_duckdb
from orchestration.lib import build, loading, pseudonyms, warehouse
from orchestration.lib.settings import Settings
from orchestration.lib.sql_text import sql_file, sql_literal


class Different(AssertionError):
    """A table came out otherwise than it should; the message names it and says how many rows differ."""


@contextmanager
def hash_measured() -> Iterator[list[float]]:
    """CPU seconds of each call for pseudonyms, and how many it made, while the block runs."""
    original = pseudonyms.person_keys
    spent = [0.0, 0.0]

    def timed(key: pseudonyms.Key, person_ids: Iterable[str]) -> np.ndarray[Any, np.dtype[np.uint64]]:
        began = time.thread_time()
        made = original(key, person_ids)
        spent[0] += time.thread_time() - began
        spent[1] += len(made)
        return made

    vars(pseudonyms)["person_keys"] = timed  # the name under which the key book calls it
    try:
        yield spent
    finally:
        vars(pseudonyms)["person_keys"] = original


def hash_per_person_and_month(settings: Settings) -> tuple[Spent, int]:
    """The keyed hash of each person of each month, as if no month remembered the one before: seconds and hashes."""
    key = pseudonyms.load_key(settings)
    total, hashes = Spent(), 0
    with duckdb.connect(":memory:") as connection:
        for month in sorted(settings.landing.glob("[0-9]*")):
            sources = []
            for path in sorted(month.glob("delivery-*/*")):
                reader = {"parquet": "read_parquet", "csv": "read_csv", "gz": "read_csv"}.get(path.suffix[1:])
                text = "" if reader == "read_parquet" else ", all_varchar = true"
                if reader is not None and path.name.partition(".")[0] in loading.PERSON_TABLES:
                    sources.append(f"select person_id from {reader}({sql_file(path)}{text})")
            # Union without "all": a person has several rows.
            persons = connection.execute(" union ".join(sources)).to_arrow_table().column("person_id").to_pylist()
            numbers = [person for person in persons if person is not None]
            with measured() as spent:
                hashes += len(pseudonyms.person_keys(key, numbers))
            total.wall += spent.wall
            total.cpu += spent.cpu
    return total, hashes


def require_equal(connection: duckdb.DuckDBPyConnection, table: str, expected: str, found: str) -> int:
    """Rows of the two relations, which must be the same, each as often. Raises Different."""
    different, rows = connection.execute(f"""
        select
            (select count(*) from (select * from {expected} except all select * from {found}))
            + (select count(*) from (select * from {found} except all select * from {expected})),
            (select count(*) from {expected})
    """).fetchone() or (1, 0)
    if different:
        raise Different(f"{table}: {different} of {rows} rows differ")
    return int(rows)


def main() -> None:
    """See the module. The models are made twice: with all threads, and with those that DuckDB has in the pipeline."""
    finished, manifest = Path(sys.argv[1]), Path(sys.argv[2])
    settings = Settings.from_environment().prepare()
    connection = warehouse.connect(settings)
    for setting in ("preserve_insertion_order = false", "TimeZone = 'Europe/Copenhagen'"):
        connection.execute(f"set {setting}")  # as the profile of dbt has them
    with hash_measured() as hashing, measured() as load:
        report = loading.load_pending(connection, settings)
        connection.execute("checkpoint")
    per_batch = build.plan_build(connection, settings.project).months_per_batch
    plain_sql.copy_seeds(connection, finished)
    connection.execute(f"attach {sql_literal(finished)} as finished (read_only)")
    result: dict[str, Any] = {
        "rows": report.rows,
        "load": vars(load),
        "hash_in_load": {"cpu": hashing[0], "hashes": int(hashing[1])},
        "months_per_batch": per_batch,
    }
    if "--for-peers" in sys.argv:
        with_duckdb.build_all(connection, with_duckdb.needed_models(manifest), per_batch)
    else:
        result |= _models(connection, manifest, per_batch)
        # Not into the places of tables that the first way has left.
        for schema in ("marts", "intermediate", "staging"):
            connection.execute(f"drop schema {schema} cascade")
        connection.execute("checkpoint")
        connection.execute(f"set threads = {settings.threads or plain_sql.threads_beside_dbt()}")
        with measured() as models:
            for _ in plain_sql.run_models(connection, manifest, per_batch):
                pass
            connection.execute("checkpoint")
        result["models_with_threads_of_pipeline"] = vars(models)
        per_month, hashes = hash_per_person_and_month(settings)
        result["hash_per_person_and_month"] = {**vars(per_month), "hashes": hashes}
    connection.close()
    print(json.dumps(result | {"warehouse_bytes": settings.warehouse.stat().st_size}))


def _models(connection: duckdb.DuckDBPyConnection, manifest: Path, per_batch: int) -> dict[str, Any]:
    """Build all models, then compare every fact and dimension with the finished warehouse."""
    with measured() as models:
        made = [vars(one) | {"spent": vars(one.spent)} for one in plain_sql.run_models(connection, manifest, per_batch)]
        connection.execute("checkpoint")
    peak = peak_memory()
    tables = [
        str(row[0])
        for row in connection.execute(
            "select table_name from duckdb_tables() where database_name = 'finished' and schema_name = 'marts' "
            "order by table_name"
        ).fetchall()
    ]
    rows = sum(require_equal(connection, name, f"finished.marts.{name}", f"marts.{name}") for name in tables)
    return {
        "models": vars(models),
        "per_model": made,
        "peak_memory": peak,
        "compared_tables": len(tables),
        "compared_rows": rows,
    }


if __name__ == "__main__":
    main()
