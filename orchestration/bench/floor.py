"""The floor: one process that reads every cell of the same extracts and writes as many bytes as the warehouse has.

`python -m orchestration.bench.floor BYTES FILE` (landing zone as everywhere: JOBCENTER_LANDING) prints a JSON line.
No pipeline can be cheaper than this.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from pathlib import Path

import duckdb

from orchestration.bench.clock import measured, peak_memory
from orchestration.lib.settings import Settings
from orchestration.lib.sql_text import sql_file

_BLOCK = bytes(8 << 20)


def read_everything(settings: Settings) -> int:
    """Read every column of every file of the landing zone, one query for each kind of file; returns the rows."""
    files: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in sorted(settings.landing.glob("[0-9]*/delivery-*/*")):
        dataset, _, ending = path.name.partition(".")
        if ending in ("parquet", "csv", "csv.gz"):
            files[dataset, ending].append(path)
    rows = 0
    with duckdb.connect(":memory:", config={"memory_limit": settings.memory_limit}) as connection:
        if settings.threads is not None:
            connection.execute(f"set threads = {settings.threads}")
        for (_, ending), paths in files.items():
            reader = "read_parquet" if ending == "parquet" else "read_csv"
            listed = ", ".join(map(sql_file, paths))
            source = f"{reader}([{listed}]{'' if ending == 'parquet' else ', all_varchar = true'})"
            columns = [str(row[0]) for row in connection.execute(f"describe select * from {source}").fetchall()]
            # Counting a column decodes each of its cells and keeps none.
            counts = ", ".join(f'count("{column}")' for column in columns)
            found = connection.execute(f"select count(*), {counts} from {source}").fetchone()
            rows += int(found[0]) if found else 0
    return rows


def write_bytes(path: Path, size: int) -> None:
    """Write so many bytes to a new file and wait until they are on the disk."""
    left = size
    with path.open("wb") as file:
        while left > 0:
            left -= file.write(_BLOCK[: min(left, len(_BLOCK))])
        file.flush()
        os.fsync(file.fileno())


def main() -> None:
    """See the module."""
    settings = Settings.from_environment()
    size, path = int(sys.argv[1]), Path(sys.argv[2])
    with measured() as reading:
        rows = read_everything(settings)
    with measured() as writing:
        write_bytes(path, size)
    path.unlink()
    print(
        json.dumps(
            {
                "rows": rows,
                "bytes": size,
                "reading": vars(reading),
                "writing": vars(writing),
                "peak_memory": peak_memory(),
            }
        )
    )


if __name__ == "__main__":
    main()
