"""Loading deliveries: from a folder of the landing zone to rows of `raw` and decisions in `quality`.

What stands in the warehouse is a function of the set of deliveries: the order of loading doesn't matter, and loading
one twice changes nothing. Each delivery is one transaction; the decision is in the ledger before it commits.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.lib.contracts import DatasetContract, load_contracts
from orchestration.lib.deliveries import (
    FIRST_PERIOD,
    JOBINDSATS_PREFIX,
    FoundDelivery,
    Manifest,
    Reason,
    check_files,
    discover,
    find_contract,
    read_fetched_suppliers,
    read_manifest,
    shown,
)
from orchestration.lib.ledger import Decision, Ledger
from orchestration.lib.pseudonyms import Key, KeyBook, load_key
from orchestration.lib.reading import LOADING_THREADS, JudgedFile, ReadingFailed, ReadingRoom
from orchestration.lib.rules import read_parameter
from orchestration.lib.settings import Settings
from orchestration.lib.warehouse import ensure_schemas

PERSON_TABLES = ("benefit_periods", "conversations", "active_offers", "ordinary_hours")


class KeyMismatch(RuntimeError):
    """The warehouse holds persons hashed with another key."""


@dataclass(frozen=True)
class LoadedDelivery:
    """A delivery accepted in this run; `rows` are those of its files, `quarantined` those of them set aside."""

    path: str
    period: str
    delivery: int
    rows: int
    quarantined: int


@dataclass(frozen=True)
class RejectedDelivery:
    """A delivery rejected in this run, with every reason as `code: message`."""

    path: str
    period: str
    delivery: int | None
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class LostDelivery:
    """A delivery accepted once that is not in the warehouse now and can't be loaded again: its figures are lost."""

    path: str
    period: str
    datasets: tuple[str, ...]


@dataclass
class LoadReport:
    """What one call of `load_pending` did.

    `superseded` names the deliveries (path) that have been wholly replaced, or came when they already were. `postponed`
    could not be judged for a reason of the system (path, message): nothing is decided, and the next run tries again.
    `lost` is told on every run as long as it is so.
    """

    accepted: list[LoadedDelivery] = field(default_factory=list)
    rejected: list[RejectedDelivery] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)
    postponed: list[tuple[str, str]] = field(default_factory=list)
    lost: list[LostDelivery] = field(default_factory=list)
    unchanged: int = 0
    key: Key | None = None

    @property
    def rows(self) -> int:
        """Rows in the files of the deliveries accepted now."""
        return sum(delivery.rows for delivery in self.accepted)


@dataclass
class _Run:
    """What one call of `load_pending` works with."""

    connection: duckdb.DuckDBPyConnection
    settings: Settings
    contracts: Mapping[str, DatasetContract]
    fetched_suppliers: frozenset[str]
    ledger: Ledger
    is_ledger_written: bool
    report: LoadReport


@dataclass(frozen=True)
class _Judgement:
    """A delivery before it is written: either reasons, or files that can be loaded."""

    manifest: Manifest | None
    reasons: tuple[str, ...]
    files: tuple[JudgedFile, ...] = ()


