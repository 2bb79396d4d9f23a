"""From a checked warehouse to a release: the facts about it, the candidate, its checks, and the step that publishes it.

A candidate stands in `$DATA/candidates`, closed to others, until it has passed its checks and has its web site. That it
passed stands in a file of its own, CHECKS; only with it does `publish` move the folder among the releases.
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.expectations.release import release_suites
from orchestration.expectations.results import ChecksFailed, ExpectationResult, require_passed
from orchestration.expectations.runner import run_suites
from orchestration.expectations.suites import Layer
from orchestration.lib import build, warehouse
from orchestration.lib.disclosure import protected_months
from orchestration.lib.operations.keeping import Keep, remove_tree
from orchestration.lib.pseudonyms import is_about_samples
from orchestration.lib.release import formats, writer
from orchestration.lib.settings import Settings

# Written into a candidate after its checks: that they passed, and the hash of the manifest that they passed for.
CHECKS = "checks.json"

# Whether each was met, not what it found: what broke a check may be about few persons.
_CHECKS_OF_THE_WAREHOUSE = """
    select layer, table_name, suite, expectation as check_name, severity, success as is_passed
    from quality.check_results
    where layer <> 'release'
    order by list_position(['raw', 'staging', 'intermediate', 'marts'], layer), suite, expectation
