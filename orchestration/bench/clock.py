"""Seconds of wall and CPU that a piece of work took, and the most memory that a process has held."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Spent:
    """Seconds of wall and of CPU, this process with its ended children."""

    wall: float = 0.0
    cpu: float = 0.0


def peak_memory() -> int:
    """Bytes that this process has held at most.

    From /proc, since the usual counter (ru_maxrss) starts with what the parent held when it started the process.
    """
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no line VmHWM")


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@contextmanager
def measured() -> Iterator[Spent]:
    """Measure the block; the yielded object is filled when it ends."""
    spent = Spent()
    wall, cpu = time.perf_counter(), _cpu()
    try:
        yield spent
    finally:
        spent.wall, spent.cpu = time.perf_counter() - wall, _cpu() - cpu
