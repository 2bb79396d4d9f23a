"""One line per step on standard output, so that long work shows that it goes on."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestration.lib.settings import PRIVATE_FILE_MODE

_STARTED = time.monotonic()
# Dagster turns standard output into its log files while a step runs; these lines are for who waits at the terminal.
_TERMINAL = os.dup(1)


def say(text: str) -> None:
    """Print one line with the seconds since the program started; into the void when nobody reads any more."""
    _write(f"[{time.monotonic() - _STARTED:6.1f} s] {text}\n")


def say_below(text: str) -> None:
    """Print a line, or several, that belong to the one said before."""
    _write(f"{textwrap.indent(text, '  ')}\n")


def _write(text: str) -> None:
    # A load goes on, whoever has lost interest in its lines.
    with suppress(BrokenPipeError):
        os.write(_TERMINAL, text.encode())


def counted(number: int, one: str, several: str) -> str:
    """The number with the word that goes with it: `1 delivery`, `2 deliveries`."""
    return f"{number:,} {one if number == 1 else several}"


@contextmanager
def output_to(file: Path) -> Iterator[None]:
    """What is printed inside, by child processes too, goes to the file, made anew for its owner alone; `say` does not.

    Standard error goes there as well. dbt prints two lines for each of its hundreds of nodes, and Dagster a page of
    code for an error: nobody at the terminal could find the steps among them.
    """
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    # Both outputs end where the file ends, wherever the other one has got to.
    target = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, PRIVATE_FILE_MODE)
    try:
        os.dup2(target, 1)
        os.dup2(target, 2)
        yield
    finally:
        # On a full disk the last lines are lost, and the terminal must be given back all the same.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        for number, terminal in enumerate(kept, start=1):
            os.dup2(terminal, number)
            os.close(terminal)
        os.close(target)
