"""Writes one release and makes it the current one.

A release is built in `candidates/.incomplete-<id>`, made durable, closed for writing and only then given its name, so
that a folder with a release's name is always whole. It stays in that private folder while it is checked; `admit` moves
it among the releases, where readers look, and `make_current` names it. Each is one step.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.lib.disclosure import control, protected_months
from orchestration.lib.disclosure.declarations import DECLARATIONS
from orchestration.lib.disclosure.families import FAMILY_TABLES
from orchestration.lib.disclosure.secondary import ProtectedMonths
from orchestration.lib.disclosure.state import TableState
from orchestration.lib.operations import completeness, revisions
from orchestration.lib.release import formats, meta
from orchestration.lib.release.content import columns_of, content_hash
from orchestration.lib.release.project_copy import write_project_copy
from orchestration.lib.sql_text import quoted, sql_literal
from orchestration.lib.warehouse import CHECKPOINT_THRESHOLD

# The oldest storage format of DuckDB 1.x: DuckDB 1.1 and everything newer opens it.
STORAGE_VERSION = "v1.0.0"
FILE_MODE = 0o444
FOLDER_MODE = 0o755
# Nobody but the pipeline's account looks at what has not passed its checks.
CANDIDATES_MODE = 0o700
CURRENT = "current"
INCOMPLETE_PREFIX = ".incomplete-"
MANIFEST = "manifest.json"
# What a release adds to the tables of the warehouse.
_OWN_COLUMNS = {
    "is_suppressed": "True when a figure of the row is hidden: it is about one or two persons or would tell one."
}
_IDENTIFIER = re.compile(r"^\d{8}T\d{6}Z-[0-9a-f]{8}$")


class ReleaseError(RuntimeError):
    """A release can't be written or named; the message says why."""


