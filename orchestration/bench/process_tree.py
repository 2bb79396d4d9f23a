"""A program and all that it starts, looked at a few times a second: CPU, memory, bytes read and written over time."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil  # type: ignore[import-untyped]

SECONDS_BETWEEN_LOOKS = 0.2
# What processes share takes the system some 20 ms a gigabyte to tell, and changes seldom.
LOOKS_BETWEEN_SHARES = 10


class ProgramFailed(RuntimeError):
    """A program of the benchmark ended with an error; the message holds its last lines."""


@dataclass(frozen=True)
class Look:
    """The tree at one moment. All but `memory` are totals since its start, ended processes included.

    Seconds since 1970, CPU seconds, bytes of memory now (what several processes share counts once), bytes that were
    asked for and written by system calls (from the page cache or not), bytes that really came from and went to the
    disk; and the CPU seconds of the processes that are told apart, by the module that they run.
    """

    at: float
    cpu: float
    memory: float
    read: float
    written: float
    disk_read: float
    disk_written: float
    cpu_of: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Share:
    """What was spent between two moments; `cpu_of` is the part of the processes that are told apart."""

    wall: float = 0.0
    cpu: float = 0.0
    peak_memory: float = 0.0
    read: float = 0.0
    written: float = 0.0
    cpu_of: Mapping[str, float] = field(default_factory=dict)


class Trace:
    """All looks at one tree, in order of time."""

    def __init__(self, looks: Sequence[Look]) -> None:
        if len(looks) < 2:
            raise ValueError("a trace needs a first and a last look")
        self._at = np.array([look.at for look in looks])
        self._memory = np.array([look.memory for look in looks])
        # What an ended process has spent is for a moment neither its own nor its parent's: totals never fall.
        self._totals = {
            name: np.maximum.accumulate(np.array([getattr(look, name) for look in looks]))
            for name in ("cpu", "read", "written", "disk_read", "disk_written")
        }
        self._apart = {
            module: np.maximum.accumulate(np.array([look.cpu_of.get(module, 0.0) for look in looks]))
            for module in sorted({module for look in looks for module in look.cpu_of})
        }

    @property
    def began(self) -> float:
        """When the program started, in seconds since 1970."""
        return float(self._at[0])

    @property
    def ended(self) -> float:
        """When it had ended."""
        return float(self._at[-1])

    @property
    def peak_memory(self) -> float:
        """Most bytes that all processes held together."""
        return float(self._memory.max())

    def total(self, name: str) -> float:
        """The last value of `cpu`, `read`, `written`, `disk_read` or `disk_written`."""
        return float(self._totals[name][-1])

    def between(self, start: float, end: float) -> Share:
        """What was spent from `start` to `end`; between two looks it is taken as spent evenly."""
        inside = self._memory[(self._at >= start) & (self._at <= end)]
        around = np.interp([start, end], self._at, self._memory)
        return Share(
            wall=max(0.0, end - start),
            cpu=self._rise(self._totals["cpu"], start, end),
            peak_memory=float(np.concatenate([inside, around]).max()),
            read=self._rise(self._totals["read"], start, end),
            written=self._rise(self._totals["written"], start, end),
            cpu_of={module: self._rise(totals, start, end) for module, totals in self._apart.items()},
        )

    def _rise(self, totals: npt.NDArray[np.float64], start: float, end: float) -> float:
        values: npt.NDArray[np.float64] = np.interp([start, end], self._at, totals)
        return float(max(0.0, values[1] - values[0]))


def look(process: psutil.Process, apart: Sequence[str] = (), shared: dict[int, float] | None = None) -> Look | None:
    """One look at the process and its descendants; None when the process itself is gone.

    apart: modules of Python (`-m`) whose processes' CPU is also told by itself. shared: bytes that each process (by
    number) holds but others count; filled in for processes that are not in it.
    """
    shared = {} if shared is None else shared
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return None
    cpu = memory = read = written = disk_read = disk_written = 0.0
    cpu_of = dict.fromkeys(apart, 0.0)
    for member in family:
        try:
            times = member.cpu_times()
            spent = times.user + times.system + times.children_user + times.children_system
            cpu += spent
            for module in cpu_of.keys() & _command(member):
                cpu_of[module] += spent
            held = member.memory_info().rss
            if member.pid not in shared and held:
                shared[member.pid] = held - member.memory_full_info().pss
            memory += max(0.0, held - shared.get(member.pid, 0.0))
            bytes_ = member.io_counters()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # it ended this very moment; what it spent is soon its parent's
        # The kernel adds an ended child's bytes to its parent's.
        read += bytes_.read_chars
        written += bytes_.write_chars
        disk_read += bytes_.read_bytes
        disk_written += bytes_.write_bytes
    return Look(time.time(), cpu, memory, read, written, disk_read, disk_written, cpu_of)


def _command(process: psutil.Process) -> set[str]:
    """The words of its command line; none when it has ended and waits to be asked how."""
    try:
        return set(process.cmdline())
    except psutil.ZombieProcess:
        return set()


def cpu_so_far(pid: int) -> float:
    """CPU seconds of a running process with all that it has started; 0 when it is gone."""
    found = look(psutil.Process(pid))
    return found.cpu if found is not None else 0.0


def memory_of_machine() -> int:
    """Bytes of memory that this machine has."""
    return int(psutil.virtual_memory().total)


class Watch:
    """Looks at a running process in a thread of its own until told to stop."""

    def __init__(self, pid: int, apart: Sequence[str] = ()) -> None:
        self._process, self._apart = psutil.Process(pid), apart
        self.looks: list[Look] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        shared: dict[int, float] = {}
        for number in itertools.count():
            if number % LOOKS_BETWEEN_SHARES == 0:
                shared.clear()
            found = look(self._process, self._apart, shared)
            if found is not None:
                self.looks.append(found)
            if self._stop.wait(SECONDS_BETWEEN_LOOKS):
                return


@dataclass(frozen=True)
class Finished:
    """A program that ended well: what it printed, and what it took."""

    output: str
    trace: Trace


def run_watched(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], apart: Sequence[str] = ()
) -> Finished:
    """Run a program to its end while watching it. Raises ProgramFailed when its exit status is not 0."""
    with tempfile.TemporaryFile() as output:
        began = time.time()
        program = subprocess.Popen(
            command, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        watch = Watch(program.pid, apart)
        watch.start()
        # Waits without taking the process away, so that the last look still finds it.
        os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)
        watch.stop()
        _, status, usage = os.wait4(program.pid, 0)
        program.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    if program.returncode != 0:
        lines = "\n".join(text.splitlines()[-40:])
        raise ProgramFailed(f"{' '.join(command)} ended with status {program.returncode}:\n{lines}")
    first = Look(began, 0, 0, 0, 0, 0, 0)
    last = watch.looks[-1] if watch.looks else first
    final = Look(
        time.time(), max(last.cpu, usage.ru_utime + usage.ru_stime), 0.0, last.read, last.written,
        last.disk_read, last.disk_written, last.cpu_of,
    )  # fmt: skip
    return Finished(text, Trace([first, *watch.looks, final]))


def run_python(
    module: str,
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    apart: Sequence[str] = (),
) -> Finished:
    """Run a module of this project with this interpreter, watched."""
    command = [sys.executable, "-m", module, *arguments]
    return run_watched(command, folder=folder, environment=environment, apart=apart)
