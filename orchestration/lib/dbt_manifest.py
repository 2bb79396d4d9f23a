"""dbt's manifest, which Dagster reads the models from: parsed again only when the project changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from orchestration.lib.build import manifest_hash
from orchestration.lib.settings import Settings


class ParseFailed(RuntimeError):
    """dbt can't read the project; the message is dbt's own."""


def dbt_executable() -> str:
    """The dbt of this virtual environment, whether or not its folder is on PATH."""
    return str(Path(sys.executable).with_name("dbt"))


def manifest_folder(settings: Settings) -> Path:
    """Where the manifest of this installation lies. One per data folder: dbt's parse depends on the folder's name."""
    return settings.dbt / "project"


def ensure_manifest(settings: Settings) -> Path:
    """Return the manifest's path, after `dbt parse` where it is older than the project. Raises ParseFailed."""
    folder = manifest_folder(settings)
    manifest = folder / "manifest.json"
    stamp = folder / "parsed_project"
    wanted = manifest_hash(settings.project)
    if manifest.is_file() and stamp.is_file() and stamp.read_text("ascii") == wanted:
        return manifest
    folder.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    finished = subprocess.run(
        [
            dbt_executable(),
            "--quiet",
            "parse",
            *("--project-dir", str(settings.project), "--profiles-dir", str(settings.project)),
            *("--target", "warehouse", "--target-path", str(folder), "--log-path", str(settings.logs)),
        ],
        env={**os.environ, "JOBCENTER_DATA": str(settings.data)},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise ParseFailed(f"dbt can't parse the project:\n{finished.stdout}{finished.stderr}")
    stamp.write_text(wanted, "ascii")
    return manifest
