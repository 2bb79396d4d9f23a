"""The copy of the project that a release carries, so that it can be rebuilt years later as it was."""

from __future__ import annotations

import tarfile
from pathlib import Path

COPIED = (
    "contracts",
    "macros",
    "models",
    "orchestration",
    "seeds",
    "tests/data",
    "Makefile",
    "dbt_project.yml",
    "profiles.yml",
    "pyproject.toml",
    "requirements.in",
    "requirements.txt",
)
_LEFT_OUT = {"__pycache__", ".pytest_cache", "node_modules"}


def write_project_copy(project: Path, target: Path) -> None:
    """Write a tar file of what a rebuild needs; equal files give an equal archive (no times, owners or modes)."""

    def neutral(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = 0, 0, 0, "", ""
        entry.mode = 0o644
        return entry

    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for name in COPIED:
            source = project / name
            paths = [source] if source.is_file() else sorted(p for p in source.rglob("*") if p.is_file())
            for path in paths:
                relative = path.relative_to(project)
                if not _LEFT_OUT & set(relative.parts):
                    archive.add(path, arcname=relative.as_posix(), recursive=False, filter=neutral)
