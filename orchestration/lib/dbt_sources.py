"""The dbt sources of the raw schema, written from the contracts: what a column means stands in one place only.

`python -m orchestration.lib.dbt_sources` writes the file (`make fix` does); a test holds it to the contracts.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from orchestration.lib.contracts import ColumnContract, DatasetContract, duckdb_type, load_contracts

SOURCES_FILE = Path(__file__).parents[2] / "models" / "staging" / "extracts" / "_extracts__sources.yml"

_LOAD_COLUMNS = [
    {"name": "_period", "data_type": "date", "description": "First day of the delivery's month."},
    {"name": "_delivery", "data_type": "integer", "description": "Number of the delivery that the row came with."},
]

_BOOKKEEPING: list[dict[str, object]] = [
    {
        "name": "current_batches",
        "description": "One row per data set and period whose rows stand in raw now (jobindsats: one per vintage).",
        "columns": [
            {"name": "dataset", "data_type": "varchar", "description": "Name of the data set."},
            {"name": "period", "data_type": "date", "description": "First day of the month."},
            {"name": "delivery", "data_type": "integer", "description": "Number of the winning delivery."},
            {"name": "sha256", "data_type": "varchar", "description": "Hash of the delivered file."},
            {"name": "row_count", "data_type": "bigint", "description": "Accepted rows."},
            {"name": "supplier", "data_type": "varchar", "description": "Who delivered the file."},
        ],
    },
    {
        "name": "jobindsats_tables",
        "description": "One row per table of jobindsats.dk and vintage: its columns as published.",
        "columns": [
            {"name": "table_id", "data_type": "varchar", "description": "Id of the table, e.g. y30r21."},
            {"name": "columns", "data_type": "varchar[]", "description": "Labels of the columns, in their order."},
            {"name": "row_count", "data_type": "bigint", "description": "Rows of the answer."},
            *_LOAD_COLUMNS,
        ],
    },
    {
        "name": "jobindsats_rows",
        "description": "One row per row of a published table and vintage.",
        "columns": [
            {"name": "table_id", "data_type": "varchar", "description": "Id of the table, e.g. y30r21."},
            {"name": "row_number", "data_type": "bigint", "description": "Number of the row in the answer, from 1."},
            {"name": "cells", "data_type": "varchar[]", "description": "The cells as text; null stays null."},
            *_LOAD_COLUMNS,
        ],
    },
]


def _column(column: ColumnContract) -> dict[str, object]:
    if column.is_personal_number:
        return {
            "name": "person_key",
            "data_type": "ubigint",
            "description": "The person: first 64 bits of the keyed hash (HMAC-SHA-256) of the CPR number.",
        }
    return {
        "name": column.name,
        "data_type": duckdb_type(column).lower(),
        "description": " ".join(column.description.split()),
    }


def _table(contract: DatasetContract) -> dict[str, object]:
    columns = [_column(column) for column in contract.columns]
    if contract.name == "population":
        columns.append({"name": "supplier", "data_type": "varchar", "description": "Who delivered the figures."})
    return {
        "name": contract.name,
        "description": " ".join(f"{contract.grain} {contract.description}".split()),
        "columns": columns + _LOAD_COLUMNS,
    }


def render_sources(contracts: dict[str, DatasetContract]) -> str:
    """The text of models/staging/extracts/_extracts__sources.yml."""
    tables = [_table(contract) for contract in contracts.values() if contract.dataset_pattern is None]
    document = {
        "version": 2,
        "sources": [
            {
                "name": "raw",
                "schema": "raw",
                "description": "What the loader accepted of the deliveries: see contracts/.",
                "tables": tables + _BOOKKEEPING,
            }
        ],
    }
    header = (
        "# Written from contracts/ by `make fix` (orchestration/lib/dbt_sources.py): change the contract instead.\n"
    )

    class _NoAliases(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    return header + yaml.dump(document, Dumper=_NoAliases, sort_keys=False, allow_unicode=True, width=120)


if __name__ == "__main__":
    SOURCES_FILE.write_text(render_sources(load_contracts()), encoding="utf-8")
