"""One line per step on standard output, so that long work shows that it goes on."""

from __future__ import annotations

import sys
import time

_STARTED = time.monotonic()


def say(text: str) -> None:
    """Print one line with the seconds since the program started."""
    print(f"[{time.monotonic() - _STARTED:6.1f} s] {text}", file=sys.stdout, flush=True)
