"""`make rebuild AS_OF=…`: the warehouse and release as they were, in a place of their own.

The deliveries are those that the ledger had decided upon by then, offered again through links; the project is the copy
inside the release, run in a process of its own. Nothing outside `$DATA/rebuilds/<name>/` is written.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.lib.deliveries import discover
from orchestration.lib.ledger import Decision, Ledger
from orchestration.lib.operations.keeping import remove_tree
from orchestration.lib.pseudonyms import SAMPLE_MARK
from orchestration.lib.release import writer
from orchestration.lib.settings import Settings

_LOCK = "requirements.txt"


class RebuildImpossible(RuntimeError):
    """The release can't be built again; the message says what is missing."""


@dataclass(frozen=True)
class Target:
    """What is to be rebuilt: the deliveries known at `known_until`, with the project of `release`.

    `is_exact` says that `release` was made from exactly those deliveries, so that its hashes can be compared.
    """

    name: str
    release: Path
    known_until: datetime
    is_exact: bool


@dataclass(frozen=True)
class Comparison:
    """Tables by the outcome of comparing two releases' content hashes."""

    equal: tuple[str, ...]
    different: tuple[str, ...]
    only_before: tuple[str, ...]
    only_now: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Whether both releases hold the same tables with the same content."""
        return not (self.different or self.only_before or self.only_now)

    def lines(self) -> list[str]:
        """What a person wants to know of it."""
        told = [f"{len(self.equal)} tables with equal content hashes"]
        for label, tables in (
            ("content differs", self.different),
            ("only in the first release", self.only_before),
            ("only in the second release", self.only_now),
        ):
            told += [f"{label}: {table}" for table in tables]
        return told


def read_manifest(release: Path) -> dict[str, Any]:
    """The manifest of a release folder."""
    manifest: dict[str, Any] = json.loads((release / writer.MANIFEST).read_text("utf-8"))
    return manifest


def compare(before: Path, now: Path) -> Comparison:
    """Compare the content hashes of two releases, table by table."""
    first, second = (
        {name: table["sha256"] for name, table in read_manifest(release)["tables"].items()} for release in (before, now)
    )
    shared = sorted(first.keys() & second.keys())
    return Comparison(
        equal=tuple(name for name in shared if first[name] == second[name]),
        different=tuple(name for name in shared if first[name] != second[name]),
        only_before=tuple(sorted(first.keys() - second.keys())),
        only_now=tuple(sorted(second.keys() - first.keys())),
    )


def find_target(settings: Settings, as_of: str) -> Target:
    """What `as_of` (a release's id, or a time such as 2024-05-02T06:00:00+02:00) means. Raises RebuildImpossible."""
    releases = writer.release_folders(settings.releases)
    if not releases:
        raise RebuildImpossible(f"There is no release in {settings.releases}: nothing says how the project was.")
    for release in releases:
        if release.name == as_of:
            return Target(as_of, release, _last_seen(release), is_exact=True)
    try:
        moment = datetime.fromisoformat(as_of)
    except ValueError as error:
        raise RebuildImpossible(
            f"AS_OF={as_of} is neither a release in {settings.releases} nor a time such as 2024-05-02T06:00:00+02:00."
        ) from error
    moment = (moment if moment.tzinfo else moment.astimezone()).astimezone(UTC)
    made = [release for release in releases if datetime.fromisoformat(read_manifest(release)["created_at"]) <= moment]
    release = made[-1] if made else releases[0]
    known = {(one.path, one.manifest_hash) for one in Ledger(settings.ledger) if one.first_seen_at <= moment}
    in_release = {(one["path"], one["hash"]) for one in read_manifest(release)["deliveries"]}
    name = f"{moment:%Y%m%dT%H%M%SZ}"
    return Target(name, release, moment, is_exact=bool(made) and known == in_release)


def _last_seen(release: Path) -> datetime:
    """When the last delivery that the release knew of was first seen."""
    seen = [datetime.fromisoformat(one["first_seen_at"]) for one in read_manifest(release)["deliveries"]]
    return max(seen, default=datetime(1900, 1, 1, tzinfo=UTC)).astimezone(UTC)


def missing_deliveries(landing: Path, decisions: Iterable[Decision]) -> list[Decision]:
    """Deliveries that were accepted and are not in the landing zone as they were: their figures can't be made again."""
    present = {(found.path, found.manifest_hash) for found in discover(landing)}
    return [
        decision
        for decision in decisions
        if decision.status == "accepted" and (decision.path, decision.manifest_hash) not in present
    ]


def prepare(settings: Settings, target: Target) -> Settings:
    """Make `$DATA/rebuilds/<name>/` with project, landing zone (links), ledger and earlier release; its settings.

    An earlier rebuild by that name is removed. Raises RebuildImpossible when a delivery or the copy is missing.
    """
    known = [one for one in Ledger(settings.ledger) if one.first_seen_at <= target.known_until]
    gone = missing_deliveries(settings.landing, known)
    if gone:
        lines = "\n".join(f"  {one.path}: {', '.join(sorted({name for name, _, _ in one.files}))}" for one in gone)
        raise RebuildImpossible(
            f"{len(gone)} deliveries of that time are no longer in {settings.landing} as they were (see "
            f"{settings.data / 'retention.jsonl'} for those that were deleted by rule):\n{lines}"
        )
    archive = target.release / "project.tar"
    if not archive.is_file():
        raise RebuildImpossible(f"The release {target.release} carries no copy of the project.")
    place = settings.data / "rebuilds" / target.name
    remove_tree(place)
    place.mkdir(parents=True, mode=0o700)
    project = place / "project"
    with tarfile.open(archive) as tar:
        tar.extractall(project, filter="data")
    landing = _offer_again(settings, known, place / "landing")
    rebuilt = Settings(
        landing=landing,
        data=place / "data",
        project=project,
        key_file=settings.key_file,
        key_text=settings.key_text,
        memory_limit=settings.memory_limit,
        threads=settings.threads,
    )
    for folder in (rebuilt.data, rebuilt.releases, rebuilt.keys):
        folder.mkdir(mode=0o700)
    ledger = Ledger(rebuilt.ledger)
    for decision in known:
        ledger.append(decision)
    sample_key = settings.keys / "sample.key"
    if sample_key.is_file():
        shutil.copy2(sample_key, rebuilt.keys / "sample.key")
    _offer_earlier_release(settings, target, rebuilt)
    return rebuilt


def _offer_again(settings: Settings, known: Iterable[Decision], landing: Path) -> Path:
    """A landing zone of links to the folders decided upon by then, as far as they are what they were."""
    wanted = {(decision.path, decision.manifest_hash) for decision in known}
    landing.mkdir(mode=0o700)
    for found in discover(settings.landing):
        if (found.path, found.manifest_hash) in wanted:
            link = landing / found.folder.parent.name / found.folder.name
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(found.folder)
    if (settings.landing / SAMPLE_MARK).is_file():
        (landing / SAMPLE_MARK).symlink_to(settings.landing / SAMPLE_MARK)
    return landing


def _offer_earlier_release(settings: Settings, target: Target, rebuilt: Settings) -> None:
    """What the release before showed and hid, and its note of it, are inputs of disclosure control and of revisions."""
    name = read_manifest(target.release).get("previous_release_id")
    if name is None:
        return
    earlier = settings.releases / name
    if not earlier.is_dir():
        raise RebuildImpossible(
            f"The release before, {name}, is no longer in {settings.releases}; without it neither the revisions nor "
            "what must stay hidden can be made again."
        )
    (rebuilt.releases / name).symlink_to(earlier)
    (rebuilt.releases / writer.CURRENT).symlink_to(name)
    note = settings.protected_months / f"{name}.npz"
    if note.is_file():
        rebuilt.protected_months.mkdir(mode=0o700)
        shutil.copy2(note, rebuilt.protected_months)


def run(settings: Settings, say: Callable[[str], None]) -> Path:
    """Run the pipeline of the project copy and return the release it made. Raises RebuildImpossible with its status."""
    python = _interpreter(settings.project, say)
    environment = {
        **os.environ,
        "JOBCENTER_LANDING": str(settings.landing),
        "JOBCENTER_DATA": str(settings.data),
        "DAGSTER_HOME": str(settings.dagster_home),
        # A rebuild is nobody's alarm.
        "JOBCENTER_ALERT_SMTP": "",
        "JOBCENTER_ALERT_MAIL_TO": "",
        "JOBCENTER_ALERT_WEBHOOK": "",
    }
    finished = subprocess.run(
        [str(python), "-m", "orchestration.commands.pipeline"], cwd=settings.project, env=environment, check=False
    )
    if finished.returncode != 0:
        raise RebuildImpossible(
            f"The pipeline of the project's copy ended with status {finished.returncode} (see above)."
        )
    made = writer.current_release(settings.releases)
    if made is None or made.is_symlink():
        raise RebuildImpossible("The pipeline of the project's copy made no release.")
    return made


def _interpreter(project: Path, say: Callable[[str], None]) -> Path:
    """This process's Python when the copy was made with the same locked libraries, else one set up for the copy."""
    from orchestration.lib.settings import PROJECT_ROOT

    own = PROJECT_ROOT / _LOCK
    if own.is_file() and own.read_bytes() == (project / _LOCK).read_bytes():
        return Path(sys.executable)
    say("that release was made with other libraries: setting them up from its lock file")
    subprocess.run(["make", "setup"], cwd=project, check=True)
    return project / ".venv" / "bin" / "python"
