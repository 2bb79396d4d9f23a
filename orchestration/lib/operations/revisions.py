"""`rpt_revisions`: every published figure that changed between two releases, with its cause.

Only what both releases show is compared, after suppression: a hidden value can't get into this table.
"""

from __future__ import annotations

import ast
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.lib.deliveries import FIRST_FETCHED_NUMBER
from orchestration.lib.disclosure.declarations import DECLARATIONS
from orchestration.lib.release.content import columns_of
from orchestration.lib.sql_text import quoted, sql_literal

TABLE = "rpt_revisions"
# Where what is delivered becomes rows of `raw`.
LOAD = "orchestration/lib/loading.py"
# The id of the release is no content: a rebuild of the same figures bears another one.
HASHED_COLUMNS = ("table_name", "key", "column_name", "old_value", "new_value", "cause", "delivery")
COLUMNS = ("release_id", *HASHED_COLUMNS)
DESCRIPTION = (
    "One row per release, table, row (key) and column whose published figure differs from the release before: what it "
    "was and what it became. Rows of earlier releases stay. A figure that was missing, or is hidden in either release, "
    "is no revision."
)
COLUMN_DESCRIPTIONS = {
    "release_id": "The release that showed the new value first.",
    "table_name": "The released table.",
    "key": "Key columns and values of the row, as name=value, comma between.",
    "column_name": "The column whose value changed.",
    "old_value": "The value in the release before, as text.",
    "new_value": "The value in this release, as text; null when there is no such figure any more.",
    "cause": "late_delivery (first delivery of its month), correction (a later one), rule (seeds) or method (models, "
    "and the code that they and the load import).",
    "delivery": "The delivery that did it, as YYYY-MM/delivery-NNN: of those new since the release before, the nearest "
    "to the figure's period. Null for a rule or method.",
}

# Marks and words beside the figures, and which rule or row they come from; the figures themselves are compared.
_NOT_COMPARED = frozenset(
    {
        *("is_suppressed", "is_provisional", "rule_id", "hours_rule_id", "rule_set_id", "period_code"),
        # What the rule of the row asks for: dim_rules tells it, and a row that goes takes no figure of it along.
        *("required_count", "from_months", "to_months", "offset_value", "offset_unit", "unit"),
    }
)
_WORD_ENDINGS = ("_name", "_name_da", "_name_en", "_da", "_en", "_rule_id")


@dataclass(frozen=True)
class Arrival:
    """A delivery that this release holds and the one before did not."""

    period: str
    name: str
    cause: str
    is_fetched: bool


def new_arrivals(deliveries: Sequence[Mapping[str, Any]], earlier: Sequence[Mapping[str, Any]]) -> list[Arrival]:
    """Deliveries accepted now that were not loaded in the earlier release.

    A delivery is a correction when that release held another one of the same month and supplier, else it is late.
    """

    def identity(delivery: Mapping[str, Any]) -> tuple[str, str]:
        return _name(delivery), str(delivery["hash"])

    loaded = [delivery for delivery in earlier if delivery["status"] != "rejected"]
    known = {identity(delivery) for delivery in loaded}
    held = {(str(delivery["period"]), delivery.get("supplier")) for delivery in loaded}
    return [
        Arrival(
            period=str(delivery["period"]),
            name=_name(delivery),
            cause="correction" if (str(delivery["period"]), delivery.get("supplier")) in held else "late_delivery",
            is_fetched=int(delivery["delivery"] or 0) >= FIRST_FETCHED_NUMBER,
        )
        for delivery in deliveries
        if delivery["status"] == "accepted" and identity(delivery) not in known
    ]


def _name(delivery: Mapping[str, Any]) -> str:
    return str(delivery.get("path") or f"{delivery['period']}/delivery-{int(delivery['delivery'] or 0):03d}")


def project_cause(earlier: Path, now: Path | None) -> str | None:
    """What differs between two copies of the project (tar): `rule`, `method`, or None when the figures' files agree.

    Of the code only that counts which decides figures: what the load and the models in Python import.
    """
    if now is None or not earlier.is_file() or not now.is_file():
        return None
    before, after = _figure_files(earlier), _figure_files(now)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    if any(not name.startswith("seeds/") for name in changed):
        return "method"
    return "rule" if changed else None


