"""`make docs`: dbt's documentation of every model and column as one page, which needs no network.

Types stand in it where the warehouse is built and nobody writes to it meanwhile; else the page is made without them,
and says so. Exit status 0, or 1 when dbt could not make it.
"""

from __future__ import annotations

import os
import subprocess
import sys

from orchestration.commands import end
from orchestration.lib.dbt_manifest import dbt_executable
from orchestration.lib.reading_places import open_warehouse
from orchestration.lib.settings import Settings, SettingsError
from orchestration.lib.warehouse import WarehouseBroken, WarehouseLocked, WarehouseUnavailable

_PAGE = "static_index.html"


def main() -> int:
    """Make the page and say where it stands; see the module for the exit status."""
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        print(f"docs: {error}", file=sys.stderr)
        return 1
    folder = settings.dbt / "docs"
    finished = subprocess.run(
        [
            dbt_executable(), "--quiet", "docs", "generate", "--static", *_types(settings),
            *("--project-dir", str(settings.project), "--profiles-dir", str(settings.project)),
            *("--target-path", str(folder), "--log-path", str(settings.data / "logs")),
        ],
        env={**os.environ, "JOBCENTER_DATA": str(settings.data)},
        check=False,
    )  # fmt: skip
    if finished.returncode != 0:
        return 1
    print(folder / _PAGE)
    return 0


def _types(settings: Settings) -> list[str]:
    """What dbt is asked for: the catalog of the warehouse, or none."""
    try:
        with open_warehouse(settings) as warehouse:
            if warehouse.rows("select 1 from duckdb_tables() where schema_name = 'marts' limit 1"):
                return ["--target", "reading"]
        reason = "The warehouse is not built yet: run `make pipeline` first."
    except (WarehouseBroken, WarehouseLocked, WarehouseUnavailable) as error:
        reason = str(error)
    print(f"docs: without the columns' types. {reason}", file=sys.stderr)
    return ["--empty-catalog", "--target", "memory"]


if __name__ == "__main__":
    end(main, __doc__)