def load_pending(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    *,
    periods: Collection[str] | None = None,
    progress: Callable[[str], None] | None = None,
    now: datetime | None = None,
    contracts: Mapping[str, DatasetContract] | None = None,
    ledger_path: Path | None = None,
    known_until: datetime | None = None,
) -> LoadReport:
    """Load every delivery of the landing zone that the warehouse doesn't know yet, by period and number.

    `periods` (`YYYY-MM`) limits it to folders of those months. With `known_until` only deliveries that the ledger first
    saw by then are loaded (a rebuild as of that time), from the ledger `ledger_path`, which is not written. Known
    folders are recognised by their manifest; their files are not read again. `contracts` are read when not given.

    Raises KeyMissing, KeyTooShort, KeyMismatch, LedgerBroken, RuleMissing, ContractError, LandingMissing, and
    duckdb.Error or OSError when warehouse or ledger can't be written: the delivery at hand is then rolled back, and a
    next run goes on.
    """
    say = progress or (lambda text: None)
    ensure_schemas(connection)
    ledger = Ledger(ledger_path or settings.ledger)
    report = LoadReport()
    run = _Run(
        connection=connection,
        settings=settings,
        contracts=contracts or load_contracts(settings.project / "contracts"),
        fetched_suppliers=read_fetched_suppliers(settings.project),
        ledger=ledger,
        is_ledger_written=known_until is None,
        report=report,
    )
    known = _known_manifests(connection)
    if run.is_ledger_written:
        _complete_ledger(connection, ledger)
    pending, left_for_later = [], set()
    for found in discover(settings.landing):
        if periods is not None and found.period not in periods:
            left_for_later.add((found.path, found.manifest_hash))
            continue
        if found.trouble is not None:
            report.postponed.append((found.path, found.trouble))
            continue
        decision = ledger.find(found.path, found.manifest_hash)
        if known_until is not None and (decision is None or decision.first_seen_at > known_until):
            continue
        if (found.path, found.manifest_hash) in known:
            report.unchanged += 1
        else:
            pending.append(found)
    standing_before = _statuses(connection)
    with _threads(connection, LOADING_THREADS), closing(_judged_ahead(run, pending)) as judgements:
        for position, (found, room, judgement) in enumerate(judgements, start=1):
            say(f"{position}/{len(pending)} {found.path}")
            load_delivery(run, room, found, judgement, now or datetime.now(UTC))
    report.superseded = sorted(
        path
        for path, status in _statuses(connection).items()
        if status == "superseded" and standing_before.get(path) != "superseded"
    )
    report.lost = _lost(connection, ledger, left_for_later, known_until)
    return report


@contextmanager
def _threads(connection: duckdb.DuckDBPyConnection, number: int) -> Iterator[None]:
    """Use so many threads for a while."""
    before = connection.execute("select current_setting('threads')").fetchall()[0][0]
    connection.execute(f"set threads = {number}")
    try:
        yield
    finally:
        # A database that a fatal error has closed takes no settings; the first error is the one to tell.
        with suppress(duckdb.Error):
            connection.execute(f"set threads = {before}")


def _judged_ahead(
    run: _Run, pending: Sequence[FoundDelivery]
) -> Generator[tuple[FoundDelivery, ReadingRoom, Future[_Judgement]]]:
    """Each delivery with the room that it is judged in; while one is written, the next is judged by a second thread.

    Whether a delivery is accepted depends on its own files and on the ledger's words about its own folder, never on
    what stands in the warehouse. With JOBCENTER_THREADS=1 nothing is judged ahead.
    """
    book = KeyBook()
    at_once = 1 if run.settings.threads == 1 else 2
    with ReadingRoom(run.settings, book) as first, ReadingRoom(run.settings, book) as second:
        rooms = (first, second)
        judge = ThreadPoolExecutor(max_workers=1, thread_name_prefix="judging")
        judgements: dict[int, Future[_Judgement]] = {}
        try:
            for position, found in enumerate(pending):
                # The room of the next one is empty again: what was judged there has been written.
                for ahead in range(position, min(position + at_once, len(pending))):
                    if ahead not in judgements:
                        judgements[ahead] = judge.submit(_judge, run, rooms[ahead % 2], pending[ahead])
                yield found, rooms[position % 2], judgements.pop(position)
        finally:
            # After an error nobody waits for the judgement of the next one.
            for room in rooms:
                room.interrupt()
            judge.shutdown(cancel_futures=True)


def load_delivery(
    run: _Run, room: ReadingRoom, found: FoundDelivery, judged: Future[_Judgement], now: datetime
) -> None:
    """Write the outcome of one delivery, judged in that room, in one transaction; adds it to the run's report."""
    connection, report = run.connection, run.report
    before = run.ledger.find(found.path, found.manifest_hash)
    try:
        judgement = judged.result()
        if not judgement.reasons and _has_persons(judgement) and report.key is None:
            key = load_key(run.settings)
            _ensure_key(connection, key)
            report.key = key
    except ReadingFailed as error:
        room.forget()
        report.postponed.append((found.path, str(error)))
        return
    except OSError as error:
        room.forget()
        report.postponed.append((found.path, f"could not be read: {error.strerror or type(error).__name__}"))
        return
    decision = before or _new_decision(found, judgement, now)
    outcome: LoadedDelivery | RejectedDelivery
    try:
        connection.execute("begin transaction")
        if judgement.reasons:
            _write_delivery(connection, found, "rejected", judgement.reasons, decision, decision.rows, now)
            outcome = RejectedDelivery(found.path, found.period, found.delivery, judgement.reasons)
        else:
            outcome = _write_accepted(run, room, found, judgement, decision, now)
        if run.is_ledger_written:
            run.ledger.append(decision)
        connection.execute("commit")
    except BaseException:
        _roll_back(connection)
        raise
    finally:
        room.forget()
    if isinstance(outcome, LoadedDelivery):
        report.accepted.append(outcome)
    else:
        report.rejected.append(outcome)


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.execute("rollback")
    except duckdb.Error:
        # The first error is the one to tell; a commit that failed has rolled back by itself.
        return


