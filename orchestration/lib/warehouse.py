"""Opening the warehouse file: one writer at a time, clear errors, and the tables that the loader writes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.lib.settings import PRIVATE_FILE_MODE, Settings

# How long the write-ahead log may grow before DuckDB writes it into the file; the profile of dbt says the same.
CHECKPOINT_THRESHOLD = "1GB"


class WarehouseLocked(RuntimeError):
    """Another process holds the warehouse; `pid` is that process where DuckDB tells it."""

    def __init__(self, message: str, pid: int | None = None) -> None:
        super().__init__(message)
        self.pid = pid


class WarehouseBroken(RuntimeError):
    """The file or its write-ahead log can't be read. Nothing is lost: set it aside and load the landing zone again."""


class WarehouseUnavailable(RuntimeError):
    """The file can't be opened for a reason outside it (no permission, full or read-only disk, no such folder)."""


# DuckDB has no error class of its own for a damaged file: these are its wordings (1.5), tried in the tests.
_CORRUPTION = re.compile(
    r"not a valid DuckDB database|Corrupt database|checksum|Failure while replaying WAL|Failed to read|"
    r"Could not read enough bytes|storage version|Failed to deserialize|Serialization Error|"
    r"database has been invalidated|INTERNAL Error|Unrecognized|Could not read|free list",
    re.IGNORECASE,
)
_OUTSIDE = re.compile(
    r"Permission denied|Read-only file system|No space left|No such file or directory|Disk quota|File too large|"
    r"Too many open files|Is a directory|Out of Memory",
    re.IGNORECASE,
)


def is_corruption(error: duckdb.Error) -> bool:
    """Whether a DuckDB error, at opening or later, means that the file itself is damaged."""
    text = str(error)
    if _OUTSIDE.search(text):
        return False
    return isinstance(error, (duckdb.SerializationException, duckdb.FatalException)) or bool(_CORRUPTION.search(text))


def tells_of_corruption(text: str) -> bool:
    """Whether a message (dbt's, say) tells that the warehouse file is damaged; stricter than an error of our own."""
    return bool(re.search(r"Corrupt database|computed checksum|not a valid DuckDB database", text))


