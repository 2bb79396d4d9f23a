"""`make doctor`: what a person asks first when something is wrong, without touching anything.

Every finding is ok, a warning, or a problem; a problem is what keeps the next `make pipeline` from ending well, or what
lets somebody see what they must not see.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Literal

import duckdb

from orchestration.lib import warehouse
from orchestration.lib.contracts import load_contracts
from orchestration.lib.deliveries import (
    FoundDelivery,
    LandingMissing,
    check_files,
    discover,
    overlooked,
    read_fetched_suppliers,
    read_manifest,
)
from orchestration.lib.ledger import Decision, Ledger, LedgerBroken
from orchestration.lib.official import status as official_status
from orchestration.lib.operations import freshness, retention
from orchestration.lib.progress import counted
from orchestration.lib.pseudonyms import KeyMissing, KeyTooShort, load_key
from orchestration.lib.release import writer
from orchestration.lib.settings import Settings

Level = Literal["ok", "warning", "problem"]

_LIBRARIES = ("duckdb", "dbt-core", "dbt-duckdb", "dagster", "great-expectations")
# A build needs room for a second copy of what it writes, and DuckDB for its spill files.
_LEAST_FREE_BYTES = 2_000_000_000
_MOST_LISTED = 10


@dataclass(frozen=True)
class Finding:
    """One line of the doctor."""

    level: Level
    topic: str
    text: str


def examine(settings: Settings, today: date) -> list[Finding]:
    """All findings about an installation, in the order in which a person would ask."""
    return [
        *_versions(settings),
        *_key(settings),
        *_warehouse(settings),
        *_disk(settings),
        *_permissions(settings),
        *_deliveries(settings, today),
        *_official_sources(settings, today),
        *_release(settings),
        *_cut_off(settings),
    ]


def _versions(settings: Settings) -> Iterator[Finding]:
    yield Finding("ok", "versions", f"Python {platform.python_version()} on {platform.system()}")
    locked = _locked_versions(settings.project / "requirements.txt")
    for name in _LIBRARIES:
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding("problem", "versions", f"{name} is not installed: run `make setup`")
            continue
        wanted = locked.get(name)
        if wanted is not None and wanted != found:
            yield Finding(
                "problem", "versions", f"{name} {found} is installed, the lock file says {wanted}: `make setup`"
            )
        else:
            yield Finding("ok", "versions", f"{name} {found}")


def _locked_versions(lock: Path) -> dict[str, str]:
    if not lock.is_file():
        return {}
    pairs = (line.split()[0].split("==") for line in lock.read_text("utf-8").splitlines() if "==" in line[:80])
    return {pair[0].split("[")[0]: pair[1] for pair in pairs if len(pair) == 2}


def _key(settings: Settings) -> Iterator[Finding]:
    sample = settings.keys / "sample.key"
    if settings.key_file is None and settings.key_text is None and not sample.is_file():
        yield Finding("warning", "key", "no key is set (a sample landing zone gets one by itself; real data need one)")
        return
    try:
        key = load_key(settings)
    except (KeyMissing, KeyTooShort) as error:
        yield Finding("problem", "key", str(error).splitlines()[0])
        return
    if settings.key_file is not None and (mode := stat.S_IMODE(settings.key_file.stat().st_mode)) & 0o077:
        yield Finding("warning", "key", f"{settings.key_file} is open to others (mode {mode:04o}): chmod 0400 it")
    yield Finding("ok", "key", f"key {key.key_id}" + (" (made for sample data)" if key.is_sample else ""))


def _warehouse(settings: Settings) -> Iterator[Finding]:
    if not settings.warehouse.exists():
        yield Finding("warning", "warehouse", f"{settings.warehouse} does not exist yet; the next pipeline makes it")
        return
    try:
        connection = warehouse.connect(settings, read_only=True)
    except warehouse.WarehouseLocked as error:
        yield Finding("warning", "warehouse", f"in use by {_process(error.pid)}")
        return
    except (warehouse.WarehouseBroken, warehouse.WarehouseUnavailable) as error:
        yield Finding("problem", "warehouse", str(error))
        return
    try:
        size = settings.warehouse.stat().st_size
        recorded = connection.execute("select max(key_id) from build.key").fetchone()
        yield Finding(
            "ok",
            "warehouse",
            f"{size / 1e6:.0f} MB, nobody holds it, key {(recorded or [None])[0] or 'not recorded yet'}",
        )
        failed = connection.execute(
            "select layer, count(*) from quality.check_results where not success and severity = 'error' group by layer"
        ).fetchall()
        for layer, count in failed:
            yield Finding("problem", "checks", f"{count} failed error checks in layer {layer}: see the Data Docs")
    except duckdb.CatalogException:
        yield Finding("warning", "warehouse", "was made but never loaded")
    except duckdb.Error as error:
        yield Finding("problem", "warehouse", str(error).splitlines()[0])
    finally:
        connection.close()


def _process(pid: int | None) -> str:
    if pid is None:
        return "another process"
    try:
        # The name only: arguments and environment of a process may hold secrets.
        return f"process {pid} ({Path(f'/proc/{pid}/comm').read_text('utf-8').strip()})"
    except OSError:
        return f"process {pid}"


def _disk(settings: Settings) -> Iterator[Finding]:
    for label, path in (("data", settings.data), ("landing zone", settings.landing)):
        if not path.exists():
            continue
        free = shutil.disk_usage(path).free
        size = settings.warehouse.stat().st_size if settings.warehouse.exists() else 0
        needed = max(_LEAST_FREE_BYTES, 2 * size) if label == "data" else 0
        text = f"{label}: {free / 1e9:.1f} GB free" + (f", a build wants {needed / 1e9:.1f} GB" if needed else "")
        yield Finding("problem" if free < needed else "ok", "disk", text)


def _permissions(settings: Settings) -> Iterator[Finding]:
    open_to_others = [
        path
        for path in (settings.data, settings.warehouse, settings.ledger, settings.dbt, settings.dagster_home)
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    for path in open_to_others:
        mode = stat.S_IMODE(path.stat().st_mode)
        yield Finding("problem", "permissions", f"{path} is open to others (mode {mode:04o}): chmod go= {path}")
    for release in writer.release_folders(settings.releases):
        writable = [path.name for path in release.iterdir() if path.is_file() and path.stat().st_mode & 0o222]
        if writable:
            yield Finding("problem", "permissions", f"release {release.name} can be written: {', '.join(writable)}")
    if not open_to_others:
        yield Finding("ok", "permissions", "the restricted zone is closed to other users")


def delivery_warnings(settings: Settings, found: Sequence[FoundDelivery], ledger: Ledger) -> list[str]:
    """What of the landing zone is not loaded, and what was loaded and lies there no more; a line each, at most ten."""
    lines = overlooked(settings.landing)
    if len(lines) > _MOST_LISTED:
        lines = [*lines[:_MOST_LISTED], f"… and {len(lines) - _MOST_LISTED} more that are not loaded"]
    accepted = {decision.path for decision in ledger if decision.status == "accepted"}
    gone = sorted(accepted - {one.path for one in found} - _deleted_by_rule(settings))
    if gone:
        lines.append(
            f"{counted(len(gone), 'loaded delivery is', 'loaded deliveries are')} no longer in {settings.landing} "
            f"({_listed(gone)}). Is it the right landing zone? What was loaded stays, but can't be loaded again"
        )
    return lines


def _deleted_by_rule(settings: Settings) -> set[str]:
    try:
        return retention.deleted_paths(settings)
    except retention.RetentionLogBroken:
        # Told where the log itself is looked at; till it is mended, whatever is gone is told as well.
        return set()


def _listed(paths: Sequence[str]) -> str:
    return ", ".join(paths[:_MOST_LISTED]) + (" …" if len(paths) > _MOST_LISTED else "")


def _deliveries(settings: Settings, today: date) -> Iterator[Finding]:
    try:
        ledger = Ledger(settings.ledger)
        found = discover(settings.landing)
    except (LedgerBroken, LandingMissing, OSError) as error:
        yield Finding("problem", "deliveries", str(error))
        return
    decisions = list(ledger)
    pending = [one for one in found if ledger.find(one.path, one.manifest_hash) is None]
    yield Finding(
        "ok",
        "deliveries",
        f"{len(found)} in the landing zone, {counted(len(decisions), 'decision', 'decisions')} in the ledger",
    )
    if pending:
        listed = _listed([one.path for one in pending])
        yield Finding("warning", "deliveries", f"{len(pending)} pending: {listed}. Run `make pipeline`")
    for line in delivery_warnings(settings, found, ledger):
        yield Finding("warning", "deliveries", line)
    for one in [one for one in found if one.trouble is not None]:
        yield Finding("problem", "deliveries", f"{one.path}: {one.trouble}")
    yield from _rejected(found, decisions)
    for one in found:
        accepted = ledger.find(one.path, one.manifest_hash)
        if accepted is not None and accepted.status == "accepted":
            yield from _changed_since(one, accepted, settings)
    yield from _months(settings, decisions, today)


def rejected_deliveries(
    found: Iterable[FoundDelivery], decisions: Iterable[Decision]
) -> tuple[list[Decision], list[Decision]]:
    """Rejected deliveries of the landing zone in the order of decision: those that stand, and those delivered again.

    Delivered again is what accepted deliveries of the same month with a higher number hold every data set of.
    """
    present = {(one.path, one.manifest_hash) for one in found}
    again: dict[str, list[Decision]] = {}
    rejected = []
    for decision in decisions:
        if decision.status == "accepted":
            again.setdefault(decision.period, []).append(decision)
        elif (decision.path, decision.manifest_hash) in present:
            rejected.append(decision)
    rejected.sort(key=lambda one: (one.first_seen_at, one.path))

    def is_delivered_again(one: Decision) -> bool:
        later = [other for other in again.get(one.period, []) if (other.delivery or 0) > (one.delivery or 0)]
        datasets = {dataset for other in later for dataset, _, _ in other.files}
        return bool(later) and {dataset for dataset, _, _ in one.files} <= datasets

    standing = [one for one in rejected if not is_delivered_again(one)]
    return standing, [one for one in rejected if is_delivered_again(one)]


def delivered_again(decisions: Sequence[Decision]) -> str:
    """One line about rejected deliveries that were mended."""
    several = "rejected delivery was", "rejected deliveries were"
    return (
        f"{counted(len(decisions), *several)} delivered again and accepted: {_listed([one.path for one in decisions])}"
    )


def _rejected(found: Iterable[FoundDelivery], decisions: Iterable[Decision]) -> Iterator[Finding]:
    standing, mended = rejected_deliveries(found, decisions)
    if len(standing) > _MOST_LISTED:
        yield Finding("warning", "deliveries", f"{len(standing)} rejected; the last {_MOST_LISTED} are listed")
    for one in standing[-_MOST_LISTED:]:
        more = len(one.reasons) - 1
        text = f"rejected {one.path}: {one.reasons[0]}" + (
            f" (and {counted(more, 'more reason', 'more reasons')})" if more else ""
        )
        yield Finding("warning", "deliveries", text)
    if mended:
        yield Finding("ok", "deliveries", delivered_again(mended))


def _changed_since(found: FoundDelivery, accepted: Decision, settings: Settings) -> Iterator[Finding]:
    """What is wrong with the files of a loaded delivery that somebody has touched since."""
    try:
        # Its own time as well: it tells of files that were added or removed.
        touched = (item.stat(follow_symlinks=False).st_ctime for item in (found.folder, *found.folder.iterdir()))
        if max(touched) <= accepted.first_seen_at.timestamp():
            return
        manifest, _ = read_manifest(found, load_contracts(), read_fetched_suppliers(settings.project))
        reasons = check_files(found, manifest)[1] if manifest is not None else []
    except OSError as error:
        yield Finding("problem", "deliveries", f"{found.path} can't be read: {error.strerror}")
        return
    if reasons:
        text = "; ".join(str(reason) for reason in reasons)
        yield Finding(
            "warning",
            "deliveries",
            f"{found.path} was changed after it was loaded: {text} What was loaded stays, but can't be loaded again: "
            "put the files back",
        )


def _months(settings: Settings, decisions: Sequence[Decision], today: date) -> Iterator[Finding]:
    statuses = freshness.month_statuses(
        decisions, load_contracts(), freshness.read_accepted_missing(settings.project), settings.project, today
    )
    overdue = [status for status in statuses if status.is_overdue]
    for status in overdue[:_MOST_LISTED]:
        yield Finding("warning", "months", f"overdue: {freshness.describe(status)}")
    if len(overdue) > _MOST_LISTED:
        yield Finding("warning", "months", f"{len(overdue)} months are overdue; the first {_MOST_LISTED} are listed")
    if statuses and not overdue:
        yield Finding("ok", "months", f"every month up to {statuses[-1].month:%Y-%m} is here, or not due yet")


def _official_sources(settings: Settings, today: date) -> Iterator[Finding]:
    end_of_day = datetime.combine(today, time.max).astimezone()
    lines = official_status.describe(
        official_status.standing(settings.data, settings.landing, settings.project, end_of_day)
    )
    for line in lines:
        yield Finding("warning", "official sources", line)
    if not lines:
        yield Finding("ok", "official sources", f"{' and '.join(official_status.SOURCES)} were asked lately")


def _release(settings: Settings) -> Iterator[Finding]:
    current = writer.current_release(settings.releases)
    if current is None:
        yield Finding("warning", "release", "there is none yet")
        return
    try:
        manifest = json.loads((current / writer.MANIFEST).read_text("utf-8"))
        made, tables = manifest["created_at"], manifest["tables"]
    except (OSError, ValueError, KeyError) as error:
        yield Finding("problem", "release", f"{current.name}: its manifest can't be read ({type(error).__name__})")
        return
    gone = [name for name in tables if not (current / "parquet" / f"{name}.parquet").is_file()]
    if gone or not (current / "release.duckdb").is_file():
        yield Finding(
            "problem", "release", f"{current.name} is not whole: {', '.join(gone) or 'release.duckdb'} missing"
        )
    else:
        count = len(writer.release_folders(settings.releases))
        yield Finding(
            "ok",
            "release",
            f"{current.name}, made {made}, {len(tables)} tables; {counted(count, 'release is', 'releases are')} kept",
        )


def _cut_off(settings: Settings) -> Iterator[Finding]:
    """What a killed command has left behind and only another run of it, or a pipeline, clears away."""
    try:
        unfinished = retention.unfinished_paths(settings)
    except (retention.RetentionLogBroken, OSError) as error:
        yield Finding("problem", "retention", str(error))
        return
    if unfinished:
        yield Finding(
            "problem",
            "retention",
            f"begun and not finished, rows about persons may be left: {', '.join(unfinished[:_MOST_LISTED])}. "
            "Run `make retention CONFIRM=yes`",
        )
    if (settings.data / "aside").exists():
        yield Finding(
            "warning",
            "warehouse",
            f"{settings.data / 'aside'} holds what a rekey or restore drill has set aside. When none is running, it "
            "was killed: `make pipeline` brings it back",
        )