def _judge(run: _Run, room: ReadingRoom, found: FoundDelivery) -> _Judgement:
    """Every reason to reject a delivery, or its files ready to be written. Nothing is written yet."""
    manifest, reasons = read_manifest(found, run.contracts, run.fetched_suppliers)
    before = run.ledger.find(found.path, found.manifest_hash)
    first = run.ledger.first(found.path)
    if before is not None and before.status == "rejected":
        # A rebuild: what was rejected then stays so, also when the folder has been mended since.
        return _Judgement(manifest, before.reasons)
    if before is None and first is not None:
        seen = first.first_seen_at.date().isoformat()
        changed = Reason(
            "content_changed",
            f"this folder was seen on {seen} with another manifest. Delivered files are never changed: deliver the "
            "correction under a new number. What was loaded from it stays.",
        )
        return _Judgement(manifest, (str(changed),))
    if manifest is None:
        return _Judgement(None, tuple(map(str, reasons)))
    paths, file_reasons = check_files(found, manifest)
    reasons += file_reasons
    files: list[JudgedFile] = []
    # Where the month itself is wrong, the files are still read for what is wrong with them in any month; how many rows
    # break a rule can't be told, since some rules are about the month.
    is_month_known = not any(reason.code == "period" for reason in reasons)
    for entry in dict.fromkeys(manifest.files):
        contract = find_contract(entry.dataset, run.contracts)
        if contract is None or entry.file not in paths or any(one.entry.dataset == entry.dataset for one in files):
            continue
        period = manifest.period if is_month_known else FIRST_PERIOD
        judged, data_reasons = room.judge(entry, paths[entry.file], contract, period)
        reasons += data_reasons
        if judged is not None:
            files.append(judged)
            if is_month_known:
                reasons += _too_many_quarantined(judged, period, run.settings.project)
    if before is not None and reasons:
        reasons.append(
            Reason(
                "content_changed",
                "this delivery was accepted before, and its files are no longer those that were loaded. The figures "
                f"from it can't be rebuilt: {', '.join(sorted(shown(entry.dataset) for entry in manifest.files))}.",
            )
        )
    return _Judgement(manifest, tuple(map(str, reasons)), tuple(files))


def _too_many_quarantined(judged: JudgedFile, period: str, project: Path) -> list[Reason]:
    if not judged.broken:
        return []
    limit = read_parameter(project, judged.contract.quarantine_limit_parameter, _last_day(period))
    if judged.quarantined <= limit * judged.rows:
        return []
    counts: Counter[str] = Counter()
    for rule, count in judged.broken:
        counts[f"{rule.rule} in {rule.column}" if rule.column else rule.rule] += count
    listed = ", ".join(f"{name} {count}" for name, count in counts.most_common())
    return [
        Reason(
            "too_many_quarantined",
            f"{shown(judged.entry.file)}: {judged.quarantined} of {judged.rows} rows break a row rule, more than "
            f"{(limit * 100).normalize():f} per cent: {listed}.",
        )
    ]


def _last_day(period: str) -> date:
    first = date.fromisoformat(f"{period}-01")
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _has_persons(judgement: _Judgement) -> bool:
    return any(_is_about_persons(judged.contract) for judged in judgement.files)


def _is_about_persons(contract: DatasetContract) -> bool:
    return any(column.is_personal_number for column in contract.columns)


def require_key(
    connection: duckdb.DuckDBPyConnection, settings: Settings, deliveries: Collection[FoundDelivery]
) -> None:
    """Raise now what loading these deliveries would raise about the key: KeyMissing, KeyTooShort or KeyMismatch.

    Only a delivery whose manifest is good and lists a data set about persons asks for a key. Makes the key of a sample.
    """
    contracts = load_contracts(settings.project / "contracts")
    fetched_suppliers = read_fetched_suppliers(settings.project)
    for found in deliveries:
        if found.trouble is not None:
            continue
        manifest, reasons = read_manifest(found, contracts, fetched_suppliers)
        if manifest is None or reasons:
            continue
        listed = [find_contract(entry.dataset, contracts) for entry in manifest.files]
        if any(contract is not None and _is_about_persons(contract) for contract in listed):
            _require_same_key(connection, load_key(settings))
            return


