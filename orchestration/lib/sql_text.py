"""Names, and values where DuckDB takes no parameter (ATTACH, COPY, SET, COMMENT, a stored view or check), as in SQL."""

from __future__ import annotations

from pathlib import Path


def sql_literal(value: str | int | Path) -> str:
    """`value` as a literal of SQL: a number as it is, a text or path between quotes, with those inside it doubled."""
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def sql_file(path: Path) -> str:
    """The literal of a file that DuckDB is to read (`read_parquet`, `read_csv`): there *, ? and [ are a pattern."""
    return sql_literal("".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path)))


def quoted(name: str) -> str:
    """`name` as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'
