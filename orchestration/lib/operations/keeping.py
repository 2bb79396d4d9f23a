"""How long things are kept, as the environment says, and the clearing away of what is older (landing files: retention).

JOBCENTER_KEEP_RELEASES   how many releases stay: 0 (default) keeps all, since a release is the proof of its figures
JOBCENTER_KEEP_RUN_DAYS   days that Dagster's runs and dbt's logs of a run stay (default 90)
JOBCENTER_KEEP_DATA_DOCS  builds of each layer whose Data Docs stay (default 10)
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestration.lib.release import writer
from orchestration.lib.settings import Settings, SettingsError


@dataclass(frozen=True)
class Keep:
    """What stays; see the module for the variables."""

    releases: int = 0
    run_days: int = 90
    data_docs: int = 10

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Keep:
        """Read the variables. Raises SettingsError naming the one that is no whole number, or too small."""
        values = os.environ if environment is None else environment

        def number(name: str, default: int, least: int) -> int:
            text = values.get(name) or str(default)
            if not text.isascii() or not text.isdigit() or int(text) < least:
                raise SettingsError(f"{name} must be a whole number of at least {least}, or not set.")
            return int(text)

        return cls(
            releases=number("JOBCENTER_KEEP_RELEASES", cls.releases, 0),
            run_days=number("JOBCENTER_KEEP_RUN_DAYS", cls.run_days, 1),
            data_docs=number("JOBCENTER_KEEP_DATA_DOCS", cls.data_docs, 1),
        )


def prune_releases(settings: Settings, keep: int) -> list[str]:
    """Remove all but the `keep` newest releases; 0 keeps all. The current one always stays. Returns the names."""
    if keep == 0:
        return []
    current = writer.current_release(settings.releases)
    removed = []
    for folder in writer.release_folders(settings.releases)[:-keep]:
        if current is not None and folder.samefile(current):
            continue
        # Renamed first: a removal that is cut off leaves a leftover, which the next run clears, and no half release.
        leftover = folder.with_name(writer.INCOMPLETE_PREFIX + folder.name)
        folder.rename(leftover)
        removed.append(folder.name)
    writer.remove_leftovers(settings.releases)
    return removed


def prune_dbt_targets(settings: Settings, before: datetime) -> list[str]:
    """Remove dbt's target folders of runs older than `before` (by the time they were last written)."""
    removed = []
    for path in settings.dbt.iterdir() if settings.dbt.is_dir() else ():
        is_of_a_run = path.is_dir() and (path / "run_results.json").is_file() and path.name != "project"
        if is_of_a_run and path.stat().st_mtime < before.timestamp():
            remove_tree(path)
            removed.append(path.name)
    return removed


def remove_tree(path: Path) -> None:
    """Remove a folder and all in it, also what was closed for writing; nothing happens when it isn't there."""
    if not path.exists():
        return
    for folder in (path, *(one for one in path.rglob("*") if one.is_dir() and not one.is_symlink())):
        # The mode of the supplier's folder can't be changed by us, and need not where an access list lets us in.
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            folder.chmod(0o700)
    shutil.rmtree(path)
