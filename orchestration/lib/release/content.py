"""Content hashes: equal rows give an equal hash, whatever the engine's version, threads or file layout."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

# Neither can occur in a cell: columns and missing values stay apart from any text.
_SEPARATOR = "chr(31)"
_MISSING = "chr(30)"


def quoted(name: str) -> str:
    """`name` as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def content_hash(con: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]) -> str:
    """SHA-256 over the rows of `relation` in total order, of the given columns in the given order.

    Each row is written as text and hashed, and the hashes are put in order before the last hash is taken, so that
    neither threads nor the order of the rows in the file matter.
    """
    if not columns:
        raise ValueError(f"{relation} has no columns to hash")
    # `concat_ws` would leave out a null, and takes half the time of `||`.
    cells = ", ".join(f"coalesce({quoted(name)}::varchar, {_MISSING})" for name in columns)
    row = con.execute(
        f"select sha256(coalesce(string_agg(row_hash, '' order by row_hash), '')) "
        f"from (select md5(concat_ws({_SEPARATOR}, {cells})) as row_hash from {relation})"
    ).fetchone()
    assert row is not None
    return str(row[0])
