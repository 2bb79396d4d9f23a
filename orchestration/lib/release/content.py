"""Content hashes: equal rows give an equal hash, whatever the engine's version, threads or file layout."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.lib.sql_text import quoted

# Neither can occur in a cell: columns and missing values stay apart from any text.
_SEPARATOR = "chr(31)"
_MISSING = "chr(30)"
_DIGITS = 32  # of an MD5 digest in hexadecimal


def columns_of(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Names and types of a table's or view's columns, in their order; none where there is no such table.

    Asked of the table itself: `duckdb_columns()` walks through every table of every attached database each time.
    """
    try:
        rows = con.execute(f"describe {relation}").fetchall()
    except duckdb.CatalogException:
        return {}
    return {str(row[0]): str(row[1]) for row in rows}


def content_hash(con: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]) -> str:
    """SHA-256 over the rows of `relation` in total order, of the given columns in the given order.

    Each row is written as text and hashed, and the hashes are put in order before the last hash is taken, so that
    neither threads nor the order of the rows in the file matter.
    """
    if not columns:
        raise ValueError(f"{relation} has no columns to hash")
    # `concat_ws` would leave out a null, and takes half the time of `||`.
    cells = ", ".join(f"coalesce({quoted(name)}::varchar, {_MISSING})" for name in columns)
    digests = con.execute(f"select md5(concat_ws({_SEPARATOR}, {cells})) as digest from {relation}").to_arrow_table()
    # Put in order by NumPy, in half the time that DuckDB's `string_agg` takes for it.
    written = digests.column("digest").cast(pa.binary()).cast(pa.binary(_DIGITS)).combine_chunks()
    del digests
    ordered = np.sort(np.frombuffer(written.buffers()[1] or b"", dtype=f"S{_DIGITS}", count=len(written)))
    return hashlib.sha256(ordered.view(np.uint8).data).hexdigest()