def connect(settings: Settings, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open the warehouse (made when missing, unless `read_only`).

    Raises WarehouseLocked, WarehouseBroken or WarehouseUnavailable, each with what to do.
    """
    path = settings.warehouse
    if read_only and not path.exists():
        raise WarehouseUnavailable(f"There is no warehouse at {path} yet: run `make pipeline` first.")
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.memory_limit,
        "temp_directory": str(settings.tmp),
        # Written into the file when it is closed, not after every delivery: a quarter of the load's time.
        "checkpoint_threshold": CHECKPOINT_THRESHOLD,
        # Set-up must work where DuckDB's extension server is out of reach; all that we use is built in.
        "autoinstall_known_extensions": False,
    }
    if settings.threads is not None:
        config["threads"] = settings.threads
    try:
        connection = duckdb.connect(str(path), read_only=read_only, config=config)
    except duckdb.Error as error:
        raise _explained(error, path) from error
    if not read_only:
        path.chmod(PRIVATE_FILE_MODE)
    return connection


def _explained(error: duckdb.Error, path: Path) -> RuntimeError:
    text = str(error)
    if "Conflicting lock" in text or "Could not set lock" in text:
        found = re.search(r"PID (\d+)", text)
        pid = int(found.group(1)) if found else None
        holder = f"process {pid}" if pid else "another process"
        return WarehouseLocked(
            f"The warehouse {path} is in use by {holder}. Wait until it has finished, or stop it; then try again.", pid
        )
    if is_corruption(error):
        return WarehouseBroken(
            f"The warehouse {path} or its write-ahead log is damaged and can't be opened ({_first_line(text)}). "
            "Nothing is lost: the file is set aside and built again from the landing zone."
        )
    return WarehouseUnavailable(f"The warehouse {path} can't be opened: {_first_line(text)}")


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:300] if text.strip() else "no further reason given"


def set_aside_broken_warehouse(settings: Settings) -> Path | None:
    """Move a damaged warehouse and its write-ahead log to `$DATA/broken/<time>/`, and return that folder.

    An earlier one is removed first: a damaged copy of personal data should not be kept in several generations.
    Returns None when there is nothing to move.
    """
    wal = settings.warehouse.with_name(settings.warehouse.name + ".wal")
    present = [path for path in (settings.warehouse, wal) if path.exists()]
    if not present:
        return None
    room = settings.data / "broken"
    room.mkdir(mode=0o700, exist_ok=True)
    for old in room.iterdir():
        for file in old.iterdir():
            file.unlink()
        old.rmdir()
    target = room / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    target.mkdir(mode=0o700)
    # The log goes first: a database left alone without its log can still be opened, a log without its database can't.
    for path in reversed(present):
        path.rename(target / path.name)
    return target


# How the columns of persons are stored. DuckDB tries every form for each column of each delivery unless it is told: a
# sixth of the time in which the rows are written. A hash can't be made shorter, and codes are few. Storage versions of
# DuckDB newer than its default (1.5) refuse the dictionary, by a message that names it: take it out when you raise it.
_KEY = "ubigint using compression uncompressed"
_CODE = "varchar using compression dictionary"

_LOAD_COLUMNS = "_period date not null, _delivery integer not null"

_SCHEMAS = ("raw", "quality", "build")

_TABLES = {
    "raw.benefit_periods": f"""
        person_key {_KEY} not null, benefit_code {_CODE} not null, match_group_code {_CODE},
        municipality_code {_CODE} not null, from_date date not null, to_date date not null,
        benefit_fraction decimal(18, 6) not null, {_LOAD_COLUMNS}""",
    "raw.conversations": f"""
        conversation_id varchar not null, person_key {_KEY} not null, municipality_code {_CODE} not null,
        conversation_type_code integer not null, contact_form {_CODE} not null, status {_CODE} not null,
        conversation_date date not null, requested_date date, registered_at timestamp not null, {_LOAD_COLUMNS}""",
    "raw.active_offers": f"""
        offer_id varchar not null, person_key {_KEY} not null, municipality_code {_CODE} not null,
        offer_type {_CODE} not null, from_date date not null, to_date date not null,
        hours_per_week decimal(18, 6), {_LOAD_COLUMNS}""",
    "raw.ordinary_hours": f"""
        person_key {_KEY} not null, paid_hours decimal(18, 6) not null, {_LOAD_COLUMNS}""",
    "raw.population": f"""
        municipality_code varchar not null, population_16_66 bigint not null, supplier varchar not null,
        {_LOAD_COLUMNS}""",
    "raw.framework_conditions": f"""
        municipality_code varchar not null, period_code varchar not null, covariate_code varchar not null,
        value decimal(18, 6) not null, {_LOAD_COLUMNS}""",
    "raw.jobindsats_tables": f"""
        table_id varchar not null, columns varchar[] not null, row_count bigint not null, {_LOAD_COLUMNS}""",
    "raw.jobindsats_rows": f"""
        table_id varchar not null, row_number bigint not null, cells varchar[] not null, {_LOAD_COLUMNS}""",
    "raw.current_batches": """
        dataset varchar not null, period date not null, delivery integer not null, sha256 varchar not null,
        row_count bigint not null, supplier varchar not null""",
    "quality.deliveries": """
        period varchar not null, delivery integer, status varchar not null, reasons varchar, rows bigint,
        hash varchar not null, loaded_at timestamptz not null, supplier varchar, delivered_at timestamptz,
        first_seen_at timestamptz not null, path varchar not null""",
    "quality.delivery_datasets": """
        period varchar not null, delivery integer not null, dataset varchar not null, file varchar not null,
        sha256 varchar not null, rows_in_file bigint not null, accepted bigint not null, quarantined bigint not null""",
    "quality.quarantined_rows": """
        dataset varchar not null, period varchar not null, delivery integer not null, file varchar not null,
        row_number bigint not null, rule varchar not null, "column" varchar, reason varchar not null,
        person_key ubigint""",
    "quality.check_results": """
        build_id varchar not null, layer varchar not null, suite varchar not null, expectation varchar not null,
        table_name varchar not null, column_name varchar, severity varchar not null, success boolean not null,
        observed varchar, unexpected_count bigint, checked_at timestamptz not null""",
    "quality.official_sources": """
        source_code varchar not null, table_id varchar, state varchar not null, since timestamptz,
        reason varchar not null, last_success_at timestamptz, last_attempt_at timestamptz, update_latest varchar""",
    "build.key": "key_id varchar not null",
}


def ensure_schemas(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the schemas and tables that the loader and the check runner write, where they are missing."""
    connection.execute("begin transaction")
    for schema in _SCHEMAS:
        connection.execute(f"create schema if not exists {schema}")
    for table in _TABLES:
        _make_table(connection, table)
    connection.execute("commit")


def ensure_check_results(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `quality.check_results` alone, where it is missing: checks may run where nothing was ever loaded."""
    connection.execute("create schema if not exists quality")
    _make_table(connection, "quality.check_results")


def _make_table(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    connection.execute(f"create table if not exists {table} ({_TABLES[table]})")
