"""One pipeline at a time in a data folder; a second one is told so, and by whom it is kept out.

`make pipeline` holds the lock for its whole run. Every step of a run that Dagster's daemon started takes it for as long
as it needs the warehouse or a release to stay where they are, from `load_deliveries` to `release/current`; between two
steps it is free.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.lib.settings import Settings

_held: set[Path] = set()


class PipelineRunning(RuntimeError):
    """Another pipeline works in the same data folder."""


@contextmanager
def pipeline_lock(settings: Settings) -> Iterator[None]:
    """Hold `$DATA/pipeline.lock` for the time of the block; the system lets go of it when the process dies.

    Inside a block of the same process it is held already, and nothing happens. Raises PipelineRunning.
    """
    path = settings.data / "pipeline.lock"
    if path in _held:
        yield
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            raise PipelineRunning(
                f"Another pipeline (process {holder}) works in {settings.data}. Wait for its end; nothing was done."
            ) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        _held.add(path)
        try:
            yield
        finally:
            _held.discard(path)
    finally:
        os.close(descriptor)