def _ensure_key(connection: duckdb.DuckDBPyConnection, key: Key) -> None:
    """Record the key's id, or refuse when the warehouse holds persons of another key."""
    if _require_same_key(connection, key):
        return
    connection.execute("begin transaction")
    connection.execute("delete from build.key")
    connection.execute("insert into build.key values (?)", [key.key_id])
    connection.execute("commit")


def _require_same_key(connection: duckdb.DuckDBPyConnection, key: Key) -> bool:
    """Whether the key is the one recorded; raises KeyMismatch when persons were hashed with another."""
    recorded = [row[0] for row in connection.execute("select key_id from build.key").fetchall()]
    if recorded and recorded != [key.key_id] and _holds_persons(connection):
        raise KeyMismatch(
            f"The warehouse was loaded with key {recorded[0]}, but the key given now is {key.key_id}: one person would "
            "be two. Give the former key, or hash everything anew from the landing zone with `make rekey`."
        )
    return recorded == [key.key_id]


def _holds_persons(connection: duckdb.DuckDBPyConnection) -> bool:
    tables = [*(f"raw.{name}" for name in PERSON_TABLES), "quality.quarantined_rows"]
    return any(
        connection.execute(f"select 1 from {table} where person_key is not null limit 1").fetchone() for table in tables
    )


def _new_decision(found: FoundDelivery, judgement: _Judgement, now: datetime) -> Decision:
    manifest = judgement.manifest
    return Decision(
        path=found.path,
        manifest_hash=found.manifest_hash,
        period=found.period,
        delivery=found.delivery,
        status="rejected" if judgement.reasons else "accepted",
        reasons=judgement.reasons,
        files=tuple((shown(one.dataset), shown(one.file), _hash(one.sha256)) for one in manifest.files)
        if manifest
        else (),
        rows=manifest.rows if manifest else None,
        supplier=shown(manifest.supplier) or None if manifest else None,
        delivered_at=manifest.delivered_at if manifest else None,
        first_seen_at=now,
    )


def _hash(text: str) -> str:
    # A hash may by chance hold ten digits in a row; only what is no hash is shown with care.
    return text if re.fullmatch("[0-9a-f]{64}", text) else shown(text)