"""

MODEL_LAYERS: tuple[Layer, ...] = ("staging", "intermediate", "marts")


@dataclass(frozen=True)
class Candidate:
    """A release that is written but may not be published yet; the current one, not `is_new`, when nothing changed."""

    folder: Path
    is_new: bool


def settle_releases(settings: Settings) -> list[str]:
    """Bring the releases in order after a run that was killed while publishing; returns what was done, line by line.

    A candidate that passed its checks and has its web site lacked only the last step and is published now, if it was
    made upon the release that is current; so is a release that was moved to its place and lacks only the link. What
    else a killed run has left goes.
    """
    folders = (settings.releases, settings.candidates)
    told = [f"{name} was left unfinished and is removed" for one in folders for name in writer.remove_leftovers(one)]
    current = writer.current_release(settings.releases)
    waiting = [
        *(one for one in writer.release_folders(settings.releases) if current is None or one.name > current.name),
        *sorted(path for path in settings.candidates.glob("*") if path.is_dir()),
    ]
    for folder in waiting:
        if _is_ready(settings, folder) and _previous_of(folder) == (current.name if current else None):
            current = publish(settings, folder)
            told.append(f"release {folder.name} had passed its checks and is current now")
        else:
            # Renamed first: what is cut off here is a leftover, and no half release.
            leftover = folder.rename(folder.with_name(writer.INCOMPLETE_PREFIX + folder.name))
            writer.remove_leftovers(leftover.parent)
            told.append(f"release {folder.name} was never published and is removed")
    return told


def _previous_of(folder: Path) -> str | None:
    name: str | None = json.loads((folder / writer.MANIFEST).read_text("utf-8"))["previous_release_id"]
    return name


def _is_ready(settings: Settings, folder: Path) -> bool:
    """Whether nothing is missing but the last step. Among the releases the place says that the checks passed."""
    return (folder / "site").is_dir() and (folder.parent == settings.releases or has_passed(folder))


def has_passed(folder: Path) -> bool:
    """Whether the release in the folder, as its manifest describes it, passed its checks."""
    try:
        noted = json.loads((folder / CHECKS).read_text("utf-8"))
        return bool(noted["manifest_sha256"] == formats.digest_of(folder / writer.MANIFEST))
    except (OSError, ValueError, KeyError):
        return False


def find_candidate(settings: Settings, release_id: str) -> Path:
    """The folder of that name among candidates or releases. Raises ReleaseError when it was
    refused or removed.
    """
    for place in (settings.candidates, settings.releases):
        if (place / release_id / writer.MANIFEST).is_file():
            return place / release_id
    raise writer.ReleaseError(f"the candidate {release_id} was refused or removed: materialize release/candidate")


def publish(settings: Settings, candidate: Path) -> Path:
    """Move a candidate among the releases, let `current` name it, and return its folder there.

    A folder that stands among the releases already is only named. Raises ReleaseError for a candidate that has not
    passed its checks or has no web site.
    """
    if candidate.parent != settings.releases:
        if not _is_ready(settings, candidate):
            raise writer.ReleaseError(
                f"{candidate.name} has not passed its checks or has no web site: materialize release/candidate, then "
                "release/site"
            )
        candidate = writer.admit(candidate, settings.releases)
    writer.make_current(settings.releases, candidate.name)
    protected_months.prune(
        settings.protected_months, {folder.name for folder in writer.release_folders(settings.releases)}
    )
    return candidate


def _commit(project: Path) -> str:
    """The commit of the project, with a mark when files differ from it; empty where there is no git."""
    # As a service the project belongs to root, and git refuses a stranger's repository unless it is named.
    git = ["git", "-c", f"safe.directory={project}", "-C", str(project)]
    try:
        head, changed = (
            subprocess.run([*git, *words], capture_output=True, text=True, check=True).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{head}+changes" if changed else head


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def write_candidate(settings: Settings, created_at: datetime) -> Candidate:
    """Write a release of the warehouse as it stands.

    Raises ChecksFailed unless raw, staging, intermediate and marts passed their checks for this very build, and
    ReleaseError when no delivery stands in the warehouse, or when the clock stands before the current release: ids
    sort by time, and so do their readers.
    """
    settle_releases(settings)
    connection = warehouse.connect(settings)
    try:
        plan = build.plan_build(connection, settings.project)
        require_passed(connection, ["raw"], plan.raw_id, "to release")
        require_passed(connection, MODEL_LAYERS, plan.build_id, "to release")
        deliveries = _rows(connection, "select * from quality.deliveries order by period, delivery, path")
        checks = _rows(connection, _CHECKS_OF_THE_WAREHOUSE)
        key = connection.execute("select max(key_id) from build.key").fetchone()
        accepted = connection.execute("select count(*) from raw.current_batches").fetchone()
    finally:
        connection.close()
    if accepted == (0,):
        raise writer.ReleaseError(
            "No delivery stands in the warehouse, so there is nothing to release. `make doctor` says what is wrong "
            "with those that were rejected; deliver them again under a new number."
        )
    current = writer.current_release(settings.releases)
    if current is not None and build.released_build_id(current) == plan.build_id:
        return Candidate(current, is_new=False)
    release_id = writer.release_identifier(created_at, plan.build_id)
    if current is not None and release_id[:16] < current.name[:16]:
        raise writer.ReleaseError(
            f"The clock says {created_at:%Y-%m-%d %H:%M:%S %Z}, which is before the current release {current.name} was "
            "made: set the clock right and run the pipeline again."
        )
    key_id = str(key[0]) if key is not None and key[0] else ""
    facts = writer.ReleaseFacts(
        created_at=created_at,
        build_id=plan.build_id,
        project_hash=plan.project_hash,
        key_id=key_id,
        is_sample=is_about_samples(settings, key_id),
        commit=_commit(settings.project),
        dbt_version=importlib.metadata.version("dbt-core"),
        deliveries=deliveries,
        checks=checks,
    )
    folder = writer.write_release(
        settings.warehouse,
        settings.candidates,
        release_id=release_id,
        facts=facts,
        previous=current,
        project=settings.project,
        temporary=settings.tmp,
        protected=settings.protected_months,
        memory_limit=settings.memory_limit,
    )
    return Candidate(folder, is_new=True)


def check_candidate(settings: Settings, candidate: Path) -> list[ExpectationResult]:
    """Run the release suites on a candidate, compared with the release that is current now.

    Raises ChecksFailed when an error-severity expectation failed, after writing the Data Docs.
    """
    current = writer.current_release(settings.releases)
    previous = current if current is not None and current != candidate else None
    suites = release_suites(previous)
    return run_suites(
        candidate / "release.duckdb",
        suites,
        build_id=candidate.name,
        data_docs=settings.data_docs,
        keep_validations=Keep.from_environment().data_docs,
        memory_limit=settings.memory_limit,
    )


def decide_upon_candidate(settings: Settings, candidate: Path, results: Sequence[ExpectationResult]) -> None:
    """Note in the candidate that it passed; or remove it and raise ChecksFailed, which names what failed.

    A release that is published already is only judged: it is never changed.
    """
    is_published = candidate.parent == settings.releases
    failed = [result for result in results if not result.success and result.severity == "error"]
    if failed:
        if not is_published:
            remove_tree(candidate)
        lines = "\n".join(f"- {result.table}: {result.meaning} Found: {result.observed}" for result in failed)
        removed = "" if is_published else " and removed"
        raise ChecksFailed(f"The release was refused{removed}; {len(failed)} check(s) failed:\n{lines}")
    if not is_published:
        _note_passed(candidate, results)


def _note_passed(candidate: Path, results: Sequence[ExpectationResult]) -> None:
    noted = {
        "release_id": candidate.name,
        "manifest_sha256": formats.digest_of(candidate / writer.MANIFEST),
        "checks": len(results),
        "warnings": sum(not result.success for result in results),
    }
    unfinished = candidate / (writer.INCOMPLETE_PREFIX + CHECKS)
    unfinished.write_text(json.dumps(noted, indent=2) + "\n", "utf-8")
    unfinished.chmod(writer.FILE_MODE)
    writer.sync(unfinished)
    unfinished.replace(candidate / CHECKS)
    writer.sync(candidate)