@dataclass(frozen=True)
class ReleaseFacts:
    """What a release says about its own making.

    created_at is given by the caller, since nothing below the pipeline reads the clock. `deliveries` are the rows of
    quality.deliveries (any mapping of plain values), `checks` those of `meta.checks`; `is_sample` when the deliveries
    are made up, and so every figure; `descriptions` may give texts for tables and columns as
    {table: (text, {column: text})}, and goes before the comments found in the warehouse.
    """

    created_at: datetime
    build_id: str
    project_hash: str
    key_id: str
    commit: str = ""
    dbt_version: str = ""
    duckdb_version: str = duckdb.__version__
    deliveries: Sequence[Mapping[str, Any]] = ()
    checks: Sequence[Mapping[str, Any]] = ()
    is_sample: bool = False
    descriptions: Mapping[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class ReleasedTable:
    """One table as released: its size, columns (name -> DuckDB type) and the hash of its content.

    file_digests: SHA-256 of its files by kind, which the data package names.
    """

    name: str
    row_count: int
    hidden_row_count: int
    sha256: str
    columns: Mapping[str, str]
    description: str
    column_descriptions: Mapping[str, str]
    file_digests: Mapping[str, str]


def release_identifier(created_at: datetime, fingerprint: str) -> str:
    """The id of a release: UTC time, so that ids sort by age, and eight digits of what the release is made of."""
    if created_at.tzinfo is None:
        raise ValueError("created_at must carry a time zone")
    digits = re.sub(r"[^0-9a-f]", "", fingerprint.lower())[:8]
    if len(digits) < 8:
        raise ValueError("the fingerprint must hold at least eight hexadecimal digits")
    return f"{created_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digits}"


def remove_leftovers(folder: Path) -> list[str]:
    """Remove the unfinished folders and links of runs that were killed, among releases or candidates; their names."""
    removed: list[str] = []
    if not folder.is_dir():
        return removed
    for path in sorted(folder.iterdir()):
        if path.name.startswith(INCOMPLETE_PREFIX):
            _open_for_removal(path)
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            removed.append(path.name)
    return removed


def release_folders(releases: Path) -> list[Path]:
    """The finished releases, oldest first."""
    if not releases.is_dir():
        return []
    return sorted(
        path
        for path in releases.iterdir()
        if path.is_dir() and not path.is_symlink() and _IDENTIFIER.match(path.name) and (path / MANIFEST).is_file()
    )


def current_release(releases: Path) -> Path | None:
    """The folder that `current` names, or None when there is none yet."""
    link = releases / CURRENT
    if not link.is_symlink():
        return None
    folder = releases / link.readlink()
    return folder if folder.is_dir() else None


def admit(candidate: Path, releases: Path) -> Path:
    """Move a candidate among the releases, in one step, and return its place there: from here on readers may see it.

    Raises ReleaseError when the name is taken.
    """
    final = releases / candidate.name
    if final.exists():
        raise ReleaseError(f"release {candidate.name} exists already and is never changed")
    releases.mkdir(parents=True, exist_ok=True)
    releases.chmod(FOLDER_MODE)
    candidate.replace(final)
    sync(releases)
    sync(candidate.parent)
    return final


def make_current(releases: Path, release_id: str) -> None:
    """Let `current` name the release, in one step: a reader sees the old release or the new one, never neither.

    Raises ReleaseError when the release is not there or not whole.
    """
    folder = releases / release_id
    if not _IDENTIFIER.match(release_id) or not (folder / MANIFEST).is_file():
        raise ReleaseError(f"{release_id} is no finished release in {releases}, so it can't become the current one")
    link = releases / (INCOMPLETE_PREFIX + "link")
    link.unlink(missing_ok=True)
    link.symlink_to(release_id)
    link.replace(releases / CURRENT)
    sync(releases)


def write_release(
    warehouse: Path,
    candidates: Path,
    *,
    release_id: str,
    facts: ReleaseFacts,
    previous: Path | None = None,
    project: Path | None = None,
    temporary: Path | None = None,
    protected: Path | None = None,
    memory_limit: str = "2GB",
) -> Path:
    """Write the release into the folder `candidates`, which is closed to others, and return its folder there.

    protected: the private folder of `disclosure.protected_months`, which spares unchanged months.

    Copies every `dim_*` and `rpt_*` of schema `marts` through disclosure control. Nobody else may have the warehouse
    open for writing. Raises ReleaseError when the id is taken or the warehouse holds nothing to release, and
    UndeclaredTable or DisclosureError when disclosure control can't vouch for a table.
    """
    if not _IDENTIFIER.match(release_id):
        raise ReleaseError(f"{release_id!r} is no release id: make it with release_identifier()")
    final = candidates / release_id
    if final.exists():
        raise ReleaseError(f"release {release_id} exists already and is never changed")
    candidates.mkdir(parents=True, exist_ok=True)
    candidates.chmod(CANDIDATES_MODE)
    remove_leftovers(candidates)
    folder = candidates / (INCOMPLETE_PREFIX + release_id)
    folder.mkdir(mode=0o700)

    if project is not None:
        write_project_copy(project, folder / "project.tar")
    tables = _write_tables(warehouse, folder, release_id, facts, previous, temporary, protected, memory_limit)
    _write_manifest(folder, release_id, facts, tables, previous)
    close_folder(folder)
    folder.replace(final)
    sync(candidates)
    return final


def _write_tables(
    warehouse: Path,
    folder: Path,
    release_id: str,
    facts: ReleaseFacts,
    previous: Path | None,
    temporary: Path | None,
    protected: Path | None,
    memory_limit: str,
) -> list[ReleasedTable]:
    # The warehouse keeps the catalog name under which dbt wrote the views' definitions.
    catalog = warehouse.stem
    # The release is written into its file once, at the end, and not after each large table as well.
    con = duckdb.connect(
        ":memory:", config={"memory_limit": memory_limit, "checkpoint_threshold": CHECKPOINT_THRESHOLD}
    )
    try:
        if temporary is not None:
            con.execute(f"set temp_directory = {sql_literal(temporary)}")
        con.execute(f"attach {sql_literal(warehouse)} as {quoted(catalog)} (read_only)")
        con.execute(f"attach {sql_literal(folder / 'release.duckdb')} as release (storage_version '{STORAGE_VERSION}')")
        names = [
            str(row[0])
            for row in con.execute(
                "select table_name from information_schema.tables where table_catalog = ? and table_schema = 'marts' "
                "and (starts_with(table_name, 'dim_') or starts_with(table_name, 'rpt_')) order by table_name",
                [catalog],
            ).fetchall()
        ]
        if not names:
            raise ReleaseError(f"{warehouse} has no dim_ or rpt_ table in schema marts: nothing to release")
        comments = _comments(con, catalog, facts)

        context = control.read_context(con, catalog, facts.created_at.astimezone(UTC).date())
        first = [name for name in names if name in FAMILY_TABLES]
        rest = [name for name in names if name not in FAMILY_TABLES]
        states = _stage(con, catalog, first, previous)
        with ThreadPoolExecutor(1) as pool:
            # What the families hide is Python's work; DuckDB brings the other tables meanwhile.
            others = pool.submit(_stage, con.cursor(), catalog, rest, previous)
            cells = _protect(states, others.result, context, release_id, previous, protected)
            states |= others.result()

        for kind in ("parquet", "csv"):
            (folder / kind).mkdir(mode=0o700)
        # Two tables at a time, each with half the threads: much of what DuckDB does for one is the work of one thread.
        # The largest first, so that nobody waits for it at the end.
        con.execute(f"set threads = {max(1, (os.cpu_count() or 2) // 2)}")
        by_size = sorted(names, key=lambda name: -states[name].row_count if name in states else 0)
        with ThreadPoolExecutor(2) as pool:
            # A connection may be asked for a cursor by one thread only.
            written = [pool.submit(_write_table, con.cursor(), name, states.get(name)) for name in by_size]
            for one in written:
                one.result()
            revisions.write_revisions(con, release_id, names, facts.deliveries, previous, folder / "project.tar")
            released_names = [*names, revisions.TABLE]
            # Workbooks are Python's work, all else is DuckDB's.
            workbooks = pool.submit(
                formats.write_excel,
                con.cursor(),
                "release",
                released_names,
                folder / "excel",
                release_id,
                is_sample=facts.is_sample,
            )
            texts = {**comments, revisions.TABLE: (revisions.DESCRIPTION, revisions.COLUMN_DESCRIPTIONS)}
            finished = {
                name: pool.submit(
                    _finish,
                    con.cursor(),
                    folder,
                    name,
                    *texts.get(name, ("", {})),
                    revisions.HASHED_COLUMNS if name == revisions.TABLE else None,
                )
                for name in [*by_size, revisions.TABLE]
            }
            released = [finished[name].result() for name in released_names]
            workbooks.result()
        last_resorts = control.last_resorts(cells)
        _write_meta(con, release_id, facts, released, context.maximum, control.report(states), last_resorts)
        completeness.write_completeness(con, quoted(catalog))
        formats.write_codebook(con, "release", released_names, folder / "csv")
        digests = {table.name: table.file_digests for table in released}
        formats.write_datapackage(
            con,
            "release",
            digests,
            folder,
            release_id,
            facts.created_at.astimezone(UTC).isoformat(),
            is_sample=facts.is_sample,
        )
        con.execute("checkpoint release")
        con.execute("detach release")
    finally:
        con.close()
    return released


def _stage(
    con: duckdb.DuckDBPyConnection, catalog: str, names: Sequence[str], previous: Path | None
) -> dict[str, TableState]:
    """Copy tables in the order of their keys, and read those that hold figures, with what was released before."""
    states: dict[str, TableState] = {}
    for name in names:
        columns = columns_of(con, f"{quoted(catalog)}.marts.{quoted(name)}")
        stored = [column for column in columns if column != "is_suppressed" or not name.startswith("rpt_")]
        declared = DECLARATIONS[name].keys if name in DECLARATIONS else ()
        keys = [column for column in declared if column in columns]
        # Declared keys are unique (dbt tests it), so they order the rows totally; sorting by less is much quicker.
        order = keys or stored
        con.execute(
            f"create table memory.main.{quoted(name)} as "
            f"select {', '.join(map(quoted, stored))} from {quoted(catalog)}.marts.{quoted(name)} "
            f"order by {', '.join(f'{quoted(column)} nulls last' for column in order)}"
        )
        if name.startswith("rpt_"):
            stored_types = {column: columns[column] for column in stored}
            states[name] = control.read_state(con, name, f"memory.main.{quoted(name)}", stored_types)
            if previous is not None:
                control.read_earlier(con, states[name], previous)
    return states


def _protect(
    states: Mapping[str, TableState],
    others: Callable[[], Mapping[str, TableState]],
    context: control.Context,
    release_id: str,
    previous: Path | None,
    protected: Path | None,
) -> Mapping[str, ProtectedMonths]:
    """Fill the tables' masks, and keep what they are for the release to come."""
    if protected is None:
        return control.masks_for(states, others, context)
    rules = protected_months.rules_identifier(context.maximum)
    earlier = protected_months.read(protected, previous.name, rules) if previous is not None else {}
    cells = control.masks_for(states, others, context, earlier)
    protected_months.write(protected, release_id, rules, cells)
    return cells


def _write_table(con: duckdb.DuckDBPyConnection, name: str, staged: TableState | None) -> None:
    """Put a staged table into the release, without what disclosure control hides."""
    target = f"release.main.{quoted(name)}"
    if staged is None:
        con.execute(f"create table {target} as from memory.main.{quoted(name)}")
    else:
        _write_suppressed(con, name, target, staged)
    con.execute(f"drop table memory.main.{quoted(name)}")


def _finish(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    name: str,
    text: str,
    texts: Mapping[str, str],
    hashed: Sequence[str] | None = None,
) -> ReleasedTable:
    """Comment a released table, write it as Parquet and CSV, and measure it; `hashed`: its columns that are content."""
    target = f"release.main.{quoted(name)}"
    columns = columns_of(con, target)
    _write_comments(con, target, text, texts, columns)
    con.execute(
        f"copy {target} to {sql_literal(folder / 'parquet' / (name + '.parquet'))} "
        "(format parquet, compression zstd, row_group_size 122880)"
    )
    formats.write_csv(con, "release", name, folder / "csv")
    row_count, hidden_count = _counts(con, target, columns)
    return ReleasedTable(
        name=name,
        row_count=row_count,
        hidden_row_count=hidden_count,
        sha256=content_hash(con, target, list(hashed or columns)),
        columns=columns,
        description=text,
        column_descriptions={column: texts.get(column, "") for column in columns},
        file_digests={kind: formats.digest_of(path) for kind, path in formats.table_files(folder, name).items()},
    )


def _write_suppressed(con: duckdb.DuckDBPyConnection, name: str, target: str, state: TableState) -> None:
    hidden = list(control.hidden_columns(state))
    masks = pa.table(
        {f"hide_{column}": pa.array(state.hidden[column]) for column in hidden}
        # A table without hidden cells still needs a column, so that the rows can be joined by position.
        or {"hide_": pa.array([False] * state.row_count, type=pa.bool_())}
    )
    con.register("masks", masks)
    ranks = state.declaration.ranks

    def shown(column: str) -> str:
        if column not in hidden:
            return f"staged.{quoted(column)}"
        is_hidden, value = f"masks.{quoted('hide_' + column)}", f"staged.{quoted(column)}"
        if column in ranks:
            within = ", ".join(f"staged.{quoted(key)}" for key in ranks[column])
            place = f"rank() over (partition by {within}, {is_hidden} order by {value})::{state.columns[column]}"
            value = f"case when {value} is not null then {place} end"
        return f"case when {is_hidden} then null else {value} end as {quoted(column)}"

    # Only a cell that had a value is hidden: a share of nobody is null in the warehouse already.
    flags = [f"(masks.{quoted('hide_' + column)} and staged.{quoted(column)} is not null)" for column in hidden]
    con.execute(
        f"create table {target} as select {', '.join(map(shown, state.columns))}, "
        f"{' or '.join(flags) or 'false'} as is_suppressed "
        f"from memory.main.{quoted(name)} as staged positional join masks"
        # A window puts rows in another order.
        + (" order by staged.rowid" if ranks.keys() & set(hidden) else "")
    )
    con.unregister("masks")


def _comments(
    con: duckdb.DuckDBPyConnection, catalog: str, facts: ReleaseFacts
) -> dict[str, tuple[str, Mapping[str, str]]]:
    """Descriptions by table: the caller's, else the warehouse's comments, for rpt_x else those of fct_x."""
    tables: dict[str, str] = {}
    columns: dict[str, dict[str, str]] = {}
    for kind in ("table", "view"):
        for table, text in con.execute(
            f"select {kind}_name, comment from duckdb_{kind}s() where database_name = ? and schema_name = 'marts' "
            "and comment is not null",
            [catalog],
        ).fetchall():
            tables[str(table)] = str(text)
    for table, column, text in con.execute(
        "select table_name, column_name, comment from duckdb_columns() where database_name = ? "
        "and schema_name = 'marts' and comment is not null",
        [catalog],
    ).fetchall():
        columns.setdefault(str(table), {})[str(column)] = str(text)
    result: dict[str, tuple[str, Mapping[str, str]]] = {}
    for table in {*tables, *columns, *facts.descriptions, *("rpt_" + t[4:] for t in tables if t.startswith("fct_"))}:
        twin = "fct_" + table[4:] if table.startswith("rpt_") else table
        given_text, given_columns = facts.descriptions.get(table, ("", {}))
        result[table] = (
            given_text or tables.get(table) or tables.get(twin, ""),
            {**columns.get(twin, {}), **columns.get(table, {}), **given_columns},
        )
    return result


def _write_comments(
    con: duckdb.DuckDBPyConnection, target: str, text: str, texts: Mapping[str, str], columns: Mapping[str, str]
) -> None:
    described = {column: texts.get(column) or _OWN_COLUMNS.get(column, "") for column in columns}
    meta.comment_on(con, target, text, described)


def _counts(con: duckdb.DuckDBPyConnection, target: str, columns: Mapping[str, str]) -> tuple[int, int]:
    hidden = "count(*) filter (is_suppressed)" if "is_suppressed" in columns else "0"
    row = con.execute(f"select count(*), {hidden} from {target}").fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _write_meta(
    con: duckdb.DuckDBPyConnection,
    release_id: str,
    facts: ReleaseFacts,
    tables: Sequence[ReleasedTable],
    maximum: int,
    report: Sequence[control.ReportRow],
    last_resorts: int,
) -> None:
    """Schema `meta`: what a reader who has only the file must know about it."""
    con.execute(f"create schema {meta.SCHEMA}")
    meta.write_rows(
        con,
        "release",
        [
            {
                "release_id": release_id,
                "created_at": facts.created_at,
                "build_id": facts.build_id,
                "project_hash": facts.project_hash,
                "project_commit": facts.commit,
                "key_id": facts.key_id,
                "dbt_version": facts.dbt_version,
                "duckdb_version": facts.duckdb_version,
                "hidden_maximum": maximum,
                "cells_protected_by_hiding_totals": last_resorts,
                "is_sample": facts.is_sample,
            }
        ],
    )
    meta.write_rows(con, "tables", [asdict(table) | {"table_name": table.name} for table in tables])
    meta.write_rows(con, "suppression", [asdict(row) for row in report])
    meta.write_rows(con, "checks", facts.checks)
    meta.write_rows(
        con,
        "deliveries",
        [
            {
                name: delivery.get(name) if name in ("delivery", "rows") else _text(delivery.get(name))
                for name in meta.TABLES["deliveries"].columns
            }
            for delivery in facts.deliveries
        ],
    )


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return value if isinstance(value, str) else value.isoformat() if hasattr(value, "isoformat") else str(value)


def _write_manifest(
    folder: Path, release_id: str, facts: ReleaseFacts, tables: Sequence[ReleasedTable], previous: Path | None
) -> None:
    manifest = {
        "release_id": release_id,
        # What an earlier release showed and hid is an input of this one.
        "previous_release_id": previous.name if previous is not None else None,
        "created_at": facts.created_at.astimezone(UTC).isoformat(),
        "build_id": facts.build_id,
        "project_hash": facts.project_hash,
        "commit": facts.commit,
        "key_id": facts.key_id,
        "is_sample": facts.is_sample,
        "dbt_version": facts.dbt_version,
        "duckdb_version": facts.duckdb_version,
        "storage_version": STORAGE_VERSION,
        "deliveries": [{name: _text(value) for name, value in delivery.items()} for delivery in facts.deliveries],
        "tables": {
            table.name: {
                key: value
                for key, value in asdict(table).items()
                if key not in ("name", "column_descriptions", "file_digests")
            }
            for table in tables
        },
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", "utf-8")


def close_folder(folder: Path) -> None:
    """Make every file durable and read-only, and the folders readable by all."""
    for root, folders, files in os.walk(folder):
        for name in files:
            path = Path(root) / name
            path.chmod(FILE_MODE)
            sync(path)
        for name in folders:
            (Path(root) / name).chmod(FOLDER_MODE)
            sync(Path(root) / name)
    folder.chmod(FOLDER_MODE)
    sync(folder)


def sync(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _open_for_removal(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        return
    path.chmod(0o700)
    for root, folders, _ in os.walk(path):
        for name in folders:
            (Path(root) / name).chmod(0o700)
