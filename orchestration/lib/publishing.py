"""From a checked warehouse to a release: the facts about it, the candidate, and the step that makes it current."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestration.expectations.release import release_suites
from orchestration.expectations.results import ChecksFailed, ExpectationResult, require_passed
from orchestration.expectations.runner import run_suites
from orchestration.expectations.suites import Layer
from orchestration.lib import build, warehouse
from orchestration.lib.operations.keeping import Keep
from orchestration.lib.pseudonyms import is_about_samples
from orchestration.lib.release import writer
from orchestration.lib.settings import Settings

MODEL_LAYERS: tuple[Layer, ...] = ("staging", "intermediate", "marts")


@dataclass(frozen=True)
class Candidate:
    """A release folder that is written but may not be current yet; `is_new` is false when nothing had changed."""

    folder: Path
    is_new: bool


def settle_releases(settings: Settings) -> list[str]:
    """Bring the releases in order after a run that was killed while publishing; returns what was done, line by line.

    Unfinished folders go. A finished release newer than `current` was never current. With its web site, the last thing
    made, it had passed all checks and only the link was missing: it becomes current now. Without, it goes.
    """
    told = [f"{name} was left unfinished and is removed" for name in writer.remove_leftovers(settings.releases)]
    current = writer.current_release(settings.releases)
    for folder in writer.release_folders(settings.releases):
        if current is not None and folder.name <= current.name:
            continue
        manifest = json.loads((folder / writer.MANIFEST).read_text("utf-8"))
        if (folder / "site").is_dir() and manifest["previous_release_id"] == (current.name if current else None):
            writer.make_current(settings.releases, folder.name)
            current = folder
            told.append(f"release {folder.name} had passed its checks and is current now")
        else:
            # Renamed first: what is cut off here is a leftover, and no half release.
            folder.rename(folder.with_name(writer.INCOMPLETE_PREFIX + folder.name))
            writer.remove_leftovers(settings.releases)
            told.append(f"release {folder.name} was never checked to the end and is removed")
    return told


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


def write_candidate(settings: Settings, created_at: datetime) -> Candidate:
    """Write a release of the warehouse as it stands.

    Raises ChecksFailed unless raw, staging, intermediate and marts passed their checks for this very build, and
    ReleaseError when the clock stands before the current release: ids sort by time, and so do their readers.
    """
    settle_releases(settings)
    connection = warehouse.connect(settings)
    try:
        plan = build.plan_build(connection, settings.project)
        require_passed(connection, ["raw"], plan.raw_id, "to release")
        require_passed(connection, MODEL_LAYERS, plan.build_id, "to release")
        cursor = connection.execute("select * from quality.deliveries order by period, delivery, path")
        names = [column[0] for column in cursor.description]
        deliveries = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        key = connection.execute("select max(key_id) from build.key").fetchone()
    finally:
        connection.close()
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
    )
    folder = writer.write_release(
        settings.warehouse,
        settings.releases,
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


def refuse_candidate(settings: Settings, candidate: Path, results: Sequence[ExpectationResult]) -> None:
    """Remove the candidate and raise ChecksFailed naming what failed."""
    failed = [result for result in results if not result.success and result.severity == "error"]
    if not failed:
        return
    if candidate != writer.current_release(settings.releases):
        for path in [candidate, *candidate.rglob("*")]:
            path.chmod(0o700 if path.is_dir() else 0o600)
        shutil.rmtree(candidate)
    lines = "\n".join(f"- {result.table}: {result.meaning} Found: {result.observed}" for result in failed)
    raise ChecksFailed(f"The release was refused and removed; {len(failed)} check(s) failed:\n{lines}")
