"""One line per step on standard output, so that long work shows that it goes on."""

from __future__ import annotations

import os
import time

_STARTED = time.monotonic()
# Dagster turns standard output into its log files while a step runs; these lines are for who waits at the terminal.
_TERMINAL = os.dup(1)


def say(text: str) -> None:
    """Print one line with the seconds since the program started."""
    os.write(_TERMINAL, f"[{time.monotonic() - _STARTED:6.1f} s] {text}\n".encode())
