"""One pipeline at a time in a data folder; a second one is told so, and by whom it is kept out.

`make pipeline` holds the lock for its whole run. Every step of a run that Dagster's daemon started takes it for as long
as it needs the warehouse or a release to stay where they are, from `load_deliveries` to `release/current`; between two
steps it is free. A command that runs the pipeline as a child process (retention, rekey, restore drill) keeps the lock
and hands it on: the child inherits the open file, and JOBCENTER_PIPELINE_LOCK tells it under which number. The variable
alone opens nothing: a process that has not inherited that very file can't use it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.lib.settings import Settings

HANDED_ON = "JOBCENTER_PIPELINE_LOCK"

_held: dict[Path, int] = {}


class PipelineRunning(RuntimeError):
    """Another pipeline works in the same data folder."""


@contextmanager
def pipeline_lock(settings: Settings) -> Iterator[None]:
    """Hold `$DATA/pipeline.lock` for the time of the block; the system lets go of it when the process dies.

    Inside a block of the same process, or in a child that it was handed on to, it is held already, and nothing
    happens. Raises PipelineRunning.
    """
    path = _path(settings)
    if path in _held or is_handed_on(settings):
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
        _held[path] = descriptor
        try:
            yield
        finally:
            del _held[path]
    finally:
        os.close(descriptor)


def for_child(settings: Settings) -> tuple[dict[str, str], tuple[int, ...]]:
    """What a child process needs to work under the lock held here: variables, and the file to pass on. Else nothing.

    The child keeps the lock when this process is killed: nobody comes in while it still works.
    """
    descriptor = _held.get(_path(settings))
    return ({}, ()) if descriptor is None else ({HANDED_ON: str(descriptor)}, (descriptor,))


def is_handed_on(settings: Settings) -> bool:
    """Whether the process that started this one holds the lock and has handed it on."""
    number = os.environ.get(HANDED_ON, "")
    if not number.isascii() or not number.isdigit():
        return False
    try:
        is_lock = os.path.samestat(os.fstat(int(number)), _path(settings).stat())
        if is_lock:
            # Granted through the inherited file alone: the same file opened anew is refused while somebody holds it.
            fcntl.flock(int(number), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (OSError, OverflowError):
        return False
    return is_lock


def _path(settings: Settings) -> Path:
    return settings.data / "pipeline.lock"
