"""dbt's manifest, which Dagster reads the models from: parsed again only when the project or dbt changed."""

from __future__ import annotations

import importlib.metadata
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from orchestration.lib.build import manifest_hash
from orchestration.lib.settings import Settings

_MANIFEST = "manifest.json"
PARTIAL_PARSE = "partial_parse.msgpack"
_STAMP = "parsed_project"
# All of dbt in the lock file: the manifest holds the macros of the adapters too, and it is from there that they run.
DBT_PACKAGES = (
    "dbt-adapters",
    "dbt-common",
    "dbt-core",
    "dbt-duckdb",
    "dbt-extractor",
    "dbt-protos",
    "dbt-semantic-interfaces",
)

# The environment variable that names a PARTIAL_PARSE file to `dbt_parsed`.
PARSED = "JOBCENTER_PARSED"


class ParseFailed(RuntimeError):
    """dbt can't read the project; the message is dbt's own."""


def dbt_executable() -> str:
    """The dbt of this virtual environment, whether or not its folder is on PATH."""
    return str(Path(sys.executable).with_name("dbt"))


def dbt_command() -> list[str]:
    """What the pipeline starts in dbt's place, in the project's folder: dbt, parsed and perhaps started already."""
    return [sys.executable, "-m", "orchestration.lib.dbt_waiting"]


def guarded_dbt(settings: Settings) -> str:
    """A dbt that dies with the process that started it, so that a killed pipeline leaves no writer behind.

    The kernel does it (`setpriv --pdeathsig`, part of Debian's util-linux); where that is missing nothing does.
    """
    setpriv = shutil.which("setpriv")
    guard = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
    script = settings.dbt / "dbt"
    wanted = f'#!/bin/sh\nexec {shlex.join([*guard, *dbt_command()])} "$@"\n'
    if not script.is_file() or script.read_text("utf-8") != wanted:
        settings.dbt.mkdir(parents=True, exist_ok=True)
        beside = script.with_suffix(f".{os.getpid()}")
        beside.write_text(wanted, "utf-8")
        beside.chmod(0o700)
        beside.replace(script)
    return str(script)


def set_up_folder(project: Path) -> Path:
    """Where `make setup` leaves the parsed project, for all data folders."""
    return project / "target" / "parsed"


def parse_at_set_up(project: Path) -> None:
    """Parse the project where its last parse is older than itself. Raises ParseFailed."""
    folder = set_up_folder(project)
    if not _is_current(folder, wanted := _wanted(project)):
        # No data folder is known yet, and none is needed: a parse opens no database.
        _parse(project, folder, wanted, data=folder, logs=folder)


def ensure_manifest(settings: Settings) -> Path:
    """Return the manifest's path: that of the set-up, or of this data folder, parsed anew where both are older.

    Beside it lies `partial_parse.msgpack`, from which dbt can run. Raises ParseFailed.
    """
    wanted = _wanted(settings.project)
    shared, own = set_up_folder(settings.project), settings.dbt / "project"
    if _is_current(shared, wanted):
        return shared / _MANIFEST
    if not _is_current(own, wanted):
        _parse(settings.project, own, wanted, data=settings.data, logs=settings.logs)
    return own / _MANIFEST


def _wanted(project: Path) -> str:
    versions = (f"{package} {importlib.metadata.version(package)}" for package in DBT_PACKAGES)
    return "\n".join([manifest_hash(project), *versions])


def _is_current(folder: Path, wanted: str) -> bool:
    stamp = folder / _STAMP
    return all((folder / name).is_file() for name in (_MANIFEST, PARTIAL_PARSE, _STAMP)) and (
        stamp.read_text("ascii") == wanted
    )


def _parse(project: Path, folder: Path, wanted: str, *, data: Path, logs: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / _STAMP
    stamp.unlink(missing_ok=True)
    finished = subprocess.run(
        [
            dbt_executable(),
            "--quiet",
            "parse",
            *("--project-dir", str(project), "--profiles-dir", str(project)),
            *("--target", "warehouse", "--target-path", str(folder), "--log-path", str(logs)),
        ],
        env={**os.environ, "JOBCENTER_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise ParseFailed(f"dbt can't parse the project:\n{finished.stdout}{finished.stderr}")
    stamp.write_text(wanted, "ascii")