def _write_delivery(
    connection: duckdb.DuckDBPyConnection,
    found: FoundDelivery,
    status: str,
    reasons: tuple[str, ...],
    decision: Decision,
    rows: int | None,
    now: datetime,
) -> None:
    connection.execute(
        """
        insert into quality.deliveries
            (period, delivery, status, reasons, rows, hash, loaded_at, supplier, delivered_at, first_seen_at, path)
        values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
            found.period, found.delivery, status, "\n".join(reasons) or None, rows, found.manifest_hash, now,
            decision.supplier, decision.delivered_at, decision.first_seen_at, found.path,
        ],
    )  # fmt: skip


def _write_accepted(
    run: _Run, room: ReadingRoom, found: FoundDelivery, judgement: _Judgement, decision: Decision, now: datetime
) -> LoadedDelivery:
    connection, key = run.connection, run.report.key
    manifest = judgement.manifest
    if manifest is None or manifest.delivery is None or (key is None and _has_persons(judgement)):
        raise AssertionError("an accepted delivery has a manifest, and a key when it is about persons")
    if key is not None:
        room.pseudonymise([judged.contract for judged in judgement.files], key)
    rows = sum(judged.rows for judged in judgement.files)
    _write_delivery(connection, found, "accepted", (), decision, rows, now)
    first_day = date.fromisoformat(f"{manifest.period}-01")
    for judged in judgement.files:
        entry = judged.entry
        connection.execute(
            "insert into quality.delivery_datasets values "
            "($period, $delivery, $dataset, $file, $sha256, $rows, $accepted, $quarantined)",
            {
                "period": manifest.period, "delivery": manifest.delivery, "dataset": entry.dataset,
                "file": shown(entry.file), "sha256": entry.sha256, "rows": judged.rows,
                "accepted": judged.rows - judged.quarantined, "quarantined": judged.quarantined,
            },
        )  # fmt: skip
        if entry.dataset.startswith(JOBINDSATS_PREFIX):
            _write_published(connection, judged, first_day, manifest.delivery)
        else:
            if judged.quarantined:
                _write_quarantined(connection, room, judged, manifest)
            stays = _replace_former(connection, entry.dataset, manifest, first_day, run.fetched_suppliers)
            if stays:
                _write_rows(connection, room, judged, manifest, first_day)
            # The rows of a month's largest file are a hundred megabytes, and the next file's come on top of them.
            room.forget(judged.contract)
            if not stays:
                continue
        connection.execute(
            "insert into raw.current_batches values ($dataset, $first_day, $delivery, $sha256, $rows, $supplier)",
            {
                "dataset": entry.dataset, "first_day": first_day, "delivery": manifest.delivery,
                "sha256": entry.sha256, "rows": judged.rows - judged.quarantined, "supplier": shown(manifest.supplier),
            },
        )  # fmt: skip
    _set_superseded(connection, manifest.period, run.fetched_suppliers)
    quarantined = sum(judged.quarantined for judged in judgement.files)
    return LoadedDelivery(found.path, manifest.period, manifest.delivery, rows, quarantined)


def _insert(
    connection: duckdb.DuckDBPyConnection,
    statement: str,
    rows: pa.Table | pa.RecordBatchReader,
    parameters: dict[str, object],
) -> None:
    connection.register("arriving_rows", rows)
    try:
        connection.execute(statement, parameters)
    finally:
        connection.unregister("arriving_rows")


def _write_rows(
    connection: duckdb.DuckDBPyConnection, room: ReadingRoom, judged: JudgedFile, manifest: Manifest, first_day: date
) -> None:
    columns = ", ".join(
        "person_key" if column.is_personal_number else column.name for column in judged.contract.columns
    )
    has_supplier = judged.contract.name == "population"
    _insert(
        connection,
        f"insert into raw.{judged.contract.name} ({columns}, {'supplier, ' if has_supplier else ''}_period, _delivery) "
        f"select {columns}, {'$supplier, ' if has_supplier else ''}$first_day, $delivery from arriving_rows",
        room.accepted(judged.contract),
        {"first_day": first_day, "delivery": manifest.delivery}
        | ({"supplier": shown(manifest.supplier)} if has_supplier else {}),
    )


def _write_quarantined(
    connection: duckdb.DuckDBPyConnection, room: ReadingRoom, judged: JudgedFile, manifest: Manifest
) -> None:
    _insert(
        connection,
        """
        insert into quality.quarantined_rows
            (dataset, period, delivery, file, row_number, rule, "column", reason, person_key)
        select $dataset, $period, $delivery, $file, row_number, rule, column_name, reason, person_key
        from arriving_rows
        """,
        room.quarantined(judged.contract),
        {
            "dataset": judged.entry.dataset,
            "period": manifest.period,
            "delivery": manifest.delivery,
            "file": shown(judged.entry.file),
        },
    )


def _write_published(connection: duckdb.DuckDBPyConnection, judged: JudgedFile, first_day: date, delivery: int) -> None:
    table_id = judged.entry.dataset.removeprefix(JOBINDSATS_PREFIX)
    connection.execute(
        "insert into raw.jobindsats_tables values (?, ?, ?, ?, ?)",
        [table_id, list(judged.table_columns), judged.rows, first_day, delivery],
    )
    rows = pa.table(
        {
            "row_number": pa.array(range(1, judged.rows + 1), pa.int64()),
            "cells": pa.array([list(row) for row in judged.table_rows], pa.list_(pa.string())),
        }
    )
    _insert(
        connection,
        "insert into raw.jobindsats_rows (table_id, row_number, cells, _period, _delivery) "
        "select $table_id, row_number, cells, $first_day, $delivery from arriving_rows",
        rows,
        {"table_id": table_id, "first_day": first_day, "delivery": delivery},
    )


def _replace_former(
    connection: duckdb.DuckDBPyConnection,
    dataset: str,
    manifest: Manifest,
    first_day: date,
    fetched_suppliers: frozenset[str],
) -> bool:
    """Remove what a lower number has left in raw; False when a higher number stands there, so that it stays."""
    standing = [
        delivery
        for delivery, supplier in connection.execute(
            "select delivery, supplier from raw.current_batches where dataset = ? and period = ?", [dataset, first_day]
        ).fetchall()
        if _lineage(dataset, supplier, fetched_suppliers) == _lineage(dataset, manifest.supplier, fetched_suppliers)
    ]
    if any(delivery > manifest.delivery for delivery in standing):
        return False
    for delivery in standing:
        connection.execute(f"delete from raw.{dataset} where _period = ? and _delivery = ?", [first_day, delivery])
        connection.execute(
            "delete from raw.current_batches where dataset = ? and period = ? and delivery = ?",
            [dataset, first_day, delivery],
        )
    return True


def _lineage(dataset: str, supplier: str, fetched_suppliers: frozenset[str]) -> str:
    """Deliveries replace one another within a lineage: population has one for each place that we fetch it from."""
    return supplier if dataset == "population" and supplier in fetched_suppliers else ""


def _set_superseded(connection: duckdb.DuckDBPyConnection, period: str, fetched_suppliers: frozenset[str]) -> None:
    """Superseded is a delivery whose every data set has come again with a higher number; published tables stay."""
    contained = connection.execute(
        """
        select deliveries.delivery, delivery_datasets.dataset, deliveries.supplier
        from quality.deliveries as deliveries
        inner join quality.delivery_datasets as delivery_datasets using (period, delivery)
        where deliveries.period = ? and deliveries.status <> 'rejected'
        """,
        [period],
    ).fetchall()
    newest: dict[tuple[str, str], int] = {}
    for delivery, dataset, supplier in contained:
        place = (dataset, _lineage(dataset, supplier, fetched_suppliers))
        newest[place] = max(delivery, newest.get(place, delivery))
    standing = {
        delivery
        for delivery, dataset, supplier in contained
        if dataset.startswith(JOBINDSATS_PREFIX)
        or newest[dataset, _lineage(dataset, supplier, fetched_suppliers)] == delivery
    }
    connection.execute(
        """
        update quality.deliveries
        set status = case when list_contains($standing, delivery) then 'accepted' else 'superseded' end
        where period = $period and status <> 'rejected'
        """,
        {"standing": sorted(standing), "period": period},
    )


def _known_manifests(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    return {
        (path, content) for path, content in connection.execute("select path, hash from quality.deliveries").fetchall()
    }


def _statuses(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(connection.execute("select path, status from quality.deliveries where status <> 'rejected'").fetchall())


def _complete_ledger(connection: duckdb.DuckDBPyConnection, ledger: Ledger) -> None:
    """Write into the ledger the decisions that only the warehouse knows (the file was lost, or cut off)."""
    files: dict[tuple[str, int], list[tuple[str, str, str]]] = {}
    for period, delivery, *file in connection.execute(
        "select period, delivery, dataset, file, sha256 from quality.delivery_datasets order by all"
    ).fetchall():
        files.setdefault((period, delivery), []).append((file[0], file[1], file[2]))
    for row in connection.execute(
        """
        select path, hash, period, delivery, status, reasons, rows, supplier, delivered_at, first_seen_at
        from quality.deliveries
        order by loaded_at, path
        """
    ).fetchall():
        path, content, period, delivery, status, reasons, rows, supplier, delivered_at, first_seen_at = row
        is_rejected = status == "rejected"
        ledger.append(
            Decision(
                path=path,
                manifest_hash=content,
                period=period,
                delivery=delivery,
                status="rejected" if is_rejected else "accepted",
                reasons=tuple(reasons.split("\n")) if reasons else (),
                files=() if is_rejected else tuple(files.get((period, delivery), [])),
                rows=rows,
                supplier=supplier,
                delivered_at=delivered_at.astimezone(UTC) if delivered_at else None,
                first_seen_at=first_seen_at.astimezone(UTC),
            )
        )


def _lost(
    connection: duckdb.DuckDBPyConnection,
    ledger: Ledger,
    left_for_later: Collection[tuple[str, str]],
    known_until: datetime | None,
) -> list[LostDelivery]:
    """What the ledger says was accepted, and neither the warehouse nor the rest of the landing zone has got."""
    held = {
        (path, content)
        for path, content in connection.execute(
            "select path, hash from quality.deliveries where status <> 'rejected'"
        ).fetchall()
    }
    return [
        LostDelivery(decision.path, decision.period, tuple(sorted({dataset for dataset, _, _ in decision.files})))
        for decision in ledger
        if decision.status == "accepted"
        and (decision.path, decision.manifest_hash) not in held
        and (decision.path, decision.manifest_hash) not in left_for_later
        and (known_until is None or decision.first_seen_at <= known_until)
    ]