def _figure_files(archive: Path) -> dict[str, bytes]:
    files = {}
    with tarfile.open(archive) as tar:
        for entry in tar:
            is_read = entry.name.startswith(("seeds/", "models/", "macros/", "orchestration/"))
            if (is_read and entry.name.endswith((".csv", ".sql", ".py"))) or entry.name == "dbt_project.yml":
                file = tar.extractfile(entry)
                files[entry.name] = file.read() if file else b""
    deciding = modules_of_figures(files)
    return {name: text for name, text in files.items() if not name.startswith("orchestration/") or name in deciding}


def modules_of_figures(files: Mapping[str, bytes]) -> set[str]:
    """The files below `orchestration/` that the load and the models in Python import, directly or through others.

    `files` holds the project's files by their path. Imports within functions count as well.
    """
    found = {LOAD} & files.keys()
    waiting = [*found, *(name for name in files if name.startswith("models/") and name.endswith(".py"))]
    while waiting:
        for module in _imported(files[waiting.pop()]):
            parts = module.split(".")
            # The packages that a module lies in run first.
            packages = ["/".join([*parts[:depth], "__init__.py"]) for depth in range(1, len(parts) + 1)]
            new = ({"/".join(parts) + ".py", *packages} & files.keys()) - found
            found |= new
            waiting += new
    return found


def _imported(source: bytes) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def write_revisions(
    con: duckdb.DuckDBPyConnection,
    release_id: str,
    tables: Sequence[str],
    deliveries: Sequence[Mapping[str, Any]],
    previous: Path | None,
    project_copy: Path | None,
) -> None:
    """Make `release.main.rpt_revisions` from the tables already in catalog `release` and the previous release's folder.

    The rows of earlier releases are taken over; without a previous release the table is empty.
    """
    target = f"release.main.{quoted(TABLE)}"
    con.execute(f"create or replace temp table revisions ({', '.join(f'{column} varchar' for column in COLUMNS)})")
    if previous is not None:
        _attach(con, previous)
        if columns_of(con, f"previous.main.{quoted(TABLE)}"):
            con.execute(f"insert into revisions select {', '.join(COLUMNS)} from previous.main.{quoted(TABLE)}")
        manifest = json.loads((previous / "manifest.json").read_text("utf-8"))
        arrivals = new_arrivals(deliveries, manifest["deliveries"])
        cause = project_cause(previous / "project.tar", project_copy)
        _write_arrivals(con, arrivals)
        for table in tables:
            _compare(con, table, release_id, cause)
        con.execute("drop table arrivals")
    listed = ", ".join(COLUMNS)
    con.execute(f"create table {target} as select {listed} from revisions order by {', '.join(COLUMNS[:4])}")
    con.execute("drop table revisions")


def _attach(con: duckdb.DuckDBPyConnection, previous: Path) -> None:
    if not con.execute("select 1 from duckdb_databases() where database_name = 'previous'").fetchone():
        con.execute(f"attach {sql_literal(previous / 'release.duckdb')} as previous (read_only)")


def _write_arrivals(con: duckdb.DuckDBPyConnection, arrivals: Sequence[Arrival]) -> None:
    con.execute("create or replace temp table arrivals (month date, name varchar, cause varchar, is_fetched boolean)")
    months = [arrival for arrival in arrivals if len(arrival.period) == 7]
    if months:
        con.executemany(
            "insert into arrivals values (?, ?, ?, ?)",
            [[f"{one.period}-01", one.name, one.cause, one.is_fetched] for one in months],
        )


