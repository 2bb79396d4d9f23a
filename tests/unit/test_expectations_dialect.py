"""Why the dialect exists, and the day on which it can go."""

from pathlib import Path

import duckdb
import pytest

from orchestration.expectations import dialect


def test_great_expectations_has_no_duckdb_engine_of_its_own() -> None:
    """When this fails, delete orchestration/expectations/dialect.py and let the runner use GX's own data source."""
    import great_expectations as gx
    from great_expectations import execution_engine

    engines = [name for name in dir(execution_engine) if "duckdb" in name.lower()]
    sources = [name for name in dir(gx.get_context(mode="ephemeral").data_sources) if "duckdb" in name.lower()]
    assert engines + sources == []


def test_rollback_does_not_discard_a_pending_result(tmp_path: Path) -> None:
    """What Great Expectations does: hand the connection back, then fetch."""
    from sqlalchemy import create_engine, text

    path = tmp_path / "a.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("create table numbers as select 7 as number")
    dialect.register()
    engine = create_engine(f"{dialect.DRIVER}:///{path}", connect_args={"read_only": True})
    try:
        with engine.connect() as connection:
            result = connection.execute(text("select number from numbers"))
            connection.rollback()
            assert result.fetchall() == [(7,)]
        with engine.connect() as connection, pytest.raises(Exception, match="read-only mode"):
            connection.execute(text("create table other as select 1 as one"))
    finally:
        engine.dispose()
