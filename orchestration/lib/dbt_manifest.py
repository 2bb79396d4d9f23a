"""dbt's manifest, which Dagster reads the models from: parsed again only when the project changed."""

from __future__ import annotations

import os
import shlex
import shutil
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


def guarded_dbt(settings: Settings) -> str:
    """A dbt that dies with the process that started it, so that a killed pipeline leaves no writer behind.

    The kernel does it (`setpriv --pdeathsig`, part of Debian's util-linux); where that is missing it is plain dbt.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return dbt_executable()
    script = settings.dbt / "dbt"
    wanted = f'#!/bin/sh\nexec {setpriv} --pdeathsig KILL {shlex.quote(dbt_executable())} "$@"\n'
    if not script.is_file() or script.read_text("utf-8") != wanted:
        settings.dbt.mkdir(parents=True, exist_ok=True)
        beside = script.with_suffix(f".{os.getpid()}")
        beside.write_text(wanted, "utf-8")
        beside.chmod(0o700)
        beside.replace(script)
    return str(script)


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
