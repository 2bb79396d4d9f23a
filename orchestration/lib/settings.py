"""Where the project reads and writes: the variables and folder names of the pipeline.

All else takes a `Settings` object, so that a test, a rebuild or a sample run works in its own place. What only some
commands need is read where it is used: alerts, keeping and the official sources each name their variables.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]

# What DuckDB takes; it also takes a minus and `none` for no limit at all.
_AMOUNT_OF_MEMORY = re.compile(r"(?=.*[1-9])\d+(\.\d+)? ?[KMGT]i?B", re.IGNORECASE)

PRIVATE_DIRECTORY_MODE = 0o700
PRIVATE_FILE_MODE = 0o600


class SettingsError(RuntimeError):
    """A setting that can't be used; the message says which variable and what it must look like."""


@dataclass(frozen=True)
class Settings:
    """The places of one installation.

    `landing` holds the deliveries (read only for us), `data` everything that we write. `key_text` is a secret and is
    kept out of `repr`, so that it can't reach a log by accident.
    """

    landing: Path
    data: Path
    project: Path = PROJECT_ROOT
    key_file: Path | None = None
    key_text: str | None = field(default=None, repr=False)
    memory_limit: str = "2GB"
    threads: int | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, project: Path = PROJECT_ROOT) -> Settings:
        """Read JOBCENTER_LANDING, _DATA, _KEY_FILE, _KEY, _MEMORY_LIMIT (of DuckDB) and _THREADS.

        An empty variable counts as not set. Raises SettingsError when JOBCENTER_THREADS is no positive whole number,
        or JOBCENTER_MEMORY_LIMIT no amount that DuckDB takes.
        """
        values = os.environ if environment is None else environment

        def folder(name: str, default: Path) -> Path:
            text = values.get(name) or ""
            return Path(text).expanduser().absolute() if text else default

        threads_text = values.get("JOBCENTER_THREADS") or ""
        if threads_text and (not threads_text.isascii() or not threads_text.isdigit() or int(threads_text) < 1):
            raise SettingsError("JOBCENTER_THREADS must be a whole number of at least 1, or not set.")
        memory_limit = (values.get("JOBCENTER_MEMORY_LIMIT") or "2GB").strip()
        if not _AMOUNT_OF_MEMORY.fullmatch(memory_limit):
            raise SettingsError("JOBCENTER_MEMORY_LIMIT must be a number above 0 with its unit, such as 2GB or 512MiB.")
        key_file_text = values.get("JOBCENTER_KEY_FILE") or ""
        return cls(
            landing=folder("JOBCENTER_LANDING", project / "landing"),
            data=folder("JOBCENTER_DATA", project / "data"),
            project=project,
            key_file=Path(key_file_text).expanduser().absolute() if key_file_text else None,
            key_text=values.get("JOBCENTER_KEY") or None,
            memory_limit=memory_limit,
            threads=int(threads_text) if threads_text else None,
        )

    @property
    def warehouse(self) -> Path:
        """The restricted database; disposable, since it can be rebuilt from the landing zone and the ledger."""
        return self.data / "warehouse.duckdb"

    @property
    def ledger(self) -> Path:
        """One JSON line per decision about a delivery; outside the warehouse so that decisions outlive it."""
        return self.data / "deliveries.jsonl"

    @property
    def releases(self) -> Path:
        """One folder per release and the link `current`."""
        return self.data / "releases"

    @property
    def candidates(self) -> Path:
        """Releases that have not passed their checks; beside `releases`, where a reader may look at whatever stands."""
        return self.data / "candidates"

    @property
    def dagster_home(self) -> Path:
        """DAGSTER_HOME: runs, events and schedules."""
        return self.data / "dagster"

    @property
    def dbt(self) -> Path:
        """dbt's target folder and logs."""
        return self.data / "dbt"

    @property
    def data_docs(self) -> Path:
        """Great Expectations' pages."""
        return self.data / "data_docs"

    @property
    def logs(self) -> Path:
        """Logs of our own commands."""
        return self.data / "logs"

    @property
    def protected_months(self) -> Path:
        """What each release hid, month by month, so that the next one need not work through unchanged months again."""
        return self.data / "protected_months"

    @property
    def tmp(self) -> Path:
        """DuckDB's spill files. Only pseudonymous rows may ever be spilled: see reading.py."""
        return self.data / "tmp"

    @property
    def keys(self) -> Path:
        """The generated key of sample runs; a real key is kept elsewhere."""
        return self.data / "keys"

    def prepare(self) -> Settings:
        """Make the folders under `data`, closed to other users, and let later files of this process be closed too.

        Raises SettingsError when `data` can't be made or written, with the system's reason.
        """
        # Files that DuckDB, dbt and Dagster make themselves (write-ahead log, logs) take their mode from the umask.
        os.umask(0o077)
        folders = (
            self.data,
            self.releases,
            self.candidates,
            self.dagster_home,
            self.dbt,
            self.data_docs,
            self.logs,
            self.tmp,
            self.keys,
        )
        for path in folders:
            try:
                path.mkdir(mode=PRIVATE_DIRECTORY_MODE, parents=True, exist_ok=True)
                # Releases are opened for readers by the release step; all else stays closed.
                if path != self.releases:
                    path.chmod(PRIVATE_DIRECTORY_MODE)
            except OSError as error:
                raise SettingsError(
                    f"JOBCENTER_DATA: the folder {path} can't be made or closed to others ({error.strerror})."
                ) from error
        return self
