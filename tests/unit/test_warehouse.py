"""How the loader's tables are stored."""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.lib import warehouse
from orchestration.lib.loading import PERSON_TABLES

_CELLS = {
    "UBIGINT": "i::ubigint", "VARCHAR": "'code of a long list, ' || i", "INTEGER": "1", "DECIMAL(18,6)": "1",
    "DATE": "date '2024-01-01'", "TIMESTAMP": "timestamp '2024-01-01'",
}  # fmt: skip
_CODES = {"benefit_code", "match_group_code", "municipality_code", "contact_form", "status", "offer_type"}


def test_hashes_and_codes_are_stored_in_the_form_they_are_told(tmp_path: Path) -> None:
    """Numbers in a row and texts that are all different: DuckDB stores them otherwise when it chooses."""
    found: dict[str, set[str]] = {}
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        warehouse.ensure_schemas(connection)
        for table in PERSON_TABLES:
            columns = connection.execute(f"describe raw.{table}").fetchall()
            cells = ", ".join(_CELLS[kind] for _, kind, *_ in columns)
            connection.execute(f"insert into raw.{table} select {cells} from range(1, 3000) as numbers (i)")
        connection.execute("create table chosen as select person_key, status from raw.conversations")
        connection.execute("checkpoint")
        for table in (*(f"raw.{name}" for name in PERSON_TABLES), "chosen"):
            for column, form in connection.execute(
                "select column_name, compression from pragma_storage_info(?) where segment_type != 'VALIDITY'",
                [table],
            ).fetchall():
                found.setdefault("chosen" if table == "chosen" else column, set()).add(form)
    assert found.pop("chosen").isdisjoint({"Uncompressed", "Dictionary"})
    assert found["person_key"] == {"Uncompressed"}
    assert {code: found[code] for code in _CODES} == {code: {"Dictionary"} for code in _CODES}
