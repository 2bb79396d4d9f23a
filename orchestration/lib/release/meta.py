"""Schema `meta` of a release: what a reader who has only the file must know about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from orchestration.lib.sql_text import quoted, sql_literal

SCHEMA = "release.meta"


@dataclass(frozen=True)
class MetaTable:
    """A table about the release: what it holds, and its columns with type and description."""

    description: str
    columns: Mapping[str, tuple[str, str]]


TABLES = {
    "release": MetaTable(
        "The release itself: one row.",
        {
            "release_id": ("varchar", "Time of making in UTC and eight digits of what it is made of."),
            "created_at": ("timestamptz", "When it was made."),
            "build_id": ("varchar", "Hash of the deliveries, rules and models behind it."),
            "project_hash": ("varchar", "Hash of the project's files; they are in project.tar."),
            "project_commit": (
                "varchar",
                "Commit of the project, +changes where files differ; empty = no git.",
            ),
            "key_id": ("varchar", "Which secret key the persons were hashed with; says nothing about the key."),
            "dbt_version": ("varchar", "dbt that built it."),
            "duckdb_version": ("varchar", "DuckDB that wrote it."),
            "hidden_maximum": ("integer", "Counts of persons from 1 to this number are hidden."),
            "cells_protected_by_hiding_totals": ("integer", "Cells that only hiding a total could protect."),
            "is_sample": ("boolean", "True: made from sample deliveries, about nobody. None of its figures is real."),
        },
    ),
    "tables": MetaTable(
        "One row per released table.",
        {
            "table_name": ("varchar", "The table."),
            "row_count": ("bigint", "Its rows."),
            "hidden_row_count": ("bigint", "Rows with at least one hidden figure."),
            "sha256": ("varchar", "Hash of its content, whatever the order of the rows."),
            "description": ("varchar", "What it holds."),
        },
    ),
    "suppression": MetaTable(
        "One row per column of figures that disclosure control looks after: how much it hid.",
        {
            "table_name": ("varchar", "The table."),
            "column_name": ("varchar", "The column."),
            "cell_count": ("bigint", "Cells with a value before anything was hidden."),
            "hidden_by_rule_count": ("bigint", "Cells hidden because they are about few persons."),
            "hidden_to_protect_count": ("bigint", "Cells hidden because they would tell another hidden one."),
        },
    ),
    "deliveries": MetaTable(
        "One row per delivery that the pipeline has decided upon.",
        {
            "period": ("varchar", "Month of the delivery, YYYY-MM."),
            "delivery": ("integer", "Number of the delivery within its month."),
            "status": ("varchar", "accepted, superseded (wholly replaced by later ones) or rejected."),
            "reasons": ("varchar", "Why it was rejected; null = it was not."),
            "rows": ("bigint", "Rows of its files."),
            "hash": ("varchar", "SHA-256 of its manifest."),
            "supplier": ("varchar", "Who delivered it, as the manifest says."),
            "loaded_at": ("varchar", "When it was loaded."),
        },
    ),
    "checks": MetaTable(
        "One row per check of the warehouse that the release was made from, as it was last made: rows of persons are "
        "read once, when their month is new or corrected.",
        {
            "layer": ("varchar", "raw, staging, intermediate or marts."),
            "table_name": ("varchar", "The table whose rows are checked."),
            "suite": ("varchar", "The suite that the check is in."),
            "check_name": ("varchar", "The check."),
            "severity": ("varchar", "error: a release is refused where it fails; warn: it is shown."),
            "is_passed": ("boolean", "Whether what was read met it."),
        },
    ),
    "completeness": MetaTable(
        "One row per data set and number of months after the month: how much of it was here by then.",
        {
            "dataset": ("varchar", "Data set of the contract."),
            "months_after": ("integer", "Months since the month of the rows; 0 = in the month itself."),
            "month_count": ("bigint", "Months that have been watched for so long."),
            "arrived_row_count": ("bigint", "Their rows that were here by then."),
            "final_row_count": ("bigint", "Their rows in the newest delivery."),
            "arrived_share": ("double", "Arrived ÷ final; above 1 where a correction took rows away, null = no rows."),
        },
    ),
}


def comment_on(con: duckdb.DuckDBPyConnection, target: str, text: str, texts: Mapping[str, str]) -> None:
    """Describe a table and its columns where a reader of the file finds it; empty texts are left out."""
    if text:
        con.execute(f"comment on table {target} is {sql_literal(text)}")
    for column, comment in texts.items():
        if comment:
            con.execute(f"comment on column {target}.{quoted(column)} is {sql_literal(comment)}")


def create_table(con: duckdb.DuckDBPyConnection, name: str) -> str:
    """Make an empty table of `TABLES` with its comments; returns its name with schema and catalog."""
    declared, target = TABLES[name], f"{SCHEMA}.{name}"
    columns = ", ".join(f'"{column}" {kind}' for column, (kind, _) in declared.columns.items())
    con.execute(f"create table {target} ({columns})")
    comment_on(con, target, declared.description, {column: text for column, (_, text) in declared.columns.items()})
    return target


def write_rows(con: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make a table of `TABLES` from rows that have each of its columns."""
    target, columns = create_table(con, name), TABLES[name].columns
    if rows:
        con.executemany(
            f"insert into {target} values ({', '.join('?' * len(columns))})",
            [[row[column] for column in columns] for row in rows],
        )