def _month_of_row(columns: Sequence[str]) -> str:
    """The last month that a row is about, as an expression over `old`."""
    if "month" in columns:
        return "old.month"
    if "period_end_date" in columns:
        return "date_trunc('month', old.period_end_date)::date"
    if "period_code" in columns:
        # 2024QMAT02 is the rolling year that ends with the second quarter of 2024.
        return (
            "try_cast(left(old.period_code, 4) || '-' || "
            "lpad((try_cast(regexp_extract(old.period_code, 'QMAT(\\d+)$', 1) as integer) * 3)::varchar, 2, '0') "
            "|| '-01' as date)"
        )
    if "round_code" in columns:
        return "try_cast(old.round_code || '-01' as date)"
    if "statement_year" in columns:
        return "make_date(old.statement_year::integer, 12, 1)"
    return "null::date"


def _compare(con: duckdb.DuckDBPyConnection, table: str, release_id: str, cause: str | None) -> None:
    declaration = DECLARATIONS.get(table)
    before, after = (columns_of(con, f"{catalog}.main.{quoted(table)}") for catalog in ("previous", "release"))
    shared = [column for column in before if column in after]
    if declaration is None or table == TABLE or not set(declaration.keys) <= set(shared):
        return
    keys = declaration.keys
    compared = [
        column
        for column in shared
        if column not in keys and column not in _NOT_COMPARED and not column.endswith(_WORD_ENDINGS)
    ]
    if not compared:
        return
    matched = " and ".join(f"old.{quoted(key)} is not distinct from new.{quoted(key)}" for key in keys)
    differs = " or ".join(f"old.{quoted(name)} is distinct from new.{quoted(name)}" for name in compared)
    key_text = " || ', ' || ".join(f"'{key}=' || coalesce(old.{quoted(key)}::varchar, '')" for key in keys)
    cells = ", ".join(
        f"struct_pack(column_name := '{name}', "
        f"old_value := old.{quoted(name)}::varchar, new_value := new.{quoted(name)}::varchar)"
        for name in compared
    )
    # Tables as published, and levels as published, change by what was fetched; all else by the monthly extracts.
    is_published = (
        # Of a figure that rests on no level the source is null.
        "coalesce(old.expected_source = 'published', false)"
        if "expected_source" in shared
        else str("published" in table).lower()
    )
    # A figure that is hidden now has not been revised: nothing is said about it.
    hidden = "coalesce(new.is_suppressed, false)" if "is_suppressed" in after else "false"
    # Where the project changed as well, a delivery is the cause only if it lies in the twelve months of the figure.
    reach = "between 0 and 11" if cause is not None else "is not null or true"
    con.execute(
        f"""
        insert into revisions
        with changed as (
            select
                {key_text} as key,
                {_month_of_row(shared)} as month,
                {is_published} as is_published,
                {hidden} as is_hidden,
                unnest([{cells}]) as cell
            from previous.main.{quoted(table)} as old
            left join release.main.{quoted(table)} as new on {matched}
            where {differs}
        ),
        figures as (
            select key, month, is_published, cell.column_name, cell.old_value, cell.new_value
            from changed
            where
                cell.old_value is not null
                and cell.old_value is distinct from cell.new_value
                and not (is_hidden and cell.new_value is null)
        ),
        places as (
            select month, is_published from figures group by month, is_published
        ),
        causes as (
            select
                places.month,
                places.is_published,
                arg_min(
                    struct_pack(name := arrivals.name, cause := arrivals.cause),
                    -- A row's own month first, then the months before it, then those after.
                    struct_pack(
                        is_other_kind := arrivals.is_fetched is distinct from places.is_published,
                        is_later := coalesce(arrivals.month > places.month, false),
                        distance := coalesce(abs(date_diff('month', arrivals.month, places.month)), 0),
                        newest_first := -date_diff('day', date '1900-01-01', arrivals.month),
                        name := arrivals.name
                    )
                ) as arrival
            from places
            inner join arrivals on date_diff('month', arrivals.month, places.month) {reach}
            group by places.month, places.is_published
        )
        select
            $release_id,
            $table_name,
            figures.key,
            figures.column_name,
            figures.old_value,
            figures.new_value,
            coalesce(causes.arrival.cause, $cause),
            causes.arrival.name
        from figures
        left join causes
            on figures.month is not distinct from causes.month and figures.is_published = causes.is_published
        """,
        {"release_id": release_id, "table_name": table, "cause": cause or "method"},
    )
